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
func (p *peer) prod(now time.Time) {
	if p.pinged.Load() {
		silence := time.Duration(now.UnixNano() - p.heard.Load())
		if silence >= p.router.config.PingInterval+p.router.config.PingTimeout {
			p.log(slog.LevelInfo, "connection dropped", "err", errSilent)
			p.queue.Abandon(errSilent)
		}
		return
	}
	p.pinged.Store(p.queue.Ping())
}
