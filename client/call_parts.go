package client

import (
	"context"
	"iter"

	"github.com/tandemrouter/tandem/wamp"
)

// ProgressiveCall is a call whose arguments are sent in parts, while results may come already (PCI-18). All methods may
// be called by many goroutines at once.
//
// It stays open until its final result has come, or Cancel is called, or the context of Results or Result is done.
type ProgressiveCall struct {
	// immutable

	session   *Session
	request   *request
	procedure string
	ppt       *wamp.Passthru

	// guarded by the session's mu

	complete bool // the last part was sent
}

// OpenCall calls the procedure with arguments that come in parts. The options give the first part, which is sent at
// once, and say how to call; they hold for the parts that follow, too (PCI-08). The context's deadline travels with the
// call as with Call.
//
// If the router did not announce progressive call invocations the error is wamp.ErrFeatureNotSupported (FEA-06). If the
// callee does not support them, that is the call's result.
func (s *Session) OpenCall(ctx context.Context, procedure string, opts ...CallOption) (*ProgressiveCall, error) {
	if err := s.require(wamp.RoleDealer, wamp.FeatureProgressiveCallInvocations); err != nil {
		return nil, err
	}
	c := newCall(procedure, opts)
	c.message.Options.Progress = true
	r, err := s.call(ctx, c)
	if err != nil {
		return nil, err
	}
	return &ProgressiveCall{session: s, request: r, procedure: procedure, ppt: c.message.Options.PPT}, nil
}

// Send sends a further part of the arguments. It waits while the connection takes nothing. If it returns an error
// nothing was sent. ErrNoMoreParts says that the call is over, so that there is nobody to send to (ROU-70); Result tells
// how it ended. A *ClosedError says that the session is over. After any other error the call goes on.
//
// WAMP has no flow control: a callee that is slower than its caller gets more than it can keep, and gives the call up.
// Where that can happen let the callee yield a progressive result for what it has taken, and wait for that.
func (c *ProgressiveCall) Send(ctx context.Context, args ...PayloadOption) error {
	return c.send(ctx, true, args)
}

// SendLast is Send for the last part, which may be empty (PCI-02).
func (c *ProgressiveCall) SendLast(ctx context.Context, args ...PayloadOption) error {
	return c.send(ctx, false, args)
}

func (c *ProgressiveCall) send(ctx context.Context, more bool, args []PayloadOption) (err error) {
	m := wamp.Call{Procedure: c.procedure, Options: wamp.CallOptions{Progress: more}} // PCI-11
	for _, o := range args {
		o.applyPayload(&m.Payload)
	}
	if m.Payload, err = c.session.pack(wamp.RoleDealer, c.ppt, m.Payload); err != nil {
		return err
	}
	taken := true
	err = c.session.do(ctx, func() (err error) {
		taken, err = c.continueLocked(&m)
		return err
	})
	if !taken {
		return ErrNoMoreParts
	}
	return err
}

// continueLocked queues a further CALL under the first one's request ID (IDS-04), or reports that it is too late.
func (c *ProgressiveCall) continueLocked(m *wamp.Call) (bool, error) {
	s := c.session
	if s.closed != nil {
		return true, s.closed
	}
	m.Request = c.request.id
	if c.complete || s.requests[m.Request] != c.request {
		return false, nil
	}
	if err := s.appendBulkLocked(m); err != nil {
		return true, err
	}
	c.complete = !m.Options.Progress
	return true, nil
}

// Results yields the results as they come: with ReceiveProgress any number for which Details.Progress is set, then the
// final one. An error is yielded with a nil Result and is the last, too; when the context is done before that, the call
// is canceled. Leaving the loop does not end the call: it can be ranged over again for what was not taken yet.
//
// If more than 256 results or 16 MiB wait for the loop, the call is canceled and ends with ErrResultsOverflow.
func (c *ProgressiveCall) Results(ctx context.Context) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) { c.session.results(ctx, c.request, yield) }
}

// Result waits for the final result, and drops progressive ones. When the context is done before that, the call is
// canceled and the error is the context's. The errors are those of Call.
func (c *ProgressiveCall) Result(ctx context.Context) (result *Result, err error) {
	for result, err = range c.Results(ctx) {
		continue // the last one is what is asked for
	}
	return result, err
}

// Cancel ends the call if it is not over: its result is context.Canceled, and CANCEL is sent if the router can handle
// that. Call it when you leave for whatever reason, in a defer statement.
func (c *ProgressiveCall) Cancel() { c.session.abandon(c.request, context.Canceled) }
