package router

import (
	"slices"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// This file keeps large payloads from being converted or copied under a lock. Before the step of a message the core says
// what payload it would send, and to whom. If that is large and was not prepared for the serializer of its receiver, the
// message has to wait: the turn ends, the payload is prepared without a lock, and the next turn begins with asking again,
// because others may have registered or subscribed meanwhile. There are three serializers, so that comes to an end.

// turnBytes is how much in small payloads one turn may have to convert under a lock.
const turnBytes = 2 * transport.LargePayload

// maxPreparations is how often what is kept in the core is prepared before a step. Once is enough unless something else
// comes in its place meanwhile: a call for another that is canceled, an event that is retained for an older one.
const maxPreparations = 3

// ahead is what a worker has found out before the steps of a turn.
type ahead struct {
	small int    // bytes of small payloads so far
	lacks []lack // what has to be prepared before the next step
	times int    // how often something was prepared for it already
}

// lack is a payload that is not prepared for a serializer.
type lack struct {
	payload wamp.Payload
	to      wamp.Serializer
}

// turnIsOver reports whether enough was done under one taking of the lock.
func (w *worker) turnIsOver() bool { return w.ahead.small >= turnBytes }

// dealerMustWait reports whether the message has to wait for something to be prepared. It is called with dealerMu held,
// before the message's step.
func (rl *realm) dealerMustWait(w *worker, s *session, m wamp.Message, g routing.Grant) bool {
	small := w.isSmall(m)
	if _, mayBeRerouted := m.(*wamp.Error); small && !mayBeRerouted {
		return false
	}
	if to, p := rl.dealer.Receiver(&s.core, m, g); to != nil {
		w.needs(p, to)
	}
	return len(w.ahead.lacks) > 0
}

// brokerMustWait is dealerMustWait for the broker.
func (rl *realm) brokerMustWait(w *worker, s *session, m wamp.Message, g routing.Grant) bool {
	switch m := m.(type) {
	case *wamp.Publish:
		if w.isSmall(m) {
			return false
		}
		rl.broker.Receivers(&s.core, m, g, func(to *routing.Session) bool {
			w.needs(&m.Payload, to)
			return len(w.ahead.lacks) == 0
		})
	case *wamp.Subscribe:
		if p := rl.broker.Replayed(&s.core, m, g); w.ahead.times < maxPreparations {
			w.needs(p, &s.core)
		}
	}
	return len(w.ahead.lacks) > 0
}

// isSmall reports whether the message's payload is small for every receiver.
func (w *worker) isSmall(m wamp.Message) bool {
	p := wamp.PayloadOf(m)
	if p == nil {
		return true
	}
	if len(p.Raw) >= transport.LargePayload {
		return false
	}
	w.ahead.small += len(p.Raw)
	return true
}

// largePayloadOf returns the message's payload if it is large for some receivers, else nil.
func largePayloadOf(m wamp.Message) *wamp.Payload {
	if p := wamp.PayloadOf(m); p != nil && len(p.Raw) >= transport.LargePayload {
		return p
	}
	return nil
}

// needs notes what has to be prepared before the session may be sent the payload.
func (w *worker) needs(p *wamp.Payload, to *routing.Session) {
	if s := to.Shell.(*session); w.unprepared(s, p) {
		w.ahead.lacks = append(w.ahead.lacks, lack{*p, s.speaks})
	}
}

// needsAll is needs for one of many payloads, of which small ones count too.
func (w *worker) needsAll(p *wamp.Payload, to *routing.Session) {
	speaks := to.Shell.(*session).speaks
	if p.Serializer != speaks && len(p.Raw) > 0 && !w.payloads.Has(p, speaks) {
		w.ahead.lacks = append(w.ahead.lacks, lack{*p, speaks})
		return
	}
	w.needs(p, to)
}

// unprepared reports whether the payload is large, and was not prepared for the session.
func (w *worker) unprepared(s *session, p *wamp.Payload) bool {
	return transport.Large(p, s.speaks) && !w.payloads.Has(p, s.speaks)
}

// prepare prepares what the next step lacks. If it lacks nothing, what was prepared for the steps before is given up. It is
// called without locks.
func (w *worker) prepare() {
	if w.ahead.times++; len(w.ahead.lacks) == 0 {
		w.ahead.times = 0
		w.payloads.Reset()
	}
	for i := range w.ahead.lacks {
		l := &w.ahead.lacks[i]
		w.payloads.Prepare(&l.payload, l.to)
	}
	w.ahead.reset()
}

func (a *ahead) reset() {
	clear(a.lacks)
	a.small, a.lacks = 0, a.lacks[:0]
}

// fill gives the vacancies that steps left to calls that wait, one after the other. It is called without locks.
func (rl *realm) fill(w *worker) {
	for len(w.vacancies) > 0 {
		v := w.vacancies[0]
		w.vacancies = slices.Delete(w.vacancies, 0, 1)
		rl.dealerMu.Lock()
		for range maxPreparations {
			rl.dealer.Prospects(v, func(to *routing.Session, p *wamp.Payload) { w.needsAll(p, to) })
			if len(w.ahead.lacks) == 0 {
				break
			}
			rl.dealerMu.Unlock()
			w.prepare()
			rl.dealerMu.Lock()
		}
		rl.dealer.Fill(w.now, v, &w.out)
		rl.carryOut(w)
		w.prepare()
	}
}
