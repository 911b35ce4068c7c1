package router_test

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// slow returns a router with a policy for slow subscribers whose queues hold 64 KiB, of which events may use 48.
func slow(policy router.SlowSubscribers) router.Config {
	return router.Config{QueueLimit: 64 << 10, Realms: []router.RealmConfig{{
		Name: "r", AnonymousRole: "guest", Authorizer: auth.AllowAll{}, SlowSubscribers: policy,
	}}}
}

var policies = map[string]router.SlowSubscribers{
	"disconnect": router.Disconnect, "drop_new": router.DropNew, "drop_old": router.DropOld,
}

// floods publishes events of the size with the numbers from and to and those between.
func (p *peer) floods(topic string, from, to, size int) {
	p.house.Helper()
	for n := from; n <= to; n++ {
		p.say(&wamp.Publish{Request: wamp.ID(n), Topic: topic, Payload: wamp.Payload{
			Args: wamp.List{n, strings.Repeat("x", size)},
		}})
	}
}

// got is an event as its subscriber sees it.
type got struct{ number, lost int }

// hearsEvents returns the events that have come, and the other messages.
func (p *peer) hearsEvents() (events []got, others []wamp.Message) {
	p.house.Helper()
	for _, m := range p.hears() {
		e, ok := m.(*wamp.Event)
		if !ok {
			others = append(others, m)
			continue
		}
		events = append(events, got{numberOf(e), int(e.Details.Lost)})
	}
	return events, others
}

// numberOf reads the first argument, a whole number, from its CBOR.
func numberOf(e *wamp.Event) int {
	switch b := e.Payload.Raw[1:]; b[0] {
	case 24:
		return int(b[1])
	case 25:
		return int(b[1])<<8 | int(b[2])
	default:
		return int(b[0])
	}
}

// run returns events with the numbers from and to and those between.
func run(from, to int) (list []got) {
	for n := from; n <= to; n++ {
		list = append(list, got{number: n})
	}
	return list
}

const kib8 = 8 << 10

// The pipe takes 7 events of a bit more than 8 KiB and the beginning of the next. The queue takes 5 more.
const pipeTakes, queueTakes = 7, 5

func TestFLW02_PUB18_DisconnectEndsTheSessionOfASlowSubscriber(t *testing.T) {
	in(t, slow(router.Disconnect), func(h *house) {
		deaf := h.joinDeaf(&wamp.Subscribe{Request: 1, Topic: "t"}, &wamp.Register{Request: 2, Procedure: "q"})
		healthy, publisher := h.join(), h.join()
		healthy.subscribes("t")
		publisher.floods("t", 1, 30, kib8)
		healthy.say(&wamp.Call{Request: 2, Procedure: "q"}) // the session is gone at once, though it reads nothing
		events, others := healthy.hearsEvents()
		if diff := cmp.Diff(run(1, 30), events, cmp.AllowUnexported(got{})); diff != "" {
			t.Errorf("the healthy subscriber: -want +got\n%s", diff)
		}
		if e, ok := others[0].(*wamp.Error); !ok || e.URI != wamp.ErrNoSuchProcedure {
			t.Errorf("calling the slow subscriber gave %+v", others[0])
		}
		if n := strings.Count(h.log.String(), "\n"); n != 1 || !strings.Contains(h.log.String(), "does not read") {
			t.Errorf("%d lines in the log:\n%s", n, h.log)
		}
		events, others = deaf.listen().hearsEvents()
		if diff := cmp.Diff(run(1, pipeTakes+1+queueTakes), events, cmp.AllowUnexported(got{})); diff != "" {
			t.Errorf("the slow subscriber: -want +got\n%s", diff)
		}
		last, ok := others[len(others)-1].(*wamp.Goodbye)
		if !ok || last.Reason != wamp.CloseKilled || !strings.Contains(last.Details.Message, "no room for an event") {
			t.Errorf("the last is %+v", others[len(others)-1])
		}
	})
}

