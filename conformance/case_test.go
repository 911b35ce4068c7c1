package conformance_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/conformance"
	"github.com/tandemrouter/tandem/wamp"
)

// shortly is how long something is waited for that is known not to come.
const shortly = 500 * time.Millisecond

func TestParse(t *testing.T) {
	cases, err := conformance.Parse("2.14_rpc/x.txtar", `A comment
that begins with a word.

only: json

-- setup --
A join
-- RPC-01 PCI-02 the title --
# a comment
skip: the reason
A > [48,
     1, {}, "a"]

-- no requirement RPC-03 --
A < nothing
`)
	if err != nil {
		t.Fatal(err)
	}
	type summary struct {
		Name         string
		Requirements []string
		Skip         string
	}
	var got []summary
	for _, c := range cases {
		got = append(got, summary{c.Name, c.Requirements, c.Skip})
	}
	want := []summary{
		{"2.14_rpc/x/RPC-01 PCI-02 the title", []string{"RPC-01", "PCI-02"}, "the reason"},
		{"2.14_rpc/x/no requirement RPC-03", nil, ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseTellsTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"\n-- a --\nA jumps":             "x:3: A jumps: ",
		"\n-- a --\n\nA > [1":            "x:4: ",
		"-- a --\n  A join":              "x:2: ",
		"-- a --\nA":                     "x:2: ",
		"-- a --\nA join caller":         "x:2: ",
		"-- a --\nA join broker.x":       "x:2: ",
		"-- a --\nA works well":          "x:2: ",
		"-- a --\nA closed soon":         "x:2: ",
		"-- a --\nA bytes 7":             "x:2: ",
		"-- a --\nA < bytes 7f xx":       "x:2: ",
		"-- a --\nonly: xml":             "x:2: ",
		"-- a --\nA on fire":             "x:2: ",
		"-- a --\nA upgrade 101":         "x:2: ",
		"-- a --\nA upgrade \"a\" what":  "x:2: ",
		"-- a --\nA join\n-- b --\nA >":  "x:4: ",
		"-- setup --\nA join x\n-- b --": "x:2: ",
	} {
		if _, err := conformance.Parse("x", text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// A runner that accepts everything would be useless: each of these scripts claims something that is not so, and its
// title is what the runner has to say to that.
const wrongScripts = `
-- setup --
A join
B join

-- nothing came in time --
A < [50, 1, {}]
-- nothing came in time (A: --
A closed
-- A ends: nothing came in time --
A ends
-- A aborted: nothing came in time --
A aborted
-- A < bytes 00: nothing came in time --
A < bytes 00
-- has no connection --
C < [2, $C, {…}]
-- has no session --
C connect
C < nothing
-- $unknown has no value yet --
A > [48, 1, {}, $unknown]
-- $realm.unknown has no value yet --
C join @unknown
-- $A and $A are both --
distinct $A $B $A

-- got [8, 48, 1, {}, "wamp.error.no_such_procedure", ["no callee has registered the procedure"]]: message[2]: got 1, want 2 --
A > [48, 1, {}, "nope"]
A < [8, 48, 2, {}, _, …]
-- message[4]: got "wamp.error.no_such_procedure", want "x.y" --
A > [48, 1, {}, "nope"]
A < [8, 48, 1, {}, "x.y", …]
-- message: got 6 elements, want 5 --
A > [48, 1, {}, "nope"]
A < [8, 48, 1, {}, _]
-- A < nothing: A got [8, 48, 1, --
A > [48, 1, {}, "nope"]
A < nothing
-- A closed: got [8, 48, 1, --
A > [48, 1, {}, "nope"]
A closed
-- message[2]: got "wamp.error.protocol_violation", want "wamp.error.canceled" --
A > [48, 0, {}, "nope"]
A aborted wamp.error.canceled
-- A closed: got [3, --
A > [48, 0, {}, "nope"]
A closed
-- A closed: got [6, --
A > [6, {}, "wamp.close.close_realm"]
A closed

-- at the end: A got [8, 48, 1, --
A > [48, 1, {}, "nope"]
-- at the end: A got [3, --
A > [48, 0, {}, "nope"]
-- at the end: A got [36, --
A > [32, 1, {}, "t"]
A < [33, 1, $t]
B > [16, 1, {}, "t"]
B < nothing
-- A < nothing: A got [36, --
A > [32, 1, {}, "t"]
A < [33, 1, $t]
B > [16, 1, {}, "t"]
A < nothing
-- at the end: A got [68, --
A > [64, 1, {}, "p"]
A < [65, 1, $p]
B > [48, 1, {}, "p"]
-- A works: got [68, --
A > [64, 1, {}, "p"]
A < [65, 1, $p]
A > [48, 2, {}, "p"]
A works
-- B works: got [8, 48, 1, {}, "wamp.error.canceled", --
A > [64, 1, {}, "p"]
A < [65, 1, $p]
B > [48, 1, {}, "p"]
A < [68, $call, $p, {}]
A drop
B works
`

func TestRunFindsWhatIsWrong(t *testing.T) {
	scripts, err := conformance.Parse("wrong.txtar", wrongScripts)
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, numbered(len(scripts))...)
	var running sync.WaitGroup
	for i, c := range scripts {
		running.Go(func() {
			lane := h.lane(strconv.Itoa(i), h.wires()...)
			lane.Timeout = shortly
			want := strings.TrimPrefix(c.Name, "wrong/")
			if err := c.Run(t.Context(), lane); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
	running.Wait()
}

func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

func TestRunTellsWhatIsNotApplicable(t *testing.T) {
	h := open(t, "lane")
	for text, applicable := range map[string]bool{
		"only: websocket\n-- a --\nA join":        true,
		"only: rawsocket\n-- a --\nA join":        false,
		"only: msgpack\n-- a --\nA join":          false,
		"only: websocket cbor\n-- a --\nA join":   false,
		"only: json cbor\n-- a --\nA join":        true,
		"needs: strict\n-- a --\nA join @strict":  true,
		"needs: marble\n-- a --\nA join":          false,
		"-- a --\nA on json\nA join":              true,
		"-- a --\nA on rawsocket\nA join":         false,
		"-- a --\nA on websocket cbor\nA connect": false,
	} {
		parsed, err := conformance.Parse("x", text)
		if err != nil {
			t.Fatal(err)
		}
		err = parsed[0].Run(t.Context(), h.lane("lane", conformance.Wire{URL: h.ws, Serializer: wamp.JSON}))
		if applicable && err != nil || !applicable && !errors.Is(err, conformance.ErrNotApplicable) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestRunTellsThatNobodyListens(t *testing.T) {
	parsed, err := conformance.Parse("x", "-- a --\nA join")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, url := range []string{"tcp://127.0.0.1:1", "ws://127.0.0.1:1/ws", "unix:///no/such/socket", "http://a", ":"} {
		target := &conformance.Target{Wires: []conformance.Wire{{URL: url, Serializer: wamp.JSON}}}
		if err := parsed[0].Run(ctx, target); err == nil {
			t.Errorf("%s: no error", url)
		}
	}
}

// The sessions of a case take all wires in turn.
func TestRunTakesTheWiresInTurn(t *testing.T) {
	h := open(t, "lane")
	lane := h.lane("lane", h.wires()...)
	lane.Timeout = shortly
	parsed, err := conformance.Parse("x", "-- a --\nA join\nB join\nC join\nD join\nE join\nF join\ndistinct $A $A")
	if err != nil {
		t.Fatal(err)
	}
	err = parsed[0].Run(t.Context(), lane)
	missing := slices.DeleteFunc([]string{"websocket/json", "websocket/msgpack", "websocket/cbor", "rawsocket/json",
		"rawsocket/msgpack", "rawsocket/cbor"}, func(w string) bool { return strings.Contains(err.Error(), w) })
	if len(missing) > 0 {
		t.Errorf("%v\nnobody is on %q", err, missing)
	}
}
