package tandem_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/spec-coverage.md anew")

const coveragePage = "docs/spec-coverage.md"

// requirements is the list that we build by: how many numbered requirements there are of each kind, and where the
// kind as a whole is not built, why.
var requirements = []struct {
	prefix  string
	total   int
	what    string
	leftOut string
}{
	{"MSG", 13, "messages in general", ""},
	{"SER", 17, "serialization", ""},
	{"BJS", 5, "binary data in JSON", ""},
	{"URI", 13, "URIs", ""},
	{"IDS", 9, "IDs", ""},
	{"WS", 14, "WebSocket", ""},
	{"RS", 21, "RawSocket", ""},
	{"BAT", 9, "batched WebSocket", "not built: the subprotocols are refused"},
	{"LP", 16, "HTTP long-poll", "not built"},
	{"MUX", 2, "multiplexed transport", "nothing to build: no wire format exists"},
	{"SES", 27, "sessions", ""},
	{"PER", 10, "protocol errors", ""},
	{"FEA", 7, "announcing features", ""},
	{"REA", 5, "realms", ""},
	{"PUB", 21, "publish and subscribe", ""},
	{"RPC", 23, "remote procedure calls", ""},
	{"PCR", 15, "progressive call results", ""},
	{"PCI", 23, "progressive call invocations", ""},
	{"TMO", 14, "call timeouts", ""},
	{"CAN", 20, "call canceling", ""},
	{"CID", 10, "caller identification", ""},
	{"CTL", 3, "call trust levels", ""},
	{"PBR", 13, "pattern-based registration", ""},
	{"SHR", 13, "shared registration", ""},
	{"SHD", 8, "sharded registration", ""},
	{"RRV", 8, "registration revocation", ""},
	{"RRT", 9, "call rerouting", ""},
	{"BWL", 10, "subscriber black- and whitelisting", ""},
	{"PEX", 5, "publisher exclusion", ""},
	{"PID", 7, "publisher identification", ""},
	{"PTL", 2, "publication trust levels", ""},
	{"PBS", 11, "pattern-based subscription", ""},
	{"SSB", 4, "sharded subscription", ""},
	{"EVH", 17, "event history", ""},
	{"RET", 15, "event retention", ""},
	{"SRV", 6, "subscription revocation", ""},
	{"TES", 15, "testaments", ""},
	{"SMA", 19, "session meta API", ""},
	{"RMA", 16, "registration meta API", ""},
	{"UMA", 10, "subscription meta API", ""},
	{"ATH", 16, "authentication in general", ""},
	{"ANO", 3, "anonymous sessions", ""},
	{"TIC", 5, "tickets", "not built yet"},
	{"CRA", 11, "WAMP-CRA", "not built yet"},
	{"SCR", 16, "WAMP-SCRAM", "not built yet"},
	{"CSN", 17, "WAMP-Cryptosign", "not built yet"},
	{"TLC", 7, "TLS certificates and cookies", "not built yet"},
	{"AZN", 11, "authorization", ""},
	{"PPT", 14, "payload passthru mode", ""},
	{"E2E", 5, "end-to-end encryption", "not built: the router needs nothing for it"},
	{"R2R", 9, "router-to-router links", "not built"},
	{"REF", 4, "reflection", "not built: sketched in the specification, spoken by nobody"},
	{"IDL", 4, "payload validation", "not built"},
	{"ACK", 2, "acknowledged event delivery", ""},
	{"FLW", 9, "limits and backpressure", ""},
	{"CLI", 18, "client library", ""},
	{"ERR", 4, "error URIs", ""},
	{"MET", 6, "meta procedures in general", ""},
	{"MTE", 5, "meta topics in general", ""},
	{"ROU", 71, "routing of calls in depth", ""},
	{"T", 52, "table of routing cases", ""},
}

// leftOut says why single requirements of kinds that are built have no test: nearly all of them are options that we did
// not take, or speak of what cannot happen here.
var leftOut = map[string]string{
	"SER-15": "an option not taken: UBJSON exists in two incompatible forms under one name",
	"SER-16": "an option not taken: FlatBuffers has a schema of one implementation",
	"WS-10":  "an option not taken yet: permessage-deflate is not negotiated",
	"REA-05": "cannot happen yet: a realm lasts as long as the router",
	"SMA-16": "cannot happen: the router has no sessions of its own",
	"SMA-19": "an option not taken: another router's event, whose content is its own",
	"PCI-05": "cannot happen: every dealer announces progressive call invocations",
	"TMO-04": "an option not taken: only the callee says whether it watches the timeout",
	"BWL-10": "cannot happen: a session has one role",
	"PID-05": "an option not taken: keys that a subscriber does not know do no harm",
	"ROU-49": "an option not taken, and off by default where it exists: who watches a timeout is trusted with it",
}

