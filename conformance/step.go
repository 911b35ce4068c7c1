package conformance

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tandemrouter/tandem/wamp"
)

// step is one line of a script.
type step struct {
	line int
	text string
	act  action
}

// action does what a line says.
type action func(ctx context.Context, p *play) error

// deed is what a line says of one peer.
type deed func(ctx context.Context, p *play, who *peer) error

// compile returns the action of a line.
func compile(line string) (action, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if name == "distinct" {
		return compileDistinct(strings.Fields(rest))
	}
	do, err := compileDeed(rest)
	return func(ctx context.Context, p *play) error { return do(ctx, p, p.peer(name)) }, err
}

func compileDeed(text string) (deed, error) {
	verb, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	rest = strings.TrimSpace(rest)
	switch verb {
	case ">":
		return compileSend(rest)
	case "<":
		return compileExpect(rest)
	case "bytes", "frame":
		return compileBytes(rest, verb == "frame")
	case "join":
		return compileJoin(strings.Fields(rest))
	case "on":
		return compileOn(strings.Fields(rest))
	case "upgrade":
		return compileUpgrade(rest)
	case "closed":
		return compileClosed(rest)
	case "aborted":
		return compileAborted(rest)
	}
	return compileWord(verb, rest)
}

// compileWord returns the deed of a verb that needs no more words.
func compileWord(verb, rest string) (deed, error) {
	if rest != "" {
		return nil, fmt.Errorf("%q after %q", rest, verb)
	}
	switch verb {
	case "connect":
		return func(ctx context.Context, p *play, who *peer) error { return p.connect(ctx, who) }, nil
	case "dial":
		return func(ctx context.Context, p *play, who *peer) error { return p.dial(ctx, who) }, nil
	case "drop":
		return func(_ context.Context, _ *play, who *peer) error { return who.drop() }, nil
	case "reset":
		return func(_ context.Context, _ *play, who *peer) error { return who.reset() }, nil
	case "ends":
		return func(_ context.Context, _ *play, who *peer) error { return who.ends() }, nil
	case "works":
		return macro(works)
	}
	return nil, fmt.Errorf("%q is no verb", verb)
}