// What comes behind the event that had no room is not even encoded: the session is about to end.
func TestFLW02_NothingFollowsTheGapBeforeTheSessionEnds(t *testing.T) {
	in(t, slow(router.Disconnect), func(h *house) {
		deaf := h.joinDeaf(&wamp.Subscribe{Request: 1, Topic: "t"})
		publisher := h.join()
		publisher.floods("t", 1, pipeTakes+queueTakes, kib8)
		event := func(n, size int) wamp.Message {
			return &wamp.Publish{Request: wamp.ID(n), Topic: "t", Payload: wamp.Payload{Args: wamp.List{n, strings.Repeat("x", size)}}}
		}
		publisher.say(event(13, 2*kib8), event(14, 1)) // at once
		events, _ := deaf.listen().hearsEvents()
		if diff := cmp.Diff(run(1, pipeTakes+queueTakes), events, cmp.AllowUnexported(got{})); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestFLW02_PUB18_DropNewTellsHowManyEventsWereLost(t *testing.T) {
	in(t, slow(router.DropNew), func(h *house) {
		deaf := h.joinDeaf(&wamp.Subscribe{Request: 1, Topic: "t"})
		publisher := h.join()
		publisher.floods("t", 1, 30, kib8)
		first, _ := deaf.listen().hearsEvents()
		publisher.floods("t", 31, 32, kib8)
		second, _ := deaf.hearsEvents()
		survivors := len(first)
		if diff := cmp.Diff(run(1, survivors), first, cmp.AllowUnexported(got{})); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		want := []got{{31, 30 - survivors}, {32, 0}}
		if diff := cmp.Diff(want, second, cmp.AllowUnexported(got{})); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if n := h.router.Dropped("r"); int(n) != 30-survivors || survivors == 30 {
			t.Errorf("%d events counted, %d arrived of 30", n, survivors)
		}
	})
}

// Small events fit in between large ones that do not. Each that fits tells of all before it that are missing.
func TestFLW02_EveryGapIsToldOf(t *testing.T) {
	in(t, slow(router.DropNew), func(h *house) {
		deaf := h.joinDeaf(&wamp.Subscribe{Request: 1, Topic: "t"})
		publisher := h.join()
		for n := 1; n <= 60; n++ {
			publisher.floods("t", n, n, []int{kib8, 10, 3000, 700}[n%4])
		}
		events, _ := deaf.listen().hearsEvents()
		next, gaps := 1, 0
		for _, e := range events {
			if e.number != next+e.lost {
				t.Errorf("event %d says that %d were lost, but the one before it is %d", e.number, e.lost, next-1)
			}
			if e.lost > 0 {
				gaps++
			}
			next = e.number + 1
		}
		if gaps < 3 {
			t.Errorf("%d gaps: the test shows nothing", gaps)
		}
	})
}

func TestFLW02_PUB18_DropOldKeepsTheNewestEvents(t *testing.T) {
	in(t, slow(router.DropOld), func(h *house) {
		deaf := h.joinDeaf(&wamp.Subscribe{Request: 1, Topic: "t"})
		publisher := h.join()
		publisher.floods("t", 1, 30, kib8)
		first, _ := deaf.listen().hearsEvents()
		lost := 30 - len(first)
		want := slices.Concat(run(1, pipeTakes+1), run(pipeTakes+lost+2, 30))
		if diff := cmp.Diff(want, first, cmp.AllowUnexported(got{})); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		publisher.floods("t", 31, 32, kib8)
		second, _ := deaf.hearsEvents()
		if diff := cmp.Diff([]got{{31, lost}, {32, 0}}, second, cmp.AllowUnexported(got{})); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if n := h.router.Dropped("r"); int(n) != lost || lost == 0 {
			t.Errorf("%d events counted, %d are missing", n, lost)
		}
	})
}

// An event that told of others may be dropped too. What it told is told again, so that the sum is right in the end.
func TestFLW02_DropOldLosesNoCount(t *testing.T) {
	in(t, slow(router.DropOld), func(h *house) {
		deaf := h.joinDeaf(&wamp.Subscribe{Request: 1, Topic: "t"})
		publisher := h.join()
		for n := 1; n <= 400; n++ { // after a large event has cleared its place, small ones fit and tell
			publisher.floods("t", n, n, []int{kib8, 10, 3000, 700, 100, 5000}[n%6])
		}
		deaf.listen()
		synctest.Wait()
		publisher.floods("t", 401, 401, 10)
		events, _ := deaf.hearsEvents()
		lost, tells := 0, 0
		for i, e := range events {
			lost += e.lost
			if e.lost > 0 {
				tells++
			}
			if i > 0 && e.number <= events[i-1].number {
				t.Errorf("event %d after %d", e.number, events[i-1].number)
			}
		}
		if lost != 401-len(events) || tells < 2 {
			t.Errorf("%d of 401 events arrived, which tell of %d lost ones in %d parts", len(events), lost, tells)
		}
	})
}

func TestFLW02_FLW07_RepliesGetThroughAFlood(t *testing.T) {
	for name, policy := range policies {
		if policy == router.Disconnect {
			continue
		}
		t.Run(name, func(t *testing.T) {
			in(t, slow(policy), func(h *house) {
				deaf := h.joinDeaf(&wamp.Subscribe{Request: 1, Topic: "t"})
				publisher := h.join()
				for n := 1; n <= 30; n++ {
					publisher.floods("t", n, n, kib8)
					deaf.say(&wamp.Call{Request: wamp.ID(n + 1), Procedure: "none"})
				}
				_, others := deaf.listen().hearsEvents()
				for i, m := range others[2:] { // after WELCOME and SUBSCRIBED
					if e, ok := m.(*wamp.Error); !ok || e.Request != wamp.ID(i+2) {
						t.Errorf("answer %d is %+v", i, m)
					}
				}
				if len(others) != 32 || deaf.hasEnded() {
					t.Errorf("%d answers to 30 calls; the session has ended: %v", len(others)-2, deaf.hasEnded())
				}
			})
		})
	}
}

// Whatever is dropped, what is left has the order in which it was sent: across topics, and around UNSUBSCRIBED.
func TestPUB12_PUB13_OrderHoldsWhereEventsAreDropped(t *testing.T) {
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			in(t, slow(policy), func(h *house) {
				other := h.join()
				topics := map[wamp.ID]string{other.subscribes("a"): "a", other.subscribes("b"): "b"}
				deaf := h.joinDeaf(&wamp.Subscribe{Request: 1, Topic: "a"}, &wamp.Subscribe{Request: 2, Topic: "b"})
				publisher := h.join()
				for n := 1; n <= 40; n += 2 {
					publisher.floods("a", n, n, 3000)
					publisher.floods("b", n+1, n+1, 3000)
				}
				for b, topic := range topics {
					if topic == "b" {
						deaf.say(&wamp.Unsubscribe{Request: 3, Subscription: b})
					}
				}
				publisher.floods("a", 41, 41, 100)
				publisher.floods("b", 42, 42, 100)
				publisher.floods("a", 43, 60, 3000)
				checkOrder(t, topics, deaf.listen().hears())
			})
		})
	}
}

