package routing_test

import (
	"fmt"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// witness sees what the peers of a realm see, and knows what they may rely on.
type witness struct {
	peers map[*routing.Session]*peerView
}

// peerView is what one peer knows of itself.
type peerView struct {
	asked   map[wamp.ID]bool    // calls by request ID; true: no final answer yet
	offers  map[wamp.ID]bool    // registrations, from REGISTERED to UNREGISTERED
	endings map[wamp.ID]wamp.ID // UNREGISTER requests and their registrations
	invoked wamp.ID             // the last new INVOCATION.Request
}

func newWitness() witness { return witness{map[*routing.Session]*peerView{}} }

func (w *witness) view(s *routing.Session) *peerView {
	if w.peers[s] == nil {
		w.peers[s] = &peerView{asked: map[wamp.ID]bool{}, offers: map[wamp.ID]bool{}, endings: map[wamp.ID]wamp.ID{}}
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
		}
	case *wamp.Unregister:
		v.endings[m.Request] = m.Registration
	}
}

// lost is told that a peer did not get an answer after all.
func (w *witness) lost(send routing.Send) {
	switch m := send.Msg.(type) {
	case *wamp.Result:
		if !m.Details.Progress {
			w.view(send.To).asked[m.Request] = true
		}
	case *wamp.Error:
		w.view(send.To).asked[m.Request] = true
	}
}

func (w *witness) left(s *routing.Session) { w.view(s).asked = nil }

// sees is told what a peer gets, and returns what is wrong with it.
func (w *witness) sees(send routing.Send) error {
	v := w.view(send.To)
	switch m := send.Msg.(type) {
	case *wamp.Registered:
		v.offers[m.Registration] = true
	case *wamp.Unregistered:
		delete(v.offers, v.endings[m.Request])
	case *wamp.Invocation:
		return v.invocation(m)
	case *wamp.Interrupt:
		if m.Request > v.invoked {
			return fmt.Errorf("INTERRUPT of an invocation that was never sent (ROU-45)")
		}
	case *wamp.Result:
		return v.answer(m.Request, !m.Details.Progress)
	case *wamp.Error:
		if m.RequestType == wamp.TypeCall {
			return v.answer(m.Request, true)
		}
	case *wamp.Abort:
		w.left(send.To)
	}
	return nil
}

// answer checks that a call is answered as long as it has no final answer, and not longer (RPC-13).
func (v *peerView) answer(request wamp.ID, final bool) error {
	if !v.asked[request] {
		return fmt.Errorf("an answer to call %d, which has one or was never made (RPC-13)", request)
	}
	v.asked[request] = !final
	return nil
}

// invocation checks that a new one counts up by one and is for a registration that is valid just now; further parts
// come with an ID that was seen before.
func (v *peerView) invocation(m *wamp.Invocation) error {
	switch {
	case m.Request <= v.invoked:
		return nil
	case m.Request != v.invoked+1:
		return fmt.Errorf("INVOCATION %d after %d (IDS-05)", m.Request, v.invoked)
	case !v.offers[m.Registration]:
		return fmt.Errorf("INVOCATION of registration %d before REGISTERED or after UNREGISTERED (RPC-08, ROU-56)", m.Registration)
	}
	v.invoked = m.Request
	return nil
}

// counts checks that the peers wait for as many answers as the dealer has calls.
func (w *witness) counts(pending int) error {
	waiting := 0
	for _, v := range w.peers {
		for _, open := range v.asked {
			if open {
				waiting++
			}
		}
	}
	if waiting != pending {
		return fmt.Errorf("peers wait for %d answers, but %d calls are pending", waiting, pending)
	}
	return nil
}
