package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

type callCmd struct {
	connectFlags
	Procedure string `arg:"" help:"The procedure's URI."`
	payloadFlags
	Timeout    time.Duration `placeholder:"DURATION" help:"Give up after this time, such as 10s."`
	DiscloseMe bool          `help:"Let the callee know who calls."`
	Progress   bool          `help:"Print progressive results as they come, a line each."`
}

// Help is printed above the flags.
func (*callCmd) Help() string {
	return valuesHelp + `

The result is printed as one line of JSON: a single argument as it is, an empty result not at all, anything else as an
object with args and kwargs. Bytes come out in the way in which WAMP carries them in JSON, as a text that begins with
\u0000 and goes on in base64; such a text given as an argument is sent as bytes.`
}

// Run calls the procedure and prints what it returned.
func (c *callCmd) Run(ctx context.Context, p *program) error {
	if c.Timeout < 0 {
		return exit(exitUsage, "--timeout must not be negative")
	}
	payload, err := c.payload(p)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	s, err := c.connect(ctx, p)
	if err != nil {
		return err
	}
	defer leave(s)
	options := []client.CallOption{client.Payload(payload)}
	if c.DiscloseMe {
		options = append(options, client.DiscloseMe())
	}
	err = c.call(ctx, p, s, options)
	if errors.Is(err, context.DeadlineExceeded) {
		return exit(exitTimeout, "calling %s: no answer within %s", c.Procedure, c.Timeout)
	}
	if errors.Is(err, wamp.ErrNoSuchProcedure) {
		hint := cmp.Or(c.notThere(ctx, s), "\n  is it written like that, is its callee running, and is that in realm "+c.Realm+" too?")
		return fmt.Errorf("calling %s: %w%s", c.Procedure, err, hint)
	}
	return c.explain(ctx, err, "calling", c.Procedure)
}

func (c *callCmd) call(ctx context.Context, p *program, s *client.Session, options []client.CallOption) error {
	if !c.Progress {
		result, err := s.Call(ctx, c.Procedure, options...)
		if err != nil {
			return err
		}
		return printResult(p, result)
	}
	for result, err := range s.CallProgress(ctx, c.Procedure, options...) {
		if err != nil {
			return err
		}
		if err := printResult(p, result); err != nil {
			return err
		}
	}
	return nil
}

// printResult prints a result as one line of JSON; one without arguments is no line.
func printResult(p *program, r *client.Result) error {
	text, err := formatPayload(&r.Payload)
	if err != nil || text == "" {
		return err
	}
	_, err = fmt.Fprintln(p.Out, text)
	return err
}
