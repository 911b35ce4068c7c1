package bench

import (
	"context"

	"github.com/tandemrouter/tandem/wamp"
)

// callee answers every invocation with its own arguments.
type callee struct {
	*peer
	requests wamp.ID // the last one
	yield    wamp.Yield
	result   wamp.Result
}

func (c *callee) nextRequest() wamp.ID {
	c.requests++
	return c.requests
}

func (c *callee) register(ctx context.Context, procedure string, options wamp.RegisterOptions) error {
	answer, err := c.ask(ctx, &wamp.Register{Request: c.nextRequest(), Procedure: procedure, Options: options})
	if err != nil {
		return err
	}
	if _, ok := answer.(*wamp.Registered); !ok {
		return unexpected(answer)
	}
	return nil
}

// serve answers until the connection ends, and says why.
func (c *callee) serve() error {
	for {
		if err := c.receive(); err != nil {
			return err
		}
		c.queue.Lock()
		err := c.answerAll()
		c.queue.Unlock()
		c.queue.Flush()
		if err != nil {
			return err
		}
	}
}

func (c *callee) answerAll() error {
	for _, m := range c.received.Messages {
		if err := c.answer(m); err != nil {
			return err
		}
	}
	return nil
}

// answer answers an INVOCATION with YIELD. Behind a relay, which does not route, it answers a CALL with RESULT.
func (c *callee) answer(m wamp.Message) error {
	switch m := m.(type) {
	case *wamp.Invocation:
		c.yield.Request, c.yield.Payload = m.Request, m.Payload
		return c.queue.AppendLocked(&c.yield)
	case *wamp.Call:
		c.result.Request, c.result.Payload = m.Request, m.Payload
		return c.queue.AppendLocked(&c.result)
	default:
		return unexpected(m)
	}
}

// callItself calls the callee's own procedure and answers the call.
func (c *callee) callItself(ctx context.Context, procedure string, arguments wamp.Payload) error {
	m, err := c.ask(ctx, &wamp.Call{Request: c.nextRequest(), Procedure: procedure, Payload: arguments})
	if err != nil {
		return err
	}
	invocation, ok := m.(*wamp.Invocation)
	if !ok {
		return unexpected(m)
	}
	c.yield.Request, c.yield.Payload = invocation.Request, invocation.Payload
	m, err = c.ask(ctx, &c.yield)
	if _, ok := m.(*wamp.Result); err == nil && !ok {
		return unexpected(m)
	}
	return err
}
