package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

type publishCmd struct {
	connectFlags
	Topic string `arg:"" help:"The topic's URI."`
	payloadFlags
	receiverFlags
	Ack        bool    `help:"Wait until the router has taken the event, and print the publication's ID."`
	Retain     bool    `help:"Have the router keep the event for later subscribers."`
	ExcludeMe  bool    `default:"true" help:"Do not receive the event oneself; --exclude-me=false asks for the opposite."`
	DiscloseMe bool    `help:"Let the subscribers know who publishes."`
	Repeat     int64   `default:"1" placeholder:"N" help:"Publish so many times; 0: until stopped."`
	Rate       float64 `placeholder:"R" help:"At most so many times a second."`
}

// receiverFlags restrict who gets the event. Whoever has one of several names gives the flag several times.
type receiverFlags struct {
	Eligible         []string `sep:"none" placeholder:"ID,..." help:"Only for these sessions."`
	EligibleAuthID   []string `name:"eligible-authid" sep:"none" placeholder:"AUTHID" help:"Only for sessions with this authid; can be repeated."`
	EligibleAuthRole []string `name:"eligible-authrole" sep:"none" placeholder:"AUTHROLE" help:"Only for sessions with this authrole; can be repeated."`
	Exclude          []string `sep:"none" placeholder:"ID,..." help:"Not for these sessions."`
	ExcludeAuthID    []string `name:"exclude-authid" sep:"none" placeholder:"AUTHID" help:"Not for sessions with this authid; can be repeated."`
	ExcludeAuthRole  []string `name:"exclude-authrole" sep:"none" placeholder:"AUTHROLE" help:"Not for sessions with this authrole; can be repeated."`
}

// receivers returns the restriction, or nil if there is none.
func (f *receiverFlags) receivers() (*wamp.Receivers, error) {
	eligible, err := sessionIDs("--eligible", f.Eligible)
	if err != nil {
		return nil, err
	}
	exclude, err := sessionIDs("--exclude", f.Exclude)
	if err != nil {
		return nil, err
	}
	if eligible == nil && exclude == nil && f.EligibleAuthID == nil && f.EligibleAuthRole == nil &&
		f.ExcludeAuthID == nil && f.ExcludeAuthRole == nil {
		return nil, nil
	}
	return &wamp.Receivers{
		Eligible: eligible, EligibleAuthID: f.EligibleAuthID, EligibleAuthRole: f.EligibleAuthRole,
		Exclude: exclude, ExcludeAuthID: f.ExcludeAuthID, ExcludeAuthRole: f.ExcludeAuthRole,
	}, nil
}

// sessionIDs returns the IDs in the words, with commas between them. An empty word is an error, not an empty list: a
// script whose variable is empty does not mean everybody.
func sessionIDs(flag string, words []string) ([]wamp.ID, error) {
	var ids []wamp.ID
	for _, word := range words {
		for text := range strings.SplitSeq(word, ",") {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil || !wamp.ID(n).Valid() {
				return nil, exit(exitUsage, "%s: %q is no session ID", flag, text)
			}
			ids = append(ids, wamp.ID(n))
		}
	}
	return ids, nil
}

// Help is printed above the flags.
func (*publishCmd) Help() string { return valuesHelp }

// Run publishes the event.
func (c *publishCmd) Run(ctx context.Context, p *program) error {
	if c.Repeat < 0 || !(c.Rate >= 0) { // not a number is refused, too
		return exit(exitUsage, "--repeat and --rate must not be negative")
	}
	if !c.Ack && !wamp.LooseURI.ValidURI(c.Topic) { // PUB-06: no router would say so
		const hint = "write components without white space and '#', joined by dots"
		return exit(exitFailure, "publishing to %s: %w: %s", c.Topic, wamp.ErrInvalidURI, hint)
	}
	receivers, err := c.receivers()
	if err != nil {
		return err
	}
	payload, err := c.payload(p)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	s, err := c.connect(ctx, p)
	if err != nil {
		return err
	}
	defer leave(s)
	err = c.publish(ctx, p, s, c.options(payload, receivers))
	if c.Repeat == 0 && told(ctx) {
		return nil
	}
	return c.explain(ctx, err, "publishing to", c.Topic)
}

func (c *publishCmd) options(payload wamp.Payload, receivers *wamp.Receivers) []client.PublishOption {
	options := []client.PublishOption{client.Payload(payload)}
	if receivers != nil {
		options = append(options, client.Receivers(*receivers))
	}
	for _, o := range []struct {
		wanted bool
		option client.PublishOption
	}{
		{c.Ack, client.Acknowledge()},
		{c.Retain, client.Retain()},
		{!c.ExcludeMe, client.IncludeMe()},
		{c.DiscloseMe, client.DiscloseMe()},
	} {
		if o.wanted {
			options = append(options, o.option)
		}
	}
	return options
}

// publish publishes the event as often as it is asked for.
func (c *publishCmd) publish(ctx context.Context, p *program, s *client.Session, options []client.PublishOption) error {
	pace := newPace(c.Rate)
	for n := int64(0); c.Repeat == 0 || n < c.Repeat; n++ {
		if err := pace.wait(ctx); err != nil {
			return err
		}
		id, err := s.Publish(ctx, c.Topic, options...)
		if err == nil && c.Ack {
			_, err = fmt.Fprintln(p.Out, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pace spaces out what is done many times.
type pace struct {
	interval time.Duration // 0: no pause
	next     time.Time
}

// newPace returns a pace of so many times a second, or as fast as possible if that is 0. What takes longer than that is
// not made up for.
func newPace(rate float64) *pace {
	if rate == 0 {
		return &pace{}
	}
	return &pace{interval: time.Duration(min(float64(time.Second)/rate, float64(time.Hour*24*365)))}
}

// wait waits until it is time again; the first time it is time at once.
func (p *pace) wait(ctx context.Context) error {
	if p.interval == 0 {
		return ctx.Err()
	}
	now := time.Now()
	pause := time.NewTimer(p.next.Sub(now))
	defer pause.Stop()
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(p.interval)
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}
