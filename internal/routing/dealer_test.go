package routing_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// What transcripts cannot say well: large numbers, chance and memory.

// exchange is a dealer with one caller and some callees.
type exchange struct {
	dealer  *routing.Dealer
	caller  *routing.Session
	callees []*routing.Session
	out     routing.Outbox
	now     time.Time
	request wamp.ID
}

func newExchange(callees int) *exchange { return newExchangeWith(callees, routing.DealerConfig{}) }

func newExchangeWith(callees int, c routing.DealerConfig) *exchange {
	c.Random = rand.New(rand.NewPCG(1, 2)).Uint64
	x := &exchange{
		dealer: routing.NewDealer(c),
		caller: peerWith(1000),
		now:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for id := range callees {
		x.callees = append(x.callees, peerWith(wamp.ID(id+1)))
	}
	return x
}

// peerWith returns a session that supports everything.
func peerWith(id wamp.ID) *routing.Session {
	s := &routing.Session{ID: id}
	for f := wamp.FeatureProgressiveCallResults; f <= wamp.FeaturePayloadPassthruMode; f++ {
		s.Roles.Announce(wamp.RoleCaller, f)
		s.Roles.Announce(wamp.RoleCallee, f)
	}
	return s
}

func (x *exchange) register(callee *routing.Session, procedure string, o wamp.RegisterOptions) wamp.Message {
	x.request++
	m := &wamp.Register{Request: x.request, Procedure: procedure, Options: o}
	x.dealer.Register(x.now, callee, m, routing.Grant{Allowed: true, Force: true}, &x.out)
	return x.answer()
}

// call returns the session that is invoked, and the invocation's ID.
func (x *exchange) call(procedure string, o wamp.CallOptions) (*routing.Session, wamp.ID) {
	x.request++
	m := &wamp.Call{Request: x.request, Procedure: procedure, Options: o}
	x.dealer.Call(x.now, x.caller, m, allowed, &x.out)
	defer x.out.Reset()
	for _, send := range x.out.Sends {
		if m, ok := send.Msg.(*wamp.Invocation); ok {
			return send.To, m.Request
		}
	}
	return nil, 0
}

func (x *exchange) yield(callee *routing.Session, invocation wamp.ID) {
	x.dealer.Yield(x.now, callee, &wamp.Yield{Request: invocation}, &x.out)
	x.out.Reset()
}

// answer returns the only message that was sent.
func (x *exchange) answer() wamp.Message {
	defer x.out.Reset()
	if len(x.out.Sends) != 1 {
		return nil
	}
	switch m := x.out.Sends[0].Msg.(type) {
	case *wamp.Error:
		kept := *m
		return &kept
	default:
		return m
	}
}

// A CALL may share memory with the input that it was parsed from, which is used again after the step.
func TestDealer_KeepsCopiesOfProcedures(t *testing.T) {
	x := newExchange(1)
	input := []byte("com.shop.add")
	x.register(x.callees[0], "com.shop.add", wamp.RegisterOptions{})
	first := x.request + 1
	x.call(unsafe.String(&input[0], len(input)), wamp.CallOptions{Progress: true})
	copy(input, "XXXXXXXXXXXX")
	x.request = first - 1
	if s, _ := x.call("com.shop.add", wamp.CallOptions{}); s == nil {
		t.Error("the further part of a call is not recognized")
	}
}

// The same goes for a call that waits, of which more is kept.
func TestROU23_CallsThatWaitAreCopies(t *testing.T) {
	x := newExchange(1)
	x.register(x.callees[0], "com.shop", wamp.RegisterOptions{Match: wamp.MatchPrefix, Concurrency: 1})
	x.call("com.shop.first", wamp.CallOptions{})
	input := []byte("com.shop.add|scheme|serializer|cipher|key|[1,2]")
	text := func(from, to int) string { return unsafe.String(&input[from], to-from) }
	x.request++
	x.dealer.Call(x.now, x.caller, &wamp.Call{
		Request:   x.request,
		Procedure: text(0, 12),
		Options: wamp.CallOptions{PPT: &wamp.Passthru{
			Scheme: text(13, 19), Serializer: text(20, 30), Cipher: text(31, 37), KeyID: text(38, 41),
		}},
		Payload: wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: input[42:]},
	}, allowed, &x.out)
	for i := range input {
		input[i] = '?'
	}
	x.dealer.Yield(x.now, x.callees[0], &wamp.Yield{Request: 1}, &x.out)
	want := &wamp.Invocation{Request: 2, Registration: 1}
	want.Details.Procedure = "com.shop.add"
	want.Details.PPT = &wamp.Passthru{Scheme: "scheme", Serializer: "serializer", Cipher: "cipher", KeyID: "key"}
	want.Payload = wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: []byte("[1,2]")}
	if diff := cmp.Diff(wamp.Message(want), x.out.Sends[len(x.out.Sends)-1].Msg); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// So many calls wait if nobody says otherwise.
