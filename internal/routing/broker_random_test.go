package routing_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// Random programs of publishers and subscribers, each step compared with brokerModel. A seed that ever failed
// belongs into keptBrokerSeeds.
func TestBroker_RandomProgramsAgainstModel(t *testing.T) {
	for _, seed := range keptBrokerSeeds {
		runBrokerProgram(t, seed)
	}
	programs := uint64(4000)
	if testing.Short() {
		programs = 400
	}
	for seed := range programs {
		if runBrokerProgram(t, seed); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

var keptBrokerSeeds = []uint64{}

// The same messages and random numbers give the same effects.
func TestBroker_IsDeterministic(t *testing.T) {
	for seed := range uint64(20) {
		first, second := runBrokerProgram(t, seed), runBrokerProgram(t, seed)
		if diff := gocmp.Diff(first, second); diff != "" {
			t.Fatalf("seed %d: -first +second\n%s", seed, diff)
		}
	}
}

// brokerProgram is one run.
type brokerProgram struct {
	t        *testing.T
	random   *rand.Rand
	drawn    uint64 // the last random number that the broker took
	broker   *routing.Broker
	model    brokerModel
	sessions []*routing.Session
	views    map[*routing.Session]*subscriberView
	out      routing.Outbox
	request  wamp.ID
	ending   wamp.ID // the subscription of the last UNSUBSCRIBE
	log      []string
}

// subscriberView is what a session can know from the messages that reached it.
type subscriberView struct {
	holds map[wamp.ID]bool
	last  map[wamp.ID]int // by publisher: the number of its last publication
}

// Few topics, so that they often meet.
var (
	programTopics = []string{"a.b.c", "a.b", "a.x.c", "b.b.c", "wamp.topic"}
	programMatch  = map[wamp.MatchPolicy][]string{
		wamp.MatchExact:    {"a.b.c", "a.b", "a.x.c", "wamp.topic"},
		wamp.MatchPrefix:   {"", "a", "a.", "a.b", "a.b.c", "wamp."},
		wamp.MatchWildcard: {"a..c", "..c", ".b.", "..", "a.b.c", "a."},
	}
)

// runBrokerProgram returns everything that the broker sent.
func runBrokerProgram(t *testing.T, seed uint64) []string {
	p := &brokerProgram{
		t:      t,
		random: rand.New(rand.NewPCG(seed, 1)),
		model:  brokerModel{max: 4, sharding: seed%2 == 0, maxRetained: 6, maxRestricted: 2, maxReplayed: 3},
		views:  map[*routing.Session]*subscriberView{},
	}
	source := rand.New(rand.NewPCG(seed, 2))
	p.broker = routing.NewBroker(routing.BrokerConfig{
		MaxSubscriptions: p.model.max,
		Sharding:         p.model.sharding,
		MaxRetained:      p.model.maxRetained,
		MaxRestricted:    p.model.maxRestricted,
		MaxReplayed:      p.model.maxReplayed,
		Random:           func() uint64 { p.drawn = source.Uint64(); return p.drawn },
	})
	for range 5 {
		p.join()
	}
	for range 60 {
		p.step()
	}
	p.leaveAll()
	return p.log
}

func (p *brokerProgram) join() {
	id := wamp.ID(len(p.sessions) + 1)
	s := &routing.Session{ID: id, AuthID: []string{"ann", "bob"}[id%2], AuthRole: []string{"x", "y", "z"}[id%3]}
	p.sessions = append(p.sessions, s)
	p.model.joined = p.sessions
	p.views[s] = &subscriberView{map[wamp.ID]bool{}, map[wamp.ID]int{}}
	p.broker.AddSession(time.Time{}, s, &p.out)
	p.check(nil)
}

func (p *brokerProgram) step() {
	p.request++
	s := pick(p.random, p.sessions)
	switch n := p.random.IntN(100); {
	case n < 30:
		p.subscribe(s)
	case n < 45:
		p.unsubscribe(s)
	case n < 95:
		p.publish(s)
	case n < 97:
		p.join()
	default:
		p.leave(s)
	}
}

func (p *brokerProgram) leaveAll() {
	for _, s := range p.sessions {
		p.leave(s)
	}
	if p.broker.Subscriptions() != 0 || p.broker.Subscribers() != 0 {
		p.t.Errorf("all left, but %d subscriptions, %d subscribers", p.broker.Subscriptions(), p.broker.Subscribers())
	}
	late := &routing.Session{ID: 999}
	for _, topic := range programTopics {
		m := &wamp.Publish{Request: 1, Topic: topic}
		p.broker.Publish(time.Time{}, late, m, routing.Grant{Allowed: true}, &p.out)
	}
	p.check(nil)
}

func (p *brokerProgram) subscribe(s *routing.Session) {
	match := wamp.MatchPolicy(p.random.IntN(3))
	topic, g := pick(p.random, programMatch[match]), p.grant()
	o := wamp.SubscribeOptions{Match: match, GetRetained: p.random.IntN(2) == 0, NKey: pick(p.random, []string{"", "n1", "n2", "n3"})}
	m := &wamp.Subscribe{Request: p.request, Topic: topic, Options: o}
	p.broker.Subscribe(time.Time{}, s, m, g, &p.out)
	if p.model.left(s) {
		p.check(nil)
		return
	}
	want, fresh := p.model.subscribe(s, match, topic, g)
	if fresh {
		want.subscription = p.freshID()
		p.model.created(s, match, topic, want.subscription)
	}
	list := []modelSend{want}
	if want.kind == wamp.TypeSubscribed {
		p.model.rekey(s, want.subscription, o.NKey)
	}
	if want.kind == wamp.TypeSubscribed && o.GetRetained {
		list = append(list, p.model.replay(s, modelTopic{match, topic, want.subscription})...)
	}
	p.check(list)
}

// freshID returns the ID in the SUBSCRIBED that the broker has just sent.
func (p *brokerProgram) freshID() wamp.ID {
	if len(p.out.Sends) == 0 {
		return 0
	}
	m, ok := p.out.Sends[0].Msg.(*wamp.Subscribed)
	if !ok {
		return 0
	}
	if !m.Subscription.Valid() || slices.Contains(p.model.used, m.Subscription) {
		p.t.Errorf("a new subscription got the ID %d", m.Subscription)
	}
	return m.Subscription
}

func (p *brokerProgram) unsubscribe(s *routing.Session) {
	id := wamp.ID(p.random.IntN(20))
	if len(p.model.held) > 0 && p.random.IntN(4) > 0 {
		holding := pick(p.random, p.model.held)
		id = holding.id
		if p.random.IntN(4) > 0 {
			s = holding.session
		}
	}
	p.ending = id
	p.broker.Unsubscribe(time.Time{}, s, &wamp.Unsubscribe{Request: p.request, Subscription: id}, &p.out)
	if p.model.left(s) {
		p.check(nil)
		return
	}
	p.check([]modelSend{p.model.unsubscribe(s, id)})
}

func (p *brokerProgram) publish(s *routing.Session) {
	topic, o, g := pick(p.random, programTopics), p.publishOptions(), p.grant()
	m := &wamp.Publish{Request: p.request, Topic: topic, Options: o, Payload: wamp.Payload{Args: wamp.List{s.ID, int(p.request)}}}
	p.broker.Publish(time.Time{}, s, m, g, &p.out)
	if p.model.left(s) {
		p.check(nil)
		return
	}
	p.check(p.model.publish(s, topic, o, g, wamp.RandomID(p.drawn)))
}

func (p *brokerProgram) leave(s *routing.Session) {
	p.broker.RemoveSession(time.Time{}, s, routing.Departure{}, &p.out)
	p.model.leave(s)
	p.check(nil)
}

// grant mostly allows.
func (p *brokerProgram) grant() routing.Grant {
	return routing.Grant{
		Allowed:  p.random.IntN(12) > 0,
		Failed:   p.random.IntN(20) == 0,
		Disclose: wamp.Disclosure(p.random.IntN(3)),
	}
}

func (p *brokerProgram) publishOptions() wamp.PublishOptions {
	o := wamp.PublishOptions{
		Acknowledge: p.random.IntN(2) == 0,
		IncludeMe:   p.random.IntN(2) == 0,
		DiscloseMe:  p.random.IntN(3) == 0,
		Retain:      p.random.IntN(2) == 0,
		RKey:        pick(p.random, []string{"", "", "r1", "r2", "r3", "r4"}),
	}
	if p.random.IntN(3) == 0 {
		o.Receivers = &wamp.Receivers{
			Exclude:          someOf[wamp.ID](p.random, 1, 2, 3, 4, 5, 77),
			ExcludeAuthID:    someOf(p.random, "ann", "bob", "dan"),
			ExcludeAuthRole:  someOf(p.random, "x", "y", "z"),
			Eligible:         someOf[wamp.ID](p.random, 1, 2, 3, 4, 5, 6, 7, 77),
			EligibleAuthID:   someOf(p.random, "ann", "bob", "dan"),
			EligibleAuthRole: someOf(p.random, "x", "y", "z"),
		}
	}
	return o
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

// check compares what the broker sent with what the model wants, and what every receiver sees with what may happen
// to it. In which order the subscribers of one subscription get its event is left to the broker.
func (p *brokerProgram) check(want []modelSend) {
	p.t.Helper()
	var got []modelSend
	for _, send := range p.out.Sends {
		if event, ok := send.Msg.(*wamp.Event); ok && wamp.Reserved(event.Details.Topic) {
			continue // the router's own
		}
		seen := p.seen(send)
		got = append(got, seen)
		p.log = append(p.log, fmt.Sprint(seen.to.ID, seen.kind, seen.subscription, seen.publication))
	}
	p.checkShared()
	sortSubscribers(got)
	sortSubscribers(want)
	if !slices.Equal(got, want) {
		p.t.Errorf("step %d\n got %s\nwant %s", p.request, describe(got), describe(want))
	}
	if err := routing.CheckBroker(p.broker, p.sessions); err != nil {
		p.t.Errorf("step %d: %v", p.request, err)
	}
	p.out.Reset()
}

// seen notes a message in its receiver's view and returns it as the model would say it.
func (p *brokerProgram) seen(send routing.Send) modelSend {
	s := modelSend{to: send.To, kind: send.Msg.Type()}
	view := p.views[send.To]
	switch m := send.Msg.(type) {
	case *wamp.Subscribed:
		p.checkRequest(m.Request)
		s.subscription = m.Subscription
		view.holds[m.Subscription] = true
	case *wamp.Unsubscribed:
		p.checkRequest(m.Request)
		delete(view.holds, p.ending)
	case *wamp.Published:
		p.checkRequest(m.Request)
		s.publication = m.Publication
	case *wamp.Error:
		p.checkRequest(m.Request)
		s.uri = m.URI
	case *wamp.Event:
		s.subscription, s.publication = m.Subscription, m.Publication
		s.topic, s.publisher, s.retained = m.Details.Topic, m.Details.Publisher, m.Details.Retained
		p.checkEvent(view, m)
	}
	return s
}

func (p *brokerProgram) checkRequest(request wamp.ID) {
	if request != p.request {
		p.t.Errorf("step %d: an answer to request %d", p.request, request)
	}
}

// checkEvent checks that the receiver holds the subscription (PUB-11, PUB-12) and that the events of a publisher
// come in the order of its publications (PUB-13), but for those that are retained.
func (p *brokerProgram) checkEvent(view *subscriberView, m *wamp.Event) {
	publisher, number := m.Payload.Args[0].(wamp.ID), m.Payload.Args[1].(int)
	if !view.holds[m.Subscription] {
		p.t.Errorf("step %d: EVENT of subscription %d, which the receiver does not hold", p.request, m.Subscription)
	}
	if m.Details.Retained {
		return
	}
	if number < view.last[publisher] {
		p.t.Errorf("step %d: EVENT %d of publisher %d after its %d", p.request, number, publisher, view.last[publisher])
	}
	view.last[publisher] = number
}

// checkShared checks that consecutive events are one message exactly if they are of one subscription.
func (p *brokerProgram) checkShared() {
	for i := 1; i < len(p.out.Sends); i++ {
		a, isEvent := p.out.Sends[i-1].Msg.(*wamp.Event)
		b, too := p.out.Sends[i].Msg.(*wamp.Event)
		if !isEvent || !too {
			continue
		}
		if same := a.Subscription == b.Subscription && a.Publication == b.Publication; (a == b) != same {
			p.t.Errorf("step %d: events %d and %d of subscriptions %d and %d: shared is %v",
				p.request, i-1, i, a.Subscription, b.Subscription, a == b)
		}
	}
}

// sortSubscribers sorts each stretch of events of one subscription by receiver.
func sortSubscribers(list []modelSend) {
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && list[to].subscription == list[from].subscription && list[to].kind == list[from].kind {
			to++
		}
		slices.SortStableFunc(list[from:to], func(a, b modelSend) int { return cmp.Compare(a.to.ID, b.to.ID) })
		from = to
	}
}

func describe(list []modelSend) string {
	text := ""
	for _, s := range list {
		text += fmt.Sprintf("\n\tto=%d %v subscription=%d publication=%d %s topic=%q publisher=%d retained=%v",
			s.to.ID, s.kind, s.subscription, s.publication, s.uri, s.topic, s.publisher, s.retained)
	}
	return text
}
