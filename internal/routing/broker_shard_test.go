package routing_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// Which subscribers are in a shard stands in testdata/broker_sharding.txt. Here is where keys go.

// sharded returns a broker with subscribers in shards, in this order.
func sharded(nkeys ...string) (*routing.Broker, []*routing.Session) {
	b := routing.NewBroker(routing.BrokerConfig{Random: countUp(), Sharding: true})
	sessions := make([]*routing.Session, len(nkeys))
	for i, nkey := range nkeys {
		sessions[i] = &routing.Session{ID: wamp.ID(i + 1), AuthID: nkey}
		m := &wamp.Subscribe{Request: 1, Topic: "com.sold", Options: wamp.SubscribeOptions{NKey: nkey}}
		b.Subscribe(time.Time{}, sessions[i], m, allowed, new(routing.Outbox))
	}
	return b, sessions
}

// owners returns the shards to which keys go.
func owners(t *testing.T, b *routing.Broker, keys int) []string {
	t.Helper()
	list := make([]string, keys)
	for i := range list {
		var out routing.Outbox
		m := &wamp.Publish{Request: 1, Topic: "com.sold", Options: wamp.PublishOptions{RKey: fmt.Sprint("key", i)}}
		b.Publish(time.Time{}, &routing.Session{ID: 99}, m, allowed, &out)
		if len(out.Sends) != 1 {
			t.Fatalf("key %d goes to %d subscribers, want one", i, len(out.Sends))
		}
		list[i] = out.Sends[0].To.AuthID
	}
	return list
}

func TestSSB03_KeysDoNotDependOnTheOrderOfSubscribers(t *testing.T) {
	there, _ := sharded("a", "b", "c", "d")
	back, sessions := sharded("x", "d", "c", "y", "b", "a")
	for _, i := range []int{0, 3} {
		back.RemoveSession(time.Time{}, sessions[i], routing.Departure{}, new(routing.Outbox))
	}
	if !slices.Equal(owners(t, there, 200), owners(t, back, 200)) {
		t.Error("keys went elsewhere")
	}
}

func TestSSB03_KeysMoveOnlyWithTheirShard(t *testing.T) {
	b, sessions := sharded("a", "b", "c", "d", "e")
	const keys = 5000
	before := owners(t, b, keys)
	count := map[string]int{}
	for _, nkey := range before {
		count[nkey]++
	}
	for nkey, n := range count {
		if n < keys/5*8/10 || n > keys/5*12/10 {
			t.Errorf("%d of %d keys go to %s", n, keys, nkey)
		}
	}
	b.RemoveSession(time.Time{}, sessions[2], routing.Departure{}, new(routing.Outbox))
	for i, nkey := range owners(t, b, keys) {
		if nkey != before[i] && before[i] != "c" {
			t.Fatalf("key %d moved from %s to %s", i, before[i], nkey)
		}
	}
}

func TestPublish_ShardedAllocatesNothing(t *testing.T) {
	b, _ := sharded("", "a", "b", "a", "", "c")
	var out routing.Outbox
	m := sale(wamp.PublishOptions{RKey: "k"})
	m.Topic = "com.sold"
	publisher := &routing.Session{ID: 99}
	publish := func() {
		out.Reset()
		b.Publish(time.Time{}, publisher, m, allowed, &out)
	}
	publish()
	if n := testing.AllocsPerRun(100, publish); n != 0 {
		t.Errorf("%v allocations for a publication", n)
	}
}

// 10,000 subscribers in shards of equal size.
func BenchmarkPublish_Sharded(b *testing.B) {
	for _, shards := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint("shards=", shards), func(b *testing.B) {
			nkeys := make([]string, 10_000)
			for i := range nkeys {
				nkeys[i] = fmt.Sprint("n", i%shards)
			}
			broker, _ := sharded(nkeys...)
			m := sale(wamp.PublishOptions{RKey: "k"})
			m.Topic = "com.sold"
			benchmarkPublish(b, broker, &routing.Session{ID: 99}, m)
		})
	}
}