func TestROU23_DefaultBoundsOfTheQueue(t *testing.T) {
	for name, test := range map[string]struct {
		payload int
		want    int
	}{
		"calls": {1, routing.DefaultMaxQueuedCalls},
		"bytes": {1 << 20, 3}, // a fourth would not leave room for the name of the procedure
	} {
		t.Run(name, func(t *testing.T) {
			x := newExchange(1)
			x.register(x.callees[0], "p", wamp.RegisterOptions{Concurrency: 1})
			x.call("p", wamp.CallOptions{})
			payload := wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: make([]byte, test.payload)}
			waiting := 0
			for ; len(x.out.Sends) == 0; waiting++ {
				m := &wamp.Call{Request: wamp.ID(1000 + waiting), Procedure: "p", Payload: payload}
				x.dealer.Call(x.now, x.caller, m, allowed, &x.out)
			}
			if waiting-1 != test.want {
				t.Errorf("%d calls wait, want %d", waiting-1, test.want)
			}
			if e, ok := x.answer().(*wamp.Error); !ok || e.URI != wamp.ErrMaxConcurrencyReached {
				t.Errorf("one too many: %+v", e)
			}
		})
	}
}

// The trace of requirements 5.10.
func TestROU52_AHundredCallsWithOneKey(t *testing.T) {
	x := newExchangeWith(3, routing.DealerConfig{Sharding: true})
	for _, s := range x.callees {
		x.register(s, "db.query", wamp.RegisterOptions{Invoke: wamp.InvokeRoundRobin})
	}
	owner, _ := x.call("db.query", wamp.CallOptions{RunMode: "partition", RKey: "k1"})
	for i := range 100 {
		if s, _ := x.call("db.query", wamp.CallOptions{RunMode: "partition", RKey: "k1"}); s != owner {
			t.Errorf("call %d went to session %d, the first to %d", i, s.ID, owner.ID)
		}
		if s, _ := x.call("db.query", wamp.CallOptions{}); s != x.callees[i%3] {
			t.Errorf("plain call %d went to session %d", i, s.ID)
		}
	}
}

// With k calls and n callees each gets k/n of them, rounded down or up, whoever has joined or left before.
func TestROU14_RoundRobinIsFair(t *testing.T) {
	x := newExchange(9)
	shared := wamp.RegisterOptions{Invoke: wamp.InvokeRoundRobin}
	random := rand.New(rand.NewPCG(3, 4))
	for _, s := range x.callees {
		x.register(s, "p", shared)
	}
	for len(x.callees) > 1 {
		calls, count := random.IntN(50), map[*routing.Session]int{}
		for range calls {
			s, invocation := x.call("p", wamp.CallOptions{})
			x.yield(s, invocation)
			count[s]++
		}
		for _, s := range x.callees {
			if least := calls / len(x.callees); count[s] != least && count[s] != least+1 {
				t.Errorf("%d calls, %d callees, session %d got %d", calls, len(x.callees), s.ID, count[s])
			}
		}
		leaving := random.IntN(len(x.callees))
		x.dealer.RemoveSession(x.now, x.callees[leaving], &x.out)
		x.out.Reset()
		x.callees = append(x.callees[:leaving], x.callees[leaving+1:]...)
	}
}

