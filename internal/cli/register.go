package cli

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

type registerCmd struct {
	connectFlags
	Procedure string `arg:"" help:"The procedure's URI, or a pattern."`
	Match     string `default:"exact" enum:"exact,prefix,wildcard" help:"Which URIs are meant: exact, prefix or wildcard."`
	Invoke    string `default:"single" enum:"single,first,last,roundrobin,random" help:"Who of several callees is invoked: single, first, last, roundrobin or random."`
	Echo      bool   `xor:"answer" required:"" help:"Answer with the arguments of the call."`
	Reply     string `xor:"answer" required:"" placeholder:"TEMPLATE" help:"Answer with this value."`
	Progress  int    `placeholder:"N" help:"Send the answer N times as a progressive result before the final one, to callers that want progress."`
	Count     int64  `placeholder:"N" help:"Stop after so many calls."`
}

// Help is printed above the flags.
func (*registerCmd) Help() string {
	return `The value of --reply is written as an argument of "tandem call" is. In it {{arg 0}} and {{kwarg "name"}} stand for
the call's arguments, {{procedure}} for the called URI; a call without such an argument ends with the error
wamp.error.invalid_argument. What is JSON when it is filled in is sent as that, anything else as a text:

  --reply '"hello {{arg 0}}"'
  --reply '{"you": "{{arg 0}}", "age": {{kwarg "age"}}}'
  --reply @answer.json`
}

// Run offers the procedure until the program is told to stop.
func (c *registerCmd) Run(ctx context.Context, p *program) error {
	if c.Count < 0 || c.Progress < 0 {
		return exit(exitUsage, "--count and --progress must not be negative")
	}
	answer, err := c.answer(p)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	s, err := c.connect(ctx, p)
	if err != nil {
		return err
	}
	defer leave(s)
	counted := newCounter(c.Count)
	registration, err := s.Register(ctx, c.Procedure, c.handler(p, answer, counted), c.options()...)
	if err != nil {
		return c.explain(ctx, err, "registering", c.Procedure)
	}
	fmt.Fprintf(p.Err, "registered %s as %d, waiting for calls (Ctrl-C to stop)\n", c.Procedure, registration.ID())
	if err := untilStopped(ctx, registration, counted.done); err != nil {
		return err
	}
	withdraw(registration.Unregister) // what is on its way is still answered
	return nil
}

func (c *registerCmd) options() []client.RegisterOption {
	match, _ := wamp.ParseMatchPolicy(c.Match) // the grammar allows no others
	invoke, _ := wamp.ParseInvocationPolicy(c.Invoke)
	return []client.RegisterOption{client.Match(match), client.Invoke(invoke)}
}

// handler answers a call, tells that it came, and counts it when its answer is on the way: only then is the
// invocation's context done.
func (c *registerCmd) handler(p *program, answer answerFunc, counted *counter) client.InvocationHandler {
	return func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
		context.AfterFunc(ctx, counted.add)
		result, err := answer(inv)
		if err == nil {
			err = c.progress(ctx, inv, result)
		}
		fmt.Fprintf(p.Err, "called: %s%s\n", printable(inv.Procedure), outcome(err))
		return result, err
	}
}

// progress sends what comes before the final answer.
func (c *registerCmd) progress(ctx context.Context, inv *client.Invocation, result *client.Result) error {
	for range c.Progress {
		if err := inv.Progress(ctx, result); err != nil {
			return err
		}
	}
	return nil
}

// outcome is what is told of a call that was refused.
func outcome(err error) string {
	if err == nil {
		return ""
	}
	return " (" + err.Error() + ")"
}

type answerFunc func(*client.Invocation) (*client.Result, error)

func (c *registerCmd) answer(p *program) (answerFunc, error) {
	if c.Echo {
		return func(inv *client.Invocation) (*client.Result, error) {
			return &client.Result{Payload: inv.Payload}, nil
		}, nil
	}
	return newReply(c.Reply, p.In)
}

// counter closes done when it has counted far enough; never if far is 0.
type counter struct {
	far  int64
	n    atomic.Int64
	done chan struct{}
}

func newCounter(far int64) *counter { return &counter{far: far, done: make(chan struct{})} }

func (c *counter) add() {
	if c.n.Add(1) == c.far {
		close(c.done)
	}
}
