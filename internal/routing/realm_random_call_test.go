package routing_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// The steps that random programs are made of: coming, going, and calls.

// firstStep gives the program something to work with.
func (p *realmProgram) firstStep() error {
	if p.kind == topicsMostly {
		return p.subscribe(p.somebody())
	}
	return p.register(p.somebody())
}

// step takes a step that is likely to have an effect.
func (p *realmProgram) step() error {
	switch p.kind {
	case topicsMostly:
		return p.topicStep(p.somebody())
	case everything:
		if p.one(2) {
			return p.topicStep(p.somebody())
		}
	case callsMostly:
	}
	return p.callStep(p.somebody())
}

func (p *realmProgram) callStep(s *routing.Session) error {
	n := p.random.IntN(100)
	switch pending := len(p.model.calls) > 0 || p.one(20); {
	case n < 2:
		return p.join()
	case n < 4:
		return p.leave(s)
	case n < 16 || len(p.model.offers) < 3 && p.one(3):
		return p.register(s)
	case n < 20:
		return p.unregister(s)
	case n < 22:
		return p.askRegistrations(s)
	case n < 23:
		return p.topicStep(s)
	case n < 56 || !pending:
		return p.call(s)
	case n < 70:
		return p.yield()
	case n < 81:
		return p.fail()
	case n < 88:
		return p.cancel(s)
	case n < 92:
		return p.undelivered()
	default:
		return p.advance()
	}
}

func (p *realmProgram) join() error {
	id := wamp.ID(len(p.world.sessions) + 1)
	s := &routing.Session{
		ID:       id,
		AuthID:   pick(p.random, []string{"ann", "bob", "cid"}),
		AuthRole: pick(p.random, []string{"staff", "guest", "trusted"}),
		Lost:     p.random.Uint64N(3),
	}
	p.announce(s, wamp.RoleCaller, wamp.FeatureProgressiveCallInvocations, wamp.FeaturePayloadPassthruMode)
	p.announce(s, wamp.RoleCallee, wamp.FeatureProgressiveCallInvocations, wamp.FeaturePayloadPassthruMode,
		wamp.FeatureProgressiveCallResults, wamp.FeatureCallCanceling, wamp.FeatureCallTimeout, wamp.FeatureCallReroute,
		wamp.FeatureRegistrationRevocation)
	p.announce(s, wamp.RolePublisher, wamp.FeaturePayloadPassthruMode)
	p.announce(s, wamp.RoleSubscriber, wamp.FeatureSubscriptionRevocation)
	if p.logging {
		if len(p.log) == 0 {
			p.note("%s", notateConfig(&p.world.dealerConfig, &p.world.brokerConfig))
		}
		p.note("join %d authid=%s authrole=%s caller=%s callee=%s publisher=%s subscriber=%s", id, s.AuthID, s.AuthRole,
			notateFeatures(s, wamp.RoleCaller), notateFeatures(s, wamp.RoleCallee),
			notateFeatures(s, wamp.RolePublisher), notateFeatures(s, wamp.RoleSubscriber))
	}
	p.world.join(s)
	p.model.sessions = append(p.model.sessions, s)
	p.model.tell("wamp.session.on_join", modelSession(s))
	return p.check()
}

// announce announces most of the features.
func (p *realmProgram) announce(s *routing.Session, role wamp.Role, all ...wamp.Feature) {
	s.Roles.Announce(role)
	for _, f := range all {
		if !p.one(4) {
			s.Roles.Announce(role, f)
		}
	}
}

func (p *realmProgram) leave(s *routing.Session) error {
	if p.logging {
		p.note("leave %d", s.ID)
	}
	if p.world.left[s] {
		return nil
	}
	p.witness.left(s)
	p.world.leave(s)
	p.model.leave(s, false)
	return p.check()
}

// Few procedures, so that they often meet.
var (
	programProcedures = []string{"a.b.c", "a.b.c", "a.b", "a.b", "a.x.c", "b.b.c", "a", "a.bb.c", "wamp.x.c", "a..c", "no uri"}

	programRegistration = map[wamp.MatchPolicy][]string{
		wamp.MatchExact:    {"a.b.c", "a.b.c", "a.b.c", "a.b", "a.b", "a.x.c", "wamp.x.c", "no uri"},
		wamp.MatchPrefix:   {"", "a", "a", "a.", "a.b", "a.b.c", "wamp.", "wa"},
		wamp.MatchWildcard: {"a..c", "a..c", "..c", ".b.", "..", "a.b.c", "wamp..c"},
	}
)

func (p *realmProgram) register(s *routing.Session) error {
	m := &wamp.Register{Request: p.request(s)}
	m.Procedure, m.Options.Match = p.pattern()
	m.Options.Invoke = wamp.InvocationPolicy(p.random.IntN(5))
	if others := p.model.offersOf(m.Options.Match, m.Procedure); len(others) > 0 && !p.one(8) {
		m.Options.Invoke = others[0].options.Invoke
	}
	m.Options.DiscloseCaller = p.one(5)
	m.Options.ForwardTimeout = p.one(3)
	m.Options.ForceReregister = p.one(15)
	if !p.one(3) {
		m.Options.Concurrency = 1 + p.random.Uint64N(2)
	}
	return p.send(s, m, p.grant())
}

