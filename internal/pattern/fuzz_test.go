package pattern_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/pattern"
)

// A program is one operation per line: a letter for the operation, then a URI
// over a small alphabet, so that operations meet.
var programs = []struct{ program, uri string }{
	{"ea.b\npa\nwa.\nw.b\nw.", "a.b"},
	{"pa.b\npa.b.c\nwa.b..d\nEa.b\nPa.b", "a.b.cc.d"},
	{"w..\nw.b.\nwa..\nWa..\nwa..\nwa.b.c", "a.b.c"},
	{"p\np\nP\nw\nWx\nw", "a"},
	{"wa.a.a\nw.a.a\nwa..a\nwa.a.\nw..a", "a.a.a"},
}

func FuzzBest(f *testing.F) {
	for _, p := range programs {
		f.Add(p.program, p.uri)
	}
	f.Fuzz(func(t *testing.T, program, uri string) {
		x, naive := run(t, program)
		uri = small(uri)
		v, k, found := x.Best(uri)
		want, wantFound := naive.best(uri)
		if v != want.number || k != want.kind || found != wantFound {
			t.Errorf("Best(%q) = %d of kind %d, %v; want %+v", uri, v, k, found, want)
		}
	})
}

func FuzzAll(f *testing.F) {
	for _, p := range programs {
		f.Add(p.program, p.uri)
	}
	f.Fuzz(func(t *testing.T, program, uri string) {
		x, naive := run(t, program)
		uri = small(uri)
		if diff := gocmp.Diff(naive.all(uri), x.All(nil, uri)); diff != "" {
			t.Errorf("All(%q): -naive +index\n%s", uri, diff)
		}
	})
}

// Warming for any URIs changes no answer, and what it guesses is in the index.
func FuzzWarm(f *testing.F) {
	for _, p := range programs {
		f.Add(p.program, p.uri)
	}
	f.Fuzz(func(t *testing.T, program, uri string) {
		x, naive := run(t, program)
		uris := append(strings.Split(small(program), "b"), small(uri))
		for _, v := range x.Warm(nil, uris) {
			if !slices.ContainsFunc(naive, func(e entry) bool { return e.number == v }) {
				t.Errorf("%d was guessed", v)
			}
		}
		for _, uri := range uris {
			v, k, found := x.Best(uri)
			if want, wantFound := naive.best(uri); v != want.number || k != want.kind || found != wantFound {
				t.Errorf("Best(%q) = %d of kind %d, %v; want %+v", uri, v, k, found, want)
			}
		}
	})
}

// run carries a program out on an index and on a list. What the index refuses,
// the list does not get.
func run(t *testing.T, program string) (*pattern.Index[int], scan) {
	var x pattern.Index[int]
	var naive scan
	number := 0
	for line := range strings.SplitSeq(program, "\n") {
		kind, remove, uri := operation(line)
		at := slices.IndexFunc(naive, func(e entry) bool { return e.kind == kind && e.uri == uri })
		number++
		switch {
		case remove:
			if x.Delete(kind, uri) != (at >= 0) {
				t.Fatalf("Delete(%d, %q) is wrong", kind, uri)
			}
			if at >= 0 {
				naive = slices.Delete(naive, at, at+1)
			}
		case x.Insert(kind, uri, number) != nil:
		case at >= 0:
			naive[at].number = number
		default:
			naive = append(naive, entry{number, kind, uri})
		}
	}
	return &x, naive
}

// operation reads a line: e, p, w insert and E, P, W delete an entry.
func operation(line string) (kind pattern.Kind, remove bool, uri string) {
	if line == "" {
		return exact, false, ""
	}
	kinds := map[byte]pattern.Kind{'e': exact, 'p': prefix, 'w': wildcard}
	kind, known := kinds[line[0]|0x20]
	if !known {
		kind = pattern.Kind(line[0] % 3)
	}
	return kind, line[0]&0x20 == 0, small(line[1:])
}

// small maps any text to the alphabet of the programs, half of it dots.
func small(text string) string {
	return strings.Map(func(r rune) rune {
		if r == 'a' || r == 'b' || r == '.' {
			return r
		}
		return rune("ab.."[r&3])
	}, text)
}

// scan is the definition: a list of entries, all of which are compared.
type scan []entry

func (s scan) matching(kind pattern.Kind, uri string) (hits []entry) {
	for _, e := range s {
		if e.kind == kind && pattern.Matches(kind, e.uri, uri) {
			hits = append(hits, e)
		}
	}
	return hits
}

func (s scan) all(uri string) (numbers []int) {
	prefixes, wildcards := s.matching(prefix, uri), s.matching(wildcard, uri)
	slices.SortFunc(prefixes, byLength)
	slices.SortFunc(wildcards, func(a, b entry) int { return byLiterals(b, a) })
	for _, e := range slices.Concat(s.matching(exact, uri), prefixes, wildcards) {
		numbers = append(numbers, e.number)
	}
	return numbers
}

func (s scan) best(uri string) (entry, bool) {
	prefixes, wildcards := s.matching(prefix, uri), s.matching(wildcard, uri)
	endsComponent := func(e entry) bool {
		rest := uri[len(e.uri):]
		return e.uri == "" || rest == "" || rest[0] == '.' || strings.HasSuffix(e.uri, ".")
	}
	switch hits := s.matching(exact, uri); {
	case len(hits) > 0:
		return hits[0], true
	case slices.ContainsFunc(prefixes, endsComponent):
		return slices.MaxFunc(prefixes, byLength), true
	case len(wildcards) > 0:
		return slices.MaxFunc(wildcards, byLiterals), true
	case len(prefixes) > 0:
		return slices.MaxFunc(prefixes, byLength), true
	}
	return entry{}, false
}

func byLength(a, b entry) int { return cmp.Compare(len(a.uri), len(b.uri)) }

// byLiterals compares wildcards that match the same URI, left to right.
func byLiterals(a, b entry) int {
	return slices.Compare(literals(a.uri), literals(b.uri))
}

func literals(pattern string) (out []int) {
	for part := range strings.SplitSeq(pattern, ".") {
		out = append(out, min(len(part), 1))
	}
	return out
}
