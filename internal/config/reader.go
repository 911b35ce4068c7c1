package config

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// reader walks the nodes of a file and gathers problems instead of stopping at the first.
type reader struct {
	problems []Problem

	addresses map[string]string // the listeners' so far, with their names
	plain     []value           // addresses that others reach without TLS
	known     bool              // that this can be dangerous

	historyFiles map[string]bool // of all realms so far
	topics       []topicAt       // of the realm that is being read
}

// value is a node of the file and where it stands.
type value struct {
	node ast.Node
	path string
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

// wrong notes that the value is of another kind than what is wanted.
func (r *reader) wrong(v value, want, hint string) {
	switch v.node.(type) {
	case *ast.AliasNode, *ast.AnchorNode, *ast.TagNode, *ast.MergeKeyNode:
		hint = "write it out: these are not supported"
	}
	r.add(v, "is "+kindOf(v.node)+", not "+want, hint)
}

// written returns what stands in the file for a scalar.
func written(n ast.Node) string {
	if s, ok := n.(ast.ScalarNode); ok && s.GetToken() != nil {
		return s.GetToken().Value
	}
	return ""
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
func (r *reader) entries(v value, want, hint string) []entry {
	m, ok := v.node.(ast.MapNode)
	if !ok {
		if kindOf(v.node) == "empty" {
			hint = "are its keys indented deeper than it is? " + hint
		}
		r.wrong(v, want, hint)
		return nil
	}
	var list []entry
	lines := make(map[string]int)
	for it := m.MapRange(); it.Next(); {
		key := it.Key().GetToken().Value
		path := join(v.path, key)
		e := entry{key, value{it.Key(), path}, value{it.Value(), path}}
		if line, twice := lines[key]; twice {
			r.add(e.at, fmt.Sprintf("is there twice, first in line %d", line), "keep one of them")
			continue
		}
		lines[key], _ = position(it.Key().GetToken())
		list = append(list, e)
	}
	return list
}

var plainKey = regexp.MustCompile(`^[\w<-]+$`)

func join(path, key string) string {
	if !plainKey.MatchString(key) {
		key = strconv.Quote(key)
	}
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

// fields reads a mapping whose keys are known, and reports whether all in it is right.
func (r *reader) fields(v value, fields ...field) (ok bool) {
	before := len(r.problems)
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.key
	}
	for _, e := range r.entries(v, "a mapping", "its keys are "+strings.Join(known, ", ")) {
		if i := slices.Index(known, e.key); i >= 0 {
			fields[i].read(e.value)
		} else {
			r.add(e.at, "unknown key", hintForKey(e, known))
		}
	}
	return len(r.problems) == before
}

// crossbar are the keys with which a configuration of Crossbar.io begins.
var crossbar = []string{"version", "controller", "workers", "$schema"}

func hintForKey(e entry, known []string) string {
	switch {
	case e.key == "<<":
		return "YAML's merge keys are not supported: write it out"
	case e.at.path == e.key && slices.Contains(crossbar, e.key):
		return "if this is a configuration of Crossbar.io, docs/configuration.md says what its keys are called here"
	default:
		return didYouMean(e.key, known)
	}
}

// items returns the values of a list.
func (r *reader) items(v value) []value {
	list, ok := v.node.(*ast.SequenceNode)
	if !ok {
		hint := ""
		if text := written(v.node); text != "" {
			hint = fmt.Sprintf("write [%s]", text)
		}
		r.wrong(v, "a list", hint)
		return nil
	}
	items := make([]value, len(list.Values))
	for i, n := range list.Values {
		items[i] = value{n, fmt.Sprintf("%s[%d]", v.path, i)}
	}
	return items
}

// text reads a text, which may stand without quotes even if it looks like a number.
func (r *reader) text(v value, dst *string) (ok bool) {
	switch n := v.node.(type) {
	case *ast.StringNode:
		*dst = n.Value
		return true
	case *ast.IntegerNode:
		*dst = n.GetToken().Value
		return true
	case *ast.BoolNode:
		r.wrong(v, "a text", fmt.Sprintf("if it is meant as one write %q", written(v.node)))
	default:
		r.wrong(v, "a text", "")
	}
	return false
}

// isText reports whether the value is a text, for those that may be something else too.
func (r *reader) isText(v value) bool {
	_, ok := v.node.(*ast.StringNode)
	return ok
}

// word reads one of a set of words.
func (r *reader) word(v value, known []string) (index int, ok bool) {
	var text string
	if !r.text(v, &text) {
		return 0, false
	}
	if i := slices.Index(known, text); i >= 0 {
		return i, true
	}
	r.add(v, fmt.Sprintf("unknown word %q", text), didYouMean(text, known))
	return 0, false
}

// flag reads true or false.
func (r *reader) flag(v value, dst *bool) {
	n, ok := v.node.(*ast.BoolNode)
	if !ok {
		r.wrong(v, "true or false", switches[strings.ToLower(written(v.node))])
		return
	}
	*dst = n.Value
}

// switches are words of other times and files for true and false.
var switches = map[string]string{
	"yes": "write true", "on": "write true", "1": "write true", "y": "write true",
	"no": "write false", "off": "write false", "0": "write false", "n": "write false",
}

// count reads a positive number.
func (r *reader) count(v value, dst *int) { r.wholeNumber(v, 1, dst) }

var (
	digits = regexp.MustCompile(`^[-+]?\d+$`)
	octal  = regexp.MustCompile(`^[-+]?0[\d_]+$`)
)

func quoted(n ast.Node) bool {
	t := n.GetToken().Type
	return t == token.SingleQuoteType || t == token.DoubleQuoteType
}

func (r *reader) wholeNumber(v value, least int64, dst *int) {
	text := written(v.node)
	number, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 0, 32)
	_, isNumber := v.node.(*ast.IntegerNode) // it is a text if it is very large
	switch {
	case !isNumber && !digits.MatchString(text):
		r.wrong(v, "a whole number", "")
	case !isNumber && quoted(v.node):
		r.wrong(v, "a whole number", "write it without quotes")
	case octal.MatchString(text):
		r.add(v, "begins with 0", "write the number without it")
	case err != nil || number < least:
		r.add(v, fmt.Sprintf("must be between %d and %d", least, math.MaxInt32), "leave the key out for the default")
	default:
		*dst = int(number)
	}
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
	n, ok := sizeOf(s.Value)
	switch {
	case !ok:
		r.add(v, fmt.Sprintf("%q is not a size", s.Value), "write bytes, or a number with KiB, MiB or GiB, such as 64KiB")
	case n > math.MaxInt32:
		r.add(v, "must be less than 2GiB", "")
	default:
		*dst = n
	}
}

// sizeOf returns the bytes that a number with a unit says. It reports false if the text is something else.
func sizeOf(text string) (n int, ok bool) {
	for _, unit := range sizeUnits {
		if digits, found := strings.CutSuffix(text, unit.suffix); found {
			n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 32)
			return int(n) * unit.bytes, err == nil && n > 0
		}
	}
	return 0, false
}

// duration reads a time of at least a millisecond, such as 30s or 1h30m.
func (r *reader) duration(v value, dst *time.Duration) {
	const hint = "write a number with ms, s, m or h, such as 500ms or 1h30m; leave the key out for none"
	var text string
	if !r.text(v, &text) {
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

// file reads the path of a file that must be there.
func (r *reader) file(v value, dst *string) {
	if !r.text(v, dst) {
		return
	}
	f, err := os.Open(*dst)
	if err != nil {
		r.add(v, "cannot be read: "+err.Error(), relativeTo(*dst))
		return
	}
	_ = f.Close()
}

// relativeTo is a hint for paths that mean something else than a person thought.
func relativeTo(path string) string {
	dir, err := os.Getwd()
	if err != nil || filepath.IsAbs(path) {
		return ""
	}
	return "the working directory is " + dir
}
