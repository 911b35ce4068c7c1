package routing_test

import (
	"testing"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// changes returns a step's worth of meta events: a registration came and went.
func changes() []routing.MetaEvent {
	x := newExchange(1)
	var out routing.Outbox
	x.dealer.Register(x.now, x.callees[0], &wamp.Register{Request: 1, Procedure: "p"}, allowed, &out)
	x.dealer.Unregister(x.now, x.callees[0], &wamp.Unregister{Request: 2, Registration: 1}, &out)
	return out.Meta
}

// Without a subscriber no event is made and no payload is built, whatever else is subscribed to.
func TestMTE05_EventsThatNobodyHearsCostNothing(t *testing.T) {
	events := changes()
	if len(events) != 4 {
		t.Fatalf("%d events, want 4", len(events))
	}
	var out routing.Outbox
	b := newBroker()
	subscribe(b, &routing.Session{ID: 1}, "com.example.", wamp.MatchPrefix)
	if allocs := testing.AllocsPerRun(100, func() { b.PublishMeta(events, &out) }); allocs > 0 || len(out.Sends) > 0 {
		t.Errorf("%v allocations, %d sends", allocs, len(out.Sends))
	}
	subscribe(b, &routing.Session{ID: 2}, "wamp.registration.on_delete", wamp.MatchExact)
	if b.PublishMeta(events, &out); len(out.Sends) != 1 {
		t.Errorf("%d sends to the one who listens", len(out.Sends))
	}
}

func BenchmarkPublishMeta(b *testing.B) {
	events := changes()
	for name, listening := range map[string]bool{"nobody": false, "one": true} {
		b.Run(name, func(b *testing.B) {
			var out routing.Outbox
			broker := newBroker()
			if listening {
				subscribe(broker, &routing.Session{ID: 1}, "wamp.", wamp.MatchPrefix)
			}
			b.ReportAllocs()
			for b.Loop() {
				broker.PublishMeta(events, &out)
				out.Reset()
			}
		})
	}
}
