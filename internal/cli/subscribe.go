package cli

import (
	"context"
	"fmt"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

type subscribeCmd struct {
	connectFlags
	Topic string `arg:"" help:"The topic's URI, or a pattern."`
	Match string `default:"exact" enum:"exact,prefix,wildcard" help:"Which topics are meant: exact, prefix or wildcard (${default})."`
	Count int64  `placeholder:"N" help:"Stop after so many events."`
}

// Run prints events, a line each, until the program is told to stop. With a pattern the topic stands before the
// event.
func (c *subscribeCmd) Run(p *program) error {
	s, err := c.connect(p)
	if err != nil {
		return err
	}
	defer leave(s)
	counted := newCounter(c.Count)
	match, _ := wamp.ParseMatchPolicy(c.Match)
	subscription, err := s.Subscribe(p.ctx, c.Topic, func(_ context.Context, e *client.Event) {
		printEvent(p, e)
		counted.add()
	}, client.Match(match))
	if err != nil {
		return interrupted(p, err)
	}
	fmt.Fprintf(p.Err, "subscribed to %s as %d (Ctrl-C to stop)\n", c.Topic, subscription.ID())
	if err := untilStopped(p, s, counted.done); err != nil {
		return err
	}
	return subscription.Unsubscribe(context.WithoutCancel(p.ctx))
}

func printEvent(p *program, e *client.Event) {
	text, err := formatPayload(&e.Payload)
	if err != nil {
		fmt.Fprintf(p.Err, "event %d cannot be printed: %v\n", e.Publication, err)
		return
	}
	if e.Details.Topic != "" {
		text = e.Details.Topic + " " + text
	}
	fmt.Fprintln(p.Out, text)
}
