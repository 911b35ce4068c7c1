package router

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/tandemrouter/tandem/internal/handshake"
	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// handleRun takes the messages of a run in order. Messages for the same part of the core that follow one another go
// there together, under one taking of its lock.
func (p *peer) handleRun(w *worker) {
	for messages := w.run.Messages; len(messages) > 0 && p.state != done; {
		n := stretch(messages)
		if lane := laneOf(messages[0]); lane != laneSession {
			p.route(w, lane, messages[:n])
		} else {
			w.keepPromises() // before a GOODBYE ends it all
			p.handle(w, messages[0])
		}
		messages = messages[n:]
	}
	w.keepPromises()
}

// lane is the part of the router that a message is for.
type lane uint8

const (
	laneSession lane = iota // the session itself: opening, closing, and what nobody may send
	laneDealer
	laneBroker
	laneHistory // calls that the session answers from the history of events, one at a time
	laneMeta    // calls that the broker answers, one at a time: what one orders is done before the next message is routed
)

func laneOf(m wamp.Message) lane {
	switch m.Type() {
	case wamp.TypeCall:
		return laneOfCall(m.(*wamp.Call).Procedure) //nolint:forcetypeassert // that is its type
	case wamp.TypeYield, wamp.TypeCancel, wamp.TypeError, wamp.TypeRegister, wamp.TypeUnregister:
		return laneDealer
	case wamp.TypePublish, wamp.TypeSubscribe, wamp.TypeUnsubscribe:
		return laneBroker
	default:
		return laneSession
	}
}

func laneOfCall(procedure string) lane {
	switch {
	case procedure == procedureGetEvents:
		return laneHistory
	case routing.AnsweredByBroker(procedure):
		return laneMeta
	default:
		return laneDealer
	}
}

// stretch returns how many messages from the first on go to the same lane together.
func stretch(messages []wamp.Message) int {
	first := laneOf(messages[0])
	n := 1
	for (first == laneDealer || first == laneBroker) && n < len(messages) && laneOf(messages[n]) == first {
		n++
	}
	return n
}

// route gives the messages to the dealer or the broker of the session's realm.
func (p *peer) route(w *worker, lane lane, messages []wamp.Message) {
	s := p.current()
	switch {
	case p.state == established && s == nil:
		return // the router has said GOODBYE: nothing but the answer to that matters (SES-15)
	case p.state == left:
		p.closes(w) // SES-27
		return
	case p.state != established:
		p.refuse(w, &wamp.Abort{
			Reason:  string(wamp.ErrProtocolViolation),
			Details: wamp.AbortDetails{Message: fmt.Sprintf("%s before HELLO", messages[0].Type())}, // SES-02
		})
		return
	}
	messages, disorder := s.inOrder(w, messages)
	s.authorize(w, messages)
	text, violated := s.realm.step(w, s, lane, messages)
	w.kill()
	if !violated && disorder {
		text = "request ID out of order: each is one more than that of the request before"
	}
	if violated || disorder {
		p.violates(w, text, &wamp.ViolationError{Text: text})
	}
}

// current returns the session if it is established and nobody has ended it.
func (p *peer) current() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil || p.session.ended.Load() {
		return nil
	}
	return p.session
}

// handle takes a message that is for the session itself.
func (p *peer) handle(w *worker, m wamp.Message) {
	if p.state == left && m.Type() != wamp.TypeHello {
		p.closes(w) // SES-27
		return
	}
	switch m := m.(type) {
	case *wamp.Hello:
		p.hello(w, m)
	case *wamp.Goodbye:
		p.goodbye(w)
	case *wamp.Abort:
		p.log(slog.LevelDebug, "session aborted by the peer", "session", p.sessionID(), "reason", m.Reason)
		p.closes(w) // SES-11: never answered
	case *wamp.EventReceived: // ACK-01
	default:
		p.illegal(w, m)
	}
}