// pattern returns what to register.
func (p *realmProgram) pattern() (string, wamp.MatchPolicy) {
	if p.crowded && !p.one(12) {
		return "a.b", wamp.MatchExact
	}
	match := wamp.MatchPolicy(p.random.IntN(3))
	return pick(p.random, programRegistration[match]), match
}

func (p *realmProgram) unregister(s *routing.Session) error {
	m := &wamp.Unregister{Registration: p.registration()}
	if o := p.model.offerOf(s, m.Registration); o == nil && len(p.model.offers) > 0 && !p.one(5) {
		o = pick(p.random, p.model.offers)
		s, m.Registration = o.session, o.id
	}
	m.Request = p.request(s)
	return p.send(s, m, routing.Grant{})
}

// registration returns the ID of one that mostly exists.
func (p *realmProgram) registration() wamp.ID {
	if len(p.model.offers) > 0 && !p.one(6) {
		return pick(p.random, p.model.offers).id
	}
	return wamp.ID(p.random.IntN(10) + 1)
}

func (p *realmProgram) call(s *routing.Session) error {
	m := &wamp.Call{Procedure: p.procedure(), Payload: p.payload()}
	m.Options = p.callOptions(s)
	if open := p.open(s); len(open) > 0 && p.one(2) {
		known := pick(p.random, open)
		m.Request = known.request
		if !p.one(30) {
			m.Procedure = known.first.Procedure
		}
		return p.callAgain(s, m)
	}
	if late := p.ended(s); len(late) > 0 && p.one(4) {
		e := pick(p.random, late)
		m.Request = e.request
		if !p.one(10) {
			m.Procedure = e.uri
		}
		return p.callAgain(s, m)
	}
	m.Request = p.request(s)
	if known := p.model.callOf(s, m.Request-1); known != nil && p.one(60) {
		m.Request--
		return p.callAgain(s, m)
	}
	return p.send(s, m, p.grant())
}

// procedure returns one that mostly has a callee.
func (p *realmProgram) procedure() string {
	if p.crowded && !p.one(12) {
		return "a.b"
	}
	if len(p.model.offers) > 0 && !p.one(6) {
		if o := pick(p.random, p.model.offers); o.options.Match == wamp.MatchExact {
			return o.uri
		}
		return pick(p.random, programProcedures[:8])
	}
	return pick(p.random, programProcedures)
}

// callAgain sends a CALL whose ID is not new, in a realm that is strict about IDs or in one that is not.
func (p *realmProgram) callAgain(s *routing.Session, m *wamp.Call) error {
	if p.one(2) {
		return p.sendAgain(s, m)
	}
	return p.send(s, m, p.grant())
}

// open returns the session's calls of which further parts may come.
func (p *realmProgram) open(s *routing.Session) (list []*modelCall) {
	for _, c := range p.model.calls {
		if c.caller == s && c.moreInput {
			list = append(list, c)
		}
	}
	return list
}

// ended returns those that ended before, but not long ago.
func (p *realmProgram) ended(s *routing.Session) (list []modelEnding) {
	for _, e := range p.model.ended {
		if e.session == s && p.model.now.Sub(e.at) <= time.Minute {
			list = append(list, e)
		}
	}
	return list
}

func (p *realmProgram) callOptions(s *routing.Session) (o wamp.CallOptions) {
	o.ReceiveProgress = p.one(4)
	o.DiscloseMe = p.one(8)
	if p.one(3) {
		o.Timeout = uint64(10 * (1 + p.random.IntN(3)))
	}
	if p.model.config.Sharding && p.one(3) || p.one(60) {
		o.RKey = pick(p.random, []string{"", "k1", "k2", "k3"})
		o.RunMode = pick(p.random, []string{"", "partition", "partition", "partition", "all"})
	}
	if p.one(4) && s.Roles.Supports(wamp.RoleCaller, wamp.FeatureProgressiveCallInvocations) || p.one(200) {
		o.Progress = true
	}
	if s.Roles.Supports(wamp.RoleCaller, wamp.FeaturePayloadPassthruMode) || p.one(50) {
		o.PPT = p.passthru()
	}
	return o
}

func (p *realmProgram) yield() error {
	s, request := p.invocation()
	m := &wamp.Yield{Request: request, Payload: p.payload()}
	m.Options.Progress = p.one(3)
	if s.Roles.Supports(wamp.RoleCallee, wamp.FeaturePayloadPassthruMode) || p.one(50) {
		m.Options.PPT = p.passthru()
	}
	return p.send(s, m, routing.Grant{})
}

