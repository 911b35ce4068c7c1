package router

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// peer is one connection, with the sessions that live on it one after the other.
type peer struct {
	// immutable after newPeer

	router *Router
	conn   transport.Conn
	queue  *transport.Queue

	// owned by the reader

	state state

	mu sync.Mutex

	// guarded by mu

	session  *session    // nil before WELCOME and after the session's end
	deadline *time.Timer // ends the connection if the peer does not do in time what it must do next

	// atomic

	heard    atomic.Int64 // when the peer was last heard, in Unix nanoseconds
	pinged   atomic.Int64 // when a ping was sent since then, or could last not be answered yet; 0: none was
	welcomed atomic.Bool  // a session was opened, be it over or not
}

// state says what the reader makes of the next message.
type state uint8

const (
	opening     state = iota // HELLO must come
	established              // a session is open
	left                     // the peer has left; it may open another session (SES-23) or close
	done                     // nothing more is read
)

// longSilence is how long a peer says nothing before it counts as one that seldom speaks.
const longSilence = time.Second

// errDeadline closes connections whose peers are too slow.
var errDeadline = errors.New("router: the peer took too long")

func newPeer(r *Router, conn transport.Conn) *peer {
	p := &peer{
		router: r,
		conn:   conn,
		queue:  transport.NewQueue(conn, r.config.QueueLimit, &r.flushers),
	}
	p.heard.Store(time.Now().UnixNano())
	conn.SetMaxReceive(r.config.maxHelloMessage)
	p.expectIn(r.config.HelloTimeout)
	return p
}

// log writes a line about the peer. There is no logger for each connection: its attributes would take up more than
// anything else of the peer.
func (p *peer) log(level slog.Level, text string, args ...any) {
	log := p.router.config.Logger
	if log.Enabled(p.router.ctx, level) {
		info := p.conn.Info()
		log.With("transport", info.Transport, "remote", info.Remote).Log(p.router.ctx, level, text, args...)
	}
}

// serve reads from the connection until it ends. It returns before, and wants to go on, when there is a lull.
func (p *peer) serve() (goesOn bool) {
	for p.state != done {
		err := p.conn.Wait()
		if p.turn(err) && p.state != done {
			return true
		}
	}
	p.conn.Linger(p.router.config.GoodbyeTimeout)
	p.expectIn(0)
	return false
}

// turn handles what one wait brought: a run of messages, or the end of the connection. It reports whether the peer is
// likely to be silent now, because it was before, or has only opened its session.
func (p *peer) turn(err error) (lull bool) {
	w := takeWorker()
	defer w.release()
	if err == nil {
		before := p.state
		err = p.conn.Receive(&w.run)
		silence := w.now.UnixNano() - p.heard.Swap(w.now.UnixNano())
		p.pinged.Store(0)
		p.sendControl(w)
		p.handleRun(w)
		lull = silence >= int64(longSilence) || before != established && p.state == established
	}
	if err != nil && p.state != done {
		p.connectionEnds(w, err)
	}
	w.finish()
	return lull
}

// sendControl sends what the wire itself wants sent, such as pongs.
func (p *peer) sendControl(w *worker) {
	if len(w.run.Control) == 0 {
		return
	}
	p.queue.Lock()
	err := p.queue.AppendControlLocked(w.run.Control)
	if err == nil && p.queue.TouchLocked() {
		w.touched = append(w.touched, p.queue)
	}
	p.queue.Unlock()
	if errors.Is(err, transport.ErrQueueFull) {
		p.queue.Abandon(err) // it pings and does not read the pongs
	}
}

// connectionEnds is called when nothing more can be read, for whatever reason (WS-11).
func (p *peer) connectionEnds(w *worker, err error) {
	var violation *wamp.ViolationError
	var frame *transport.FrameError
	switch {
	case errors.As(err, &violation):
		p.violates(w, violation.Text, err)
	case errors.As(err, &frame):
		p.violates(w, frame.Text, err)
	default:
		if !errors.Is(err, io.EOF) {
			p.log(slog.LevelDebug, "connection lost", "err", err)
		}
		p.leave(w)
		p.queue.Close(nil, err)
		p.state = done
	}
}

// violates ends the connection of a peer that broke the protocol: with an ABORT if it was in a state to get one, and
// one line in the log (PER-01, PER-02).
func (p *peer) violates(w *worker, text string, cause error) {
	p.log(slog.LevelWarn, "protocol violation", "session", p.sessionID(), "err", text)
	p.leave(w)
	p.queue.Close(&wamp.Abort{
		Reason:  string(wamp.ErrProtocolViolation),
		Details: wamp.AbortDetails{Message: text},
	}, cause)
	p.state = done
}

// leave ends the peer's session, and returns false if it has none, or somebody else has ended it.
func (p *peer) leave(w *worker) bool {
	p.mu.Lock()
	s := p.session
	p.session = nil
	p.mu.Unlock()
	if s == nil || !s.leave(w, false) {
		return false
	}
	p.log(slog.LevelDebug, "session closed", "realm", s.realm.name, "session", s.core.ID)
	return true
}

func (p *peer) sessionID() wamp.ID {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil {
		return 0
	}
	return p.session.core.ID
}

// expectIn gives the peer so long for what it must do next. Zero lifts the deadline.
func (p *peer) expectIn(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deadline != nil {
		p.deadline.Stop()
		p.deadline = nil
	}
	if d > 0 {
		p.deadline = time.AfterFunc(d, func() { p.queue.Abandon(errDeadline) })
	}
}

// sayGoodbye sends GOODBYE behind all that waits in the queue, and gives the peer time to answer (SES-17). The session
// has left its realm before. It may run on any goroutine.
func (p *peer) sayGoodbye(last *wamp.Goodbye) {
	p.queue.Finish(last)
	p.expectIn(p.router.config.GoodbyeTimeout)
}

// shutDown ends the connection because the router stops (SES-25).
func (p *peer) shutDown() {
	w := takeWorker()
	defer w.release()
	welcomed := p.welcomed.Load() // before the session, lest one that is just being opened seem to be over
	p.mu.Lock()
	s := p.session
	p.mu.Unlock()
	if s != nil && s.leave(w, true) { // TES-07
		p.sayGoodbye(&wamp.Goodbye{
			Reason:  wamp.CloseSystemShutdown,
			Details: wamp.GoodbyeDetails{Message: "the router shuts down"},
		})
	} else {
		p.queue.Close(lastWord(welcomed), nil)
		p.expectIn(p.router.config.GoodbyeTimeout)
	}
	w.finish()
}

// lastWord is what a peer without a session is told when the router stops: its HELLO may be on its way.
func lastWord(welcomed bool) wamp.Message {
	if welcomed {
		return nil // it said GOODBYE
	}
	return refusedByShutdown()
}

func refusedByShutdown() *wamp.Abort {
	return &wamp.Abort{
		Reason:  wamp.CloseSystemShutdown,
		Details: wamp.AbortDetails{Message: "the router shuts down"},
	}
}
