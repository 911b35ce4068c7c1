package conformance_test

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/tandemrouter/tandem/conformance"
	"github.com/tandemrouter/tandem/wamp"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

var cases = conformance.Cases()

// wires returns all ways to connect to the house, transports and serializers in turn.
func (h *house) wires() []conformance.Wire {
	return []conformance.Wire{
		{URL: h.ws, Serializer: wamp.JSON}, {URL: h.tcp, Serializer: wamp.MessagePack},
		{URL: h.ws, Serializer: wamp.CBOR}, {URL: h.unix, Serializer: wamp.JSON},
		{URL: h.ws, Serializer: wamp.MessagePack}, {URL: h.tcp, Serializer: wamp.CBOR},
	}
}

// TestRouter runs every case on every wire, and on mixtures of all wires in which the sessions of a case are spread
// over different serializers and transports. The lanes run at the same time, each in realms of its own.
func TestRouter(t *testing.T) {
	h := open(t, append(numbered(6), "mixed", "reversed")...)
	var lanes []*conformance.Target
	for i, w := range h.wires() {
		lanes = append(lanes, h.lane(strconv.Itoa(i), w))
	}
	reversed := h.wires()
	slices.Reverse(reversed)
	lanes = append(lanes, h.lane("mixed", h.wires()...), h.lane("reversed", reversed...))

	var running sync.WaitGroup
	for _, lane := range lanes {
		name := lane.Realm
		if len(lane.Wires) == 1 {
			name = lane.Wires[0].String()
		}
		running.Go(func() { t.Run(name, func(t *testing.T) { runAll(t, lane) }) })
	}
	running.Wait()
}

// TestURLs runs the cases against the routers that CONFORMANCE_URLS names, separated by commas, in the realm
// CONFORMANCE_REALM.
func TestURLs(t *testing.T) {
	urls := os.Getenv("CONFORMANCE_URLS")
	if urls == "" {
		t.Skip("CONFORMANCE_URLS is not set")
	}
	target := &conformance.Target{Realm: os.Getenv("CONFORMANCE_REALM")}
	for _, s := range []wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR} {
		for u := range strings.SplitSeq(urls, ",") {
			target.Wires = append(target.Wires, conformance.Wire{URL: u, Serializer: s})
		}
	}
	runAll(t, target)
}

func runAll(t *testing.T, target *conformance.Target) {
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if c.Skip != "" {
				t.Skip(c.Skip)
			}
			err := c.Run(t.Context(), target)
			if errors.Is(err, conformance.ErrNotApplicable) {
				t.Skip(err)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// What is known to fail must fail, or else its skip line is to be taken away.
func TestSkippedCasesFail(t *testing.T) {
	skipped := slices.DeleteFunc(slices.Clone(cases), func(c *conformance.Case) bool { return c.Skip == "" })
	h := open(t, numbered(len(skipped))...)
	var running sync.WaitGroup
	for i, c := range skipped {
		running.Go(func() {
			lane := h.lane(strconv.Itoa(i), h.wires()...)
			lane.Timeout = shortly
			if err := c.Run(t.Context(), lane); err == nil || errors.Is(err, conformance.ErrNotApplicable) {
				t.Errorf("%s: got %v, but is skipped: %s", c.Name, err, c.Skip)
			}
		})
	}
	running.Wait()
}
