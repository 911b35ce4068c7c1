package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

type subscribeCmd struct {
	connectFlags
	Topic string `arg:"" help:"The topic's URI, or a pattern."`
	Match string `default:"exact" enum:"exact,prefix,wildcard" help:"Which topics are meant: exact, prefix or wildcard."`
	Count int64  `placeholder:"N" help:"Stop after so many events."`
}

// Help is printed above the flags.
func (*subscribeCmd) Help() string {
	return `An event is one line of JSON, as "tandem call" prints a result; with a pattern its topic stands before it.`
}

// Run prints events until the program is told to stop.
func (c *subscribeCmd) Run(ctx context.Context, p *program) error {
	s, err := c.connect(ctx, p)
	if err != nil {
		return err
	}
	defer leave(s)
	counted := newCounter(c.Count)
	match, _ := wamp.ParseMatchPolicy(c.Match)
	subscription, err := s.Subscribe(ctx, c.Topic, func(_ context.Context, e *client.Event) {
		if !counted.reached() {
			printEvent(p, e)
			counted.add()
		}
	}, client.Match(match))
	if err != nil {
		return c.explain(ctx, err, "subscribing to", c.Topic)
	}
	fmt.Fprintf(p.Err, "subscribed to %s as %d (Ctrl-C to stop)\n", c.Topic, subscription.ID())
	if err := untilStopped(ctx, s, counted.done); err != nil {
		return err
	}
	withdraw(subscription.Unsubscribe)
	return nil
}

func printEvent(p *program, e *client.Event) {
	text, err := formatPayload(&e.Payload)
	if err != nil {
		fmt.Fprintf(p.Err, "event %d cannot be printed: %v\n", e.Publication, err)
		return
	}
	fmt.Fprintln(p.Out, strings.TrimSpace(printable(e.Details.Topic)+" "+text))
}
