package router

import (
	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// inOrder returns the messages up to one whose request ID is out of order, if the realm is strict about that (IDS-06). A
// CALL whose ID is not new is marked to be a further part of an earlier one.
func (s *session) inOrder(w *worker, messages []wamp.Message) (accepted []wamp.Message, violated bool) {
	w.repeated = w.repeated[:0]
	if !s.realm.strictRequestIDs {
		return messages, false
	}
	for i, m := range messages {
		order := s.requests.Accept(m)
		if order == routing.OutOfOrder {
			return messages[:i], true
		}
		w.repeated = append(w.repeated, order == routing.Repeated)
	}
	return messages, false
}

// step runs the messages of one lane through the core and carries out what it decides. If one of them breaks the
// protocol, what follows it is not routed, and step returns what was wrong.
func (rl *realm) step(w *worker, s *session, lane lane, messages []wamp.Message) (violation string, violated bool) {
	if (lane == laneMeta || lane == laneHistory) && len(messages) > 0 && rl.claims(w, s, messages[0]) {
		lane = laneDealer
	}
	switch {
	case lane == laneHistory && len(messages) > 0:
		s.getEvents(w, messages[0].(*wamp.Call), w.grants[0]) //nolint:forcetypeassert // only a CALL is for there
		return "", false
	case lane != laneDealer:
		return rl.stepBrokerLane(w, s, messages)
	default:
		return rl.stepDealerLane(w, s, messages)
	}
}

// claims reports whether the dealer must judge a call that others would answer, for its request ID or its options.
func (rl *realm) claims(w *worker, s *session, m wamp.Message) bool {
	if len(w.repeated) > 0 && w.repeated[0] {
		return true
	}
	rl.dealerMu.Lock()
	defer rl.dealerMu.Unlock()
	return rl.dealer.Claims(w.now, &s.core, m.(*wamp.Call)) //nolint:forcetypeassert // only calls are for others
}

func (rl *realm) stepBrokerLane(w *worker, s *session, messages []wamp.Message) (violation string, violated bool) {
	for next := 0; next < len(messages) && !violated; {
		next, violation, violated = rl.brokerTurn(w, s, messages, next)
		w.prepare()
	}
	rl.settleAll(w)
	return violation, violated
}

func (rl *realm) stepDealerLane(w *worker, s *session, messages []wamp.Message) (violation string, violated bool) {
	for next := 0; next < len(messages) && !violated; {
		next, violation, violated = rl.dealerTurn(w, s, messages, next)
		w.prepare()
	}
	rl.settleAll(w)
	return violation, violated
}

// dealerTurn runs messages from the first on through the dealer, and returns which is next.
func (rl *realm) dealerTurn(w *worker, s *session, messages []wamp.Message, first int) (next int, violation string, violated bool) {
	rl.dealerMu.Lock()
	if first == 0 {
		rl.dealer.Foresee(messages)
	}
	for next = first; next < len(messages) && !violated && !w.turnIsOver(); next++ {
		m := messages[next]
		if rl.dealerMustWait(w, s, m, w.grants[next]) {
			break
		}
		if next < len(w.repeated) && w.repeated[next] {
			rl.dealer.Continue(w.now, &s.core, m.(*wamp.Call), &w.out) //nolint:forcetypeassert // only a CALL is repeated
		} else {
			rl.stepDealer(w, &s.core, m, w.grants[next])
		}
		violation, violated = violationIn(&w.out)
	}
	rl.carryOut(w)
	return next, violation, violated
}

// sendsAtOnce is how much the broker may have to send before others get a turn: who registers, joins or leaves waits for it.
const sendsAtOnce = 1000

// brokerTurn runs messages from the first on through the broker, and returns which is next.
func (rl *realm) brokerTurn(w *worker, s *session, messages []wamp.Message, first int) (next int, violation string, violated bool) {
	rl.brokerMu.Lock()
	defer rl.brokerMu.Unlock()
	end := first + turn(messages[first:])
	if looksFar(messages[first]) {
		s.core.Room = s.roomForReplay()
	}
	for next = first; next < end && !violated && len(w.out.Sends) < sendsAtOnce && !w.turnIsOver(); next++ {
		if rl.brokerMustWait(w, s, messages[next], w.grants[next]) {
			break
		}
		rl.stepBroker(w, &s.core, messages[next], w.grants[next])
		violation, violated = violationIn(&w.out)
	}
	rl.deliverBroker(w, &w.out)
	return next, violation, violated
}

// turn returns how many of the messages the broker may take at once. One that looks far has a turn of its own.
func turn(messages []wamp.Message) int {
	n := 1
	for n < len(messages) && !looksFar(messages[0]) && !looksFar(messages[n]) {
		n++
	}
	return n
}

// looksFar reports whether the message has the broker look at everything that the realm retains.
func looksFar(m wamp.Message) bool {
	subscribe, ok := m.(*wamp.Subscribe)
	return ok && subscribe.Options.GetRetained && subscribe.Options.Match != wamp.MatchExact
}

// roomForReplay returns how many bytes of retained events the session's queue should be given: half of what it can still
// take, lest the session end for what it asked for. There is always some.
func (s *session) roomForReplay() int {
	q := s.peer.queue
	q.Lock()
	defer q.Unlock()
	limit := s.peer.router.config.QueueLimit
	return max(1, (limit-limit/4-q.PendingLocked())/2)
}

func (rl *realm) stepDealer(w *worker, from *routing.Session, m wamp.Message, g routing.Grant) {
	switch m := m.(type) {
	case *wamp.Call:
		rl.dealer.Call(w.now, from, m, g, &w.out)
	case *wamp.Yield:
		rl.dealer.Yield(w.now, from, m, &w.out)
	case *wamp.Error:
		rl.dealer.Error(w.now, from, m, &w.out)
	case *wamp.Cancel:
		rl.dealer.Cancel(w.now, from, m, &w.out)
	case *wamp.Register:
		rl.dealer.Register(w.now, from, m, g, &w.out)
	case *wamp.Unregister:
		rl.dealer.Unregister(w.now, from, m, &w.out)
	}
}

func (rl *realm) stepBroker(w *worker, from *routing.Session, m wamp.Message, g routing.Grant) {
	switch m := m.(type) {
	case *wamp.Publish:
		rl.broker.Publish(w.now, from, m, g, &w.out)
	case *wamp.Subscribe:
		rl.broker.Subscribe(w.now, from, m, g, &w.out)
	case *wamp.Unsubscribe:
		rl.broker.Unsubscribe(w.now, from, m, &w.out)
	case *wamp.Call:
		rl.broker.Call(w.now, from, m, g, &w.out)
	}
}

// violationIn returns the text of the ABORT with which the core ended the last step, if it did.
func violationIn(out *routing.Outbox) (text string, violated bool) {
	if !out.Violated() {
		return "", false
	}
	abort, _ := out.Sends[len(out.Sends)-1].Msg.(*wamp.Abort)
	return abort.Details.Message, true
}
