package routing_test

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// What the broker does stands in testdata/broker_*.txt. Here is what their notation cannot say.

var allowed = routing.Grant{Allowed: true}

func newBroker() *routing.Broker {
	return routing.NewBroker(routing.BrokerConfig{Random: countUp()})
}

// subscribe returns the answer to a SUBSCRIBE.
func subscribe(b *routing.Broker, s *routing.Session, topic string, match wamp.MatchPolicy) wamp.Message {
	var out routing.Outbox
	m := &wamp.Subscribe{Request: 1, Topic: topic, Options: wamp.SubscribeOptions{Match: match}}
	b.Subscribe(time.Time{}, s, m, allowed, &out)
	return out.Sends[0].Msg
}

// publish returns everything that comes of a PUBLISH by a session that is no subscriber.
func publish(b *routing.Broker, m wamp.Publish) []wamp.Message {
	var out routing.Outbox
	b.Publish(time.Time{}, &routing.Session{ID: 99, AuthID: "ann"}, &m, allowed, &out)
	var list []wamp.Message
	for _, send := range out.Sends {
		list = append(list, send.Msg)
	}
	return list
}

func TestPUB10_PayloadIsUnchanged(t *testing.T) {
	for name, payload := range map[string]wamp.Payload{
		"bytes":     {Serializer: wamp.JSON, Elements: 2, Raw: []byte(`[1.0, 12345678901234567890],{"a":null}`)},
		"empty":     {Serializer: wamp.CBOR, Elements: 1, Raw: []byte{0x80}},
		"absent":    {Serializer: wamp.MessagePack},
		"go values": {Args: wamp.List{1, "two"}, Kwargs: wamp.Dict{"three": 3.0}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBroker()
			subscribe(b, &routing.Session{ID: 1}, "com.sold", wamp.MatchExact)
			got := publish(b, wamp.Publish{Request: 1, Topic: "com.sold", Payload: payload})
			want := []wamp.Message{&wamp.Event{Subscription: 1, Publication: 3, Payload: payload}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// An event is one message for all subscribers of a subscription, so that it can be encoded once.
func TestPublish_SubscribersShareTheEvent(t *testing.T) {
	b := newBroker()
	for id := range wamp.ID(3) {
		s := &routing.Session{ID: id + 1}
		subscribe(b, s, "com.", wamp.MatchPrefix)
		subscribe(b, s, "com.sold", wamp.MatchExact)
	}
	events := publish(b, wamp.Publish{Request: 1, Topic: "com.sold"})
	if len(events) != 6 {
		t.Fatalf("%d events, want 6", len(events))
	}
	for i := range 6 {
		if first := i / 3 * 3; events[i] != events[first] {
			t.Errorf("event %d is not event %d", i, first)
		}
	}
	if events[0] == events[3] {
		t.Error("two subscriptions share an event")
	}
}

// PID-06: what a publisher claims to be is not told. PTL-02: nor how far it says that it can be trusted. MSG-10, BWL-08:
// nor any other option.
func TestPID06_PTL02_MSG10_BWL08_OptionsAreNotForwarded(t *testing.T) {
	b := newBroker()
	subscribe(b, &routing.Session{ID: 1}, "com.sold", wamp.MatchExact)
	got := publish(b, wamp.Publish{Request: 1, Topic: "com.sold", Options: wamp.PublishOptions{
		Receivers: &wamp.Receivers{Exclude: []wamp.ID{5}, EligibleAuthID: []string{""}},
		Extra:     wamp.Dict{"publisher": 5, "publisher_authid": "root", "trustlevel": 9, "_mine": true},
	}})
	want := []wamp.Message{&wamp.Event{Subscription: 1, Publication: 3}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestPPT03_PER01_TheShellIsToldOfAViolation(t *testing.T) {
	var out routing.Outbox
	m := &wamp.Publish{Request: 1, Topic: "com.sold", Options: wamp.PublishOptions{PPT: &wamp.Passthru{Scheme: "mqtt"}}}
	newBroker().Publish(time.Time{}, &routing.Session{ID: 1}, m, allowed, &out)
	if !out.Violated() {
		t.Error("no violation")
	}
}

func TestIDS02_PublicationIDsAreRandom(t *testing.T) {
	bits := []uint64{0, 1<<64 - 1, 0x123456789abcdef0}
	drawn := len(bits) - 2 // the first two make the secret
	b := routing.NewBroker(routing.BrokerConfig{Random: func() uint64 {
		drawn++
		return bits[(drawn-1)%len(bits)]
	}})
	for _, random := range bits {
		m := wamp.Publish{Request: 1, Topic: "com.sold", Options: wamp.PublishOptions{Acknowledge: true}}
		want := []wamp.Message{&wamp.Published{Request: 1, Publication: wamp.RandomID(random)}}
		if diff := cmp.Diff(want, publish(b, m)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

// A message may share memory with the input that it was parsed from, which is used again after the step.
func TestSubscribe_KeepsACopyOfTheTopic(t *testing.T) {
	b, input := newBroker(), []byte("com.sold")
	subscribe(b, &routing.Session{ID: 1}, unsafe.String(&input[0], len(input)), wamp.MatchExact)
	copy(input, "XXXXXXXX")
	if got := publish(b, wamp.Publish{Request: 1, Topic: "com.sold"}); len(got) != 1 {
		t.Errorf("sent %v, want an event", got)
	}
}

func TestURI11_TopicsAreBounded(t *testing.T) {
	tests := []struct {
		match wamp.MatchPolicy
		topic string
		valid bool
	}{
		{wamp.MatchExact, strings.Repeat("a", wamp.MaxURILength), true},
		{wamp.MatchExact, strings.Repeat("a", wamp.MaxURILength+1), false},
		{wamp.MatchPrefix, strings.Repeat("a", wamp.MaxURILength+1), false},
		{wamp.MatchWildcard, strings.Repeat(".", pattern.MaxComponents-1), true},
		{wamp.MatchWildcard, strings.Repeat(".", pattern.MaxComponents), false},
	}
	for _, test := range tests {
		b := newBroker()
		got := subscribe(b, &routing.Session{ID: 1}, test.topic, test.match)
		if valid := got.Type() == wamp.TypeSubscribed; valid != test.valid {
			t.Errorf("%v of %d bytes: %+v, want valid %v", test.match, len(test.topic), got, test.valid)
		}
		if e, refused := got.(*wamp.Error); refused && (e.URI != wamp.ErrInvalidURI || b.Subscriptions() != 0) {
			t.Errorf("%v of %d bytes: %v, %d subscriptions", test.match, len(test.topic), e.URI, b.Subscriptions())
		}
	}
}

// The realm takes only so many shapes of wildcards, and a session may not use up all of them. One too many is refused like
// any excess, and leaves no trace.
func TestFLW08_WildcardShapesAreBounded(t *testing.T) {
	b, first, second := newBroker(), &routing.Session{ID: 1}, &routing.Session{ID: 2}
	const share = pattern.MaxShapes / 2
	for shape := range share {
		subscribe(b, first, shaped(shape), wamp.MatchWildcard)
	}
	got, _ := subscribe(b, first, shaped(share), wamp.MatchWildcard).(*wamp.Error)
	if got == nil || got.URI != wamp.ErrNotAuthorized {
		t.Errorf("got %v, want %v", got, wamp.ErrNotAuthorized)
	}
	if b.Subscriptions() != share || b.Subscribers() != share {
		t.Errorf("%d subscriptions, %d subscribers, want %d", b.Subscriptions(), b.Subscribers(), share)
	}
	if _, taken := subscribe(b, second, shaped(share), wamp.MatchWildcard).(*wamp.Subscribed); !taken {
		t.Error("another session has no share")
	}
	if _, taken := subscribe(b, first, shaped(share), wamp.MatchWildcard).(*wamp.Subscribed); !taken {
		t.Error("the other session's subscription is not for all")
	}
}

// shaped returns a wildcard of eight components with those empty that have a bit in the shape.
func shaped(shape int) string {
	components := make([]string, 8)
	for i := range components {
		if shape&(1<<i) == 0 {
			components[i] = "c"
		}
	}
	return strings.Join(components, ".")
}

// Between the step that orders it and the end of the session, nobody finds it any more.
func TestSMA13_KilledIsNotFoundBeforeItHasLeft(t *testing.T) {
	b, out := newBroker(), new(routing.Outbox)
	killer, victim := &routing.Session{ID: 1}, &routing.Session{ID: 2}
	b.AddSession(time.Time{}, killer, out)
	b.AddSession(time.Time{}, victim, out)
	ask := func(procedure string) wamp.Message {
		out.Reset()
		m := &wamp.Call{Request: 1, Procedure: procedure, Payload: wamp.Payload{Args: wamp.List{int64(2)}}}
		b.Call(time.Time{}, killer, m, allowed, out)
		return out.Sends[0].Msg
	}
	if m, ok := ask("wamp.session.kill").(*wamp.Result); !ok || len(out.Killed) != 1 || out.Killed[0].Session != victim {
		t.Fatalf("%+v, killed %v", m, out.Killed)
	}
	for _, procedure := range []string{"wamp.session.get", "wamp.session.kill"} {
		if m, ok := ask(procedure).(*wamp.Error); !ok || m.URI != wamp.ErrNoSuchSession || len(out.Killed) > 0 {
			t.Errorf("%s: %+v, killed %v", procedure, m, out.Killed)
		}
	}
}