// Pearson's test with four degrees of freedom: 18.5 is exceeded by chance once in a thousand seeds, and the seed is
// fixed.
func TestROU16_RandomIsUniform(t *testing.T) {
	x := newExchange(5)
	for _, s := range x.callees {
		x.register(s, "p", wamp.RegisterOptions{Invoke: wamp.InvokeRandom})
	}
	const calls = 50_000
	count := map[*routing.Session]float64{}
	for range calls {
		s, invocation := x.call("p", wamp.CallOptions{})
		x.yield(s, invocation)
		count[s]++
	}
	expected, chi := float64(calls/len(x.callees)), 0.0
	for _, s := range x.callees {
		chi += (count[s] - expected) * (count[s] - expected) / expected
	}
	if chi > 18.5 {
		t.Errorf("chi-square %.1f of %v", chi, count)
	}
}

// A session is remembered for so many calls in parts that ended, and for the latest of them.
func TestPCI14_MemoryOfEndedCallsIsBounded(t *testing.T) {
	x := newExchange(1)
	x.register(x.callees[0], "p", wamp.RegisterOptions{})
	first := x.request + 1
	for range routing.MaxEndings + 1 {
		_, invocation := x.call("p", wamp.CallOptions{Progress: true})
		x.yield(x.callees[0], invocation)
	}
	if err := routing.CheckDealer(x.dealer, append(x.callees, x.caller)); err != nil {
		t.Error(err)
	}
	x.request = first - 1
	if s, _ := x.call("p", wamp.CallOptions{}); s == nil {
		t.Error("a further part of the call that ended first is still discarded")
	}
	if s, _ := x.call("p", wamp.CallOptions{}); s != nil {
		t.Error("a further part of the call that ended second is a new call already")
	}
}

// The same for callees that stream on.
func TestPCR02_MemoryOfEndedInvocationsIsBounded(t *testing.T) {
	x := newExchange(1)
	x.register(x.callees[0], "p", wamp.RegisterOptions{})
	for range 3 * routing.MaxEndings {
		x.call("p", wamp.CallOptions{ReceiveProgress: true})
		x.dealer.Cancel(x.now, x.caller, &wamp.Cancel{Request: x.request}, &x.out)
		x.out.Reset()
	}
	if err := routing.CheckDealer(x.dealer, append(x.callees, x.caller)); err != nil {
		t.Error(err)
	}
}

// The index takes only so many shapes of wildcards. What it refuses leaves no trace.
func TestROU08_WildcardsThatTheIndexRefuses(t *testing.T) {
	x := newExchange(1)
	var refused *wamp.Error
	registered := 0
	for shape := 1; shape < 1<<7 && refused == nil; shape++ {
		uri := "x"
		for i := range 7 {
			uri += "."
			if shape&(1<<i) == 0 {
				uri += "x"
			}
		}
		switch m := x.register(x.callees[0], uri, wamp.RegisterOptions{Match: wamp.MatchWildcard}).(type) {
		case *wamp.Error:
			refused = m
		case *wamp.Registered:
			registered++
		}
	}
	if refused == nil || refused.URI != wamp.ErrNotAuthorized {
		t.Errorf("refused with %v", refused)
	}
	if n := x.dealer.Registrations(); n != registered {
		t.Errorf("%d registrations, %d REGISTERED", n, registered)
	}
	if err := routing.CheckDealer(x.dealer, x.callees); err != nil {
		t.Error(err)
	}
}

