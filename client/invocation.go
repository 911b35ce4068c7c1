package client

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// Invocation is a call that a handler answers. It belongs to the handler.
type Invocation struct {
	// Procedure is what was called. It differs from what was registered if that is a pattern.
	Procedure string
	// Args and Kwargs are the arguments, or the first part of them; see Parts.
	Args   wamp.List
	Kwargs wamp.Dict
	// Details tells who calls if that was disclosed, whether the caller wants progressive results, and whether the
	// arguments come in parts.
	Details wamp.InvocationDetails
	// Payload is the payload as it was received, encoded.
	Payload wamp.Payload

	// immutable

	session  *Session
	request  wamp.ID
	deadline time.Time // zero: none
	cancel   context.CancelCauseFunc
	parts    chan *wamp.Invocation // the further parts; closed behind the last one, nil if there are none

	// owned by the handler

	begun bool // Parts has yielded the first part

	// guarded by the session's mu

	open  bool // further parts may come
	bytes int  // of the parts that wait
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
	m, err := inv.yield(r)
	if err != nil {
		return err
	}
	m.Options.Progress = true
	return inv.session.do(ctx, func() error { return inv.session.yieldLocked(inv, m) })
}

func (inv *Invocation) yield(r *Result) (*wamp.Yield, error) {
	m := &wamp.Yield{Request: inv.request, Payload: r.payload()}
	if r != nil {
		m.Options.PPT = r.Details.PPT
	}
	var err error
	m.Payload, err = inv.session.pack(wamp.RoleDealer, m.Options.PPT, m.Payload)
	return m, err
}

// invoke takes an INVOCATION and hands it to a handler.
func (s *Session) invoke(ctx context.Context, m *wamp.Invocation) error {
	s.mu.Lock()
	g, pending, known := s.registrations[m.Registration], s.invocations[m.Request] != nil, s.cutShort.has(m.Request)
	s.mu.Unlock()
	switch {
	case pending || known:
		return s.proceed(m)
	case g == nil: // RPC-23
		return s.refuse(m, wamp.ErrNoSuchProcedure, "no such registration here")
	}
	inv := newInvocation(s, g, m)
	ctx, inv.cancel = context.WithCancelCause(ctx)
	serve := func() {
		defer inv.cancel(nil)
		s.serve(ctx, inv, g.handler)
	}
	s.mu.Lock()
	s.invocations[inv.request] = inv
	s.mu.Unlock()
	if s.handlers.submit(job{run: serve, size: len(inv.Payload.Raw)}) {
		return nil
	}
	inv.cancel(nil)
	s.logger.Warn("INVOCATION refused: too many are waiting", "request", inv.request, "uri", inv.Procedure)
	return s.refuse(m, wamp.ErrUnavailable, "too many invocations are waiting")
}

// refuse answers an INVOCATION that no handler gets.
func (s *Session) refuse(m *wamp.Invocation, uri wamp.ErrorURI, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refuseLocked(m.Request, m.Details.Progress, uri, text)
}

func (s *Session) refuseLocked(request wamp.ID, open bool, uri wamp.ErrorURI, text string) error {
	s.concludeLocked(request, open)
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
		open:      m.Details.Progress,
	}
	if inv.open {
		inv.parts = make(chan *wamp.Invocation, maxParts)
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
	if inv := s.invocations[m.Request]; inv != nil {
		inv.cancel(why)
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
	reply, err := inv.yield(result)
	if err != nil {
		s.unanswerable(inv, err)
		return
	}
	s.settle(inv, reply)
}

// run runs the handler, unless the invocation was canceled while it waited. A panic is an error.
func (inv *Invocation) run(ctx context.Context, h InvocationHandler) (result *Result, err error) {
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if inv.Args, inv.Kwargs, err = values(&inv.Payload, inv.Details.PPT); err != nil {
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
		reply.URI, reply.Details.PPT, reply.Payload = own.URI, own.Details.PPT, own.Payload
	case errors.As(err, &uri), errors.As(context.Cause(ctx), &uri): // canceled or too late, if nothing else
		reply.URI = uri
	case ctx.Err() != nil: // the session is over or about to be, and the handler has noticed
		reply.URI = wamp.ErrCanceled
	default:
		reply.URI = wamp.ErrRuntimeError
		inv.session.logger.Error("handler failed", "request", inv.request, "uri", inv.Procedure, "err", err)
	}
	inv.mend(reply, err)
	return reply
}

// mend packs the ERROR's payload, and leaves out what cannot be sent.
func (inv *Invocation) mend(reply *wamp.Error, err error) {
	payload, packErr := inv.session.pack(wamp.RoleDealer, reply.Details.PPT, reply.Payload)
	switch {
	case !wamp.LooseURI.ValidURI(string(reply.URI)): // the router would end the session for it
		inv.session.logger.Error("handler returned an invalid error URI",
			"request", inv.request, "uri", inv.Procedure, "err", err)
		reply.URI, reply.Details.PPT, reply.Payload = wamp.ErrRuntimeError, nil, wamp.Payload{}
	case packErr != nil:
		inv.session.logger.Error("arguments of an error cannot be sent",
			"request", inv.request, "uri", inv.Procedure, "err", packErr)
		reply.Details.PPT, reply.Payload = nil, wamp.Payload{}
	default:
		reply.Payload = payload
	}
}

// settle sends the answer, or an ERROR that can be sent if the answer cannot. When the session is over there is nobody
// to answer.
func (s *Session) settle(inv *Invocation, reply wamp.Message) {
	if err := s.answer(inv, reply); unsendable(err) {
		s.unanswerable(inv, err)
	}
}

// unanswerable tells the caller that there is an answer that cannot be sent.
func (s *Session) unanswerable(inv *Invocation, err error) {
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
		if s.invocations[inv.request] == inv {
			s.concludeLocked(inv.request, inv.open)
		}
		return nil
	})
}

// yieldLocked sends something about an invocation, unless the final answer was sent.
func (s *Session) yieldLocked(inv *Invocation, m wamp.Message) error {
	if s.invocations[inv.request] != inv {
		return nil
	}
	return s.appendBulkLocked(m)
}
