package routing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// crowd returns a broker with that many subscribers of com.shop.sold, and a session that publishes.
func crowd(subscribers int) (b *routing.Broker, publisher *routing.Session) {
	b = newBroker()
	for i := range subscribers {
		s := &routing.Session{ID: wamp.ID(i + 2), AuthID: fmt.Sprint("id", i), AuthRole: "staff"}
		subscribe(b, s, "com.shop.sold", wamp.MatchExact)
	}
	return b, &routing.Session{ID: 1}
}

// restricted are lists that admit everybody, and for whose sake everybody is looked at.
func restricted(entries int) *wamp.Receivers {
	r := &wamp.Receivers{}
	for i := range entries {
		r.Exclude = append(r.Exclude, wamp.ID(1e6+i))
		r.ExcludeAuthID = append(r.ExcludeAuthID, fmt.Sprint("nobody", i))
	}
	return r
}

func sale(o wamp.PublishOptions) *wamp.Publish {
	return &wamp.Publish{
		Request: 1, Topic: "com.shop.sold", Options: o,
		Payload: wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: []byte(`["a thing"]`)},
	}
}

func TestPublish_AllocatesNothing(t *testing.T) {
	b, publisher := crowd(100)
	listener := &routing.Session{ID: 5000}
	subscribe(b, listener, "com.", wamp.MatchPrefix)
	subscribe(b, listener, "com..sold", wamp.MatchWildcard)
	for name, o := range map[string]wamp.PublishOptions{
		"plain":       {},
		"every other": {Acknowledge: true, IncludeMe: true, DiscloseMe: true},
		"short lists": {Receivers: restricted(16)},
	} {
		var out routing.Outbox
		m := sale(o)
		publish := func() {
			out.Reset()
			b.Publish(time.Time{}, publisher, m, allowed, &out)
		}
		publish()
		if n := testing.AllocsPerRun(100, publish); n != 0 {
			t.Errorf("%s: %v allocations for a publication", name, n)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, subscribers := range []int{0, 1, 100, 10_000} {
		b.Run(fmt.Sprint("subscribers=", subscribers), func(b *testing.B) {
			broker, publisher := crowd(subscribers)
			benchmarkPublish(b, broker, publisher, sale(wamp.PublishOptions{}))
		})
	}
}

// The lists hold more or fewer than what is searched from the start.
func BenchmarkPublish_Lists(b *testing.B) {
	for _, entries := range []int{1, 16, 17, 1000} {
		b.Run(fmt.Sprint("entries=", entries), func(b *testing.B) {
			broker, publisher := crowd(1000)
			benchmarkPublish(b, broker, publisher, sale(wamp.PublishOptions{Receivers: restricted(entries)}))
		})
	}
}

// A publication with one event by each kind of match, among many subscriptions that do not match.
func BenchmarkPublish_ManySubscriptions(b *testing.B) {
	for _, subscriptions := range []int{0, 1000, 100_000} {
		b.Run(fmt.Sprint("subscriptions=", subscriptions), func(b *testing.B) {
			broker, publisher := crowd(1)
			listener := &routing.Session{ID: 1e6}
			subscribe(broker, listener, "com.", wamp.MatchPrefix)
			subscribe(broker, listener, "com..sold", wamp.MatchWildcard)
			for i := range subscriptions {
				s := &routing.Session{ID: wamp.ID(2e6 + i)}
				subscribe(broker, s, fmt.Sprintf("com.shop%d.sold", i), wamp.MatchPolicy(i%3))
			}
			benchmarkPublish(b, broker, publisher, sale(wamp.PublishOptions{}))
		})
	}
}

func benchmarkPublish(b *testing.B, broker *routing.Broker, publisher *routing.Session, m *wamp.Publish) {
	var out routing.Outbox
	events := 0
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		broker.Publish(time.Time{}, publisher, m, allowed, &out)
		events += len(out.Sends)
	}
	if events > 0 {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
	}
}

// A session subscribes to many topics, each with another subscriber, and leaves.
func BenchmarkSubscribeAndLeave(b *testing.B) {
	for _, subscriptions := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint("subscriptions=", subscriptions), func(b *testing.B) {
			broker := newBroker()
			requests := make([]wamp.Subscribe, subscriptions)
			for i := range requests {
				requests[i].Topic = fmt.Sprint("com.topic", i)
				subscribe(broker, &routing.Session{ID: 1}, requests[i].Topic, wamp.MatchExact)
			}
			var out routing.Outbox
			b.ReportAllocs()
			for b.Loop() {
				s := &routing.Session{ID: 2}
				for i := range requests {
					out.Reset()
					broker.Subscribe(time.Time{}, s, &requests[i], allowed, &out)
				}
				broker.RemoveSession(time.Time{}, s, routing.Departure{}, &out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*subscriptions), "ns/subscription")
		})
	}
}
