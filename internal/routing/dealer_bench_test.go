package routing_test

import (
	"fmt"
	"testing"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// crowds are the realms in which calling and registering must cost the same.
var crowds = []struct {
	match         wamp.MatchPolicy
	registrations int
	pattern       string // with the number of the registration
}{
	{wamp.MatchExact, 1, "com.example.procedure%d"},
	{wamp.MatchExact, 1_000, "com.example.procedure%d"},
	{wamp.MatchExact, 1_000_000, "com.example.procedure%d"},
	{wamp.MatchPrefix, 1, "com.example.object%d."},
	{wamp.MatchPrefix, 100_000, "com.example.object%d."},
	{wamp.MatchWildcard, 1, "com.example..method%d"},
	{wamp.MatchWildcard, 100_000, "com.example..method%d"},
}

// inCrowds runs a benchmark in realms where callee 0 has so many registrations.
func inCrowds(b *testing.B, run func(b *testing.B, x *exchange, match wamp.MatchPolicy)) {
	for _, c := range crowds {
		b.Run(fmt.Sprintf("%s=%d", c.match, c.registrations), func(b *testing.B) {
			x := newExchange(2)
			for i := range c.registrations {
				x.register(x.callees[0], fmt.Sprintf(c.pattern, i), wamp.RegisterOptions{Match: c.match})
			}
			run(b, x, c.match)
		})
	}
}

// patternFor returns a pattern that matches com.example.add and not much else.
func patternFor(match wamp.MatchPolicy) string {
	return map[wamp.MatchPolicy]string{
		wamp.MatchExact: "com.example.add", wamp.MatchPrefix: "com.example.a", wamp.MatchWildcard: "com..add",
	}[match]
}

// One operation is a call and its result.
func BenchmarkCall(b *testing.B) {
	inCrowds(b, func(b *testing.B, x *exchange, match wamp.MatchPolicy) {
		x.callees = x.callees[1:]
		x.register(x.callees[0], patternFor(match), wamp.RegisterOptions{Match: match})
		run := newBurst(x, 1, wamp.CallOptions{})
		b.ReportAllocs()
		b.ResetTimer()
		for b.Loop() {
			run.run()
		}
	})
}

// One operation is a call and its result; so many calls come before their results.
func BenchmarkCallBurst(b *testing.B) {
	for _, depth := range []int{16, 1024} {
		for name, o := range map[string]wamp.CallOptions{"plain": {}, "timeout": {Timeout: 1000}} {
			b.Run(fmt.Sprintf("depth=%d/%s", depth, name), func(b *testing.B) {
				x := newExchange(1)
				x.register(x.callees[0], "com.example.add", wamp.RegisterOptions{})
				run := newBurst(x, depth, o)
				b.ReportAllocs()
				b.ResetTimer()
				for n := 0; n < b.N; n += depth {
					run.run()
				}
			})
		}
	}
}

// One operation is a call and its result, of which all but 16 wait for the only callee.
func BenchmarkCallQueued(b *testing.B) {
	x := newExchange(1)
	x.register(x.callees[0], "com.example.add", wamp.RegisterOptions{Concurrency: 16})
	run := newBurst(x, 1024, wamp.CallOptions{})
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += run.depth {
		run.run()
	}
}

// One operation is a call and its result; it goes to one of so many callees, of whom all but one are busy.
func BenchmarkCallBusyCallees(b *testing.B) {
	for _, callees := range []int{2, 100, 10_000} {
		b.Run(fmt.Sprintf("callees=%d", callees), func(b *testing.B) {
			x := newExchange(callees)
			for _, s := range x.callees {
				x.register(s, "p", wamp.RegisterOptions{Invoke: wamp.InvokeRoundRobin, Concurrency: 1})
			}
			for range callees - 1 {
				x.call("p", wamp.CallOptions{})
			}
			b.ResetTimer()
			for b.Loop() {
				x.yield(x.call("p", wamp.CallOptions{}))
			}
		})
	}
}

// One operation is a REGISTER and an UNREGISTER.
func BenchmarkRegister(b *testing.B) {
	inCrowds(b, func(b *testing.B, x *exchange, match wamp.MatchPolicy) {
		b.ReportAllocs()
		for b.Loop() {
			x.registerAndUnregister(x.callees[1], patternFor(match), wamp.RegisterOptions{Match: match})
		}
	})
}

// One operation is that the oldest of so many callees unregisters, and registers anew.
func BenchmarkRegisterShared(b *testing.B) {
	for _, callees := range []int{2, 100, 10_000, 100_000} {
		b.Run(fmt.Sprintf("callees=%d", callees), func(b *testing.B) {
			x := newExchange(callees)
			shared := wamp.RegisterOptions{Invoke: wamp.InvokeRoundRobin}
			for _, s := range x.callees {
				x.register(s, "p", shared)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; b.Loop(); n++ {
				s := x.callees[n%callees]
				x.dealer.Unregister(x.now, s, &wamp.Unregister{Request: 1, Registration: 1}, &x.out)
				x.out.Reset()
				x.register(s, "p", shared)
			}
		})
	}
}

// One operation is one of the registrations or pending calls of a session that leaves, from making it to its end. It must
// not depend on how many there are, nor on how many others the realm has.
func BenchmarkLeave(b *testing.B) {
	for _, others := range []int{0, 200_000} {
		for _, own := range []int{10, 1000, 10_000} {
			b.Run(fmt.Sprintf("others=%d/own=%d", others, own), func(b *testing.B) {
				x := newExchange(1)
				for i := range others {
					x.register(x.callees[0], fmt.Sprintf("com.others.procedure%d", i), wamp.RegisterOptions{})
				}
				x.register(x.callees[0], "com.example.add", wamp.RegisterOptions{Concurrency: uint64(own / 2)})
				b.ResetTimer()
				for n := 0; n < b.N; n += 2 * own {
					x.liveAndLeave(own)
				}
			})
		}
	}
}

// liveAndLeave lets a session register and call so much, and leave.
func (x *exchange) liveAndLeave(n int) {
	x.caller = peerWith(2000)
	for i := range n {
		x.register(x.caller, fmt.Sprintf("com.mine.procedure%d", i), wamp.RegisterOptions{})
		x.call("com.example.add", wamp.CallOptions{Timeout: 1000})
	}
	x.dealer.RemoveSession(x.now, x.caller, &x.out)
	x.out.Reset()
}

// registerAndUnregister leaves things as they were.
func (x *exchange) registerAndUnregister(s *routing.Session, procedure string, o wamp.RegisterOptions) {
	m := x.register(s, procedure, o).(*wamp.Registered)
	x.dealer.Unregister(x.now, s, &wamp.Unregister{Request: 1, Registration: m.Registration}, &x.out)
	x.out.Reset()
}