func checkOrder(t *testing.T, topics map[wamp.ID]string, heard []wamp.Message) {
	t.Helper()
	last, unsubscribed := 0, false
	for _, m := range heard {
		switch m := m.(type) {
		case *wamp.Unsubscribed:
			unsubscribed = true
		case *wamp.Event:
			if n := numberOf(m); n <= last {
				t.Errorf("event %d after %d", n, last)
			} else {
				last = n
			}
			if unsubscribed && topics[m.Subscription] == "b" {
				t.Errorf("event %d after UNSUBSCRIBED", numberOf(m))
			}
		}
	}
	if last == 0 {
		t.Error("no event arrived")
	}
}

// The events of a session that has left are not dropped for the next one on the same connection, nor told to it.
func TestSES23_FLW02_SessionsOnOneConnectionLoseTheirOwnEvents(t *testing.T) {
	in(t, slow(router.DropOld), func(h *house) {
		deaf := h.joinDeaf(&wamp.Subscribe{Request: 1, Topic: "t"})
		publisher := h.join()
		publisher.floods("t", 1, 12, kib8)
		deaf.say(&wamp.Goodbye{Reason: wamp.CloseRealm}, hello("r"), &wamp.Subscribe{Request: 1, Topic: "t"})
		publisher.floods("t", 13, 20, 1000)
		first, _ := deaf.listen().hearsEvents()
		publisher.floods("t", 21, 21, 10)
		second, _ := deaf.hearsEvents()
		if len(first) < 12 || first[11] != (got{12, 0}) {
			t.Errorf("of the first session's 12 events came %v", first)
		}
		if want := []got{{21, 20 - len(first)}}; !slices.Equal(second, want) {
			t.Errorf("the last event is %v, want %v", second, want)
		}
	})
}

