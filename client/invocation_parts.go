package client

import (
	"context"
	"iter"

	"github.com/tandemrouter/tandem/wamp"
)

// The bounds of the parts that wait for handlers.
const (
	maxParts     = 1024     // of one invocation
	maxPartBytes = 16 << 20 // of all invocations of a session
	partOverhead = 256      // bytes that a part is counted as beside its payload
)

// Part is a part of the arguments of an invocation. It belongs to the handler.
type Part struct {
	Args   wamp.List
	Kwargs wamp.Dict
	// Payload is the payload as it was received, encoded.
	Payload wamp.Payload
}

// Parts yields the parts of the arguments in order, as they come (ROU-68): first what is in Args and Kwargs, then what
// else the caller sends until its last part. Of a plain call there is only the first. Everything else that is known of
// the invocation came with the first part and holds for all (PCI-10).
//
// An error is yielded with a nil Part and is the last: the context's cause when the invocation is canceled, or one that
// is wamp.ErrInvalidPayload if a part cannot be decoded. Pass the handler's context. Leaving the loop loses nothing: it
// can be ranged over again for what was not taken yet. Only one goroutine at a time may do so.
//
// If more than 1,024 parts of an invocation wait for its handler, or 16 MiB for all handlers of the session, the
// invocation whose part finds no room is canceled and answered with wamp.error.unavailable.
func (inv *Invocation) Parts(ctx context.Context) iter.Seq2[*Part, error] {
	return func(yield func(*Part, error) bool) {
		for {
			p, err := inv.nextPart(ctx)
			if p == nil && err == nil || !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// nextPart waits for the next part. There is none behind the last.
func (inv *Invocation) nextPart(ctx context.Context) (*Part, error) {
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if !inv.begun {
		inv.begun = true
		return &Part{Args: inv.Args, Kwargs: inv.Kwargs, Payload: inv.Payload}, nil
	}
	if inv.parts == nil {
		return nil, nil
	}
	select {
	case m, more := <-inv.parts:
		if !more {
			return nil, nil
		}
		return inv.part(m)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (inv *Invocation) part(m *wamp.Invocation) (*Part, error) {
	inv.session.partTaken(inv, m)
	args, kwargs, err := values(&m.Payload, inv.Details.PPT)
	if err != nil {
		return nil, wamp.Errorf(wamp.ErrInvalidPayload, "%v", err)
	}
	return &Part{Args: args, Kwargs: kwargs, Payload: m.Payload}, nil
}

// proceed takes a further part of an invocation, for its handler. What cannot be one is ignored (PCI-15).
func (s *Session) proceed(m *wamp.Invocation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	inv := s.invocations[m.Request]
	if inv == nil || !inv.open {
		s.logger.Debug("INVOCATION ignored: it is no part of the one with its request ID", "request", m.Request)
		return nil
	}
	inv.open = m.Details.Progress
	if s.offerLocked(inv, m) {
		return nil
	}
	s.logger.Warn("INVOCATION refused: too many parts are waiting", "request", inv.request, "uri", inv.Procedure)
	inv.cancel(wamp.ErrUnavailable)
	return s.refuseLocked(inv.request, inv.open, wamp.ErrUnavailable, "too many parts of calls are waiting")
}

// offerLocked hands a part over, and reports whether there was room for it.
func (s *Session) offerLocked(inv *Invocation, m *wamp.Invocation) bool {
	size := partSize(m)
	if len(inv.parts) == cap(inv.parts) || s.partBytes > 0 && s.partBytes+size > maxPartBytes {
		return false
	}
	inv.parts <- keepInvocation(m)
	if !inv.open {
		close(inv.parts)
	}
	inv.bytes += size
	s.partBytes += size
	return true
}

// partTaken makes room for other parts. An invocation that is over has none to give back.
func (s *Session) partTaken(inv *Invocation, m *wamp.Invocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.invocations[inv.request] == inv {
		inv.bytes -= partSize(m)
		s.partBytes -= partSize(m)
	}
}

func partSize(m *wamp.Invocation) int { return len(m.Payload.Raw) + partOverhead }

// concludeLocked forgets an invocation that was answered; open says that parts of it may still come.
func (s *Session) concludeLocked(request wamp.ID, open bool) {
	if inv := s.invocations[request]; inv != nil {
		s.partBytes -= inv.bytes
		delete(s.invocations, request)
	}
	if open {
		s.cutShort.add(request)
	}
}

// recent remembers the last maxRecent IDs that were added.
type recent struct {
	known map[wamp.ID]struct{}
	ring  []wamp.ID
	next  int // the place in the ring that is used next
}

const maxRecent = 1000

func (r *recent) has(id wamp.ID) bool {
	_, known := r.known[id]
	return known
}

// add adds an ID that is not among them.
func (r *recent) add(id wamp.ID) {
	if r.known == nil {
		r.known = make(map[wamp.ID]struct{})
	}
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, id)
	} else {
		delete(r.known, r.ring[r.next])
		r.ring[r.next] = id
		r.next = (r.next + 1) % maxRecent
	}
	r.known[id] = struct{}{}
}