// Who has used up its share of wildcard shapes may still take a procedure over, and nothing is lost by that.
func TestROU24_TakingOverNeedsNoShape(t *testing.T) {
	x := newExchange(2)
	wildcards := wamp.RegisterOptions{Match: wamp.MatchWildcard}
	const others = pattern.MaxShapes / 2
	if _, ok := x.register(x.callees[1], shaped(others), wildcards).(*wamp.Registered); !ok {
		t.Fatal("not registered")
	}
	for shape := range others {
		x.register(x.callees[0], shaped(shape), wildcards)
	}
	if m, ok := x.register(x.callees[0], shaped(others+1), wildcards).(*wamp.Error); !ok || m.URI != wamp.ErrNotAuthorized {
		t.Fatalf("%+v, want a share that is used up", m)
	}
	wildcards.ForceReregister = true
	x.register(x.callees[0], shaped(others), wildcards)
	if n := x.dealer.Registrations(); n != others+1 {
		t.Errorf("%d registrations, want %d", n, others+1)
	}
}

// A registration ID never comes back (ROU-07), however many there have been.
func TestROU07_RegistrationIDsAreNeverReused(t *testing.T) {
	x := newExchange(1)
	seen := map[wamp.ID]bool{}
	for range 1000 {
		m, ok := x.register(x.callees[0], "p", wamp.RegisterOptions{}).(*wamp.Registered)
		if !ok || seen[m.Registration] || !m.Registration.Valid() {
			t.Fatalf("%+v", m)
		}
		seen[m.Registration] = true
		x.dealer.Unregister(x.now, x.callees[0], &wamp.Unregister{Request: 1, Registration: m.Registration}, &x.out)
		x.out.Reset()
	}
}

// A caller with the most pending calls is refused more, until one is answered (FLW-08).
func TestFLW08_DefaultLimitOfPendingCalls(t *testing.T) {
	x := newExchange(1)
	x.register(x.callees[0], "p", wamp.RegisterOptions{})
	for range routing.DefaultMaxCalls {
		if s, _ := x.call("p", wamp.CallOptions{}); s == nil {
			t.Fatal("refused too early")
		}
	}
	if s, _ := x.call("p", wamp.CallOptions{}); s != nil {
		t.Error("one too many")
	}
	x.yield(x.callees[0], 1)
	if s, _ := x.call("p", wamp.CallOptions{}); s == nil {
		t.Error("refused too long")
	}
}

// Once the outbox and the tables have grown, calls and their results allocate nothing, be they alone or many at once.
func TestCall_AllocatesNothing(t *testing.T) {
	for _, depth := range []int{1, 16, 1000} {
		for name, o := range map[string]wamp.CallOptions{"plain": {}, "timeout": {Timeout: 1000}} {
			t.Run(fmt.Sprintf("depth=%d/%s", depth, name), func(t *testing.T) {
				x := newExchange(1)
				x.register(x.callees[0], "com.example.add", wamp.RegisterOptions{})
				burst := newBurst(x, depth, o)
				if allocs := testing.AllocsPerRun(20, burst.run); allocs > 0 {
					t.Errorf("%v allocations for %d calls", allocs, depth)
				}
			})
		}
	}
}

// burst makes so many calls and then answers all of them, again and again.
type burst struct {
	*exchange
	depth int
	call  wamp.Call
	yield wamp.Yield
}

func newBurst(x *exchange, depth int, o wamp.CallOptions) *burst {
	b := &burst{exchange: x, depth: depth}
	b.call = wamp.Call{Procedure: "com.example.add", Options: o, Payload: wamp.Payload{
		Serializer: wamp.CBOR, Elements: 1, Raw: make([]byte, 256),
	}}
	b.yield.Payload = b.call.Payload
	for range 3 {
		b.run()
	}
	return b
}

func (b *burst) run() {
	for range b.depth {
		b.call.Request++
		b.dealer.Call(b.now, b.caller, &b.call, allowed, &b.out)
		b.carryOut()
	}
	for range b.depth {
		b.yield.Request++
		b.dealer.Yield(b.now, b.callees[0], &b.yield, &b.out)
		b.carryOut()
	}
	b.out.Reset()
}

// carryOut empties the outbox after a run of messages, as the shell does.
func (b *burst) carryOut() {
	if len(b.out.Sends) == 64 {
		b.out.Reset()
	}
}