func (p *peer) illegal(w *worker, m wamp.Message) {
	if p.state == established && p.current() == nil {
		return // SES-15
	}
	text := fmt.Sprintf("%s is not for a router in this state", m.Type()) // PER-05
	p.violates(w, text, &wamp.ViolationError{Text: text})
}

// hello opens a session.
func (p *peer) hello(w *worker, m *wamp.Hello) {
	if p.state == established {
		p.illegal(w, m) // SES-22
		return
	}
	accepted, refusal := p.router.acceptor().Receive(m)
	if refusal != nil {
		p.refuse(w, refusal)
		return
	}
	p.establish(w, accepted)
}

// establish enrolls the session before WELCOME is sent, so that a shutdown finds it, and makes it known in the realm after
// that: nothing can reach it before its WELCOME (SES-21, SMA-17).
func (p *peer) establish(w *worker, a *handshake.Accepted) {
	s := newSession(p, p.router.realms[a.Realm], a)
	if !p.router.enroll(s) {
		p.refuse(w, refusedByShutdown())
		return
	}
	a.Welcome.Session = s.core.ID
	p.expectIn(0)
	if err := p.put(w, a.Welcome); err != nil {
		p.router.dismiss(s)
		p.unwelcome(w, err)
		return
	}
	p.conn.SetMaxReceive(p.router.config.MaxMessageSize)
	p.mu.Lock()
	p.session = s
	p.mu.Unlock()
	p.welcomed.Store(true) // behind the session: see shutDown
	p.state = established
	s.realm.addSession(w, s)
	p.log(slog.LevelDebug, "session opened", "realm", a.Realm, "session", s.core.ID, "authid", a.Identity.AuthID)
}

// unwelcome ends the opening of a session whose WELCOME could not be sent.
func (p *peer) unwelcome(w *worker, err error) {
	if !errors.Is(err, transport.ErrTooLarge) {
		p.queue.Abandon(err)
		return
	}
	p.refuse(w, &wamp.Abort{
		Reason:  string(wamp.ErrPayloadSizeExceeded), // RS-09
		Details: wamp.AbortDetails{Message: "WELCOME is larger than what the client accepts"},
	})
}

// goodbye answers the peer's GOODBYE, or takes it for the answer to the router's own (SES-14, SES-16).
func (p *peer) goodbye(w *worker) {
	if p.state != established {
		p.refuse(w, &wamp.Abort{
			Reason:  string(wamp.ErrProtocolViolation),
			Details: wamp.AbortDetails{Message: "GOODBYE without a session"},
		})
		return
	}
	if !p.leave(w) { // somebody ends the session, and the router's own GOODBYE may not have been sent yet
		p.queue.Close(&wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut}, nil)
		p.state = done
		return
	}
	p.queue.Lock()
	p.queue.KeepLocked() // the next session must not drop this one's events, and be told that it lost them
	p.queue.Unlock()
	p.send(w, &wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut})
	p.conn.SetMaxReceive(p.router.config.maxHelloMessage)
	p.expectIn(p.router.config.GoodbyeTimeout) // WS-14
	p.state = left
}

// refuse aborts the opening of a session.
func (p *peer) refuse(w *worker, reason *wamp.Abort) {
	p.log(slog.LevelInfo, "session refused", "reason", reason.Reason, "err", reason.Details.Message)
	p.leave(w)
	p.queue.Close(reason, nil)
	p.state = done
}

// closes ends the connection without a word.
func (p *peer) closes(w *worker) {
	p.leave(w)
	p.queue.Close(nil, nil)
	p.state = done
}

// send puts a message of the session itself into the peer's queue.
func (p *peer) send(w *worker, m wamp.Message) {
	if err := p.put(w, m); err != nil {
		p.queue.Abandon(err)
	}
}

func (p *peer) put(w *worker, m wamp.Message) error {
	p.queue.Lock()
	defer p.queue.Unlock()
	err := p.queue.AppendLocked(m)
	if err == nil && p.queue.TouchLocked() {
		w.touched = append(w.touched, p.queue)
	}
	return err
}