// macro returns the deed that the lines are together. Their variables are their own.
func macro(lines string) (deed, error) {
	var all []deed
	for line := range strings.Lines(lines) {
		do, err := compileDeed(line)
		if err != nil {
			return nil, err
		}
		all = append(all, do)
	}
	return func(ctx context.Context, p *play, who *peer) error {
		known := p.vars
		defer func() { p.vars = known }()
		p.vars = vars{}
		for _, do := range all {
			if err := do(ctx, p, who); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// works shows that a session can do all that sessions are for.
const works = `> [32, 9001, {}, "conformance.works"]
< [33, 9001, $sub]
> [16, 9002, {"acknowledge": true, "exclude_me": false}, "conformance.works", ["event"]]
< [17, 9002, $pub]
< [36, $sub, $pub, {}, ["event"]]
> [34, 9003, $sub]
< [35, 9003]
> [64, 9004, {}, "conformance.works"]
< [65, 9004, $reg]
> [48, 9005, {}, "conformance.works", ["call"]]
< [68, $inv, $reg, {}, ["call"]]
> [70, $inv, {}, ["result"]]
< [50, 9005, {}, ["result"]]
> [66, 9006, $reg]
< [67, 9006]`

// compileAborted wants ABORT and then the end of the connection (PER-01, PER-02, SES-12).
func compileAborted(uri string) (deed, error) {
	if uri == "" {
		uri = string(wamp.ErrProtocolViolation)
	}
	return macro(fmt.Sprintf("< [3, {\"message\": _}, %q]\nclosed", uri))
}

func compileSend(rest string) (deed, error) {
	value, err := parseValue(rest)
	return func(ctx context.Context, p *play, who *peer) error {
		message, err := p.vars.fill(value)
		if err == nil {
			err = p.connect(ctx, who)
		}
		if err != nil {
			return err
		}
		return who.send(message)
	}, err
}

func compileExpect(rest string) (deed, error) {
	if rest == "nothing" {
		return func(_ context.Context, p *play, who *peer) error { return p.nothing(who) }, nil
	}
	if raw, ok := strings.CutPrefix(rest, "bytes "); ok {
		return compileExpectBytes(raw)
	}
	value, err := parseValue(rest)
	return func(_ context.Context, p *play, who *peer) error {
		got, err := who.next()
		if err != nil {
			return err
		}
		if diff := p.vars.match("message", value, got); diff != "" {
			return fmt.Errorf("got %s: %s", format(got), diff)
		}
		return nil
	}, err
}

// compileExpectBytes wants bytes in hexadecimal digits, of which each that is a question mark may be any.
func compileExpectBytes(rest string) (deed, error) {
	want := strings.ReplaceAll(rest, " ", "")
	_, err := hex.DecodeString(strings.ReplaceAll(want, "?", "0"))
	return func(_ context.Context, _ *play, who *peer) error { return who.expectBytes(want) }, err
}

func compileBytes(rest string, framed bool) (deed, error) {
	parts, err := parseBytes(rest)
	return func(ctx context.Context, p *play, who *peer) error {
		b, err := p.vars.fillBytes(parts)
		if err == nil {
			err = p.connect(ctx, who)
		}
		if err != nil {
			return err
		}
		return who.sendBytes(b, framed)
	}, err
}

func compileJoin(words []string) (deed, error) {
	realm := variable("realm")
	roles := wamp.Dict{"publisher": wamp.Dict{}, "subscriber": wamp.Dict{}, "caller": wamp.Dict{}, "callee": wamp.Dict{}}
	for _, word := range words {
		if other, ok := strings.CutPrefix(word, "@"); ok {
			realm = variable("realm." + other)
			continue
		}
		role, feature, _ := strings.Cut(word, ".")
		if err := announce(roles, role, feature); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, p *play, who *peer) error { return p.join(ctx, who, realm, roles) }, nil
}

func announce(roles wamp.Dict, role, feature string) error {
	details, ok := roles[role].(wamp.Dict)
	if !ok || feature == "" {
		return fmt.Errorf("%q is no role of a client with a feature", role+"."+feature)
	}
	if details["features"] == nil {
		details["features"] = wamp.Dict{}
	}
	details["features"].(wamp.Dict)[feature] = true
	return nil
}

func compileOn(words []string) (deed, error) {
	fits := Case{only: words}
	return func(_ context.Context, p *play, who *peer) error {
		for _, w := range p.wires {
			if fits.allows(&w) {
				who.wire = w
				return nil
			}
		}
		return fmt.Errorf("%w: needs a wire of %s", ErrNotApplicable, strings.Join(words, " "))
	}, nil
}

func compileClosed(rest string) (deed, error) {
	code := 0
	var err error
	if rest != "" {
		code, err = strconv.Atoi(rest)
	}
	return func(_ context.Context, _ *play, who *peer) error { return who.closed(code) }, err
}

func compileUpgrade(rest string) (deed, error) {
	var words wamp.List
	for s := (scanner{rest}); s.space() != ""; {
		word, err := s.value()
		if err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	if len(words) != 3 {
		return nil, errors.New(`want subprotocols, status and chosen subprotocol: upgrade "a, b" 101 "b"`)
	}
	return func(ctx context.Context, p *play, who *peer) error { return p.upgrade(ctx, who, words) }, nil
}

func compileDistinct(names []string) (action, error) {
	return func(_ context.Context, p *play) error {
		seen := map[any]string{}
		for _, name := range names {
			value, err := p.vars.fill(variable(strings.TrimPrefix(name, "$")))
			if err != nil {
				return err
			}
			if same, found := seen[value]; found {
				return fmt.Errorf("%s and %s are both %s", same, name, format(value))
			}
			seen[value] = name
		}
		return nil
	}, nil
}
