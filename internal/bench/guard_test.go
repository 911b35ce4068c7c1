//go:build !race

package bench

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// ceiling is what the router may use for one call or event. These are far above what it does use, but far below what it
// would use if a message were allocated or written by itself.
type ceiling struct{ allocs, syscalls float64 }

// guard measures until one measurement stays below the ceiling: on a busy machine a message sometimes does travel alone.
func guard(t *testing.T, most ceiling, measure func(context.Context) (Cost, error)) {
	t.Helper()
	const attempts = 5
	var cost Cost
	for range attempts {
		var err error
		if cost, err = measure(t.Context()); err != nil {
			t.Fatal(err)
		}
		if cost.Allocs <= most.allocs && cost.Syscalls <= most.syscalls {
			return
		}
	}
	t.Errorf("%.3f allocations and %.3f system calls, at most %.3f and %.3f are allowed",
		cost.Allocs, cost.Syscalls, most.allocs, most.syscalls)
}

// counted makes sure that something was counted: nothing costs nothing.
func counted(c Cost, n uint64) Cost {
	if n == 0 {
		c.Allocs = math.Inf(1)
	}
	return c
}

var shortly = Timing{Warmup: 50 * time.Millisecond, Duration: 150 * time.Millisecond}

func guarded(c *child, url string) Target {
	t := target(url)
	t.RouterPID, t.asked = c.pid(), c
	return t
}

// What a call costs is counted in the router's own process, from outside: no test on time, but one on what takes time.
func TestCallsStayBelowTheirCeilings(t *testing.T) {
	router := startRouterProcess(t)
	for name, test := range map[string]struct {
		url    string
		change func(*RPC)
		most   ceiling
	}{
		"CBOR":        {router.RawSocket, func(*RPC) {}, ceiling{0.5, 0.6}},
		"MessagePack": {router.RawSocket, func(l *RPC) { l.Serializer = wamp.MessagePack }, ceiling{0.5, 0.6}},
		"JSON":        {router.RawSocket, func(l *RPC) { l.Serializer = wamp.JSON }, ceiling{0.5, 0.6}},
		"WebSocket":   {router.WebSocket, func(*RPC) {}, ceiling{0.5, 0.6}},
		"4 KiB":       {router.RawSocket, func(l *RPC) { l.Size = 4 << 10 }, ceiling{0.5, 1.5}},
		"mixed":       {router.RawSocket, func(l *RPC) { l.CalleeSerializer = wamp.JSON }, ceiling{0.5, 0.6}},
	} {
		t.Run(name, func(t *testing.T) {
			load := RPC{Target: guarded(router, test.url), Timing: shortly, Pairs: 4, Depth: 16, Size: 256}
			test.change(&load)
			guard(t, test.most, func(ctx context.Context) (Cost, error) {
				r, err := load.Run(ctx)
				if err != nil {
					return Cost{}, err
				}
				return counted(r.Router, r.Calls), nil
			})
		})
	}
}

func TestEventsStayBelowTheirCeilings(t *testing.T) {
	router := startRouterProcess(t)
	for name, test := range map[string]struct {
		publishers, subscribers, size int
		most                          ceiling
	}{
		"many subscribers": {1, 50, 256, ceiling{0.02, 0.2}},
		"one subscriber":   {4, 1, 4 << 10, ceiling{0.2, 0.8}},
	} {
		t.Run(name, func(t *testing.T) {
			load := Fanout{Target: guarded(router, router.RawSocket), Timing: shortly,
				Publishers: test.publishers, Subscribers: test.subscribers, Depth: 32, Size: test.size}
			guard(t, test.most, func(ctx context.Context) (Cost, error) {
				r, err := load.Run(ctx)
				if err != nil {
					return Cost{}, err
				}
				return counted(r.Router, r.Events), nil
			})
		})
	}
}
