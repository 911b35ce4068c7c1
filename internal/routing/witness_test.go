package routing_test

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// witness sees what the peers of a realm see, and knows what they may rely on.
type witness struct {
	peers map[*routing.Session]*peerView
	open  int // calls without a final answer
}

var errGone = errors.New("a message to a session that has ended (SMA-13, ROU-33)")

// peerView is what one peer knows of itself.
type peerView struct {
	asked   map[wamp.ID]bool    // calls by request ID; true: no final answer yet
	offers  map[wamp.ID]uint64  // registrations, from REGISTERED to UNREGISTERED, with their concurrency
	wanted  map[wamp.ID]uint64  // REGISTER requests with their concurrency, UNREGISTER requests with their registrations
	working map[wamp.ID]wamp.ID // invocations that have to be answered, and their registrations
	invoked wamp.ID             // the last new INVOCATION.Request
	over    bool                // the session has ended
	reader  reader
}

func newWitness() witness { return witness{peers: map[*routing.Session]*peerView{}} }

func (w *witness) view(s *routing.Session) *peerView {
	if w.peers[s] == nil {
		w.peers[s] = &peerView{
			asked:   map[wamp.ID]bool{},
			offers:  map[wamp.ID]uint64{},
			wanted:  map[wamp.ID]uint64{},
			working: map[wamp.ID]wamp.ID{},
			reader:  newReader(),
		}
	}
	return w.peers[s]
}

// hears is told what a peer sends.
func (w *witness) hears(from *routing.Session, m wamp.Message) {
	v := w.view(from)
	switch m := m.(type) {
	case *wamp.Call:
		if _, known := v.asked[m.Request]; !known {
			v.asked[m.Request] = true
			w.open++
		}
	case *wamp.Subscribe:
		v.reader.asks(m)
	case *wamp.Unsubscribe:
		v.reader.ending[m.Request] = m.Subscription
	case *wamp.Register:
		v.wanted[m.Request] = m.Options.Concurrency
	case *wamp.Unregister:
		v.wanted[m.Request] = uint64(m.Registration)
	case *wamp.Yield:
		if !m.Options.Progress {
			delete(v.working, m.Request)
		}
	case *wamp.Error:
		delete(v.working, m.Request)
	}
}

// lost is told that a peer did not get an answer after all.
func (w *witness) lost(send routing.Send) {
	switch m := send.Msg.(type) {
	case *wamp.Result:
		if !m.Details.Progress {
			w.reopen(send.To, m.Request)
		}
	case *wamp.Error:
		w.reopen(send.To, m.Request)
	case *wamp.Invocation:
		delete(w.view(send.To).working, m.Request)
	}
}

func (w *witness) reopen(s *routing.Session, request wamp.ID) {
	w.view(s).asked[request] = true
	w.open++
}

func (w *witness) left(s *routing.Session) {
	v := w.view(s)
	v.over = true
	for _, open := range v.asked {
		if open {
			w.open--
		}
	}
	v.asked = nil
}

// sees is told what a peer gets, and returns what is wrong with it.
func (w *witness) sees(send routing.Send) error {
	v := w.view(send.To)
	if v.over {
		return errGone
	}
	switch m := send.Msg.(type) {
	case *wamp.Subscribed:
		v.reader.subscribed(m)
	case *wamp.Unsubscribed:
		v.reader.unsubscribed(m)
	case *wamp.Event:
		return v.reader.event(m)
	case *wamp.Registered:
		v.withdraw(m.Registration) // if it was revoked and nobody said so
		v.offers[m.Registration] = v.wanted[m.Request]
	case *wamp.Unregistered:
		v.withdraw(cmp.Or(m.Details.Registration, wamp.ID(v.wanted[m.Request])))
	case *wamp.Invocation:
		return v.invocation(m)
	case *wamp.Interrupt:
		if m.Request > v.invoked {
			return fmt.Errorf("INTERRUPT of an invocation that was never sent (ROU-45)")
		}
		if m.Options.Mode == wamp.CancelKillNoWait {
			delete(v.working, m.Request)
		}
	case *wamp.Result:
		return w.answer(v, m.Request, !m.Details.Progress)
	case *wamp.Error:
		if m.RequestType == wamp.TypeCall {
			return w.answer(v, m.Request, true)
		}
	case *wamp.Abort, *wamp.Goodbye:
		w.left(send.To)
	}
	return nil
}

// answer checks that a call is answered as long as it has no final answer, and not longer (RPC-13).
func (w *witness) answer(v *peerView, request wamp.ID, final bool) error {
	if !v.asked[request] {
		return fmt.Errorf("an answer to call %d, which has one or was never made (RPC-13)", request)
	}
	if final {
		v.asked[request] = false
		w.open--
	}
	return nil
}

// withdraw ends a registration. What was invoked under it has nothing to do with a new one.
func (v *peerView) withdraw(registration wamp.ID) {
	delete(v.offers, registration)
	for invocation, r := range v.working {
		if r == registration {
			delete(v.working, invocation)
		}
	}
}

// invocation checks that a new one counts up by one and is for a registration that is valid just now, of which there
// are not too many already; further parts come with an ID that was seen before.
func (v *peerView) invocation(m *wamp.Invocation) error {
	concurrency, offered := v.offers[m.Registration]
	switch {
	case m.Request <= v.invoked:
		return nil
	case m.Request != v.invoked+1:
		return fmt.Errorf("INVOCATION %d after %d (IDS-05)", m.Request, v.invoked)
	case !offered:
		return fmt.Errorf("INVOCATION of registration %d before REGISTERED or after UNREGISTERED (RPC-08, ROU-56)", m.Registration)
	}
	v.invoked = m.Request
	v.working[m.Request] = m.Registration
	if n := v.load(m.Registration); concurrency > 0 && n > concurrency {
		return fmt.Errorf("%d invocations of registration %d, which takes %d (ROU-19)", n, m.Registration, concurrency)
	}
	return nil
}

func (v *peerView) load(registration wamp.ID) (n uint64) {
	for _, r := range v.working {
		if r == registration {
			n++
		}
	}
	return n
}

// counts checks that the peers wait for as many answers as the dealer has calls.
func (w *witness) counts(pending int) error {
	if w.open != pending {
		return fmt.Errorf("peers wait for %d answers, but %d calls are pending", w.open, pending)
	}
	return nil
}
