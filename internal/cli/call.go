package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/tandemrouter/tandem/client"
)

type callCmd struct {
	connectFlags
	Procedure string `arg:"" help:"The procedure's URI."`
	payloadFlags
	Timeout    time.Duration `placeholder:"DURATION" help:"Give up after this time, such as 10s."`
	DiscloseMe bool          `help:"Let the callee know who calls."`
	Progress   bool          `help:"Print progressive results as they come, a line each."`
}

// Run calls the procedure and prints what it returned.
func (c *callCmd) Run(p *program) error {
	payload, err := c.payload(p.In)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	s, err := c.connect(p)
	if err != nil {
		return err
	}
	defer leave(s)
	ctx, cancel := c.context(p.ctx)
	defer cancel()
	options := []client.CallOption{client.Payload(payload)}
	if c.DiscloseMe {
		options = append(options, client.DiscloseMe())
	}
	return interrupted(p, explain(c.call(ctx, p, s, options), c.Procedure))
}

func (c *callCmd) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.Timeout > 0 {
		return context.WithTimeout(ctx, c.Timeout)
	}
	return context.WithCancel(ctx)
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
