package routing_test

import (
	"fmt"
	"testing"

	"github.com/tandemrouter/tandem/wamp"
)

// One operation is a call and its result, in a realm with so many exact registrations.
func BenchmarkCall(b *testing.B) {
	for _, registrations := range []int{1, 1_000, 1_000_000} {
		b.Run(fmt.Sprintf("registrations=%d", registrations), func(b *testing.B) {
			x := newExchange(1)
			for i := range registrations - 1 {
				x.register(x.callees[0], fmt.Sprintf("com.example.procedure%d", i), wamp.RegisterOptions{})
			}
			x.register(x.callees[0], "com.example.add", wamp.RegisterOptions{})
			run := newBurst(x, 1, wamp.CallOptions{})
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				run.run()
			}
		})
	}
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

// One operation is a REGISTER and an UNREGISTER, in a realm with so many registrations.
func BenchmarkRegister(b *testing.B) {
	for _, registrations := range []int{1, 1_000_000} {
		b.Run(fmt.Sprintf("registrations=%d", registrations), func(b *testing.B) {
			x := newExchange(2)
			for i := range registrations {
				x.register(x.callees[0], fmt.Sprintf("com.example.procedure%d", i), wamp.RegisterOptions{})
			}
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				m := x.register(x.callees[1], "com.example.add", wamp.RegisterOptions{}).(*wamp.Registered)
				x.dealer.Unregister(x.now, x.callees[1], &wamp.Unregister{Request: 1, Registration: m.Registration}, &x.out)
				x.out.Reset()
			}
		})
	}
}
