package routing_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

var (
	programs  = flag.Int("programs", 100_000, "how many random programs the dealer has to pass")
	firstSeed = flag.Uint64("seed", 0, "the seed of the first random program")
)

// Random programs of callers and callees, each step compared with dealerModel and watched by a witness who knows
// nothing but what the peers see. A seed that ever failed belongs into keptDealerSeeds.
func TestDealer_RandomProgramsAgainstModel(t *testing.T) {
	for _, seed := range keptDealerSeeds {
		checkDealerProgram(t, seed, new(routing.Outbox))
	}
	count := uint64(*programs)
	if testing.Short() {
		count = min(count, 2000)
	}
	percent := debug.SetGCPercent(1000) // programs leave much garbage and little else
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	const shards = 4
	for shard := range uint64(shards) {
		t.Run(fmt.Sprint("shard", shard), func(t *testing.T) {
			t.Parallel()
			out := new(routing.Outbox)
			for seed := *firstSeed + shard; seed < *firstSeed+count && !t.Failed(); seed += shards {
				checkDealerProgram(t, seed, out)
			}
		})
	}
}

var keptDealerSeeds = []uint64{}

// checkDealerProgram runs a program, and if it fails, once more with a log. The memory of the outbox is used again.
func checkDealerProgram(t *testing.T, seed uint64, out *routing.Outbox) {
	p := newDealerProgram(seed)
	p.world.out = *out
	err := p.run()
	*out = p.world.out
	if err == nil {
		return
	}
	p = newDealerProgram(seed)
	p.logging = true
	err = p.run()
	p.log = append(p.log, p.sent()...)
	t.Errorf("go test -run RandomPrograms -programs 1 -seed %d\n%s\n\n%v", seed, strings.Join(p.log, "\n"), err)
}

