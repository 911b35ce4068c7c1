package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

// newReply returns the answer that the value of --reply describes. Which form the value has is decided here, before
// any call: what a caller sends fills it in but never becomes the name of a file.
func newReply(word string, stdin io.Reader) (answerFunc, error) {
	if readsFile(word) {
		return fixedReply(word, stdin)
	}
	text, forced := strings.CutPrefix(word, "s:")
	r := &reply{text: forced}
	var err error
	if r.parsed, err = template.New("reply").Funcs(r.words(nil, false)).Parse(text); err != nil {
		return nil, fmt.Errorf("--reply: %w", err)
	}
	return r.answer, nil
}

func fixedReply(word string, stdin io.Reader) (answerFunc, error) {
	value, err := parseValue(word, stdin)
	if err != nil {
		return nil, err
	}
	payload, err := rawJSON([]json.RawMessage{value}, nil)
	return func(*client.Invocation) (*client.Result, error) { return &client.Result{Payload: payload}, nil }, err
}

// reply is a value with gaps.
type reply struct {
	parsed *template.Template
	text   bool // the value is a text whatever it looks like
}

func (r *reply) answer(inv *client.Invocation) (*client.Result, error) {
	value, err := r.fill(inv)
	if err != nil {
		return nil, err
	}
	payload, err := rawJSON([]json.RawMessage{value}, nil)
	return &client.Result{Payload: payload}, err
}

// fill fills the gaps in as JSON needs it. If that makes no JSON the value is a text, and they are filled in as they
// are.
func (r *reply) fill(inv *client.Invocation) (json.RawMessage, error) {
	if !r.text {
		filled, err := r.execute(inv, true)
		if err != nil {
			return nil, err
		}
		if json.Valid([]byte(filled)) {
			return compact([]byte(filled))
		}
	}
	filled, err := r.execute(inv, false)
	if err != nil {
		return nil, err
	}
	return marshal(filled)
}

func (r *reply) execute(inv *client.Invocation, escaped bool) (string, error) {
	t, err := r.parsed.Clone()
	if err != nil {
		return "", err
	}
	var filled strings.Builder
	if err := t.Funcs(r.words(inv, escaped)).Execute(&filled, nil); err != nil {
		return "", unwrapped(err)
	}
	return filled.String(), nil
}

// unwrapped returns what a word said in its error. Anything else is the template's fault.
func unwrapped(err error) error {
	var refusal *wamp.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	return wamp.Errorf(wamp.ErrRuntimeError, "the reply cannot be filled in: %v", err)
}

// words are what stands for something in a reply. A text is filled in without quotes, anything else as JSON.
func (r *reply) words(inv *client.Invocation, escaped bool) template.FuncMap {
	return template.FuncMap{
		"procedure": func() (string, error) { return gap(inv.Procedure, escaped) },
		"arg": func(i int) (string, error) {
			if i < 0 || i >= len(inv.Args) {
				return "", wamp.Errorf(wamp.ErrInvalidArgument, "the call has no argument %d", i)
			}
			return gap(inv.Args[i], escaped)
		},
		"kwarg": func(key string) (string, error) {
			value, ok := inv.Kwargs[key]
			if !ok {
				return "", wamp.Errorf(wamp.ErrInvalidArgument, "the call has no keyword argument %q", key)
			}
			return gap(value, escaped)
		},
	}
}

// gap returns what is filled in for the value. Escaped is a text as it stands between the quotes of JSON.
func gap(v any, escaped bool) (string, error) {
	text, isText := v.(string)
	if isText && !escaped {
		return text, nil
	}
	encoded, err := formatPayload(&wamp.Payload{Args: wamp.List{v}})
	if err != nil || !isText {
		return encoded, err
	}
	return encoded[1 : len(encoded)-1], nil
}
