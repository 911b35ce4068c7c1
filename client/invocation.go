package client

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// Invocation is a call that a handler answers. It belongs to the handler.
type Invocation struct {
	// Procedure is what was called. It differs from what was registered if that is a pattern.
	Procedure string
	Args      wamp.List
	Kwargs    wamp.Dict
	// Details tells who calls if that was disclosed, and whether the caller wants progressive results.
	Details wamp.InvocationDetails
	// Payload is the payload as it was received, encoded.
	Payload wamp.Payload

	session  *Session
	request  wamp.ID
	deadline time.Time // zero: none
}

// Progress sends a progressive result, in the order of the calls. If the caller does not want any it does nothing
// (PCR-11). It waits while the router takes nothing, and returns the context's cause when the invocation is canceled.
func (inv *Invocation) Progress(ctx context.Context, r *Result) error {
	if !inv.Details.ReceiveProgress {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return inv.session.do(ctx, func() error {
		return inv.session.yieldLocked(inv, &wamp.Yield{
			Request: inv.request,
			Options: wamp.YieldOptions{Progress: true},
			Payload: r.payload(),
		})
	})
}

// invoke takes an INVOCATION and hands it to a handler.
func (s *Session) invoke(ctx context.Context, m *wamp.Invocation) error {
	s.mu.Lock()
	g, busy := s.registrations[m.Registration], s.invocations[m.Request] != nil
	s.mu.Unlock()
	switch {
	case busy: // progressive invocations are not announced
		s.logger.Warn("INVOCATION ignored: its request ID is in use", "request", m.Request)
		return nil
	case g == nil: // RPC-23
		return s.refuse(m.Request, wamp.ErrNoSuchProcedure, "no such registration here")
	}
	inv := newInvocation(s, g, m)
	ctx, cancel := context.WithCancelCause(ctx)
	serve := func() {
		defer cancel(nil)
		s.serve(ctx, inv, g.handler)
	}
	s.mu.Lock()
	s.invocations[inv.request] = cancel
	s.mu.Unlock()
	if s.handlers.submit(job{run: serve, size: len(inv.Payload.Raw)}) {
		return nil
	}
	cancel(nil)
	s.logger.Warn("INVOCATION refused: too many are waiting", "request", inv.request, "uri", inv.Procedure)
	return s.refuse(inv.request, wamp.ErrUnavailable, "too many invocations are waiting")
}

// refuse answers an invocation for which no handler runs.
func (s *Session) refuse(request wamp.ID, uri wamp.ErrorURI, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.invocations, request)
	if s.closed != nil {
		return nil
	}
	return s.appendLocked(refusal(request, uri, text))
}

func refusal(request wamp.ID, uri wamp.ErrorURI, text string) *wamp.Error {
	e := wamp.Errorf(uri, "%s", text)
	e.RequestType, e.Request = wamp.TypeInvocation, request
	return e
}

func newInvocation(s *Session, g *Registration, m *wamp.Invocation) *Invocation {
	m = keepInvocation(m)
	inv := &Invocation{
		Procedure: m.Details.Procedure,
		Details:   m.Details,
		Payload:   m.Payload,
		session:   s,
		request:   m.Request,
	}
	if inv.Procedure == "" {
		inv.Procedure = g.procedure
	}
	if ms := m.Details.Timeout; ms > 0 {
		inv.deadline = time.Now().Add(time.Duration(min(ms, maxTimeout)) * time.Millisecond)
	}
	return inv
}

// maxTimeout is the longest timeout that is told from none, in milliseconds: a century.
const maxTimeout = 100 * 365 * 24 * 3600 * 1000

// interrupt cancels the context of a handler. It may have answered already (CAN-16).
func (s *Session) interrupt(m *wamp.Interrupt) {
	why := wamp.ErrCanceled
	if m.Options.Reason == string(wamp.ErrTimeout) {
		why = wamp.ErrTimeout
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.invocations[m.Request]; cancel != nil {
		cancel(why)
	}
}

// serve runs the handler and sends its answer, exactly one (RPC-21).
func (s *Session) serve(ctx context.Context, inv *Invocation, h InvocationHandler) {
	if !inv.deadline.IsZero() {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadlineCause(ctx, inv.deadline, wamp.ErrTimeout)
		defer stop()
	}
	result, err := inv.run(ctx, h)
	if err != nil {
		s.settle(inv, inv.refused(ctx, err))
		return
	}
	s.settle(inv, &wamp.Yield{Request: inv.request, Payload: result.payload()})
}

// run runs the handler, unless the invocation was canceled while it waited. A panic is an error.
func (inv *Invocation) run(ctx context.Context, h InvocationHandler) (result *Result, err error) {
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if inv.Args, inv.Kwargs, err = serializer.Decode(&inv.Payload); err != nil {
		return nil, wamp.Errorf(wamp.ErrInvalidPayload, "%v", err)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(ctx, inv)
}

// refused makes the ERROR that tells the caller of err.
func (inv *Invocation) refused(ctx context.Context, err error) *wamp.Error {
	reply := &wamp.Error{RequestType: wamp.TypeInvocation, Request: inv.request}
	var (
		own *wamp.Error
		uri wamp.ErrorURI
	)
	switch {
	case errors.As(err, &own) && own != nil:
		reply.URI, reply.Payload = own.URI, own.Payload
	case errors.As(err, &uri), errors.As(context.Cause(ctx), &uri): // canceled or too late, if nothing else
		reply.URI = uri
	default:
		reply.URI = wamp.ErrRuntimeError
		inv.session.logger.Error("handler failed", "request", inv.request, "uri", inv.Procedure, "err", err)
	}
	if !wamp.LooseURI.ValidURI(string(reply.URI)) { // the router would end the session for it
		inv.session.logger.Error("handler returned an invalid error URI",
			"request", inv.request, "uri", inv.Procedure, "err", err)
		reply.URI, reply.Payload = wamp.ErrRuntimeError, wamp.Payload{}
	}
	return reply
}

// settle sends the answer, or an ERROR that can be sent if the answer cannot. When the session is over there is nobody
// to answer.
func (s *Session) settle(inv *Invocation, reply wamp.Message) {
	err := s.answer(inv, reply)
	if !unsendable(err) {
		return
	}
	s.logger.Error("answer cannot be sent", "request", inv.request, "uri", inv.Procedure, "err", err)
	uri := wamp.ErrInvalidPayload
	if errors.Is(err, transport.ErrTooLarge) {
		uri = wamp.ErrPayloadSizeExceeded
	}
	_ = s.answer(inv, refusal(inv.request, uri, err.Error())) // fails only if the session is over
}

func (s *Session) answer(inv *Invocation, reply wamp.Message) error {
	return s.do(context.Background(), func() error {
		if err := s.yieldLocked(inv, reply); err != nil {
			return err
		}
		delete(s.invocations, inv.request)
		return nil
	})
}

// yieldLocked sends something about an invocation, unless the final answer was sent.
func (s *Session) yieldLocked(inv *Invocation, m wamp.Message) error {
	if s.invocations[inv.request] == nil {
		return nil
	}
	return s.appendLocked(m)
}