// stuck is a connection whose peer reads nothing from some time on: then not even the network takes anything.
type stuck struct {
	transport.Conn
	stuck  atomic.Bool
	once   sync.Once
	closed chan struct{}
}

func (s *stuck) TryWrite(b []byte) (int, error) {
	if s.stuck.Load() {
		return 0, nil
	}
	return s.Conn.TryWrite(b)
}

func (s *stuck) Write([]byte) (int, error) {
	<-s.closed
	return 0, transport.ErrQueueClosed
}

func (s *stuck) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Conn.Close()
}

// subscribeStuck opens a session and subscribes to the topic. Then its connection is stuck.
func subscribeStuck(t testing.TB, r *router.Router, topic string) {
	t.Helper()
	local, remote := transport.Pipe(wamp.CBOR)
	s := &stuck{Conn: remote, closed: make(chan struct{})}
	go r.Serve(s)
	q := transport.NewQueue(local, 0, new(sync.WaitGroup))
	for _, m := range []wamp.Message{hello("r"), &wamp.Subscribe{Request: 1, Topic: topic}} {
		if q.Put(m) != nil || local.Wait() != nil {
			t.Fatalf("no answer to %s", m.Type())
		}
		_ = local.Receive(new(transport.Run))
	}
	s.stuck.Store(true)
}

// heap returns how many bytes are in use.
func heap() int {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A large event stands in memory once, however many subscribers have yet to read it.
func TestFLW01_SubscribersShareALargeEvent(t *testing.T) {
	const subscribers, size = 1000, 64 << 10
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			in(t, router.Config{Realms: slow(policy).Realms}, func(h *house) {
				for range subscribers {
					subscribeStuck(h.T, h.router, "t")
				}
				publisher := h.join()
				publisher.floods("t", 1, 1, 10) // brings everything into being that one event needs
				before := heap()
				publisher.floods("t", 2, 2, size)
				if each := (heap() - before - size) / subscribers; each > 1024 {
					t.Errorf("an event of %d KiB takes %d bytes for each subscriber", size>>10, each)
				}
			})
		})
	}
}

// A stalled subscriber costs its queue's bound and no more.
func TestFLW01_PUB18_AStalledSubscriberHoldsNoMoreThanItsBound(t *testing.T) {
	const limit = 256 << 10
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			c := slow(policy)
			c.QueueLimit = limit
			in(t, c, func(h *house) {
				subscribeStuck(h.T, h.router, "t")
				publisher := h.join()
				publisher.floods("t", 1, 10, 200)
				before := heap()
				publisher.floods("t", 11, 3000, 200)
				if held := heap() - before; held > limit*5/4 {
					t.Errorf("holds %d KiB of a bound of %d KiB", held>>10, limit>>10)
				}
				if h.router.Dropped("r") == 0 {
					t.Error("nothing was dropped: the test shows nothing")
				}
			})
		})
	}
}
