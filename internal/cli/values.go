package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// payloadFlags are the arguments that a command sends.
type payloadFlags struct {
	Args   []string `arg:"" optional:"" help:"Positional arguments, see above."`
	Kwargs []string `short:"k" name:"kwarg" sep:"none" placeholder:"KEY=VALUE" help:"A keyword argument; can be repeated."`
}

const valuesHelp = `Arguments that are JSON are sent as that, such as 1, -2.5, true, null, [1,2] and {"a":1}; anything else is a text.
Numbers of any size stay exact. Further forms:

  s:1       the text "1"
  @FILE     JSON from a file
  b:@FILE   the bytes of a file
  -         JSON from the standard input`

// payload returns what the flags say, written in JSON.
func (f *payloadFlags) payload(p *program) (wamp.Payload, error) {
	args := make([]json.RawMessage, len(f.Args))
	for i, word := range f.Args {
		var err error
		if args[i], err = parseValue(word, p.In); err != nil {
			return wamp.Payload{}, err
		}
		p.noteAlmostJSON(word)
	}
	kwargs, err := f.keywords(p)
	if err != nil {
		return wamp.Payload{}, err
	}
	return rawJSON(args, kwargs)
}

// keywords returns the keyword arguments. One that is given twice is a mistake: only one of them could be sent.
func (f *payloadFlags) keywords(p *program) (map[string]json.RawMessage, error) {
	kwargs := make(map[string]json.RawMessage, len(f.Kwargs))
	for _, word := range f.Kwargs {
		key, value, found := strings.Cut(word, "=")
		if !found {
			return nil, fmt.Errorf("-k %s: write -k KEY=VALUE", word)
		}
		if _, twice := kwargs[key]; twice {
			return nil, fmt.Errorf("-k %s: %q is there already", word, key)
		}
		var err error
		if kwargs[key], err = parseValue(value, p.In); err != nil {
			return nil, err
		}
		p.noteAlmostJSON(value)
	}
	return kwargs, nil
}

// noteAlmostJSON tells of a word that is sent as a text and looks as if it was not meant as one.
func (p *program) noteAlmostJSON(word string) {
	if !strings.HasPrefix(word, "{") && !strings.HasPrefix(word, "[") {
		return
	}
	if problem := wrongJSON([]byte(word)); problem != nil {
		fmt.Fprintf(p.Err, "%s is sent as a text; as JSON it has a mistake at %s (s: before it says that it is a text)\n",
			printable(word), problem)
	}
}

// wrongJSON says where a text is not one JSON value, as line:column, and why. It returns nil if it is one.
func wrongJSON(text []byte) error {
	var value json.RawMessage
	err := json.Unmarshal(text, &value)
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	read := text[:max(0, syntax.Offset-1)] // the offset counts what was found wrong
	line := read[bytes.LastIndexByte(read, '\n')+1:]
	return fmt.Errorf("%d:%d: %w", bytes.Count(read, []byte("\n"))+1, utf8.RuneCount(line)+1, err)
}

// rawJSON returns the payload with the given elements. Numbers stay as they were written.
func rawJSON(args []json.RawMessage, kwargs map[string]json.RawMessage) (wamp.Payload, error) {
	if len(args) == 0 && len(kwargs) == 0 {
		return wamp.Payload{}, nil
	}
	raw, err := marshal(args)
	if err != nil {
		return wamp.Payload{}, err
	}
	if len(kwargs) == 0 {
		return wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: raw}, nil
	}
	keywords, err := marshal(kwargs)
	if err != nil {
		return wamp.Payload{}, err
	}
	raw = append(append(raw, ','), keywords...)
	return wamp.Payload{Serializer: wamp.JSON, Elements: 2, Raw: raw}, nil
}

