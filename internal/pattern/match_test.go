package pattern_test

import (
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/internal/pattern"
)

// PBR-02, PBR-03, PBS-02, PBS-06, PBS-07, URI-09
func TestMatches_PBS06_PBS07(t *testing.T) {
	for _, c := range []struct {
		kind    pattern.Kind
		pattern string
		uri     string
		want    bool
	}{
		{exact, "com.myapp.topic", "com.myapp.topic", true},
		{exact, "com.myapp.topic", "com.myapp.Topic", false},
		{exact, "com.myapp.caf\u00e9", "com.myapp.cafe\u0301", false},
		{prefix, "com.myapp.topic.emergency", "com.myapp.topic.emergency", true},
		{prefix, "com.myapp.topic.emergency", "com.myapp.topic.emergency.11", true},
		{prefix, "com.myapp.topic.emergency", "com.myapp.topic.emergency-low", true},
		{prefix, "com.myapp.topic.emergency", "com.myapp.topic.emergency.category.severe", true},
		{prefix, "com.myapp.topic.emergency", "com.myapp.topic.emerge", false},
		{prefix, "", "anything", true},
		{wildcard, "com.myapp..userevent", "com.myapp.foo.userevent", true},
		{wildcard, "com.myapp..userevent", "com.myapp.foo.userevent.bar", false},
		{wildcard, "com.myapp..userevent", "com.myapp.foo.user", false},
		{wildcard, "com.myapp..userevent", "com.myapp2.foo.userevent", false},
		{wildcard, "com.myapp..userevent", "com.myapp..userevent", false},
		{wildcard, "com.myapp.", "com.myapp", false},
		{wildcard, ".myapp", ".myapp", false},
		{wildcard, "com.", "com.", false},
		{wildcard, "com.myapp", "com.myapp", true},
		{wildcard, "..", "a.b.c", true},
		{wildcard, "", "a", true},
		{wildcard, "", "", false},
	} {
		if got := pattern.Matches(c.kind, c.pattern, c.uri); got != c.want {
			t.Errorf("Matches(%d, %q, %q) = %v", c.kind, c.pattern, c.uri, got)
		}
	}
}

// AZN-05
func TestCovers_AZN05(t *testing.T) {
	for _, c := range []struct {
		ruleKind pattern.Kind
		rule     string
		kind     pattern.Kind
		pattern  string
		want     bool
	}{
		{prefix, "com.shop.", prefix, "com.shop.orders", true},
		{prefix, "com.shop.", prefix, "com.shop", false},
		{prefix, "com.shop.", wildcard, "com.shop..added", true},
		{prefix, "com.shop.orders", wildcard, "com.shop..added", false},
		{prefix, "", wildcard, "..", true},
		{prefix, ".b", wildcard, ".b", false}, // a rule that no URI matches
		{exact, "com.shop", prefix, "com.shop", false},
		{exact, "com.shop.", wildcard, "com.shop.", false},
		{exact, "com.shop", wildcard, "com.shop", true},
		{wildcard, "com..added", wildcard, "com.shop.added", true},
		{wildcard, "com..added", wildcard, "com..", false},
		{wildcard, "com..", wildcard, "com..added", true},
		{wildcard, "com..", exact, "com.shop.added", true},
		{wildcard, "com..", prefix, "com.shop.added", false},
	} {
		if got := pattern.Covers(c.ruleKind, c.rule, c.kind, c.pattern); got != c.want {
			t.Errorf("Covers(%d %q, %d %q) = %v", c.ruleKind, c.rule, c.kind, c.pattern, got)
		}
	}
}

// R0, RPC-20, URI-06
func TestReaches_RPC20(t *testing.T) {
	for _, c := range []struct {
		kind    pattern.Kind
		pattern string
		want    bool
	}{
		{exact, "wamp", true},
		{exact, "wamp.session.count", true},
		{exact, "wampx", false},
		{exact, "com.wamp.x", false},
		{prefix, "", true},
		{prefix, "wam", true},
		{prefix, "wamp.", true},
		{prefix, "wamp.session", true},
		{prefix, "wampx", false},
		{prefix, "com", false},
		{wildcard, "..count", true},
		{wildcard, "", true},
		{wildcard, "wamp.", true},
		{wildcard, "wampx.", false},
		{wildcard, "com..", false},
	} {
		if got := pattern.Reaches(c.kind, c.pattern, "wamp"); got != c.want {
			t.Errorf("Reaches(%d, %q, wamp) = %v", c.kind, c.pattern, got)
		}
	}
}

// universe is every URI of one to four components out of a, b and two that begin
// with them. Patterns have up to three components, one octet shorter or more, so
// that what a prefix or an empty component leaves open is open in the universe.
var (
	universe = uris([]string{"a", "b", "aa", "ab", "ba", "bb"}, 4)
	patterns = wellFormed()
)

func uris(parts []string, most int) (all []string) {
	if most == 0 {
		return nil
	}
	for _, part := range parts {
		all = append(all, part)
		for _, rest := range uris(parts, most-1) {
			all = append(all, part+"."+rest)
		}
	}
	return all
}

func wellFormed() (all []entry) {
	literal, open := []string{"a", "b"}, []string{"", "a", "b"}
	for _, uri := range uris(literal, 3) {
		all = append(all, entry{kind: exact, uri: uri}, entry{kind: prefix, uri: uri})
	}
	all = append(all, entry{kind: prefix, uri: ""})
	for _, uri := range uris(literal, 2) {
		all = append(all, entry{kind: prefix, uri: uri + "."})
	}
	for _, uri := range uris(open, 3) {
		all = append(all, entry{kind: wildcard, uri: uri})
	}
	return all
}

// language returns, for each URI of the universe, whether p matches it.
func language(p entry) []bool {
	matched := make([]bool, len(universe))
	for i, uri := range universe {
		matched[i] = pattern.Matches(p.kind, p.uri, uri)
	}
	return matched
}

func contains(outer, inner []bool) bool {
	for i := range inner {
		if inner[i] && !outer[i] {
			return false
		}
	}
	return true
}

// AZN-05: Covers says the same as comparing what both match, URI by URI.
func TestCovers_AZN05_BruteForce(t *testing.T) {
	languages := make([][]bool, len(patterns))
	for i, p := range patterns {
		languages[i] = language(p)
	}
	for i, rule := range patterns {
		for j, p := range patterns {
			want := contains(languages[i], languages[j])
			if got := pattern.Covers(rule.kind, rule.uri, p.kind, p.uri); got != want {
				t.Errorf("Covers(%d %q, %d %q) = %v", rule.kind, rule.uri, p.kind, p.uri, got)
			}
		}
	}
}

// R0: Reaches says the same as looking for a URI in the namespace that matches.
func TestReaches_RPC20_BruteForce(t *testing.T) {
	for _, namespace := range []string{"a", "b", "ab", "a.b", "ba.b", "a.b.a"} {
		for _, p := range patterns {
			want := false
			for _, uri := range universe {
				inside := strings.HasPrefix(uri+".", namespace+".")
				want = want || inside && pattern.Matches(p.kind, p.uri, uri)
			}
			if got := pattern.Reaches(p.kind, p.uri, namespace); got != want {
				t.Errorf("Reaches(%d, %q, %q) = %v", p.kind, p.uri, namespace, got)
			}
		}
	}
}
