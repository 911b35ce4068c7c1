package routing_test

import (
	"cmp"
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
	programs  = flag.Int("programs", 100_000, "how many random programs the realm has to pass")
	firstSeed = flag.Uint64("seed", 0, "the seed of the first random program")
)

// Random programs of peers that call, are called, publish, subscribe, ask the router and order it about, each step
// compared with realmModel and watched by a witness who knows nothing but what the peers see. A seed that ever failed belongs into keptRealmSeeds.
func TestRealm_RandomProgramsAgainstModel(t *testing.T) {
	for _, seed := range keptRealmSeeds {
		checkRealmProgram(t, seed, new(routing.Outbox))
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
				checkRealmProgram(t, seed, out)
			}
		})
	}
}

var keptRealmSeeds = []uint64{}

// checkRealmProgram runs a program, and if it fails, once more with a log. The memory of the outbox is used again.
func checkRealmProgram(t *testing.T, seed uint64, out *routing.Outbox) {
	p := newRealmProgram(seed)
	p.world.out = *out
	err := p.run()
	*out = p.world.out
	if err == nil {
		return
	}
	p = newRealmProgram(seed)
	p.logging = true
	err = p.run()
	p.log = append(p.log, p.sent()...)
	t.Errorf("go test -run RandomPrograms -programs 1 -seed %d\n%s\n\n%v", seed, strings.Join(p.log, "\n"), err)
}