// The same messages at the same times with the same random numbers give the same effects.
func TestDealer_IsDeterministic(t *testing.T) {
	for seed := range uint64(50) {
		first, second := newDealerProgram(seed), newDealerProgram(seed)
		for _, p := range []*dealerProgram{first, second} {
			p.logging, p.keepAll = true, true
			if err := p.run(); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(first.log, second.log) {
			t.Fatalf("seed %d: two runs differ", seed)
		}
	}
}

// dealerProgram is one run. Its log is a transcript, except that there InvokeRandom always takes the first callee.
type dealerProgram struct {
	random  *rand.Rand
	world   *world
	model   dealerModel
	witness witness
	next    map[*routing.Session]wamp.ID // request ID
	last    []routing.Send               // copies of what the last step sent
	steps   int
	crowded bool // nearly everybody offers and calls the same
	logging bool
	log     []string
	keepAll bool // the effects of all steps go into the log, not only the steps
}

func newDealerProgram(seed uint64) *dealerProgram {
	p := &dealerProgram{
		random:  rand.New(rand.NewPCG(seed, 1)),
		witness: newWitness(),
		next:    map[*routing.Session]wamp.ID{},
	}
	p.crowded = !p.one(3)
	p.steps = 8 + p.random.IntN(16)
	if p.one(30) {
		p.steps *= 5
	}
	source, drawn := rand.New(rand.NewPCG(seed, 2)), uint64(0)
	draw := func() uint64 { drawn = source.Uint64(); return drawn }
	p.world = newWorld(func() func() uint64 { return draw })
	p.configure(&p.world.dealerConfig)
	p.model = dealerModel{
		config: p.world.dealerConfig,
		drawn:  func() uint64 { return drawn },
		now:    p.world.now,
		nextID: 1,
		turn:   map[wamp.ID]*modelOffer{},
		issued: map[*routing.Session]wamp.ID{},
	}
	return p
}

// configure sets limits that are often reached.
func (p *dealerProgram) configure(c *routing.DealerConfig) {
	c.MaxCalls, c.MaxInvocations, c.MaxRegistrations = 5, 6, 4
	c.MaxQueuedCalls = pick(p.random, []int{-1, 1, 3, 10})
	c.MaxQueuedBytes = pick(p.random, []int{20, 40, 1000})
	c.MaxKeptBytes = pick(p.random, []int{20, 40, 1000})
	c.DefaultTimeout = pick(p.random, []time.Duration{0, 0, 0, 15 * time.Millisecond})
	c.MaxTimeout = pick(p.random, []time.Duration{0, 0, 0, 10 * time.Millisecond})
	c.ProgressNeedsCanceling = p.one(5)
	c.Sharding = p.one(2)
	c.Rerouting = p.one(2)
}

func (p *dealerProgram) run() error {
	for range 3 + p.random.IntN(2) {
		p.join()
	}
	if p.one(4) {
		p.observe()
	}
	for i := range 4 + p.steps {
		step := p.step
		if i < 4 {
			step = func() error { return p.register(p.somebody()) }
		}
		if err := step(); err != nil {
			return err
		}
	}
	for _, s := range p.shuffled(p.world.sessions) {
		if err := p.leave(s); err != nil {
			return err
		}
	}
	return p.world.quit()
}

// observe lets the first session hear of all registrations.
func (p *dealerProgram) observe() {
	p.model.observer = p.world.sessions[0]
	m := &wamp.Subscribe{Request: 1, Topic: "wamp.registration.", Options: wamp.SubscribeOptions{Match: wamp.MatchPrefix}}
	p.world.broker.Subscribe(p.world.now, p.model.observer, m, allowed, &p.world.out)
	p.world.out.Reset()
	p.next[p.model.observer] = 1
	if p.logging {
		p.note("SUBSCRIBE from=1 request=1 match=prefix topic=wamp.registration.")
	}
}

// send gives a message to the dealer and to the model.
func (p *dealerProgram) send(from *routing.Session, m wamp.Message, g routing.Grant) error {
	if p.logging {
		p.noteMessage(from, m, g, "")
	}
	if err := p.world.handle(from, m, g); err != nil {
		return err
	}
	if !p.world.left[from] {
		p.witness.hears(from, m)
		p.toModel(from, m, g)
	}
	err := p.check()
	scribble(m)
	return err
}

// scribble spoils a message whose step is over: nobody may need it any more.
func scribble(m wamp.Message) {
	if call, ok := m.(*wamp.Call); ok {
		for i := range call.Payload.Raw {
			call.Payload.Raw[i] = '?'
		}
		*call = wamp.Call{}
	}
}

// sendAgain gives a CALL to the dealer whose ID is not new.
func (p *dealerProgram) sendAgain(from *routing.Session, m *wamp.Call) error {
	if p.logging {
		p.noteMessage(from, m, allowed, " repeated")
	}
	p.world.dealer.Continue(p.world.now, from, m, &p.world.out)
	if !p.world.left[from] {
		p.model.call(from, copyOf(m), routing.Grant{}, true)
	}
	err := p.check()
	scribble(m)
	return err
}

func (p *dealerProgram) toModel(from *routing.Session, m wamp.Message, g routing.Grant) {
	switch m := m.(type) {
	case *wamp.Register:
		p.model.register(from, m, g)
	case *wamp.Unregister:
		p.model.unregister(from, m)
	case *wamp.Call:
		p.model.call(from, copyOf(m), g, false)
	case *wamp.Cancel:
		p.model.cancel(from, m)
	case *wamp.Yield:
		p.model.yield(from, m)
	case *wamp.Error:
		p.model.fail(from, m)
	}
}

func copyOf(m *wamp.Call) *wamp.Call {
	c := *m
	c.Payload = m.Payload.Clone()
	return &c
}

// ---- the judgment ----

// check compares what the step sent with what the model says, and has the witness look at it.
func (p *dealerProgram) check() error {
	sends, err := p.world.settle()
	if err != nil {
		return err
	}
	p.model.finish()
	if err := p.compare(sends); err != nil {
		return err
	}
	for _, send := range sends {
		if err := p.witness.sees(send); err != nil {
			return err
		}
	}
	if p.keepAll {
		p.log = append(p.log, p.sent()...)
	}
	p.keepLast(sends)
	p.world.out.Reset()
	p.model.sent = p.model.sent[:0]
	return p.witness.counts(p.world.dealer.PendingCalls())
}

func (p *dealerProgram) compare(sends []routing.Send) error {
	if len(sends) != len(p.model.sent) {
		return fmt.Errorf("%d messages sent; the model wants\n%s", len(sends), notateSends(p.model.sent))
	}
	for i, want := range p.model.sent {
		if sends[i].To != want.To || !reflect.DeepEqual(foreseen(sends[i].Msg), want.Msg) {
			return fmt.Errorf("message %d: the model wants\n%s", i+1, notateSends(p.model.sent))
		}
	}
	return nil
}

// foreseen removes what the model cannot know: what the router tells a person, and random IDs.
func foreseen(m wamp.Message) wamp.Message {
	switch m := m.(type) {
	case *wamp.Abort:
		return &wamp.Abort{Reason: m.Reason}
	case *wamp.Error:
		if m.Payload.Serializer == wamp.NoSerializer {
			return &wamp.Error{RequestType: m.RequestType, Request: m.Request, Details: m.Details, URI: m.URI}
		}
	case *wamp.Event:
		return &wamp.Event{Subscription: m.Subscription, Details: m.Details, Payload: m.Payload}
	}
	return m
}

// keepLast copies messages that the shell might not be able to deliver.
func (p *dealerProgram) keepLast(sends []routing.Send) {
	p.last = p.last[:0]
	for _, send := range sends {
		switch m := send.Msg.(type) {
		case *wamp.Invocation:
			lost := *m
			p.last = append(p.last, routing.Send{To: send.To, Msg: &lost})
		case *wamp.Result:
			lost := *m
			p.last = append(p.last, routing.Send{To: send.To, Msg: &lost})
		case *wamp.Error:
			if lost := *m; len(m.Payload.Raw) > 0 {
				p.last = append(p.last, routing.Send{To: send.To, Msg: &lost})
			}
		}
	}
}

// ---- the log ----

func (p *dealerProgram) note(format string, args ...any) {
	p.log = append(p.log, fmt.Sprintf("> "+format, args...))
}

func (p *dealerProgram) noteMessage(from *routing.Session, m wamp.Message, g routing.Grant, flags string) {
	name, rest, _ := strings.Cut(notate(m), " ")
	p.note("%s from=%d %s%s%s", name, from.ID, rest, flags, notateGrant(m, g))
}

func (p *dealerProgram) sent() []string { return strings.Split(notateSends(p.world.out.Sends), "\n") }

func notateSends(sends []routing.Send) string {
	lines := make([]string, len(sends))
	for i, send := range sends {
		lines[i] = fmt.Sprintf("< to=%d %s", send.To.ID, notate(send.Msg))
	}
	return strings.Join(lines, "\n")
}

func notateFeatures(s *routing.Session, role wamp.Role) string {
	var keys []string
	for _, f := range s.Roles.Features(role) {
		keys = append(keys, f.String())
	}
	return strings.Join(keys, ",")
}

func notateGrant(m wamp.Message, g routing.Grant) (words string) {
	if t := m.Type(); t != wamp.TypeCall && t != wamp.TypeRegister {
		return ""
	}
	switch {
	case g.Failed:
		words += " grant=failed"
	case !g.Allowed:
		words += " grant=refused"
	case g.Force:
		words += " grant=force"
	}
	words += []string{"", " grant_disclose=always", " grant_disclose=never"}[g.Disclose]
	if g.HasTrustLevel {
		words += fmt.Sprint(" grant_trustlevel=", g.TrustLevel)
	}
	return words
}

func notateConfig(c *routing.DealerConfig) string {
	words := fmt.Sprintf("realm max_calls=%d max_invocations=%d max_registrations=%d max_queued_calls=%d"+
		" max_queued_bytes=%d max_kept_bytes=%d default_timeout=%v max_timeout=%v", c.MaxCalls, c.MaxInvocations, c.MaxRegistrations, c.MaxQueuedCalls,
		c.MaxQueuedBytes, c.MaxKeptBytes, c.DefaultTimeout, c.MaxTimeout)
	flags := []struct {
		word string
		set  bool
	}{{" progress_needs_canceling", c.ProgressNeedsCanceling}, {" sharding", c.Sharding}, {" rerouting", c.Rerouting}}
	for _, f := range flags {
		if f.set {
			words += f.word
		}
	}
	return words
}
