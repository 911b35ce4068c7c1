package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// reader walks the nodes of a file and gathers problems instead of stopping at the first.
type reader struct {
	problems []Problem

	historyFiles map[string]bool // of all realms so far
	historyURIs  []historyURI    // of the realm that is being read
}

// value is a node of the file and where it stands.
type value struct {
	node ast.Node
	path string
}

// parse returns the root of the file, or false if it is not YAML at all.
func (r *reader) parse(text []byte) (value, bool) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		r.syntax(err)
		return value{}, false
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		r.add(value{}, "the file says nothing", "it needs listeners and realms")
		return value{}, false
	}
	return value{node: file.Docs[0].Body}, true
}

func (r *reader) syntax(err error) {
	p := Problem{Line: 1, Column: 1, Text: err.Error(), Hint: "the file is not valid YAML"}
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		p.Text = syntax.GetMessage()
		p.Line, p.Column = position(syntax.GetToken())
	}
	r.problems = append(r.problems, p)
}

func position(t *token.Token) (line, column int) {
	if t == nil || t.Position == nil {
		return 1, 1
	}
	return t.Position.Line, t.Position.Column
}

// add notes that something is wrong at the value.
func (r *reader) add(v value, text, hint string) {
	line, column := 1, 1
	if v.node != nil {
		line, column = position(first(v.node))
	}
	r.problems = append(r.problems, Problem{Line: line, Column: column, Path: v.path, Text: text, Hint: hint})
}

// first returns the token at which the node begins; a mapping's own token is the colon of its first entry.
func first(n ast.Node) *token.Token {
	if m, ok := n.(ast.MapNode); ok {
		if it := m.MapRange(); it.Next() {
			return it.Key().GetToken()
		}
	}
	return n.GetToken()
}

func (r *reader) wrong(v value, want string) {
	r.add(v, "is "+kindOf(v.node)+", not "+want, "")
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case nil, *ast.NullNode:
		return "empty"
	case ast.MapNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.AliasNode, *ast.AnchorNode, *ast.TagNode, *ast.MergeKeyNode:
		return "a YAML anchor, alias or tag"
	default:
		return "something else"
	}
}

// entry is one key of a mapping with its value.
type entry struct {
	key   string
	at    value // the key itself, for problems with it
	value value
}

// entries returns the mapping's entries in the order of the file.
func (r *reader) entries(v value, want string) []entry {
	m, ok := v.node.(ast.MapNode)
	if !ok {
		r.wrong(v, want)
		return nil
	}
	var list []entry
	for it := m.MapRange(); it.Next(); {
		key := it.Key().GetToken().Value
		path := join(v.path, key)
		list = append(list, entry{key, value{it.Key(), path}, value{it.Value(), path}})
	}
	return list
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// field is a key that a mapping may have.
type field struct {
	key  string
	read func(value)
}

// fields reads a mapping whose keys are known.
func (r *reader) fields(v value, fields ...field) {
	for _, e := range r.entries(v, "a mapping") {
		r.field(e, fields)
	}
}

func (r *reader) field(e entry, fields []field) {
	known := make([]string, len(fields))
	for i, f := range fields {
		if f.key == e.key {
			f.read(e.value)
			return
		}
		known[i] = f.key
	}
	r.add(e.at, "unknown key", didYouMean(e.key, known))
}

// items returns the values of a list.
func (r *reader) items(v value) []value {
	list, ok := v.node.(*ast.SequenceNode)
	if !ok {
		r.wrong(v, "a list")
		return nil
	}
	items := make([]value, len(list.Values))
	for i, n := range list.Values {
		items[i] = value{n, fmt.Sprintf("%s[%d]", v.path, i)}
	}
	return items
}

// text reads a text, which may stand without quotes even if it looks like a number.
func (r *reader) text(v value, dst *string) {
	switch n := v.node.(type) {
	case *ast.StringNode:
		*dst = n.Value
	case *ast.IntegerNode:
		*dst = n.GetToken().Value
	default:
		r.wrong(v, "a text")
	}
}

// isText reports whether the value is a text, for those that may be something else too.
func (r *reader) isText(v value) bool {
	_, ok := v.node.(*ast.StringNode)
	return ok
}

// word reads one of a set of words.
func (r *reader) word(v value, known []string) (index int, ok bool) {
	var text string
	before := len(r.problems)
	r.text(v, &text)
	if len(r.problems) > before {
		return 0, false
	}
	for i, k := range known {
		if k == text {
			return i, true
		}
	}
	r.add(v, fmt.Sprintf("unknown word %q", text), didYouMean(text, known))
	return 0, false
}

// flag reads true or false.
func (r *reader) flag(v value, dst *bool) {
	n, ok := v.node.(*ast.BoolNode)
	if !ok {
		r.wrong(v, "true or false")
		return
	}
	*dst = n.Value
}

// count reads a positive number.
func (r *reader) count(v value, dst *int) { r.wholeNumber(v, 1, dst) }

func (r *reader) wholeNumber(v value, least int64, dst *int) {
	n, ok := v.node.(*ast.IntegerNode)
	if !ok {
		r.wrong(v, "a whole number")
		return
	}
	number, err := strconv.ParseInt(strings.ReplaceAll(n.GetToken().Value, "_", ""), 0, 32)
	if err != nil || number < least {
		r.add(v, fmt.Sprintf("must be between %d and %d", least, math.MaxInt32), "leave the key out for the default")
		return
	}
	*dst = int(number)
}

var sizeUnits = []struct {
	suffix string
	bytes  int
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}

// size reads a number of bytes, such as 65536 or 64KiB.
func (r *reader) size(v value, dst *int) {
	s, ok := v.node.(*ast.StringNode)
	if !ok {
		r.count(v, dst)
		return
	}
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(s.Value, unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(digits))
		if err == nil && n > 0 && n <= math.MaxInt32/unit.bytes {
			*dst = n * unit.bytes
			return
		}
	}
	r.add(v, fmt.Sprintf("%q is not a size", s.Value), "write bytes, or a number with KiB, MiB or GiB, such as 64KiB")
}

// duration reads a time of at least a millisecond, such as 30s or 1h30m.
func (r *reader) duration(v value, dst *time.Duration) {
	const hint = "write a number with ms, s, m or h, such as 500ms or 1h30m; leave the key out for none"
	var text string
	found := len(r.problems)
	r.text(v, &text)
	if len(r.problems) > found {
		return
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		r.add(v, fmt.Sprintf("%q is not a time", text), hint)
	case d < time.Millisecond:
		r.add(v, "must be at least 1ms", hint)
	default:
		*dst = d.Truncate(time.Millisecond)
	}
}
