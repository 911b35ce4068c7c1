package routing_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

var (
	programs  = flag.Int("programs", 4000, "how many random programs the dealer has to pass")
	firstSeed = flag.Uint64("seed", 0, "the seed of the first random program")
)

// Random programs of callers and callees, each step compared with dealerModel and watched by a witness who knows
// nothing but what the peers see. A seed that ever failed belongs into keptDealerSeeds.
func TestDealer_RandomProgramsAgainstModel(t *testing.T) {
	for _, seed := range keptDealerSeeds {
		checkDealerProgram(t, seed)
	}
	count := uint64(*programs)
	if testing.Short() {
		count /= 10
	}
	const shards = 4
	for shard := range uint64(shards) {
		t.Run(fmt.Sprint("shard", shard), func(t *testing.T) {
			t.Parallel()
			for seed := *firstSeed + shard; seed < *firstSeed+count && !t.Failed(); seed += shards {
				checkDealerProgram(t, seed)
			}
		})
	}
}

var keptDealerSeeds = []uint64{}

func checkDealerProgram(t *testing.T, seed uint64) {
	p := newDealerProgram(seed)
	if err := p.run(); err != nil {
		p.log = append(p.log, p.sent()...)
		t.Errorf("go test -run RandomPrograms -programs 1 -seed %d\n%s\n\n%v", seed, strings.Join(p.log, "\n"), err)
	}
}

