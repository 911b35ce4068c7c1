package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"text/template"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

type registerCmd struct {
	connectFlags
	Procedure string `arg:"" help:"The procedure's URI, or a pattern."`
	Match     string `default:"exact" enum:"exact,prefix,wildcard" help:"Which URIs are meant: exact, prefix or wildcard (${default})."`
	Invoke    string `default:"single" enum:"single,first,last,roundrobin,random" help:"Who of several callees is invoked: single, first, last, roundrobin or random (${default})."`
	Echo      bool   `xor:"answer" required:"" help:"Answer with the arguments of the call."`
	Reply     string `xor:"answer" required:"" placeholder:"TEMPLATE" help:"Answer with this value, as on the command line of call; {{arg 0}} and {{kwarg \"name\"}} are the call's arguments, {{procedure}} the called URI."`
	Count     int64  `placeholder:"N" help:"Stop after so many calls."`
}

// Run offers the procedure until the program is told to stop.
func (c *registerCmd) Run(p *program) error {
	answer, err := c.answer()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	s, err := c.connect(p)
	if err != nil {
		return err
	}
	defer leave(s)
	counted := newCounter(c.Count)
	match, _ := wamp.ParseMatchPolicy(c.Match)
	invoke, _ := wamp.ParseInvocationPolicy(c.Invoke)
	registration, err := s.Register(p.ctx, c.Procedure, func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
		defer counted.add()
		fmt.Fprintf(p.Err, "called: %s\n", inv.Procedure)
		return answer(inv)
	}, client.Match(match), client.Invoke(invoke))
	if err != nil {
		return interrupted(p, err)
	}
	fmt.Fprintf(p.Err, "registered %s as %d, waiting for calls (Ctrl-C to stop)\n", c.Procedure, registration.ID())
	if err := untilStopped(p, s, counted.done); err != nil {
		return err
	}
	return registration.Unregister(context.WithoutCancel(p.ctx))
}

type answerFunc func(*client.Invocation) (*client.Result, error)

func (c *registerCmd) answer() (answerFunc, error) {
	if c.Echo {
		return func(inv *client.Invocation) (*client.Result, error) {
			return &client.Result{Payload: inv.Payload}, nil
		}, nil
	}
	return c.template()
}

// template returns the answer that fills the reply in with the call's arguments.
func (c *registerCmd) template() (answerFunc, error) {
	parsed, err := template.New("reply").Funcs(replyFuncs(nil, c.Procedure)).Parse(c.Reply)
	if err != nil {
		return nil, fmt.Errorf("--reply: %w", err)
	}
	return func(inv *client.Invocation) (*client.Result, error) {
		t, err := parsed.Clone()
		if err != nil {
			return nil, err
		}
		var text bytes.Buffer
		if err := t.Funcs(replyFuncs(inv, inv.Procedure)).Execute(&text, nil); err != nil {
			return nil, wamp.Errorf(wamp.ErrInvalidArgument, "%v", err)
		}
		return replyWith(text.String())
	}, nil
}

// replyWith returns the result that a filled-in reply stands for.
func replyWith(text string) (*client.Result, error) {
	value, err := parseValue(text, nil)
	if err != nil {
		return nil, err
	}
	payload, err := rawJSON([]json.RawMessage{value}, nil)
	return &client.Result{Payload: payload}, err
}

var errNoArgument = errors.New("the call has no such argument")

// replyFuncs are what a reply template can refer to. A text is filled in without quotes, anything else as JSON.
func replyFuncs(inv *client.Invocation, procedure string) template.FuncMap {
	return template.FuncMap{
		"procedure": func() string { return procedure },
		"arg": func(i int) (string, error) {
			if inv == nil || i < 0 || i >= len(inv.Args) {
				return "", errNoArgument
			}
			return textOf(inv.Args[i])
		},
		"kwarg": func(key string) (string, error) {
			if inv == nil || inv.Kwargs[key] == nil {
				return "", errNoArgument
			}
			return textOf(inv.Kwargs[key])
		},
	}
}

// textOf returns the value as it stands within a reply: a text with its special characters escaped, as within JSON
// quotes.
func textOf(v any) (string, error) {
	text, err := formatPayload(&wamp.Payload{Args: wamp.List{v}})
	if s, ok := v.(string); ok && err == nil && s != "" {
		return text[1 : len(text)-1], nil
	}
	return text, err
}

// counter closes done when it has counted far enough; never if far is 0.
type counter struct {
	far  int64
	n    atomic.Int64
	done chan struct{}
}

func newCounter(far int64) *counter { return &counter{far: far, done: make(chan struct{})} }

func (c *counter) add() {
	if n := c.n.Add(1); n == c.far {
		close(c.done)
	}
}