var requirementID = regexp.MustCompile(`(?:^|[^A-Za-z0-9]|Test|_)([A-Z][A-Z0-9]{0,2})-?(\d{2})(?:[^0-9a-z]|$)`)

// TestSpecCoverage keeps the page that says which requirements have tests in step with the tests.
func TestSpecCoverage(t *testing.T) {
	page := coverage(t)
	if *update {
		if err := os.WriteFile(coveragePage, page, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(coveragePage)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, page) {
		t.Errorf("%s is not what the tests say; run go test . -run SpecCoverage -update", coveragePage)
	}
}

func coverage(t *testing.T) []byte {
	named := namedInTests(t)
	var table, reasons, gaps strings.Builder
	all, covered := 0, 0
	for _, r := range requirements {
		missing, have := missingOf(r.prefix, r.total, named)
		all, covered = all+r.total, covered+have
		fmt.Fprintf(&table, "| %s | %s | %d | %d | %s |\n", r.prefix, r.what, r.total, have, r.leftOut)
		var unexplained []string
		for _, id := range missing {
			if why := leftOut[id]; why != "" {
				fmt.Fprintf(&reasons, "- %s: %s\n", id, why)
			} else {
				unexplained = append(unexplained, id)
			}
		}
		if len(unexplained) > 0 && r.leftOut == "" {
			fmt.Fprintf(&gaps, "- %s: %s\n", r.what, strings.Join(unexplained, ", "))
		}
	}
	return fmt.Appendf(nil, coverageText, covered, all, table.String(), reasons.String(), gaps.String())
}

// missingOf returns which requirements of a kind no test names, and how many are named.
func missingOf(prefix string, total int, named map[string]bool) (missing []string, have int) {
	for n := 1; n <= total; n++ {
		if id := fmt.Sprintf("%s-%02d", prefix, n); !named[id] {
			missing = append(missing, id)
		}
	}
	return missing, total - len(missing)
}

// TestReasonsAreNeeded lets no reason outlive what it explains.
func TestReasonsAreNeeded(t *testing.T) {
	named := namedInTests(t)
	for id := range leftOut {
		if named[id] {
			t.Errorf("a test names %s, so there is no reason to leave it out", id)
		}
	}
}

const coverageText = `# Which requirements have tests

Made from the tests by ` + "`go test . -run SpecCoverage -update`" + `; do not edit. We build by a list of numbered requirements:
what the WAMP specification demands, what other implementations expect, and what we decided where both are silent. Tests
carry the numbers in their names, in the titles of their transcripts, or beside the line that checks. A number that
stands here as covered is named by a test; how well it is tested, only reading the test can tell.

%d of %d are covered.

| | what | requirements | covered | left out |
|---|---|---|---|---|
%s
## Left out, and why

Of kinds that are built otherwise.

%s
## Not named by any test

Of kinds that are built: gaps, and what is being built.

%s`

// namedInTests returns the requirements that test files, transcripts and the interop suites name.
func namedInTests(t *testing.T) map[string]bool {
	totals := map[string]int{}
	for _, r := range requirements {
		totals[r.prefix] = r.total
	}
	named := map[string]bool{}
	for _, file := range testFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			collect(named, totals, line)
		}
	}
	return named
}

// collect finds the numbers in a line. The expression takes the character between two numbers, so it is applied again
// from behind each number.
func collect(named map[string]bool, totals map[string]int, line string) {
	for {
		m := requirementID.FindStringSubmatchIndex(line)
		if m == nil {
			return
		}
		prefix, digits := line[m[2]:m[3]], line[m[4]:m[5]]
		if n, _ := strconv.Atoi(digits); n >= 1 && n <= totals[prefix] {
			named[prefix+"-"+digits] = true
		}
		line = line[m[5]:]
	}
}

// testFiles returns everything in which tests name requirements.
func testFiles(t *testing.T) []string {
	found := map[string]bool{}
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go", "internal/*/testdata/*.txt",
		"conformance/testdata/*/*.txtar", "interop/node/*.test.js", "interop/python/test_*.py"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			found[file] = file != "spec_coverage_test.go" && file != "arch_test.go"
		}
	}
	maps.DeleteFunc(found, func(_ string, counts bool) bool { return !counts })
	return slices.Sorted(maps.Keys(found))
}
