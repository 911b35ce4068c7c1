package conformance

import (
	"strings"
	"testing"
)

// Every case has a name of its own and says what it is about, and the hostile ones end with a healthy session.
func TestCasesAreInOrder(t *testing.T) {
	cases := Cases()
	if len(cases) < 150 {
		t.Errorf("only %d cases", len(cases))
	}
	seen := map[string]bool{}
	for _, c := range cases {
		if len(c.Requirements) == 0 {
			t.Errorf("%s: no requirement", c.Name)
		}
		if seen[c.Name] {
			t.Errorf("%s: there are two", c.Name)
		}
		seen[c.Name] = true
		if strings.Contains(c.Name, "/hostile_") && !strings.HasSuffix(c.steps[len(c.steps)-1].text, " works") {
			t.Errorf("%s: does not end with a session that works", c.Name)
		}
	}
}