// parseValue returns the JSON that a word of the command line stands for.
func parseValue(word string, stdin io.Reader) (json.RawMessage, error) {
	if word == "-" {
		return readJSON("the standard input", stdin)
	}
	if file, ok := strings.CutPrefix(word, "b:@"); ok {
		return bytesOf(file)
	}
	if file, ok := strings.CutPrefix(word, "@"); ok {
		return jsonOf(file)
	}
	if text, ok := strings.CutPrefix(word, "s:"); ok {
		return marshal(text)
	}
	if json.Valid([]byte(word)) {
		return compact([]byte(word))
	}
	return marshal(word)
}

// readsFile reports whether parseValue reads what the word names.
func readsFile(word string) bool {
	return word == "-" || strings.HasPrefix(word, "@") || strings.HasPrefix(word, "b:@")
}

// marshal returns the value in JSON as it is meant for peers, not for web pages: nothing more than needed is escaped.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// bytesOf returns the bytes of the file in the way that JSON carries them (BJS-01).
func bytesOf(file string) (json.RawMessage, error) {
	content, err := readFile(file)
	if err != nil {
		return nil, err
	}
	return marshal("\x00" + base64.StdEncoding.EncodeToString(content))
}

func jsonOf(file string) (json.RawMessage, error) {
	content, err := readFile(file)
	if err != nil {
		return nil, err
	}
	return checkedJSON(file, content)
}

func readJSON(name string, r io.Reader) (json.RawMessage, error) {
	content, err := readAll(name, r)
	if err != nil {
		return nil, err
	}
	return checkedJSON(name, content)
}

func checkedJSON(name string, content []byte) (json.RawMessage, error) {
	if !utf8.Valid(content) {
		return nil, fmt.Errorf("%s does not hold one JSON value in UTF-8; b:@FILE sends bytes", name)
	}
	if err := wrongJSON(content); err != nil {
		return nil, fmt.Errorf("%s does not hold one JSON value: %w", name, err)
	}
	return compact(content)
}

func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(file, f)
}

// maxInput is the most that is read from a file or the standard input; no router takes a larger message.
const maxInput = 16 << 20

func readAll(name string, r io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err == nil && len(content) > maxInput {
		err = fmt.Errorf("%s is larger than any message can be (16 MiB)", name)
	}
	return content, err
}

func compact(text []byte) (json.RawMessage, error) {
	var b bytes.Buffer
	err := json.Compact(&b, text)
	return b.Bytes(), err
}

// formatPayload returns a payload for the standard output, in one line: a single argument as it is, nothing as an
// empty text, and anything else as an object with args and kwargs.
func formatPayload(p *wamp.Payload) (string, error) {
	list, kwargs, err := elementsOf(p)
	if err != nil {
		return "", err
	}
	var args []json.RawMessage
	if err := json.Unmarshal(list, &args); err != nil {
		return "", err
	}
	switch noKwargs := string(kwargs) == "{}"; {
	case noKwargs && len(args) == 0:
		return "", nil
	case noKwargs && len(args) == 1:
		return string(args[0]), nil
	case noKwargs:
		return fmt.Sprintf(`{"args":%s}`, list), nil
	case len(args) == 0:
		return fmt.Sprintf(`{"kwargs":%s}`, kwargs), nil
	default:
		return fmt.Sprintf(`{"args":%s,"kwargs":%s}`, list, kwargs), nil
	}
}

// elementsOf returns the arguments in JSON, without white space: a list and an object, which may be empty.
func elementsOf(p *wamp.Payload) (args, kwargs json.RawMessage, err error) {
	encoded, err := payload.Encode(wamp.JSON, p)
	if err != nil {
		return nil, nil, err
	}
	line, err := compact(fmt.Appendf(nil, "[%s]", encoded.Raw))
	if err != nil {
		return nil, nil, err
	}
	elements := make([]json.RawMessage, 0, 2)
	if err := json.Unmarshal(line, &elements); err != nil {
		return nil, nil, err
	}
	args, kwargs = json.RawMessage("[]"), json.RawMessage("{}")
	if len(elements) > 0 {
		args = elements[0]
	}
	if len(elements) > 1 {
		kwargs = elements[1]
	}
	return args, kwargs, nil
}
