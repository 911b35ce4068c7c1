package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	// maxSize is the size of the largest file that is read, in bytes: a file that is larger was not meant.
	maxSize = 1 << 20
	// maxDepth is how deep brackets and dashes may be nested. What the YAML parser takes grows with the square of it.
	maxDepth = 64
)

var byteOrderMark = []byte("\ufeff")

// parse returns the root of the file, or false if it is not YAML at all.
func (r *reader) parse(text []byte) (value, bool) {
	text = bytes.TrimPrefix(text, byteOrderMark)
	if !r.readable(text) {
		return value{}, false
	}
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // the reader finds those itself
	if err != nil {
		r.syntax(err)
		return value{}, false
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		r.add(value{}, "the file says nothing", `it needs listeners and realms; "tandem init" prints a file to begin with`)
		return value{}, false
	}
	if len(file.Docs) > 1 && file.Docs[1].Body != nil {
		r.add(value{node: file.Docs[1].Body}, "a second YAML document begins", "remove the line --- above it")
	}
	return value{node: file.Docs[0].Body}, true
}

// readable reports whether the text can be given to the parser.
func (r *reader) readable(text []byte) bool {
	if len(text) > maxSize {
		r.problems = append(r.problems, Problem{
			Line: 1, Column: 1, Text: fmt.Sprintf("the file is larger than %d MiB", maxSize>>20), Hint: "is it the right one?",
		})
		return false
	}
	if at := notText(text); at >= 0 {
		r.at(text[:at], "the file is not UTF-8", "save it in that encoding")
		return false
	}
	if at := tooDeep(text); at >= 0 {
		r.at(text[:at], fmt.Sprintf("more than %d lists or mappings are nested", maxDepth), "is a bracket not closed?")
		return false
	}
	return true
}

// at notes that something is wrong behind what was read.
func (r *reader) at(read []byte, text, hint string) {
	line := read[bytes.LastIndexByte(read, '\n')+1:]
	r.problems = append(r.problems, Problem{
		Line: bytes.Count(read, []byte("\n")) + 1, Column: utf8.RuneCount(line) + 1, Text: text, Hint: hint,
	})
}

// notText returns the offset of the first octet that no text in UTF-8 has there, or -1.
func notText(text []byte) int {
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		if c == 0 || c == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// tooDeep returns the offset at which brackets, or dashes at the beginning of a line, are nested too deep, or -1. It does
// not know texts and comments from what counts, which the limit leaves room for.
func tooDeep(text []byte) int {
	brackets, dashes, indented := 0, 0, true
	for i, c := range text {
		switch {
		case c == '\n':
			dashes, indented = 0, true
		case c == '[' || c == '{':
			brackets++
		case c == ']' || c == '}':
			brackets = max(0, brackets-1)
		case c == '-' && indented:
			dashes++
		}
		indented = indented && (c == '\n' || c == ' ' || c == '-')
		if brackets > maxDepth || dashes > maxDepth {
			return i
		}
	}
	return -1
}

func (r *reader) syntax(err error) {
	p := Problem{Line: 1, Column: 1, Text: err.Error(), Hint: "the file is not valid YAML"}
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		p.Text = syntax.GetMessage()
		p.Line, p.Column = position(syntax.GetToken())
		if strings.HasPrefix(p.Text, "found character '\t'") {
			p.Text, p.Hint = "the line begins with a tab", "YAML is indented with spaces"
		}
	}
	r.problems = append(r.problems, p)
}

func position(t *token.Token) (line, column int) {
	if t == nil || t.Position == nil {
		return 1, 1
	}
	return t.Position.Line, t.Position.Column
}