// The same messages at the same times with the same random numbers give the same effects.
func TestRealm_IsDeterministic(t *testing.T) {
	for seed := range uint64(50) {
		first, second := newRealmProgram(seed), newRealmProgram(seed)
		for _, p := range []*realmProgram{first, second} {
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

// programKind says what a program does most of the time.
type programKind int

const (
	callsMostly programKind = iota
	topicsMostly
	everything
)

// realmProgram is one run. Its log is a transcript, except that there InvokeRandom always takes the first callee, and that
// it knows no laws.
type realmProgram struct {
	random  *rand.Rand
	world   *world
	model   realmModel
	witness witness
	next    map[*routing.Session]wamp.ID // request ID
	last    []routing.Send               // copies of what the last step sent
	steps   int
	crowded bool // nearly everybody offers and calls the same
	kind    programKind
	banned  string            // the topic to which no testament may be published any more
	secret  bool              // nor who left it be disclosed
	pairs   []publicationPair // so far

	unordered bool // the answer of the current step is a list in any order
	logging   bool
	log       []string
	keepAll   bool // the effects of all steps go into the log, not only the steps
}

func newRealmProgram(seed uint64) *realmProgram {
	p := &realmProgram{
		random:  rand.New(rand.NewPCG(seed, 1)),
		witness: newWitness(),
		next:    map[*routing.Session]wamp.ID{},
	}
	p.crowded = !p.one(3)
	p.steps = 8 + p.random.IntN(16)
	if p.one(30) {
		p.steps *= 5
	}
	p.kind = []programKind{callsMostly, callsMostly, topicsMostly, everything}[p.random.IntN(4)]
	source, drawn := rand.New(rand.NewPCG(seed, 2)), [2]uint64{} // by the dealer and the broker
	parts := 0
	p.world = newWorld(func() func() uint64 {
		last := &drawn[parts]
		parts++
		return func() uint64 { *last = source.Uint64(); return *last }
	})
	p.world.law = p.law
	p.configure(&p.world.dealerConfig, &p.world.brokerConfig)
	p.world.vacancies = p.one(2)
	p.model = realmModel{
		config:    p.world.dealerConfig,
		topics:    p.world.brokerConfig,
		drawn:     func() uint64 { return drawn[0] },
		now:       p.world.now,
		nextID:    1,
		nextTopic: 1,
		turn:      map[wamp.ID]*modelOffer{},
		issued:    map[*routing.Session]wamp.ID{},
		law:       p.law,
	}
	return p
}

// configure sets limits that are often reached.
func (p *realmProgram) configure(c *routing.DealerConfig, b *routing.BrokerConfig) {
	c.MaxCalls, c.MaxInvocations, c.MaxRegistrations = 5, 6, 4
	c.MaxQueuedCalls = pick(p.random, []int{-1, 1, 3, 10})
	c.MaxQueuedBytes = pick(p.random, []int{20, 40, 1000})
	c.MaxKeptBytes = pick(p.random, []int{20, 40, 1000})
	c.DefaultTimeout = pick(p.random, []time.Duration{0, 0, 0, 15 * time.Millisecond})
	c.MaxTimeout = pick(p.random, []time.Duration{0, 0, 0, 10 * time.Millisecond})
	c.ProgressNeedsCanceling = p.one(5)
	c.Sharding = p.one(2)
	c.Rerouting = p.one(2)
	b.MaxSubscriptions, b.MaxTestaments = 5, 3
	b.MaxRetained, b.MaxRestricted, b.MaxReplayed = 6, 2, 3
	b.SilentRevocation, b.Sharding = p.one(4), c.Sharding
}

func (p *realmProgram) run() error {
	for range 3 + p.random.IntN(2) {
		if err := p.join(); err != nil {
			return err
		}
	}
	if p.kind != callsMostly && p.one(3) {
		if err := p.hold(); err != nil {
			return err
		}
	}
	if p.one(4) {
		if err := p.observe(); err != nil {
			return err
		}
	}
	for i := range 4 + p.steps {
		step := p.step
		if i < 4 {
			step = p.firstStep
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

// observe lets the first session hear of everything.
func (p *realmProgram) observe() error {
	m := &wamp.Subscribe{Topic: "wamp", Options: wamp.SubscribeOptions{Match: wamp.MatchPrefix}}
	m.Request = p.request(p.world.sessions[0])
	return p.send(p.world.sessions[0], m, allowed)
}

// hold has the router hold a subscription itself, for a history of its events.
func (p *realmProgram) hold() error {
	match := wamp.MatchPolicy(p.random.IntN(3))
	topic := pick(p.random, programSubscription[match][:6])
	id, err := p.world.broker.Hold(p.world.now, match, topic, topic)
	if legal := topic != "no uri" && !strings.HasPrefix(topic, "wamp"); legal != (err == nil) {
		return fmt.Errorf("holding %s %q: %w", match, topic, err)
	}
	if err != nil {
		return nil
	}
	t := p.model.make(match, topic)
	t.router = true
	if p.logging {
		p.note("the router holds %s %q", match, topic)
	}
	if id != t.id {
		return fmt.Errorf("the router holds subscription %d, the model wants %d", id, t.id)
	}
	return nil
}

// send gives a message to the dealer and to the model.
func (p *realmProgram) send(from *routing.Session, m wamp.Message, g routing.Grant) error {
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
func (p *realmProgram) sendAgain(from *routing.Session, m *wamp.Call) error {
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

func (p *realmProgram) toModel(from *routing.Session, m wamp.Message, g routing.Grant) {
	switch m := m.(type) {
	case *wamp.Register:
		p.model.register(from, m, g)
	case *wamp.Unregister:
		p.model.unregister(from, m)
	case *wamp.Call:
		c := copyOf(m)
		if strings.HasPrefix(c.Procedure, "wamp.session.") || strings.HasPrefix(c.Procedure, "wamp.subscription.") {
			p.model.callBroker(from, c, g)
			return
		}
		p.model.call(from, c, g, false)
	case *wamp.Cancel:
		p.model.cancel(from, m)
	case *wamp.Yield:
		p.model.yield(from, m)
	case *wamp.Error:
		p.model.fail(from, m)
	case *wamp.Subscribe:
		p.model.subscribe(from, m, g)
	case *wamp.Unsubscribe:
		p.model.unsubscribe(from, m)
	case *wamp.Publish:
		p.model.publish(from, m, g)
	}
}

func copyOf(m *wamp.Call) *wamp.Call {
	c := *m
	c.Payload = m.Payload.Clone()
	return &c
}

// ---- the judgment ----

// check compares what the step sent with what the model says, and has the witness look at it.
func (p *realmProgram) check() error {
	sends, err := p.world.settle()
	if err != nil {
		return err
	}
	p.model.finish()
	if err := checkShared(sends); err != nil {
		return err
	}
	sortSubscribers(sends)
	sortSubscribers(p.model.sent)
	if err := p.compare(sends); err != nil {
		return err
	}
	if err := p.compareKept(p.world.out.Kept); err != nil {
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
	p.model.begin()
	return p.witness.counts(p.world.dealer.PendingCalls())
}

func (p *realmProgram) compare(sends []routing.Send) error {
	if len(sends) != len(p.model.sent) {
		return fmt.Errorf("%d messages sent; the model wants\n%s", len(sends), notateSends(p.model.sent))
	}
	for i, want := range p.model.sent {
		if sends[i].To != want.To || !reflect.DeepEqual(p.foreseen(sends[i].Msg, want.Msg), want.Msg) {
			return fmt.Errorf("message %d: the model wants\n%s", i+1, notateSends(p.model.sent))
		}
		if err := p.pair(publicationIn(sends[i].Msg), publicationIn(want.Msg)); err != nil {
			return fmt.Errorf("message %d: %w", i+1, err)
		}
	}
	return nil
}

// compareKept compares what goes into histories.
func (p *realmProgram) compareKept(kept []routing.Kept) error {
	if len(kept) != len(p.model.kept) {
		return fmt.Errorf("%d events kept; the model wants %d (EVH-09)", len(kept), len(p.model.kept))
	}
	for i, want := range p.model.kept {
		got := kept[i]
		if err := p.pair(got.Event.Publication, want.Event.Publication); err != nil {
			return err
		}
		got.Event, _ = p.foreseen(got.Event, want.Event).(*wamp.Event)
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("event %d kept is %+v of %v for %+v; the model wants %+v of %v for %+v",
				i+1, got.Event, got.History, got.For, want.Event, want.History, want.For)
		}
	}
	return nil
}

// publicationPair is the ID of a publication with its number in the model.
type publicationPair struct{ id, number wamp.ID }

// pair checks that the ID of a publication is one that no other has.
func (p *realmProgram) pair(id, number wamp.ID) error {
	if number == 0 {
		return nil
	}
	for _, pair := range p.pairs {
		if pair.id == id && pair.number == number {
			return nil
		}
		if pair.id == id || pair.number == number {
			return fmt.Errorf("publication %d is number %d and %d (IDS-02)", id, number, pair.number)
		}
	}
	if !id.Valid() {
		return fmt.Errorf("publication ID %d (IDS-02)", id)
	}
	p.pairs = append(p.pairs, publicationPair{id, number})
	return nil
}

func publicationIn(m wamp.Message) wamp.ID {
	switch m := m.(type) {
	case *wamp.Event:
		return m.Publication
	case *wamp.Published:
		return m.Publication
	default:
		return 0
	}
}

// foreseen returns a message without what the model cannot know: what the router tells a person, random IDs, and the order
// of a list that has none.
func (p *realmProgram) foreseen(m, want wamp.Message) wamp.Message {
	switch m := m.(type) {
	case *wamp.Abort:
		return &wamp.Abort{Reason: m.Reason}
	case *wamp.Error:
		if m.Payload.Serializer == wamp.NoSerializer {
			return &wamp.Error{RequestType: m.RequestType, Request: m.Request, Details: m.Details, URI: m.URI}
		}
	case *wamp.Event:
		e := *m
		e.Publication = publicationIn(want)
		return &e
	case *wamp.Published:
		return &wamp.Published{Request: m.Request, Publication: publicationIn(want)}
	case *wamp.Result:
		if p.unordered && len(m.Payload.Args) > 0 {
			slices.SortFunc(m.Payload.Args[0].(wamp.List), func(a, b any) int { return cmp.Compare(a.(uint64), b.(uint64)) })
		}
	}
	return m
}

// keepLast copies messages that the shell might not be able to deliver.
func (p *realmProgram) keepLast(sends []routing.Send) {
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

func (p *realmProgram) note(format string, args ...any) {
	p.log = append(p.log, fmt.Sprintf("> "+format, args...))
}

func (p *realmProgram) noteMessage(from *routing.Session, m wamp.Message, g routing.Grant, flags string) {
	name, rest, _ := strings.Cut(notate(m), " ")
	p.note("%s from=%d %s%s%s", name, from.ID, rest, flags, notateGrant(m, g))
}

func (p *realmProgram) sent() []string { return strings.Split(notateSends(p.world.out.Sends), "\n") }

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
	switch m.Type() {
	case wamp.TypeCall, wamp.TypeRegister, wamp.TypeSubscribe, wamp.TypePublish:
	default:
		return ""
	}
	switch {
	case g.Failed:
		words += " grant=failed"
	case !g.Allowed:
		words += " grant=refused"
	case g.Topic != nil && !g.Topic.Allowed:
		words += " grant=refused_topic"
	case g.Inspect:
		words += " grant=inspect"
	case g.Force:
		words += " grant=force"
	}
	words += []string{"", " grant_disclose=always", " grant_disclose=never"}[g.Disclose]
	if g.HasTrustLevel {
		words += fmt.Sprint(" grant_trustlevel=", g.TrustLevel)
	}
	return words
}

func notateConfig(c *routing.DealerConfig, b *routing.BrokerConfig) string {
	words := fmt.Sprintf("realm max_calls=%d max_invocations=%d max_registrations=%d max_queued_calls=%d"+
		" max_queued_bytes=%d max_kept_bytes=%d default_timeout=%v max_timeout=%v max_subscriptions=%d max_testaments=%d"+
		" max_retained=%d max_restricted=%d max_replayed=%d",
		c.MaxCalls, c.MaxInvocations, c.MaxRegistrations, c.MaxQueuedCalls, c.MaxQueuedBytes, c.MaxKeptBytes,
		c.DefaultTimeout, c.MaxTimeout, b.MaxSubscriptions, b.MaxTestaments, b.MaxRetained, b.MaxRestricted, b.MaxReplayed)
	flags := []struct {
		word string
		set  bool
	}{{" progress_needs_canceling", c.ProgressNeedsCanceling}, {" sharding", c.Sharding}, {" rerouting", c.Rerouting},
		{" silent_revocation", b.SilentRevocation}}
	for _, f := range flags {
		if f.set {
			words += f.word
		}
	}
	return words
}
