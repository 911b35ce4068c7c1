package conformance

import (
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
	do   func(p *play) error
}

// deed is what a line says of one peer.
type deed func(p *play, who *peer) error

// compile returns what a line says.
func compile(line string) (func(p *play) error, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if name == "distinct" {
		return func(p *play) error { return p.vars.distinct(strings.Fields(rest)) }, nil
	}
	do, err := compileDeed(rest)
	return func(p *play) error { return do(p, p.peer(name)) }, err
}

func compileDeed(text string) (deed, error) {
	verb, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	switch rest = strings.TrimSpace(rest); verb {
	case ">":
		return connected(compileSend(rest))
	case "<":
		return compileExpect(rest)
	case "frame", "bytes":
		return connected(compileBytes(rest, verb == "frame"))
	case "join":
		return connected(compileJoin(strings.Fields(rest)))
	case "on":
		return compileOn(strings.Fields(rest))
	case "upgrade":
		return compileUpgrade(rest)
	case "closed":
		return compileClosed(rest)
	case "aborted":
		return compileAborted(rest)
	}
	if rest != "" {
		return nil, fmt.Errorf("%q behind %q", rest, verb)
	}
	return compileVerb(verb)
}

// compileVerb returns the deed of a verb that stands alone.
func compileVerb(verb string) (deed, error) {
	switch verb {
	case "connect":
		return (*play).connect, nil
	case "dial":
		return (*play).dial, nil
	case "drop":
		return func(_ *play, who *peer) error { return who.drop() }, nil
	case "reset":
		return func(_ *play, who *peer) error { return who.reset() }, nil
	case "ends":
		return func(_ *play, who *peer) error { return who.ends() }, nil
	case "works":
		return macro(works)
	}
	return nil, fmt.Errorf("%q is no verb", verb)
}

// connected returns the deed of a peer that connects before if it has not.
func connected(do deed, err error) (deed, error) {
	return func(p *play, who *peer) error {
		if err := p.connect(who); err != nil {
			return err
		}
		return do(p, who)
	}, err
}

// macro returns the deed that some lines are together. Their variables are their own.
func macro(lines string) (deed, error) {
	var all []deed
	for line := range strings.Lines(lines) {
		do, err := compileDeed(line)
		if err != nil {
			return nil, err
		}
		all = append(all, do)
	}
	return func(p *play, who *peer) error {
		known := p.vars
		defer func() { p.vars = known }()
		p.vars = vars{}
		for _, do := range all {
			if err := do(p, who); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// works shows that a session can do all that sessions are for.
const works = `> [32, 9001, {}, "conformance.works"]
< [33, 9001, $subscription]
> [16, 9002, {"acknowledge": true, "exclude_me": false}, "conformance.works", ["event"]]
< [17, 9002, $publication]
< [36, $subscription, $publication, {…}, ["event"]]
> [34, 9003, $subscription]
< [35, 9003]
> [64, 9004, {}, "conformance.works"]
< [65, 9004, $registration]
> [48, 9005, {}, "conformance.works", ["call"]]
< [68, $invocation, $registration, {}, ["call"]]
> [70, $invocation, {}, ["result"]]
< [50, 9005, {}, ["result"]]
> [66, 9006, $registration]
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
	return func(p *play, who *peer) error {
		message, err := p.vars.fill(value)
		if err != nil {
			return err
		}
		return who.send(message)
	}, err
}

func compileBytes(rest string, framed bool) (deed, error) {
	parts, err := parseBytes(rest)
	return func(p *play, who *peer) error {
		b, err := p.vars.fillBytes(parts)
		if err != nil {
			return err
		}
		return who.sendBytes(b, framed)
	}, err
}

func compileExpect(rest string) (deed, error) {
	if rest == "nothing" {
		return (*play).nothing, nil
	}
	if raw, ok := strings.CutPrefix(rest, "bytes "); ok {
		return compileExpectBytes(raw)
	}
	value, err := parseValue(rest)
	return func(p *play, who *peer) error { return p.expect(who, value) }, err
}

// compileExpectBytes wants bytes in hexadecimal digits, of which each that is a question mark may be any.
func compileExpectBytes(rest string) (deed, error) {
	want := strings.ReplaceAll(rest, " ", "")
	_, err := hex.DecodeString(strings.ReplaceAll(want, "?", "0"))
	return func(_ *play, who *peer) error { return who.expectBytes(want) }, err
}

func compileJoin(words []string) (deed, error) {
	realm := variable("realm")
	roles := wamp.Dict{"publisher": wamp.Dict{}, "subscriber": wamp.Dict{}, "caller": wamp.Dict{}, "callee": wamp.Dict{}}
	for _, word := range words {
		if key, ok := strings.CutPrefix(word, "@"); ok {
			realm = variable("realm." + key)
		} else if err := announce(roles, word); err != nil {
			return nil, err
		}
	}
	hello := wamp.List{int64(wamp.TypeHello), realm, wamp.Dict{"roles": roles}}
	return func(p *play, who *peer) error { return p.join(who, hello) }, nil
}

// announce adds a feature such as "callee.call_canceling" to the roles.
func announce(roles wamp.Dict, word string) error {
	role, feature, _ := strings.Cut(word, ".")
	details, ok := roles[role].(wamp.Dict)
	if !ok || feature == "" {
		return fmt.Errorf("%q is no feature of a client's role", word)
	}
	features, ok := details["features"].(wamp.Dict)
	if !ok {
		features = wamp.Dict{}
		details["features"] = features
	}
	features[feature] = true
	return nil
}

func compileOn(words []string) (deed, error) {
	return func(p *play, who *peer) error { return p.place(who, words) }, checkWires(words)
}

func compileClosed(rest string) (deed, error) {
	code := 0
	var err error
	if rest != "" {
		code, err = strconv.Atoi(rest)
	}
	return func(_ *play, who *peer) error { return who.closed(code) }, err
}

func compileUpgrade(rest string) (deed, error) {
	s := scanner{rest}
	offered, err := s.quoted()
	answer, answerErr := parseValue("[" + strings.Replace(strings.TrimSpace(s.left), " ", ", ", 1) + "]")
	return func(p *play, who *peer) error { return p.upgrade(who, offered, answer) }, errors.Join(err, answerErr)
}
