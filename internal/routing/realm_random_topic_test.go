package routing_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// The steps of random programs that have to do with topics, and those that ask the router or order it about.

func (p *realmProgram) topicStep(s *routing.Session) error {
	switch n := p.random.IntN(100); {
	case n < 20:
		return p.subscribe(s)
	case n < 28:
		return p.unsubscribe(s)
	case n < 58:
		return p.publish(s)
	case n < 64:
		return p.askRegistrations(s)
	case n < 74:
		return p.askSubscriptions(s)
	case n < 82:
		return p.askSessions(s)
	case n < 90:
		return p.addTestament(s)
	case n < 91:
		return p.ask(s, "wamp.session.flush_testaments", nil, p.scope())
	case n < 92:
		return p.decree()
	case n < 93:
		return p.ask(s, pick(p.random, []string{"wamp.session.x", "wamp.subscription.kill", "wamp.x.list", "wamp.session"}), nil, nil)
	case n < 97:
		return p.join()
	default:
		return p.leave(s)
	}
}

// Few topics, so that they often meet.
var (
	programTopics = []string{"a.b.c", "a.b.c", "a.b", "a.x.c", "b.b.c", "wamp.topic", "no uri"}

	programSubscription = map[wamp.MatchPolicy][]string{
		wamp.MatchExact: {"a.b.c", "a.b.c", "a.b", "a.x.c", "wamp.topic", "no uri", "wamp.session.on_join",
			"wamp.session.on_leave", "wamp.subscription.on_create", "wamp.registration.on_delete"},
		wamp.MatchPrefix:   {"", "a", "a.", "a.b", "a.b.c", "wamp", "wamp.", "wamp.s", "wamp.subscription."},
		wamp.MatchWildcard: {"a..c", "..c", ".b.", "..", "a.b.c", "a.", "wamp..on_create", ".session."},
	}
)

func (p *realmProgram) subscribe(s *routing.Session) error {
	m := &wamp.Subscribe{Request: p.request(s)}
	m.Options.Match = wamp.MatchPolicy(p.random.IntN(3))
	m.Topic = pick(p.random, programSubscription[m.Options.Match])
	m.Options.GetRetained = p.one(2)
	if p.model.topics.Sharding {
		m.Options.NKey = pick(p.random, []string{"", "n1", "n2", "n3"})
	}
	return p.send(s, m, p.grant())
}

func (p *realmProgram) unsubscribe(s *routing.Session) error {
	m := &wamp.Unsubscribe{Subscription: wamp.ID(1 + p.random.IntN(20))}
	if len(p.model.held) > 0 && !p.one(5) {
		h := pick(p.random, p.model.held)
		m.Subscription = h.id
		if !p.one(5) {
			s = h.session
		}
	}
	m.Request = p.request(s)
	return p.send(s, m, routing.Grant{})
}

// publish publishes who does, and the how manieth message of the session it is.
func (p *realmProgram) publish(s *routing.Session) error {
	m := &wamp.Publish{Request: p.request(s), Topic: pick(p.random, programTopics)}
	m.Options.Acknowledge, m.Options.IncludeMe, m.Options.DiscloseMe = p.one(2), p.one(2), p.one(4)
	if p.one(3) {
		m.Options.Receivers = p.receivers()
	}
	if s.Roles.Supports(wamp.RolePublisher, wamp.FeaturePayloadPassthruMode) || p.one(50) {
		m.Options.PPT = p.passthru()
	}
	m.Options.Retain, m.Options.RKey = p.one(3), p.rkey()
	m.Payload.Args = wamp.List{uint64(s.ID), uint64(m.Request)}
	return p.send(s, m, p.grant())
}

func (p *realmProgram) rkey() string { return pick(p.random, []string{"", "", "r1", "r2", "r3", "r4"}) }

func (p *realmProgram) receivers() *wamp.Receivers {
	return &wamp.Receivers{
		Exclude:          someOf[wamp.ID](p.random, 1, 2, 3, 4, 5, 77),
		ExcludeAuthID:    someOf(p.random, "ann", "bob", "dan"),
		ExcludeAuthRole:  someOf(p.random, "staff", "guest", "trusted"),
		Eligible:         someOf[wamp.ID](p.random, 1, 2, 3, 4, 5, 6, 7, 77),
		EligibleAuthID:   someOf(p.random, "ann", "bob", "cid", "dan"),
		EligibleAuthRole: someOf(p.random, "staff", "guest", "trusted"),
	}
}

// someOf returns mostly nil, sometimes a few of the values, and now and then so many that the list is long.
func someOf[T any](random *rand.Rand, values ...T) []T {
	if random.IntN(4) > 0 {
		return nil
	}
	list := []T{}
	for range random.IntN(4) * random.IntN(8) {
		list = append(list, pick(random, values))
	}
	return list
}

// ---- the router's own procedures ----

