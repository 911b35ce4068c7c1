package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

type subscribeCmd struct {
	connectFlags
	Topic    string        `arg:"" help:"The topic's URI, or a pattern."`
	Match    string        `default:"exact" enum:"exact,prefix,wildcard" help:"Which topics are meant: exact, prefix or wildcard."`
	Retained bool          `help:"Begin with the retained event of every topic that is meant."`
	History  int           `placeholder:"N" help:"Begin with the last N events that the router remembers."`
	Count    int64         `placeholder:"N" help:"Stop after so many events."`
	For      time.Duration `placeholder:"DURATION" help:"Stop after this time, such as 30s."`
	Output   string        `short:"o" default:"text" enum:"text,json,raw" help:"text, json or raw, see above."`
}

// Help is printed above the flags.
func (*subscribeCmd) Help() string {
	return `An event is one line of JSON, as "tandem call" prints a result; with a pattern its topic stands before it. Other forms:

  -o json  an object with topic, publication, args and kwargs, and with timestamp (of past events), retained, publisher,
           publisher_authid, publisher_authrole, trustlevel and _lost where the router tells them
  -o raw   a single text as it is, a single value of bytes as it is and without a line's end, anything else as text

With --count and --for fewer events in that time are a timeout, exit code 8.`
}

// Run prints events until the program is told to stop.
func (c *subscribeCmd) Run(ctx context.Context, p *program) error {
	if c.History < 0 || c.Count < 0 || c.For < 0 {
		return exit(exitUsage, "--history, --count and --for must not be negative")
	}
	s, err := c.connect(ctx, p)
	if err != nil {
		return err
	}
	defer leave(s)
	live := make(chan *client.Event, maxHeld)
	subscription, err := s.Subscribe(ctx, c.Topic, sendTo(live), c.options()...)
	if err != nil {
		return c.explain(ctx, err, "subscribing to", c.Topic)
	}
	fmt.Fprintf(p.Err, "subscribed to %s as %d (Ctrl-C to stop)\n", c.Topic, subscription.ID())
	printer := &eventPrinter{program: p, form: c.Output, count: c.Count}
	err = c.follow(ctx, s, subscription, live, printer)
	if n := subscription.Dropped(); n > 0 {
		fmt.Fprintf(p.Err, "%d events came faster than they could be printed and were dropped\n", n)
	}
	return err
}

// maxHeld is how many events wait here to be printed; more of them wait in the client, as far as its bounds allow.
const maxHeld = 1024

func sendTo(live chan<- *client.Event) client.EventHandler {
	return func(ctx context.Context, e *client.Event) {
		select {
		case live <- e:
		case <-ctx.Done():
		}
	}
}

func (c *subscribeCmd) options() []client.SubscribeOption {
	match, _ := wamp.ParseMatchPolicy(c.Match) // the grammar allows no other
	options := []client.SubscribeOption{client.Match(match)}
	if c.Retained {
		options = append(options, client.GetRetained())
	}
	return options
}

// follow prints what was and what comes, until there is a reason to stop.
func (c *subscribeCmd) follow(
	ctx context.Context, s *client.Session, b *client.Subscription, live <-chan *client.Event, printer *eventPrinter,
) error {
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	if c.History > 0 {
		past := c.history(ctx, printer.program, s, b.ID())
		if err := printer.begin(past, held(live)); err != nil {
			return err
		}
	}
	err := printer.printUntil(ctx, b, live)
	withdraw(b.Unsubscribe)
	err = cmp.Or(err, printer.print(held(live)...))
	if err == nil && !printer.done() && c.Count > 0 && !told(ctx) {
		err = exit(exitTimeout, "%d of %d events within %s", printer.printed, c.Count, c.For)
	}
	return err
}

// history returns the last events of the subscription, the oldest first. That there are none is told and no error.
func (c *subscribeCmd) history(ctx context.Context, p *program, s *client.Session, id wamp.ID) []client.PastEvent {
	history, err := s.Events(ctx, id, client.EventQuery{Reverse: true, Limit: c.History})
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		fmt.Fprintf(p.Err, "no history of %s: %s\n", c.Topic, printable(err.Error()))
		return nil
	case len(history.Events) == 0:
		fmt.Fprintf(p.Err, "no history of %s\n", c.Topic)
	}
	slices.Reverse(history.Events)
	return history.Events
}

// held returns the events that have come and were not printed yet.
func held(live <-chan *client.Event) []client.PastEvent {
	var events []client.PastEvent
	for range len(live) {
		events = append(events, client.PastEvent{Event: *<-live})
	}
	return events
}
