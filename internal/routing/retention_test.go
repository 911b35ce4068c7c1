package routing_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"
	"weak"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// What is retained, and who gets it, stands in testdata/broker_retention*.txt. Here is what their notation cannot say.

// retain publishes as a session that is no subscriber, to be retained.
func retain(b *routing.Broker, topic string, r *wamp.Receivers) {
	publish(b, wamp.Publish{Request: 1, Topic: topic, Options: wamp.PublishOptions{Retain: true, Receivers: r}})
}

// replayed returns the events that come after the SUBSCRIBED.
func replayed(b *routing.Broker, s *routing.Session, topic string, match wamp.MatchPolicy) []wamp.Message {
	var out routing.Outbox
	m := &wamp.Subscribe{Request: 1, Topic: topic, Options: wamp.SubscribeOptions{Match: match, GetRetained: true}}
	b.Subscribe(time.Time{}, s, m, allowed, &out)
	var list []wamp.Message
	for _, send := range out.Sends[1:] {
		list = append(list, send.Msg)
	}
	return list
}

// The memory of a message is used again after its step.
func TestRET01_NothingOfTheMessageIsKept(t *testing.T) {
	var buffers [][]byte
	text := func(s string) string {
		buffer := []byte(s)
		buffers = append(buffers, buffer)
		return unsafe.String(&buffer[0], len(buffer))
	}
	raw := []byte(`["a thing"]`)
	eligible := []wamp.ID{2}
	o := wamp.PublishOptions{
		Retain: true,
		PPT:    &wamp.Passthru{Scheme: text("x_own"), Serializer: text("cbor"), Cipher: text("aes256gcm"), KeyID: text("k1")},
		Receivers: &wamp.Receivers{
			Eligible: eligible, EligibleAuthID: []string{text("bob")}, EligibleAuthRole: []string{text("staff")},
			ExcludeAuthID: []string{text("xxx")}, ExcludeAuthRole: []string{text("xxxxx")},
		},
	}
	b, s := newBroker(), &routing.Session{ID: 2, AuthID: "bob", AuthRole: "staff"}
	b.AddSession(time.Time{}, s, new(routing.Outbox))
	publisher := &routing.Session{ID: 99}
	publisher.Roles.Announce(wamp.RolePublisher, wamp.FeaturePayloadPassthruMode)
	payload := wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: raw}
	m := &wamp.Publish{Request: 1, Topic: text("com.sold"), Options: o, Payload: payload}
	b.Publish(time.Time{}, publisher, m, allowed, new(routing.Outbox))

	copy(raw, "xxxxxxxxxxx")
	eligible[0] = 77
	for _, buffer := range buffers {
		for i := range buffer {
			buffer[i] = 'x'
		}
	}
	*o.PPT, *o.Receivers, *m = wamp.Passthru{}, wamp.Receivers{}, wamp.Publish{}

	want := []wamp.Message{&wamp.Event{
		Subscription: 1, Publication: 3,
		Details: wamp.EventDetails{Retained: true, PPT: &wamp.Passthru{Scheme: "x_own", Serializer: "cbor", Cipher: "aes256gcm", KeyID: "k1"}},
		Payload: wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: []byte(`["a thing"]`)},
	}}
	if diff := cmp.Diff(want, replayed(b, s, "com.sold", wamp.MatchExact)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestRET11_APublisherThatLeftIsNotKept(t *testing.T) {
	b := newBroker()
	kept := func() weak.Pointer[routing.Session] {
		s := &routing.Session{ID: 1}
		var out routing.Outbox
		b.AddSession(time.Time{}, s, &out)
		m := &wamp.Publish{Request: 1, Topic: "com.sold", Options: wamp.PublishOptions{Retain: true}}
		b.Publish(time.Time{}, s, m, allowed, &out)
		b.RemoveSession(time.Time{}, s, routing.Departure{}, &out)
		return weak.Make(s)
	}()
	runtime.GC()
	if kept.Value() != nil {
		t.Error("the session is still in memory")
	}
	if events, _ := b.Retained(); events != 1 {
		t.Errorf("%d events are retained, want 1", events)
	}
}

func TestRET14_WhatIsForSessionsGoesWithTheLastOfThem(t *testing.T) {
	b := newBroker()
	var out routing.Outbox
	var sessions []*routing.Session
	for id := range wamp.ID(3) {
		sessions = append(sessions, &routing.Session{ID: id + 1})
		b.AddSession(time.Time{}, sessions[id], &out)
	}
	for topic, eligible := range map[string][]wamp.ID{
		"for.1": {1}, "for.1.2": {1, 2, 1, 77}, "for.3": {3}, "for.gone": {77}, "for.nobody": {},
	} {
		retain(b, topic, &wamp.Receivers{Eligible: eligible})
	}
	retain(b, "but.1", &wamp.Receivers{Exclude: []wamp.ID{1}})
	retain(b, "for.a", &wamp.Receivers{EligibleAuthID: []string{"a"}})
	wants := []int{5, 4, 3, 2}
	for i, want := range wants {
		if events, _ := b.Retained(); events != want {
			t.Errorf("%d sessions have left: %d events are retained, want %d", i, events, want)
		}
		if i < len(sessions) {
			b.RemoveSession(time.Time{}, sessions[i], routing.Departure{Quiet: true}, &out)
		}
	}
}

// A session that was killed is not found any more, but has not left yet.
func TestRET14_WhatIsForAKilledSession(t *testing.T) {
	b, out := newBroker(), new(routing.Outbox)
	killer, victim := &routing.Session{ID: 1}, &routing.Session{ID: 2}
	b.AddSession(time.Time{}, killer, out)
	b.AddSession(time.Time{}, victim, out)
	retain(b, "com.sold", &wamp.Receivers{Eligible: []wamp.ID{2}})
	kill := &wamp.Call{Request: 1, Procedure: "wamp.session.kill", Payload: wamp.Payload{Args: wamp.List{int64(2)}}}
	b.Call(time.Time{}, killer, kill, allowed, out)
	if len(out.Killed) != 1 {
		t.Fatal("nobody was killed")
	}
	retain(b, "com.sold", nil)
	retain(b, "com.sold", &wamp.Receivers{Eligible: []wamp.ID{2}})
	b.RemoveSession(time.Time{}, victim, routing.Departure{}, out)
	if events, _ := b.Retained(); events != 1 {
		t.Errorf("%d events are retained, want 1", events)
	}
	if err := routing.CheckBroker(b, []*routing.Session{killer, victim}); err != nil {
		t.Error(err)
	}
}

func TestRET05_RET07_Defaults(t *testing.T) {
	b, ann := newBroker(), &routing.Session{ID: 1, AuthID: "ann"}
	for range routing.DefaultMaxRestricted + 1 {
		retain(b, "com.sold", &wamp.Receivers{EligibleAuthID: []string{"ann"}})
	}
	if events, _ := b.Retained(); events != 10 {
		t.Errorf("%d events that not everybody may have, want 10", events)
	}
	for i := range 1100 {
		retain(b, fmt.Sprint("com.sold.", i), nil)
	}
	for match, topic := range map[wamp.MatchPolicy]string{wamp.MatchPrefix: "com.sold.", wamp.MatchWildcard: "com.sold."} {
		if n := len(replayed(b, ann, topic, match)); n != 1000 {
			t.Errorf("%v: %d events are replayed, want 1000", match, n)
		}
	}
}

func TestRET02_TopicsThatAreNotRetained(t *testing.T) {
	b := newBroker()
	for match, topic := range map[wamp.MatchPolicy]string{
		wamp.MatchExact: "com.secret", wamp.MatchPrefix: "com.hush.", wamp.MatchWildcard: "com..never",
	} {
		if err := b.NeverRetain(match, topic); err != nil {
			t.Fatal(err)
		}
	}
	for _, topic := range []string{"com.secret", "com.hush.x", "com.x.never"} {
		retain(b, topic, nil)
		if events, _ := b.Retained(); events != 0 {
			t.Fatalf("an event of %s is retained", topic)
		}
	}
	for i, topic := range []string{"com.secret.x", "com.hush", "com.never"} {
		retain(b, topic, nil)
		if events, _ := b.Retained(); events != i+1 {
			t.Errorf("the event of %s is not retained", topic)
		}
	}
	if err := b.NeverRetain(wamp.MatchExact, "a b"); !errors.Is(err, wamp.ErrInvalidURI) {
		t.Errorf("no topic at all: %v", err)
	}
}

func TestRET11_EventsAreBounded(t *testing.T) {
	b := newBroker()
	for i := range routing.DefaultMaxRetained + 100 {
		retain(b, fmt.Sprint("com.sold.", i), nil)
	}
	if events, _ := b.Retained(); events != routing.DefaultMaxRetained {
		t.Errorf("%d events are retained", events)
	}
	s := &routing.Session{ID: 1}
	if oldest := replayed(b, s, "com.sold.99", wamp.MatchExact); len(oldest) != 0 {
		t.Error("the oldest is still there")
	}
	if next := replayed(b, s, "com.sold.100", wamp.MatchExact); len(next) != 1 {
		t.Error("more than the oldest are gone")
	}
}

// What is counted must not be less than what is used, whatever is retained.
func TestRET11_BytesAreCounted(t *testing.T) {
	const events = 2000
	long := func() (texts []string) {
		for i := range 40 {
			texts = append(texts, fmt.Sprint("somebody", i))
		}
		return texts
	}
	crowd := make([]*routing.Session, 100)
	for i := range crowd {
		crowd[i] = &routing.Session{ID: wamp.ID(1000 + i)}
	}
	everybody := make([]wamp.ID, len(crowd))
	for i, s := range crowd {
		everybody[i] = s.ID
	}
	for name, message := range map[string]func(i int) wamp.Publish{
		"nothing": func(int) wamp.Publish { return wamp.Publish{} },
		"payload": func(int) wamp.Publish {
			return wamp.Publish{Payload: wamp.Payload{Serializer: wamp.JSON, Raw: make([]byte, 1000)}}
		},
		"go values": func(i int) wamp.Publish {
			return wamp.Publish{Payload: wamp.Payload{Args: wamp.List{fmt.Sprint(i), 1.5, i}}}
		},
		"passthru": func(int) wamp.Publish {
			return wamp.Publish{Options: wamp.PublishOptions{PPT: &wamp.Passthru{Scheme: "x", KeyID: "key"}}}
		},
		"one name": func(int) wamp.Publish { return restrictedTo(wamp.Receivers{EligibleAuthID: []string{"ann"}}) },
		"many names": func(int) wamp.Publish {
			return restrictedTo(wamp.Receivers{ExcludeAuthID: long(), ExcludeAuthRole: long()})
		},
		"one session":  func(i int) wamp.Publish { return restrictedTo(wamp.Receivers{Eligible: []wamp.ID{everybody[i%100]}}) },
		"all sessions": func(int) wamp.Publish { return restrictedTo(wamp.Receivers{Eligible: slices.Clone(everybody)}) },
		"not sessions": func(int) wamp.Publish { return restrictedTo(wamp.Receivers{Exclude: slices.Clone(everybody)}) },
	} {
		t.Run(name, func(t *testing.T) {
			var out routing.Outbox
			var b *routing.Broker
			for _, s := range crowd {
				*s = routing.Session{ID: s.ID}
			}
			used := memoryOf(func() {
				b = newBroker()
				for _, s := range crowd {
					b.AddSession(time.Time{}, s, &out)
				}
				for i := range events {
					m := message(i)
					m.Topic, m.Options.Retain = fmt.Sprint("t", i), true
					publisher := &routing.Session{ID: 99}
					publisher.Roles.Announce(wamp.RolePublisher, wamp.FeaturePayloadPassthruMode)
					b.Publish(time.Time{}, publisher, &m, allowed, &out)
				}
				out.Reset()
				replayed(b, crowd[0], "t", wamp.MatchPrefix) // makes sets of long lists
			})
			count, bytes := b.Retained()
			if count != events {
				t.Fatalf("%d events are retained, want %d", count, events)
			}
			t.Logf("an event takes %d bytes, counted are %d", used/events, bytes/events)
			if used > bytes+bytes/10 {
				t.Errorf("%d bytes are used for an event, but only %d counted", used/events, bytes/events)
			}
		})
	}
}

func restrictedTo(r wamp.Receivers) wamp.Publish {
	return wamp.Publish{Options: wamp.PublishOptions{Receivers: &r}}
}

// memoryOf returns by how many bytes the memory in use grows.
func memoryOf(f func()) int {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int(after.HeapAlloc) - int(before.HeapAlloc)
}

func TestReplay_AllocatesNothing(t *testing.T) {
	b, s := newBroker(), &routing.Session{ID: 1}
	for i := range 100 {
		retain(b, fmt.Sprint("com.sold.", i), nil)
	}
	for _, match := range []wamp.MatchPolicy{wamp.MatchExact, wamp.MatchPrefix, wamp.MatchWildcard} {
		var out routing.Outbox
		m := &wamp.Subscribe{Topic: []string{"com.sold.1", "com", "..1"}[match], Options: wamp.SubscribeOptions{Match: match}}
		subscribe := func() {
			out.Reset()
			b.Subscribe(time.Time{}, s, m, allowed, &out)
		}
		plain := testing.AllocsPerRun(100, subscribe)
		m.Options.GetRetained = true
		if n := testing.AllocsPerRun(100, subscribe); n != plain {
			t.Errorf("%v: %v allocations, %v without replay", match, n, plain)
		}
	}
}

func BenchmarkRetain(b *testing.B) {
	for _, topics := range []int{1, 100_000} {
		b.Run(fmt.Sprint("topics=", topics), func(b *testing.B) {
			broker, publisher := crowd(0)
			requests := make([]*wamp.Publish, topics)
			for i := range requests {
				requests[i] = sale(wamp.PublishOptions{Retain: true})
				requests[i].Topic = fmt.Sprint("com.shop.sold", i)
			}
			var out routing.Outbox
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				out.Reset()
				broker.Publish(time.Time{}, publisher, requests[i%topics], allowed, &out)
				i++
			}
		})
	}
}

// Among as many topics as there are by default.
func BenchmarkReplay(b *testing.B) {
	broker, s := newBroker(), &routing.Session{ID: 1}
	for i := range routing.DefaultMaxRetained {
		retain(broker, fmt.Sprintf("com.shop%d.sold.things", i), nil)
	}
	for _, test := range []struct {
		name, topic string
		match       wamp.MatchPolicy
	}{
		{"exact", "com.shop7.sold.things", wamp.MatchExact},
		{"prefix=none", "com.shop-.sold", wamp.MatchPrefix},
		{"prefix=1000", "com.", wamp.MatchPrefix},
		{"wildcard=none", "com..sold.nothing", wamp.MatchWildcard},
		{"wildcard=1000", "com..sold.things", wamp.MatchWildcard},
	} {
		b.Run(test.name, func(b *testing.B) {
			m := &wamp.Subscribe{Topic: test.topic, Options: wamp.SubscribeOptions{Match: test.match, GetRetained: true}}
			var out routing.Outbox
			b.ReportAllocs()
			for b.Loop() {
				out.Reset()
				broker.Subscribe(time.Time{}, s, m, allowed, &out)
			}
		})
	}
}
