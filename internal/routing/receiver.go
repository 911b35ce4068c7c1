package routing

import (
	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// This file answers who would get a message's payload before its step is taken, so that the shell can do beforehand, and
// without a lock, what takes long with a large payload.

// Receiver returns what payload the step of a CALL, YIELD or ERROR would send if it were the next step, and to which
// session; or nil if none would go anywhere at once. It is the message's own, or that of a call which another callee gets
// now. It may be read even if it is not sent any more. What may become of calls that wait is left out: see Vacancy. Nothing
// changes that a step could notice.
func (d *Dealer) Receiver(from *Session, m wamp.Message, g Grant) (*Session, *wamp.Payload) {
	switch m := m.(type) {
	case *wamp.Call:
		if to := d.calleeForCall(from, m, g); to != nil {
			return to.session, &m.Payload
		}
	case *wamp.Yield:
		if c, pending := d.calls.get(&from.dealer.invocations, m.Request); pending {
			return c.caller, &m.Payload
		}
	case *wamp.Error:
		return d.receiverOfError(from, m)
	}
	return nil, nil
}

func (d *Dealer) receiverOfError(from *Session, m *wamp.Error) (*Session, *wamp.Payload) {
	c, pending := d.calls.get(&from.dealer.invocations, m.Request)
	switch {
	case !pending:
		return nil, nil
	case !d.asksForAnother(c, m):
		return c.caller, &m.Payload
	}
	if to := d.another(c); to != nil {
		return to.session, &c.kept.parts[0].Payload
	}
	return nil, nil
}

// calleeForCall returns the callee that a CALL would go to: that of the call whose part it is, or the one that a new call would
// be given to.
func (d *Dealer) calleeForCall(from *Session, m *wamp.Call, g Grant) *callee {
	if c, pending := d.calls.get(&from.dealer.calls, m.Request); pending {
		return c.callee
	}
	r, _, found := d.procedures.Best(m.Procedure)
	if !found || g.refusal().refuses() {
		return nil
	}
	to := d.candidate(r, &m.Options)
	if to == nil || to.busy() {
		return nil
	}
	return to
}

// draw is the next random number, which may be looked at before it is used.
type draw struct {
	random func() uint64
	next   uint64
	drawn  bool
}

// bits returns the number, the same until it is used.
func (w *draw) bits() uint64 {
	if !w.drawn {
		w.next, w.drawn = w.random(), true
	}
	return w.next
}

func (w *draw) used() { w.drawn = false }

// Receivers calls visit with the sessions that the step of a PUBLISH would send its events to if it were the next step,
// some of them more than once, until visit returns false. Where subscriptions are sharded there are a few more. It changes
// nothing that a step could notice.
func (b *Broker) Receivers(from *Session, m *wamp.Publish, g Grant, visit func(*Session) bool) {
	if b.checkPublish(m, g).refuses() {
		return
	}
	a := newAudience(from, &m.Options)
	b.matches = b.topics.All(b.matches[:0], m.Topic)
	defer clear(b.matches)
	for _, sub := range b.matches {
		for _, s := range sub.subscribers {
			if a.admits(s) && !visit(s) {
				return
			}
		}
	}
}

// Replayed returns the payload of the retained event with which the step of a SUBSCRIBE to a topic would begin if it were
// the next step, or nil. It may be read even if it is not sent any more. Patterns are left out: what they begin with would
// have to be looked for twice.
func (b *Broker) Replayed(from *Session, m *wamp.Subscribe, g Grant) *wamp.Payload {
	if !m.Options.GetRetained || m.Options.Match != wamp.MatchExact || g.refusal().refuses() {
		return nil
	}
	sub, exists := b.topics.Get(pattern.Exact, m.Topic)
	if !exists {
		sub = &subscription{}
	}
	b.pickFrom(b.retention.topics[m.Topic], from, sub)
	picked := b.retention.picked
	if len(picked) == 0 {
		return nil
	}
	p := &picked[0].event.Payload
	clear(picked)
	b.retention.picked = picked[:0]
	return p
}
