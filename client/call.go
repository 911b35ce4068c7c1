package client

import (
	"context"
	"iter"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Result is what a call returns, and what an invocation handler makes.
type Result struct {
	Args   wamp.List
	Kwargs wamp.Dict
	// Details tells, among other things, whether more results follow. Handlers leave it empty, but for PPT if the
	// result is to be packed as by Passthru.
	Details wamp.ResultDetails
	// Payload is the payload as it was received, encoded. A handler may pass on a payload in this form; it is sent if
	// Args and Kwargs are empty.
	Payload wamp.Payload
}

// Values returns a Result of positional arguments.
func Values(args ...any) *Result { return &Result{Args: args} }

// payload returns what to send. A nil Result is an empty one.
func (r *Result) payload() wamp.Payload {
	switch {
	case r == nil:
		return wamp.Payload{}
	case len(r.Args) == 0 && len(r.Kwargs) == 0:
		return r.Payload
	default:
		return wamp.Payload{Args: r.Args, Kwargs: r.Kwargs}
	}
}

// Call calls the procedure and waits for its result. The options give the arguments and say how to call.
//
// The context is the call: its deadline travels with the call if the router can handle timeouts (TMO-10), and when it
// is done before the result is there the call is canceled and Call returns the context's error at once (CLI-07). If the
// router or the callee refuses, the error is a *wamp.Error; if the session is over, a *ClosedError.
func (s *Session) Call(ctx context.Context, procedure string, opts ...CallOption) (*Result, error) {
	c := newCall(procedure, opts)
	c.message.Options.ReceiveProgress = false
	r, err := s.call(ctx, c)
	if err != nil {
		return nil, err
	}
	return s.await(ctx, r).decode()
}

// CallProgress calls the procedure and yields its results as they come: any number for which Details.Progress is set,
// then the final one (PCR-12). An error is yielded with a nil Result and is the last, too. Leaving the loop before
// that cancels the call. Nothing is sent before the loop begins; every loop is a call of its own.
//
// The context and the errors are those of Call. With a callee or a router that knows no progressive results there is
// only the final one. If more than 256 results or 16 MiB wait for the loop, the call is canceled and ends with
// ErrResultsOverflow.
func (s *Session) CallProgress(ctx context.Context, procedure string, opts ...CallOption) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) {
		c := newCall(procedure, opts)
		c.message.Options.ReceiveProgress = true
		r, err := s.call(ctx, c)
		if err != nil {
			yield(nil, err)
			return
		}
		defer s.abandon(r, context.Canceled) // does nothing if the final result was there
		s.results(ctx, r, yield)
	}
}

// results yields what comes until the final result, or an error.
func (s *Session) results(ctx context.Context, r *request, yield func(*Result, error) bool) {
	for more := true; more; {
		result, err := s.await(ctx, r).decode()
		more = yield(result, err) && err == nil && result.Details.Progress
	}
}

func newCall(procedure string, opts []CallOption) *callSettings {
	c := &callSettings{message: wamp.Call{Procedure: procedure}}
	for _, o := range opts {
		o.applyCall(c)
	}
	return c
}

// call sends a CALL, or the first part of one.
func (s *Session) call(ctx context.Context, c *callSettings) (*request, error) {
	if err := s.prepare(ctx, &c.message); err != nil {
		return nil, err
	}
	room := 0
	if c.message.Options.ReceiveProgress {
		room = maxResults
	}
	r := newRequest(wamp.TypeCall, room)
	r.giveUp = func(why error) error { return s.cancelLocked(r, c.mode, why) }
	return r, s.do(ctx, func() error {
		return s.requestLocked(r, func(id wamp.ID) wamp.Message {
			c.message.Request = id
			return &c.message
		})
	})
}

// prepare completes a CALL with what the router can do, and fails if it cannot do what it must (FEA-06).
func (s *Session) prepare(ctx context.Context, m *wamp.Call) (err error) {
	o := &m.Options
	if o.RunMode != "" {
		err = s.require(wamp.RoleDealer, wamp.FeatureShardedRegistration)
	}
	if err == nil {
		m.Payload, err = s.pack(wamp.RoleDealer, o.PPT, m.Payload)
	}
	o.ReceiveProgress = o.ReceiveProgress && s.routerHas(wamp.RoleDealer, wamp.FeatureProgressiveCallResults)
	o.Timeout = s.timeout(ctx)
	return err
}

// timeout returns the time that is left until the context's deadline, in milliseconds; 0 if there is no deadline or
// the router would not mind it. It is rounded up, so that the context is done before the router's timer.
func (s *Session) timeout(ctx context.Context) uint64 {
	deadline, ok := ctx.Deadline()
	if !ok || !s.routerHas(wamp.RoleDealer, wamp.FeatureCallTimeout) {
		return 0
	}
	return uint64(max(1, (time.Until(deadline)+time.Millisecond-1)/time.Millisecond))
}

// cancelLocked ends the call here. What still comes for it is ignored (CAN-17).
func (s *Session) cancelLocked(r *request, mode wamp.CancelMode, why error) error {
	delete(s.requests, r.id)
	r.finishLocked(answer{err: why})
	if !s.routerHas(wamp.RoleDealer, wamp.FeatureCallCanceling) {
		return nil
	}
	return s.appendLocked(&wamp.Cancel{Request: r.id, Options: wamp.CancelOptions{Mode: mode}})
}

// result takes a RESULT, progressive or final.
func (s *Session) result(m *wamp.Result) error {
	if !m.Details.Progress {
		return s.answered(wamp.TypeCall, m.Request, answer{result: keepResult(m)})
	}
	s.mu.Lock()
	r, err := s.pendingLocked(wamp.TypeCall, m.Request)
	wanted := r != nil && cap(r.progress) > 0 // else nobody asked for progress
	full := wanted && !r.offerLocked(keepResult(m))
	s.mu.Unlock()
	if full {
		s.abandon(r, ErrResultsOverflow)
	}
	return err
}

// decode returns the result that the answer brings, as Go values.
func (a answer) decode() (*Result, error) {
	if a.err != nil {
		return nil, a.err
	}
	m := a.result
	args, kwargs, err := values(&m.Payload, m.Details.PPT)
	if err != nil {
		return nil, err
	}
	return &Result{Args: args, Kwargs: kwargs, Details: m.Details, Payload: m.Payload}, nil
}
