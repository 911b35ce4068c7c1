package wamp_test

import (
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/wamp"
)

// URI-01, URI-02, URI-11, URI-12: what a rule accepts, as a URI, a prefix and a wildcard.
func TestURIRules(t *testing.T) {
	const uri, prefix, wildcard = 1, 2, 4
	const all, none = uri | prefix | wildcard, 0
	for s, want := range map[string]struct{ loose, strict int }{
		"com.example.topic_1":                    {all, all},
		"a":                                      {all, all},
		"":                                       {prefix | wildcard, prefix | wildcard},
		"com.":                                   {prefix | wildcard, prefix | wildcard},
		".com":                                   {wildcard, wildcard},
		"com..topic":                             {wildcard, wildcard},
		"com.Example":                            {all, none},
		"com.exa-mple":                           {all, none},
		"com.été":                                {all, none},
		"com.été..":                              {wildcard, none},
		"com.a b":                                {none, none},
		"com.a\tb":                               {none, none},
		"com.a#b":                                {none, none},
		"com.é\u00a0b":                           {none, none},
		"com.\u2028":                             {none, none},
		"com.\xff":                               {none, none},
		strings.Repeat("a", wamp.MaxURILength):   {all, all},
		strings.Repeat("a", wamp.MaxURILength+1): {none, none},
	} {
		for rule, want := range map[wamp.URIRule]int{wamp.LooseURI: want.loose, wamp.StrictURI: want.strict} {
			wanted := map[wamp.MatchPolicy]bool{
				wamp.MatchExact:    want&uri != 0,
				wamp.MatchPrefix:   want&prefix != 0,
				wamp.MatchWildcard: want&wildcard != 0,
			}
			for match, want := range wanted {
				if got := rule.ValidPattern(s, match); got != want {
					t.Errorf("rule %d takes %q for match %v: %v, want %v", rule, s, match, got, want)
				}
			}
			if got := rule.ValidURI(s); got != (want&uri != 0) {
				t.Errorf("rule %d takes %q for a URI: %v", rule, s, got)
			}
		}
	}
}
