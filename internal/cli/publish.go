package cli

import (
	"context"
	"fmt"

	"github.com/tandemrouter/tandem/client"
)

type publishCmd struct {
	connectFlags
	Topic string `arg:"" help:"The topic's URI."`
	payloadFlags
	Ack        bool `help:"Wait until the router has taken the event, and print the publication's ID."`
	DiscloseMe bool `help:"Let the subscribers know who publishes."`
}

// Help is printed above the flags.
func (*publishCmd) Help() string { return valuesHelp }

// Run publishes the event.
func (c *publishCmd) Run(ctx context.Context, p *program) error {
	payload, err := c.payload(p.In)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	s, err := c.connect(ctx, p)
	if err != nil {
		return err
	}
	defer leave(s)
	options := []client.PublishOption{client.Payload(payload)}
	if c.Ack {
		options = append(options, client.Acknowledge())
	}
	if c.DiscloseMe {
		options = append(options, client.DiscloseMe())
	}
	id, err := s.Publish(ctx, c.Topic, options...)
	if err == nil && c.Ack {
		_, err = fmt.Fprintln(p.Out, id)
	}
	return c.explain(ctx, err, "publishing to", c.Topic)
}
