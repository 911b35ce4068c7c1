package conformance

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tandemrouter/tandem/wamp"
)

// What a value in a script can be besides the values of JSON and []byte, *big.Int and float64.
type (
	variable  string   // $name: what the case has learnt, or an ID that it learns here
	anything  struct{} // _: one value, whatever it is
	others    struct{} // …: the values or entries that are left, if any
	undefined struct{} // of MessagePack and CBOR; null in JSON

	// repeated is a text, or bytes, many times over: a string or variable, and an int or variable.
	repeated struct{ text, times any }
)

// restKey stands in a dictionary that may have other entries.
const restKey = "…"

// scanner takes values off the beginning of a text.
type scanner struct{ left string }

// parseValue returns the value that the whole text is.
func parseValue(text string) (any, error) {
	s := scanner{text}
	v, err := s.value()
	if err == nil && s.space() != "" {
		err = fmt.Errorf("after the value: %q", s.left)
	}
	return v, err
}

// space skips white space and returns what is left.
func (s *scanner) space() string {
	s.left = strings.TrimLeft(s.left, " \t\n")
	return s.left
}

// take skips the mark if it comes next.
func (s *scanner) take(mark string) (ok bool) {
	s.left, ok = strings.CutPrefix(s.space(), mark)
	return ok
}

// word takes all up to a space or a mark.
func (s *scanner) word() string {
	end := strings.IndexAny(s.left, " \t\n,:]}*")
	if end < 0 {
		end = len(s.left)
	}
	word := s.left[:end]
	s.left = s.left[end:]
	return word
}

func (s *scanner) value() (any, error) {
	switch {
	case s.take("["):
		return s.list()
	case s.take("{"):
		return s.dict()
	case s.take(`b64"`):
		return s.binary()
	case s.take("$"):
		return variable(s.word()), nil
	case strings.HasPrefix(s.left, `"`):
		return s.text()
	}
	return literal(s.word())
}

func (s *scanner) list() (any, error) {
	list := wamp.List{}
	for !s.take("]") {
		if len(list) > 0 && !s.take(",") {
			return nil, fmt.Errorf("want , or ] before %q", s.left)
		}
		v, err := s.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (s *scanner) dict() (any, error) {
	dict := wamp.Dict{}
	for !s.take("}") {
		if len(dict) > 0 && !s.take(",") {
			return nil, fmt.Errorf("want , or } before %q", s.left)
		}
		if err := s.entry(dict); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

func (s *scanner) entry(dict wamp.Dict) error {
	if s.take(restKey) {
		dict[restKey] = others{}
		return nil
	}
	key, err := s.quoted()
	if err != nil {
		return err
	}
	if !s.take(":") {
		return fmt.Errorf("want : before %q", s.left)
	}
	dict[key], err = s.value()
	return err
}

// quoted takes a text in quotes, with the escapes of Go.
func (s *scanner) quoted() (string, error) {
	quoted, err := strconv.QuotedPrefix(s.space())
	if err != nil {
		return "", fmt.Errorf("want a text before %q", s.left)
	}
	s.left = s.left[len(quoted):]
	return strconv.Unquote(quoted)
}

// text takes a text, which may be repeated: "text"*1000.
func (s *scanner) text() (any, error) {
	text, err := s.quoted()
	if err != nil || !strings.HasPrefix(s.left, "*") {
		return text, err
	}
	return s.repeat(text)
}

func (s *scanner) repeat(text any) (repeated, error) {
	s.take("*")
	if s.take("$") {
		return repeated{text, variable(s.word())}, nil
	}
	n, err := strconv.Atoi(s.word())
	return repeated{text, n}, err
}

func (s *scanner) binary() (any, error) {
	encoded, rest, ok := strings.Cut(s.left, `"`)
	if !ok {
		return nil, errors.New("binary data without an end")
	}
	s.left = rest
	return base64.StdEncoding.DecodeString(encoded)
}

// literal returns the value of a word without quotes.
func literal(word string) (any, error) {
	switch word {
	case "null":
		return nil, nil
	case "true", "false":
		return word == "true", nil
	case "undefined":
		return undefined{}, nil
	case "_":
		return anything{}, nil
	case "…":
		return others{}, nil
	}
	return number(word)
}

// number returns the number, as package payload would decode it.
func number(word string) (any, error) {
	if strings.ContainsAny(word, ".eENF") {
		return strconv.ParseFloat(word, 64)
	}
	n, ok := new(big.Int).SetString(word, 10)
	switch {
	case !ok:
		return nil, fmt.Errorf("not a value: %q", word)
	case n.IsInt64():
		return n.Int64(), nil
	case n.IsUint64():
		return n.Uint64(), nil
	}
	return n, nil
}

// parseBytes reads bytes in hexadecimal digits, in quotes and from variables, each of which may be repeated:
// 81 05 "hello" 5b*100.
func parseBytes(text string) ([]repeated, error) {
	var list []repeated
	for s := (scanner{text}); s.space() != ""; {
		part, err := s.bytes()
		if err != nil {
			return nil, err
		}
		list = append(list, part)
	}
	return list, nil
}

func (s *scanner) bytes() (repeated, error) {
	part := repeated{times: 1}
	var err error
	switch {
	case s.take("$"):
		part.text = variable(s.word())
	case strings.HasPrefix(s.left, `"`):
		part.text, err = s.quoted()
	default:
		var b []byte
		b, err = hex.DecodeString(s.word())
		part.text = string(b)
	}
	if err == nil && strings.HasPrefix(s.left, "*") {
		return s.repeat(part.text)
	}
	return part, err
}

// format writes a value as a script would, long texts shortened.
func format(v any) string {
	switch v := v.(type) {
	case wamp.List:
		items := make([]string, len(v))
		for i := range v {
			items[i] = format(v[i])
		}
		return "[" + strings.Join(items, ", ") + "]"
	case wamp.Dict:
		return formatDict(v)
	case string:
		return shorten(strconv.Quote(v))
	case []byte:
		return shorten(`b64"` + base64.StdEncoding.EncodeToString(v) + `"`)
	case float64:
		return formatFloat(v)
	case nil:
		return "null"
	case variable:
		return "$" + string(v)
	case anything:
		return "_"
	}
	return fmt.Sprint(v)
}

func formatDict(dict wamp.Dict) string {
	items := make([]string, 0, len(dict))
	for _, key := range sortedKeys(dict) {
		items = append(items, strconv.Quote(key)+": "+format(dict[key]))
	}
	return "{" + strings.Join(items, ", ") + "}"
}

// formatFloat keeps a float apart from an integer.
func formatFloat(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e21 {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

const maxShown = 200 // bytes of one text

func shorten(text string) string {
	if len(text) <= maxShown {
		return text
	}
	end := maxShown
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes)", text[:end], len(text))
}
