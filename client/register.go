package client

import (
	"context"
	"errors"

	"github.com/tandemrouter/tandem/wamp"
)

// InvocationHandler answers the calls of a procedure. It runs in a goroutine of its own, many at once if
// Config.Handlers allows. A nil Result is an empty one.
//
// The context is done when the call is canceled, when its timeout is over (ROU-71) and when the session is over. A
// handler should then return its error; if it returns a result all the same, that is sent (CAN-15).
//
// An error that is or wraps a *wamp.Error or a wamp.ErrorURI is sent as it is; see wamp.Errorf. Any other error, and a
// panic, becomes wamp.error.runtime_error without its text, which goes to the log (RPC-22). wamp.ErrUnavailable says
// that this callee cannot do it now: if the registration has other callees, a router that can reroute calls asks one of
// them instead (RRT-01).
//
// The arguments may come in parts (PCI-01). The handler is called when the first is there and gets the others from
// Invocation.Parts. If it returns before the last one, the rest is ignored (PCI-16).
type InvocationHandler func(ctx context.Context, inv *Invocation) (*Result, error)

// Registration is a procedure that this session offers.
type Registration struct {
	// immutable once the reader has installed it

	session   *Session
	procedure string
	handler   InvocationHandler
	id        wamp.ID

	// guarded by the session's mu

	unwanted bool // nobody waits for REGISTERED any more
	over     over
}

// Register offers a procedure, and returns when the router has accepted that. If it refuses, the error is a
// *wamp.Error, such as wamp.ErrProcedureAlreadyExists.
//
// When as many invocations run as Config.Handlers allows, further ones wait in the order in which they came. When
// 4,096 of them or 16 MiB wait, the next are answered with wamp.error.unavailable, which a router may take as a reason
// to ask another callee.
func (s *Session) Register(
	ctx context.Context, procedure string, h InvocationHandler, opts ...RegisterOption,
) (*Registration, error) {
	m := wamp.Register{Procedure: procedure}
	for _, o := range opts {
		o.applyRegister(&m.Options)
	}
	g := &Registration{session: s, procedure: procedure, handler: h, over: newOver()}
	r := newRequest(wamp.TypeRegister, 0)
	r.settle = func(a answer) error { return s.registeredLocked(g, a) }
	r.giveUp = func(error) error {
		g.unwanted = true
		return nil
	}
	_, err := s.ask(ctx, r, func(id wamp.ID) wamp.Message {
		m.Request = id
		return &m
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// registeredLocked installs the handler, before the reader can see the first INVOCATION (CLI-04).
func (s *Session) registeredLocked(g *Registration, a answer) error {
	if a.err != nil {
		return nil
	}
	g.id = a.id
	if g.unwanted {
		return s.retractLocked(g.unregister)
	}
	s.registrations[g.id] = g
	return nil
}

func (g *Registration) unregister(request wamp.ID) wamp.Message {
	return &wamp.Unregister{Request: request, Registration: g.id}
}

// ID returns the registration ID.
func (g *Registration) ID() wamp.ID { return g.id }

// Procedure returns the URI or pattern that was registered.
func (g *Registration) Procedure() string { return g.procedure }

// Done returns a channel that is closed when the registration is over: unregistered, revoked by the router (RRV-07),
// or gone with the session.
func (g *Registration) Done() <-chan struct{} { return g.over.done }

// Err returns nil as long as the registration lasts, and after Unregister. If it was revoked or the session is over it
// returns a *ClosedError.
func (g *Registration) Err() error { return g.over.reason() }

// Unregister withdraws the procedure, and returns when the router has confirmed that. The handler answers what comes
// until then (CLI-05); handlers that run are not disturbed. If the registration is over already, Unregister returns
// Err.
func (g *Registration) Unregister(ctx context.Context) error {
	if g.over.hasEnded() {
		return g.Err()
	}
	s := g.session
	r := newRequest(wamp.TypeUnregister, 0)
	r.settle = func(a answer) error {
		if a.err == nil || errors.Is(a.err, wamp.ErrNoSuchRegistration) {
			s.removeRegistrationLocked(g, nil)
		}
		return nil
	}
	_, err := s.ask(ctx, r, g.unregister)
	return err
}

// unregistered takes the router's confirmation, or its revocation of a registration (RRV-07).
func (s *Session) unregistered(m *wamp.Unregistered) error {
	if m.Request != 0 {
		return s.answered(wamp.TypeUnregister, m.Request, answer{})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.registrations[m.Details.Registration]; g != nil {
		s.removeRegistrationLocked(g, revoked(m.Details.Reason))
	}
	return nil
}

func (s *Session) removeRegistrationLocked(g *Registration, why error) {
	if s.registrations[g.id] == g {
		delete(s.registrations, g.id)
	}
	g.over.end(why)
}