// ask calls one of them.
func (p *realmProgram) ask(s *routing.Session, procedure string, args wamp.List, kwargs wamp.Dict) error {
	m := &wamp.Call{Request: p.request(s), Procedure: procedure}
	m.Payload.Args, m.Payload.Kwargs = args, kwargs
	m.Options.Progress, m.Options.DiscloseMe = p.one(100), p.one(30)
	if p.one(100) {
		m.Options.PPT = &wamp.Passthru{Scheme: "x_own"}
	}
	g := p.grant()
	g.Inspect = p.one(2)
	p.unordered = procedure == "wamp.subscription.list_subscribers"
	topic := p.grant()
	g.Topic = &topic
	err := p.send(s, m, g)
	p.unordered = false
	return err
}

// argument returns an ID as an argument, written in one of the ways that count, or something that does not.
func (p *realmProgram) argument(id wamp.ID) any {
	switch p.random.IntN(40) {
	case 0:
		return fmt.Sprint(id)
	case 1:
		return float64(id) + 0.5
	case 2:
		return nil
	case 3:
		return int64(0)
	case 4, 5, 6, 7:
		return float64(id)
	default:
		return int64(id)
	}
}

// word returns a text as an argument, or now and then something else.
func (p *realmProgram) word(text string) any {
	if p.one(30) {
		return int64(1)
	}
	return text
}

// fewer returns the arguments, now and then without the last, or with one too many.
func (p *realmProgram) fewer(args ...any) wamp.List {
	switch p.random.IntN(30) {
	case 0:
		return args[:len(args)-1]
	case 1:
		return append(args, "more")
	default:
		return args
	}
}

func (p *realmProgram) askRegistrations(s *routing.Session) error {
	const api = "wamp.registration."
	id := p.argument(p.registration())
	uri, match := p.pattern()
	switch n := p.random.IntN(10); n {
	case 0:
		return p.ask(s, api+"list", nil, nil)
	case 1:
		return p.ask(s, api+"lookup", wamp.List{p.word(uri), wamp.Dict{"match": match.String()}}, nil)
	case 2:
		return p.ask(s, api+"match", p.fewer(p.word(pick(p.random, programProcedures[:8]))), nil)
	case 3, 4, 5:
		return p.ask(s, api+[]string{"get", "list_callees", "count_callees"}[n-3], p.fewer(id), nil)
	}
	session := p.somebody().ID
	if len(p.model.offers) > 0 && !p.one(6) {
		session = pick(p.random, p.model.offers).session.ID
	}
	return p.ask(s, api+"remove_callee", p.fewer(id, p.argument(session)), p.reason())
}

func (p *realmProgram) askSubscriptions(s *routing.Session) error {
	const api = "wamp.subscription."
	id, session := wamp.ID(1+p.random.IntN(20)), p.somebody().ID
	if len(p.model.held) > 0 && !p.one(5) {
		h := pick(p.random, p.model.held)
		id = h.id
		if !p.one(4) {
			session = h.session.ID
		}
	}
	match := wamp.MatchPolicy(p.random.IntN(3))
	switch n := p.random.IntN(10); n {
	case 0:
		return p.ask(s, api+"list", nil, nil)
	case 1:
		topic := p.word(pick(p.random, programSubscription[match]))
		return p.ask(s, api+"lookup", wamp.List{topic, wamp.Dict{"match": match.String()}}, nil)
	case 2:
		return p.ask(s, api+"match", p.fewer(p.word(pick(p.random, programTopics))), nil)
	case 3, 4, 5:
		return p.ask(s, api+[]string{"get", "list_subscribers", "count_subscribers"}[n-3], p.fewer(p.argument(id)), nil)
	}
	return p.ask(s, api+"remove_subscriber", p.fewer(p.argument(id), p.argument(session)), p.reason())
}

// askSessions asks for sessions, or ends some.
func (p *realmProgram) askSessions(s *routing.Session) error {
	const api = "wamp.session."
	other := p.somebody()
	switch p.random.IntN(14) {
	case 0, 1, 2:
		return p.ask(s, api+pick(p.random, []string{"count", "list"}), p.roles(), nil)
	case 3, 4, 5:
		return p.ask(s, api+"get", p.fewer(p.argument(other.ID)), nil)
	case 6:
		return p.ask(s, api+"kill_by_authid", p.fewer(p.word(other.AuthID)), p.farewell())
	case 7:
		return p.ask(s, api+"kill_by_authrole", p.fewer(p.word(other.AuthRole)), p.farewell())
	case 8:
		return p.ask(s, api+"kill_all", nil, p.farewell())
	default:
		return p.ask(s, api+"kill", p.fewer(p.argument(other.ID)), p.farewell())
	}
}

// roles returns a filter, or none.
func (p *realmProgram) roles() wamp.List {
	if p.one(2) {
		return nil
	}
	if p.one(10) {
		return wamp.List{"staff"}
	}
	filter := wamp.List{}
	for _, role := range []string{"staff", "guest", "nobody"} {
		if p.one(2) {
			filter = append(filter, role)
		}
	}
	return wamp.List{filter}
}

