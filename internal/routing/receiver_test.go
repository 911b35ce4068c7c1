package routing_test

import (
	"fmt"
	"slices"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// What the core says beforehand about who will get a payload is held against what it does in all transcripts and random
// programs.

// foretold is what the core said before a step.
type foretold struct {
	to      []*routing.Session
	payload *wamp.Payload
}

func (w *world) foretell(from *routing.Session, m wamp.Message, g routing.Grant) (f foretold) {
	switch m := m.(type) {
	case *wamp.Publish:
		f.payload = &m.Payload
		w.broker.Receivers(from, m, g, func(s *routing.Session) bool {
			f.to = append(f.to, s)
			return true
		})
	case *wamp.Subscribe:
		f.to, f.payload = []*routing.Session{from}, w.broker.Replayed(from, m, g)
	default:
		var to *routing.Session
		to, f.payload = w.dealer.Receiver(from, m, g)
		f.to = []*routing.Session{to}
	}
	return f
}

// check returns an error if the message's payload, or that of a call which another callee gets because of it, went to
// somebody else than was foretold. If calls that wait go only into vacancies, the step has no other payloads.
func (f *foretold) check(m wamp.Message, sends []routing.Send, vacancies bool) error {
	own := wamp.PayloadOf(m)
	for _, send := range sends {
		p := wamp.PayloadOf(send.Msg)
		if p == nil || len(p.Raw)+len(p.Args) == 0 || !same(p, own) && !isOlder(m, send.Msg, vacancies) {
			continue
		}
		if !slices.Contains(f.to, send.To) || !same(p, f.payload) {
			return fmt.Errorf("the payload of %s for session %d was not foretold", send.Msg.Type(), send.To.ID)
		}
	}
	return nil
}

// isOlder reports whether the message has a payload that is older than the one which caused it.
func isOlder(cause, m wamp.Message, vacancies bool) bool {
	switch m := m.(type) {
	case *wamp.Invocation:
		_, invoked := cause.(*wamp.Call)
		return vacancies && !invoked
	case *wamp.Event:
		subscribe, ok := cause.(*wamp.Subscribe)
		return ok && subscribe.Options.Match == wamp.MatchExact && m.Details.Retained
	default:
		return false
	}
}

// same reports whether two payloads are in the same memory.
func same(a, b *wamp.Payload) bool {
	switch {
	case a == nil || b == nil:
		return false
	case len(a.Raw) > 0 && len(b.Raw) > 0:
		return &a.Raw[0] == &b.Raw[0]
	default:
		return len(a.Args) > 0 && len(b.Args) > 0 && &a.Args[0] == &b.Args[0]
	}
}