func (p *realmProgram) fail() error {
	s, request := p.invocation()
	m := &wamp.Error{RequestType: wamp.TypeInvocation, Request: request, URI: "com.error.x", Payload: p.payload()}
	switch p.random.IntN(60) {
	case 0:
		m.RequestType = wamp.TypeCall
	case 1, 2, 3:
		m.RequestType = wamp.TypeInterrupt
	case 4:
		m.URI = "no uri"
	default:
		if p.one(2) {
			m.URI = "wamp.error.unavailable"
		}
	}
	if s.Roles.Supports(wamp.RoleCallee, wamp.FeaturePayloadPassthruMode) || p.one(50) {
		m.Details.PPT = p.passthru()
	}
	return p.send(s, m, routing.Grant{})
}

// invocation returns one that is mostly pending, sometimes over, rarely from the future.
func (p *realmProgram) invocation() (callee *routing.Session, request wamp.ID) {
	if len(p.model.owed) > 0 && p.one(4) {
		e := pick(p.random, p.model.owed)
		return e.session, e.request
	}
	if len(p.model.calls) > 0 && !p.one(6) {
		if c := pick(p.random, p.model.calls); c.offer != nil {
			return c.offer.session, c.invocation
		}
	}
	s := p.somebody()
	if p.one(10) {
		return s, p.model.issued[s] + 1
	}
	for range 10 {
		if issued := p.model.issued[s]; issued > 0 {
			return s, 1 + wamp.ID(p.random.Uint64N(uint64(issued)))
		}
		s = p.somebody()
	}
	return s, p.model.issued[s] + 1
}

func (p *realmProgram) cancel(s *routing.Session) error {
	m := &wamp.Cancel{Request: wamp.ID(1 + p.random.IntN(20))}
	m.Options.Mode = wamp.CancelMode(p.random.IntN(3))
	if len(p.model.calls) > 0 && !p.one(6) {
		c := pick(p.random, p.model.calls)
		s, m.Request = c.caller, c.request
	}
	return p.send(s, m, routing.Grant{})
}

func (p *realmProgram) advance() error {
	d := time.Duration(1+p.random.IntN(15)) * time.Millisecond
	if p.one(10) {
		d = 61 * time.Second
	}
	if p.logging {
		p.note("advance %v", d)
	}
	p.world.advance(d)
	p.model.advance(d)
	return p.check()
}

var programReasons = []string{"queue_full", "too_large", "not_expressible"}

// undelivered takes back a message of the last step. A caller whose queue is full is the shell's concern.
func (p *realmProgram) undelivered() error {
	lost := slices.DeleteFunc(slices.Clone(p.last), func(s routing.Send) bool { return p.world.left[s.To] })
	if len(lost) == 0 {
		return nil
	}
	send, why := pick(p.random, lost), routing.Reason(p.random.IntN(3))
	if why == routing.QueueFull && send.Msg.Type() != wamp.TypeInvocation {
		return nil
	}
	if p.logging {
		p.note("undelivered to=%d why=%s %s", send.To.ID, programReasons[why], notate(send.Msg))
	}
	p.last = nil
	p.world.dealer.Undelivered(p.world.now, send.To, send.Msg, why, &p.world.out)
	p.model.undelivered(send.To, send.Msg, why)
	p.witness.lost(send)
	return p.check()
}

// ---- chance ----

// one reports true once in n times.
func (p *realmProgram) one(n int) bool { return p.random.IntN(n) == 0 }

func pick[T any](random *rand.Rand, values []T) T { return values[random.IntN(len(values))] }

// somebody returns a session that is mostly still there.
func (p *realmProgram) somebody() *routing.Session {
	s := pick(p.random, p.world.sessions)
	for range 10 {
		if !p.world.left[s] || p.one(30) {
			break
		}
		s = pick(p.random, p.world.sessions)
	}
	return s
}

func (p *realmProgram) shuffled(list []*routing.Session) []*routing.Session {
	list = slices.Clone(list)
	p.random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func (p *realmProgram) request(s *routing.Session) wamp.ID {
	p.next[s]++
	return p.next[s]
}

func (p *realmProgram) payload() wamp.Payload {
	if p.one(5) {
		return wamp.Payload{}
	}
	return wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: fmt.Appendf(nil, "[%d]", p.random.IntN(1000))}
}

func (p *realmProgram) passthru() *wamp.Passthru {
	if !p.one(8) {
		return nil
	}
	return &wamp.Passthru{Scheme: "x_own", KeyID: fmt.Sprint("k", p.random.IntN(9))}
}

var programDisclosures = []wamp.Disclosure{
	wamp.DiscloseOnRequest, wamp.DiscloseOnRequest, wamp.DiscloseOnRequest, wamp.DiscloseAlways, wamp.DiscloseNever,
}

// grant mostly allows.
func (p *realmProgram) grant() routing.Grant {
	g := routing.Grant{Allowed: !p.one(25), Disclose: pick(p.random, programDisclosures)}
	g.Failed = !g.Allowed && p.one(3)
	g.Force = g.Allowed && !p.one(4)
	if p.one(6) {
		g.TrustLevel, g.HasTrustLevel = p.random.Uint64N(4), true
	}
	return g
}