func (p *realmProgram) reason() wamp.Dict {
	if p.one(2) {
		return nil
	}
	return wamp.Dict{"reason": pick(p.random, []any{"com.enough", "com.enough", "com.enough", "", "no uri", int64(1)})}
}

func (p *realmProgram) farewell() wamp.Dict {
	d := wamp.Dict{}
	if reason := p.reason(); reason != nil {
		d["reason"] = reason["reason"]
	}
	if p.one(2) {
		d["message"] = p.word("so long")
	}
	return d
}

func (p *realmProgram) scope() wamp.Dict {
	switch p.random.IntN(12) {
	case 0:
		return wamp.Dict{"scope": "other"}
	case 1, 2, 3, 4, 5:
		return wamp.Dict{"scope": "detached"}
	case 6, 7:
		return wamp.Dict{"scope": "destroyed"}
	default:
		return wamp.Dict{}
	}
}

func (p *realmProgram) addTestament(s *routing.Session) error {
	args := wamp.List{p.word(pick(p.random, programTopics)), wamp.List{"will", p.random.Int64N(1000)}, wamp.Dict{"of": uint64(s.ID)}}
	switch p.random.IntN(20) {
	case 0, 1, 2:
		args = args[:p.random.IntN(3)]
	case 3, 4, 5:
		args[1+p.random.IntN(2)] = nil
	case 6:
		args[1+p.random.IntN(2)] = "wrong"
	}
	kwargs := p.scope()
	if p.one(2) {
		kwargs["publish_options"] = p.testamentOptions()
	}
	return p.ask(s, "wamp.session.add_testament", args, kwargs)
}

func (p *realmProgram) testamentOptions() wamp.Dict {
	r := p.receivers()
	d := wamp.Dict{"disclose_me": p.one(2), "acknowledge": true, "exclude_me": p.one(2), "retain": p.one(3), "rkey": p.rkey()}
	addList(d, "exclude", r.Exclude, func(id wamp.ID) any { return int64(id) })
	addList(d, "eligible", r.Eligible, func(id wamp.ID) any { return int64(id) })
	text := func(s string) any { return s }
	addList(d, "exclude_authid", r.ExcludeAuthID, text)
	addList(d, "exclude_authrole", r.ExcludeAuthRole, text)
	addList(d, "eligible_authid", r.EligibleAuthID, text)
	addList(d, "eligible_authrole", r.EligibleAuthRole, text)
	if p.one(20) {
		d["exclude"] = "everybody"
	}
	return d
}

func addList[T any](d wamp.Dict, key string, values []T, valueOf func(T) any) {
	if values == nil {
		return
	}
	list := wamp.List{}
	for _, v := range values {
		list = append(list, valueOf(v))
	}
	d[key] = list
}

// decree changes the law.
func (p *realmProgram) decree() error {
	p.banned, p.secret = pick(p.random, programTopics), p.one(2)
	if p.logging {
		p.note("from now on no testament to %s; disclosed: %v", p.banned, !p.secret)
	}
	return nil
}

// law is what the authorizer says of testaments when their time has come.
func (p *realmProgram) law(topic string) routing.Grant {
	g := routing.Grant{Allowed: topic != p.banned}
	if p.secret {
		g.Disclose = wamp.DiscloseNever
	}
	return g
}

// ---- events that many get ----

// checkShared checks that consecutive events are one message exactly if they are of one subscription.
func checkShared(sends []routing.Send) error {
	for i := 1; i < len(sends); i++ {
		a, isEvent := sends[i-1].Msg.(*wamp.Event)
		b, too := sends[i].Msg.(*wamp.Event)
		if !isEvent || !too {
			continue
		}
		if same := a.Subscription == b.Subscription && a.Publication == b.Publication; (a == b) != same {
			return fmt.Errorf("events %d and %d of subscriptions %d and %d: shared is %v", i, i+1, a.Subscription, b.Subscription, a == b)
		}
	}
	return nil
}

// sortSubscribers sorts each stretch of events of one subscription by receiver: in which order the subscribers of one
// subscription get its event is left to the broker.
func sortSubscribers(sends []routing.Send) {
	for from := 0; from < len(sends); {
		to := from + 1
		if event, ok := sends[from].Msg.(*wamp.Event); ok {
			for to < len(sends) && sameEvent(event, sends[to].Msg) {
				to++
			}
			slices.SortFunc(sends[from:to], func(a, b routing.Send) int { return cmp.Compare(a.To.ID, b.To.ID) })
		}
		from = to
	}
}

func sameEvent(e *wamp.Event, m wamp.Message) bool {
	other, ok := m.(*wamp.Event)
	return ok && other.Subscription == e.Subscription && other.Publication == e.Publication
}