// The same messages at the same times with the same random numbers give the same effects.
func TestDealer_IsDeterministic(t *testing.T) {
	for seed := range uint64(50) {
		first, second := newDealerProgram(seed), newDealerProgram(seed)
		first.keepAll, second.keepAll = true, true
		if first.run() != nil || second.run() != nil || !slices.Equal(first.log, second.log) {
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
	log     []string
	keepAll bool // the effects of all steps go into the log, not only the steps
}

func newDealerProgram(seed uint64) *dealerProgram {
	p := &dealerProgram{
		random:  rand.New(rand.NewPCG(seed, 1)),
		witness: newWitness(),
		next:    map[*routing.Session]wamp.ID{},
	}
	source, drawn := rand.New(rand.NewPCG(seed, 2)), uint64(0)
	draw := func() uint64 { drawn = source.Uint64(); return drawn }
	first := true
	p.world = newWorld(func() func() uint64 {
		return func() uint64 {
			if first { // registration IDs are 1, 2, 3
				first = false
				return 0
			}
			return draw()
		}
	})
	config := &p.world.dealerConfig
	config.MaxCalls, config.MaxInvocations, config.MaxRegistrations = 5, 6, 4
	config.ProgressNeedsCanceling = seed%5 == 0
	p.model = dealerModel{
		config: *config,
		drawn:  func() uint64 { return drawn },
		now:    p.world.now,
		nextID: 1,
		turn:   map[wamp.ID]*modelOffer{},
		issued: map[*routing.Session]wamp.ID{},
	}
	return p
}

func (p *dealerProgram) run() error {
	for range 4 {
		p.join()
	}
	for range 70 {
		if err := p.step(); err != nil {
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

func (p *dealerProgram) step() error {
	s := p.somebody()
	switch n := p.random.IntN(100); {
	case n < 3:
		p.join()
		return nil
	case n < 5:
		return p.leave(s)
	case n < 19:
		return p.register(s)
	case n < 25:
		return p.unregister(s)
	case n < 55:
		return p.call(s)
	case n < 75:
		return p.yield()
	case n < 82:
		return p.fail()
	case n < 89:
		return p.cancel(s)
	case n < 94:
		return p.undelivered()
	default:
		return p.advance()
	}
}

// ---- the steps ----

func (p *dealerProgram) join() {
	id := wamp.ID(len(p.world.sessions) + 1)
	s := &routing.Session{
		ID:       id,
		AuthID:   fmt.Sprint("peer", id),
		AuthRole: pick(p.random, []string{"staff", "guest", "trusted"}),
	}
	s.Roles.Announce(wamp.RoleCaller, p.features(wamp.FeatureProgressiveCallInvocations, wamp.FeaturePayloadPassthruMode)...)
	s.Roles.Announce(wamp.RoleCallee, p.features(wamp.FeatureProgressiveCallInvocations, wamp.FeaturePayloadPassthruMode,
		wamp.FeatureProgressiveCallResults, wamp.FeatureCallCanceling, wamp.FeatureCallTimeout)...)
	p.world.join(s)
	p.note("join %d authid=%s authrole=%s caller=%s callee=%s", id, s.AuthID, s.AuthRole,
		notateFeatures(s, wamp.RoleCaller), notateFeatures(s, wamp.RoleCallee))
}

func (p *dealerProgram) leave(s *routing.Session) error {
	p.note("leave %d", s.ID)
	if p.world.left[s] {
		return nil
	}
	p.world.leave(s)
	p.model.leave(s)
	p.witness.left(s)
	return p.check()
}

// Few procedures, so that they often meet.
var (
	programProcedures   = []string{"a.b.c", "a.b", "a.x.c", "b.b.c", "a", "a.bb.c", "wamp.x.c", "a..c", "no uri"}
	programRegistration = map[wamp.MatchPolicy][]string{
		wamp.MatchExact:    {"a.b.c", "a.b", "a.x.c", "wamp.x.c", "no uri"},
		wamp.MatchPrefix:   {"", "a", "a.", "a.b", "a.b.c", "wamp.", "wa"},
		wamp.MatchWildcard: {"a..c", "..c", ".b.", "..", "a.b.c", "wamp..c"},
	}
)

func (p *dealerProgram) register(s *routing.Session) error {
	m := &wamp.Register{Request: p.request(s)}
	m.Options.Match = wamp.MatchPolicy(p.random.IntN(3))
	m.Procedure = pick(p.random, programRegistration[m.Options.Match])
	m.Options.Invoke = wamp.InvocationPolicy(p.random.IntN(5))
	if others := p.model.offersOf(m.Options.Match, m.Procedure); len(others) > 0 && p.one(2) {
		m.Options.Invoke = others[0].options.Invoke
	}
	m.Options.DiscloseCaller = p.one(5)
	m.Options.ForwardTimeout = p.one(3)
	return p.send(s, m, p.grant())
}

func (p *dealerProgram) unregister(s *routing.Session) error {
	m := &wamp.Unregister{Registration: wamp.ID(p.random.IntN(10) + 1)}
	if len(p.model.offers) > 0 && !p.one(5) {
		o := pick(p.random, p.model.offers)
		m.Registration = o.id
		if !p.one(5) {
			s = o.session
		}
	}
	m.Request = p.request(s)
	return p.send(s, m, routing.Grant{})
}

func (p *dealerProgram) call(s *routing.Session) error {
	m := &wamp.Call{Procedure: pick(p.random, programProcedures), Payload: p.payload()}
	m.Options = p.callOptions(s)
	if open := p.open(s); len(open) > 0 && p.one(2) {
		known := pick(p.random, open)
		m.Request = known.request
		if !p.one(30) {
			m.Procedure = known.first.Procedure
		}
		return p.send(s, m, p.grant())
	}
	if late := p.ended(s); len(late) > 0 && p.one(4) {
		m.Request = pick(p.random, late).request
		return p.send(s, m, p.grant())
	}
	m.Request = p.request(s)
	if known := p.model.callOf(s, m.Request-1); known != nil && p.one(60) {
		m.Request--
	}
	return p.send(s, m, p.grant())
}

// open returns the session's calls of which further parts may come.
func (p *dealerProgram) open(s *routing.Session) []*modelCall {
	return slices.DeleteFunc(slices.Clone(p.model.calls), func(c *modelCall) bool { return c.caller != s || !c.moreInput })
}

// ended returns those that ended before, but not long ago.
func (p *dealerProgram) ended(s *routing.Session) []modelEnding {
	return slices.DeleteFunc(slices.Clone(p.model.unended), func(e modelEnding) bool {
		return e.session != s || p.model.now.Sub(e.at) > time.Minute
	})
}

func (p *dealerProgram) callOptions(s *routing.Session) (o wamp.CallOptions) {
	o.ReceiveProgress = p.one(3)
	o.DiscloseMe = p.one(8)
	if p.one(4) {
		o.Timeout = uint64(10 * (1 + p.random.IntN(3)))
	}
	if p.one(50) {
		o.RunMode = "partition"
	}
	if p.one(3) && s.Roles.Supports(wamp.RoleCaller, wamp.FeatureProgressiveCallInvocations) || p.one(100) {
		o.Progress = true
	}
	if s.Roles.Supports(wamp.RoleCaller, wamp.FeaturePayloadPassthruMode) || p.one(20) {
		o.PPT = p.passthru()
	}
	return o
}

func (p *dealerProgram) yield() error {
	s, request := p.invocation()
	m := &wamp.Yield{Request: request, Payload: p.payload()}
	m.Options.Progress = p.one(3)
	if s.Roles.Supports(wamp.RoleCallee, wamp.FeaturePayloadPassthruMode) || p.one(20) {
		m.Options.PPT = p.passthru()
	}
	return p.send(s, m, routing.Grant{})
}

func (p *dealerProgram) fail() error {
	s, request := p.invocation()
	m := &wamp.Error{RequestType: wamp.TypeInvocation, Request: request, URI: "com.error.x", Payload: p.payload()}
	switch p.random.IntN(40) {
	case 0:
		m.RequestType = wamp.TypeCall
	case 1, 2, 3:
		m.RequestType = wamp.TypeInterrupt
	case 4:
		m.URI = "no uri"
	}
	if s.Roles.Supports(wamp.RoleCallee, wamp.FeaturePayloadPassthruMode) || p.one(20) {
		m.Details.PPT = p.passthru()
	}
	return p.send(s, m, routing.Grant{})
}

// invocation returns one that is mostly pending, sometimes over, rarely from the future.
func (p *dealerProgram) invocation() (callee *routing.Session, request wamp.ID) {
	if len(p.model.calls) > 0 && !p.one(6) {
		c := pick(p.random, p.model.calls)
		return c.offer.session, c.invocation
	}
	s := p.somebody()
	issued := p.model.issued[s]
	if issued == 0 && !p.one(10) {
		return s, 1
	}
	if p.one(30) {
		return s, issued + 1
	}
	return s, 1 + wamp.ID(p.random.Uint64N(uint64(issued)+1))
}

func (p *dealerProgram) cancel(s *routing.Session) error {
	m := &wamp.Cancel{Request: wamp.ID(1 + p.random.IntN(20))}
	m.Options.Mode = wamp.CancelMode(p.random.IntN(3))
	if len(p.model.calls) > 0 && !p.one(6) {
		c := pick(p.random, p.model.calls)
		s, m.Request = c.caller, c.request
	}
	return p.send(s, m, routing.Grant{})
}

func (p *dealerProgram) advance() error {
	d := time.Duration(1+p.random.IntN(15)) * time.Millisecond
	if p.one(10) {
		d = 61 * time.Second
	}
	p.note("advance %v", d)
	p.world.advance(d)
	p.model.advance(d)
	return p.check()
}

var programReasons = []string{"queue_full", "too_large", "not_expressible"}

// undelivered takes back a message of the last step. A caller whose queue is full is the shell's concern.
func (p *dealerProgram) undelivered() error {
	lost := slices.DeleteFunc(slices.Clone(p.last), func(s routing.Send) bool { return p.world.left[s.To] })
	if len(lost) == 0 {
		return nil
	}
	send, why := pick(p.random, lost), routing.Reason(p.random.IntN(3))
	if why == routing.QueueFull && send.Msg.Type() != wamp.TypeInvocation {
		return nil
	}
	name, rest, _ := strings.Cut(notate(send.Msg), " ")
	p.note("undelivered to=%d why=%s %s %s", send.To.ID, programReasons[why], name, rest)
	p.last = nil
	p.world.dealer.Undelivered(p.world.now, send.To, send.Msg, why, &p.world.out)
	p.model.undelivered(send.To, send.Msg, why)
	p.witness.lost(send)
	return p.check()
}

// send gives a message to the dealer and to the model.
func (p *dealerProgram) send(from *routing.Session, m wamp.Message, g routing.Grant) error {
	name, rest, _ := strings.Cut(notate(m), " ")
	p.note("%s from=%d %s%s", name, from.ID, rest, notateGrant(m, g))
	if err := p.world.handle(from, m, g); err != nil {
		return err
	}
	if !p.world.left[from] {
		p.witness.hears(from, m)
		p.toModel(from, m, g)
	}
	return p.check()
}

func (p *dealerProgram) toModel(from *routing.Session, m wamp.Message, g routing.Grant) {
	switch m := m.(type) {
	case *wamp.Register:
		p.model.register(from, m, g)
	case *wamp.Unregister:
		p.model.unregister(from, m)
	case *wamp.Call:
		p.model.call(from, m, g)
	case *wamp.Cancel:
		p.model.cancel(from, m)
	case *wamp.Yield:
		p.model.yield(from, m)
	case *wamp.Error:
		p.model.fail(from, m)
	}
}

// ---- the judgment ----

// check compares what the step sent with what the model says, and has the witness look at it.
func (p *dealerProgram) check() error {
	sends, err := p.world.settle()
	if err != nil {
		return err
	}
	for i := 0; i < len(p.model.sent); i++ {
		if p.model.sent[i].Msg.Type() == wamp.TypeAbort {
			p.model.leave(p.model.sent[i].To)
		}
	}
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
		if sends[i].To != want.To || !reflect.DeepEqual(withoutText(sends[i].Msg), want.Msg) {
			return fmt.Errorf("message %d: the model wants\n%s", i+1, notateSends(p.model.sent))
		}
	}
	return nil
}

// withoutText removes what the router tells a person, of which the model knows nothing.
func withoutText(m wamp.Message) wamp.Message {
	switch m := m.(type) {
	case *wamp.Abort:
		return &wamp.Abort{Reason: m.Reason}
	case *wamp.Error:
		if m.Payload.Serializer == wamp.NoSerializer {
			return &wamp.Error{RequestType: m.RequestType, Request: m.Request, Details: m.Details, URI: m.URI}
		}
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

// ---- chance ----

// one reports true once in n times.
func (p *dealerProgram) one(n int) bool { return p.random.IntN(n) == 0 }

// somebody returns a session that is mostly still there.
func (p *dealerProgram) somebody() *routing.Session {
	s := pick(p.random, p.world.sessions)
	for range 10 {
		if !p.world.left[s] || p.one(30) {
			break
		}
		s = pick(p.random, p.world.sessions)
	}
	return s
}

func (p *dealerProgram) shuffled(list []*routing.Session) []*routing.Session {
	list = slices.Clone(list)
	p.random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func (p *dealerProgram) request(s *routing.Session) wamp.ID {
	p.next[s]++
	return p.next[s]
}

func (p *dealerProgram) features(all ...wamp.Feature) []wamp.Feature {
	return slices.DeleteFunc(all, func(wamp.Feature) bool { return p.one(4) })
}

func (p *dealerProgram) payload() wamp.Payload {
	if p.one(5) {
		return wamp.Payload{}
	}
	return wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: fmt.Appendf(nil, "[%d]", p.random.IntN(1000))}
}

func (p *dealerProgram) passthru() *wamp.Passthru {
	if !p.one(8) {
		return nil
	}
	return &wamp.Passthru{Scheme: "x_own", KeyID: fmt.Sprint("k", p.random.IntN(9))}
}

// grant mostly allows.
func (p *dealerProgram) grant() routing.Grant {
	g := routing.Grant{Allowed: !p.one(15), Disclose: wamp.Disclosure(p.random.IntN(4) % 3)}
	g.Failed = !g.Allowed && p.one(3)
	if p.one(6) {
		g.TrustLevel, g.HasTrustLevel = p.random.Uint64N(4), true
	}
	return g
}

// ---- the log ----

func (p *dealerProgram) note(format string, args ...any) {
	p.log = append(p.log, fmt.Sprintf("> "+format, args...))
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
	if g.Failed {
		words += " grant=failed"
	} else if !g.Allowed {
		words += " grant=refused"
	}
	words += []string{"", " grant_disclose=always", " grant_disclose=never"}[g.Disclose]
	if g.HasTrustLevel {
		words += fmt.Sprint(" grant_trustlevel=", g.TrustLevel)
	}
	return words
}
