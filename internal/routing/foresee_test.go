package routing_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// That foreseeing changes nothing is said by all transcripts and random programs too: there the dealer foresees every
// message.

// RPC-08, ROU-29: a CALL goes where the steps before it say, also those of its own run, and not where it would have gone
// when the run was foreseen.
func TestForesee_DecidesNothing(t *testing.T) {
	x := newExchange(2)
	routing.ForeseeAlways(x.dealer)
	first := x.register(x.callees[0], "p", wamp.RegisterOptions{}).(*wamp.Registered).Registration
	call := func(request wamp.ID) *wamp.Call { return &wamp.Call{Request: request, Procedure: "p"} }
	run := []wamp.Message{
		call(1),
		&wamp.Unregister{Request: 2, Registration: first},
		call(2),
		&wamp.Register{Request: 3, Procedure: "p"},
		call(3),
	}
	x.dealer.Foresee(run)
	var got []string
	for _, m := range run {
		switch m := m.(type) {
		case *wamp.Call:
			x.dealer.Call(x.now, x.caller, m, allowed, &x.out)
			got = append(got, fmt.Sprint(x.out.Sends[0].Msg.Type(), " ", x.out.Sends[0].To.ID))
		case *wamp.Unregister:
			x.dealer.Unregister(x.now, x.callees[0], m, &x.out)
		case *wamp.Register:
			x.dealer.Register(x.now, x.callees[1], m, allowed, &x.out)
		}
		x.out.Reset()
	}
	want := fmt.Sprint([]string{"INVOCATION 1", "ERROR 1000", "INVOCATION 2"})
	if fmt.Sprint(got) != want {
		t.Errorf("the calls got %v, want %v", got, want)
	}
}

func TestForesee_DoesNotAllocate(t *testing.T) {
	x := newExchange(1)
	routing.ForeseeAlways(x.dealer)
	run := make([]wamp.Message, 64)
	for i := range run {
		procedure := fmt.Sprint("procedure", i)
		x.register(x.callees[0], procedure, wamp.RegisterOptions{})
		run[i] = &wamp.Call{Procedure: procedure}
	}
	if allocs := testing.AllocsPerRun(10, func() { x.dealer.Foresee(run) }); allocs > 0 {
		t.Errorf("Foresee allocates %v times", allocs)
	}
}

// One operation is a call and its result, of a procedure that any of so many registrations may have; 64 calls come at once
// and are foreseen, as the router does. PBR-13: it costs at most a few times as much among a million as among a thousand.
func BenchmarkCallRun(b *testing.B) {
	for _, match := range []wamp.MatchPolicy{wamp.MatchExact, wamp.MatchPrefix, wamp.MatchWildcard} {
		for _, registrations := range []int{1_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s=%d", match, registrations), func(b *testing.B) {
				run := newCallRun(match, registrations)
				b.ReportAllocs()
				b.ResetTimer()
				for n := 0; n < b.N; n += len(run.calls) {
					run.run()
				}
			})
		}
	}
}

// callRun calls in runs.
type callRun struct {
	*exchange
	procedures []string
	next       int
	calls      [64]wamp.Message
	yield      wamp.Yield
}

func newCallRun(match wamp.MatchPolicy, registrations int) *callRun {
	f := &callRun{exchange: newExchange(1), procedures: make([]string, 1<<18)}
	pattern := map[wamp.MatchPolicy]string{
		wamp.MatchExact: "com.example.object%d.get", wamp.MatchPrefix: "com.example.object%d.", wamp.MatchWildcard: "com..object%d.get",
	}[match]
	for i := range registrations {
		f.register(f.callees[0], fmt.Sprintf(pattern, i), wamp.RegisterOptions{Match: match})
	}
	random := rand.New(rand.NewPCG(1, 1))
	for i := range f.procedures {
		f.procedures[i] = fmt.Sprintf("com.example.object%d.get", random.IntN(registrations))
	}
	for i := range f.calls {
		f.calls[i] = &wamp.Call{Payload: wamp.Payload{Serializer: wamp.CBOR, Elements: 1, Raw: make([]byte, 256)}}
	}
	return f
}

func (f *callRun) run() {
	for i := range f.calls {
		f.request++
		call := f.calls[i].(*wamp.Call)
		call.Request, call.Procedure = f.request, f.procedures[f.next+i]
	}
	f.next = (f.next + len(f.calls)) % len(f.procedures)
	f.dealer.Foresee(f.calls[:])
	for i := range f.calls {
		f.dealer.Call(f.now, f.caller, f.calls[i].(*wamp.Call), allowed, &f.out)
	}
	f.out.Reset()
	for range f.calls {
		f.yield.Request++
		f.dealer.Yield(f.now, f.callees[0], &f.yield, &f.out)
	}
	f.out.Reset()
}
