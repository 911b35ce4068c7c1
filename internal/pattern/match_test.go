package pattern_test

import (
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
