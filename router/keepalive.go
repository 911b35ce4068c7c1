package router

import (
	"errors"
	"log/slog"
	"time"
)

// errSilent closes connections whose peers have stopped answering.
var errSilent = errors.New("router: no answer to a ping")

// keepAlive pings peers that have been silent, and drops those that do not answer (WS-07). One goroutine looks after
// all connections, because a timer for each would cost each of them.
func (r *Router) keepAlive() {
	tick := time.NewTicker(max(time.Millisecond, min(r.config.PingInterval, r.config.PingTimeout)/2))
	defer tick.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case now := <-tick.C:
			for _, p := range r.silent(now) {
				p.prod(now)
			}
		}
	}
}

// silent returns the peers that have not been heard for the ping interval.
func (r *Router) silent(now time.Time) []*peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	var silent []*peer
	for p := range r.peers {
		if now.UnixNano()-p.heard.Load() >= int64(r.config.PingInterval) {
			silent = append(silent, p)
		}
	}
	return silent
}

// prod pings the peer, or drops it if it has not answered the last ping in time. A peer whose wire has no pings is
// left alone (RS-13).
//
// The time does not run while something waits to be written: the ping may be behind it, on the way to a subscriber that
// reads slowly but does read. Whether such a peer still takes anything is for the connection's write timeout to say.
func (p *peer) prod(now time.Time) {
	pinged := p.pinged.Load()
	switch {
	case pinged == 0:
		p.ping(now.UnixNano())
	case p.queue.Backlogged():
		p.pinged.CompareAndSwap(pinged, now.UnixNano())
	case time.Duration(now.UnixNano()-pinged) >= p.router.config.PingTimeout:
		p.log(slog.LevelInfo, "connection dropped", "err", errSilent)
		p.queue.Abandon(errSilent)
	}
}

// ping notes the time before it pings, lest the note come after the answer.
func (p *peer) ping(now int64) {
	p.pinged.Store(now)
	if !p.queue.Ping() {
		p.pinged.CompareAndSwap(now, 0)
	}
}
