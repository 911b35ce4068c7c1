package router_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/wamp"
)

const getEvents = "wamp.subscription.get_events"

// remembering returns a realm with a history of the topic "t" and of the prefix "p.".
func remembering(h router.HistoryConfig) router.Config {
	h.Topics = append(h.Topics, router.HistoryTopic{Topic: "t"}, router.HistoryTopic{Topic: "p.", Match: wamp.MatchPrefix})
	r := router.RealmConfig{Name: "r", AnonymousRole: "guest", Authorizer: auth.AllowAll{}, History: h}
	return router.Config{Realms: []router.RealmConfig{r}}
}

// publishes publishes an acknowledged event and returns its ID.
func (p *peer) publishes(topic string, args ...any) wamp.ID {
	p.house.Helper()
	p.say(&wamp.Publish{
		Request: 1, Topic: topic, Payload: wamp.Payload{Args: args},
		Options: wamp.PublishOptions{Acknowledge: true},
	})
	return hears1[*wamp.Published](p).Publication
}

// recalls asks for the history of a topic, to which it subscribes, and returns the answer.
func (p *peer) recalls(topic string, kwargs wamp.Dict) (events []wamp.Dict, limitReached bool) {
	p.house.Helper()
	id := p.subscribes(topic)
	p.say(&wamp.Call{Request: 2, Procedure: getEvents, Payload: wamp.Payload{Args: wamp.List{int64(id)}, Kwargs: kwargs}})
	result := hears1[*wamp.Result](p)
	args, kw, err := payload.Decode(&result.Payload)
	if err != nil {
		p.house.Fatal(err)
	}
	for _, arg := range args {
		events = append(events, arg.(wamp.Dict))
	}
	return events, kw["is_limit_reached"].(bool)
}

func publicationsOf(events []wamp.Dict) (ids []wamp.ID) {
	for _, e := range events {
		ids = append(ids, wamp.ID(e["publication"].(int64)))
	}
	return ids
}

func TestFEA01_EventHistoryIsAnnouncedWhereThereIsOne(t *testing.T) {
	for _, c := range []router.Config{{}, remembering(router.HistoryConfig{})} {
		in(t, c, func(h *house) {
			p := h.connect().listen()
			p.say(hello("r"))
			announced := hears1[*wamp.Welcome](p).Details.Roles.Supports(wamp.RoleBroker, wamp.FeatureEventHistory)
			if want := len(c.Realms) > 0; announced != want {
				t.Errorf("announced: %v", announced)
			}
		})
	}
}

func TestEVH15_AnswersAreBounded(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(*router.Config)
		size int
		want int
	}{
		"events":       {func(c *router.Config) { c.Realms[0].History.MaxResult = 7 }, 10, 7},
		"message size": {func(c *router.Config) { c.MaxMessageSize = 2000 }, 300, 4},
		"queue":        {func(c *router.Config) { c.QueueLimit = 4000 }, 300, 4},
	} {
		c := remembering(router.HistoryConfig{})
		test.set(&c)
		in(t, c, func(h *house) {
			publisher := h.join()
			var want []wamp.ID
			for range 10 {
				want = append(want, publisher.publishes("t", strings.Repeat("x", test.size)))
			}
			events, limitReached := h.join().recalls("t", nil)
			if diff := cmp.Diff(want[:test.want], publicationsOf(events)); diff != "" || !limitReached {
				t.Errorf("%s: limit reached: %v (-want +got):\n%s", name, limitReached, diff)
			}
		})
	}
}

// An event that no answer has room for is told without its payload, so that the caller can ask for those behind it.
func TestEVH15_AnEventThatDoesNotFit(t *testing.T) {
	c := remembering(router.HistoryConfig{})
	c.MaxMessageSize = 2000
	in(t, c, func(h *house) {
		publisher := h.join()
		large := publisher.publishes("t", strings.Repeat("x", 1900))
		small := publisher.publishes("t", "y")
		events, _ := h.join().recalls("t", nil)
		if len(events) == 0 || publicationsOf(events)[0] != large || events[0]["args"] != nil {
			t.Fatalf("events %v", events)
		}
		events, limitReached := h.join().recalls("t", wamp.Dict{"after_publication": int64(large)})
		if diff := cmp.Diff([]wamp.ID{small}, publicationsOf(events)); diff != "" || limitReached {
			t.Error(diff)
		}
	})
}

// selective lets nobody subscribe to the topic, or call the procedure.
type selective struct{ topic, procedure string }

func (a selective) Authorize(_ context.Context, r *auth.Request) (auth.Decision, error) {
	refused := r.Action == auth.ActionSubscribe && r.URI == a.topic || r.Action == auth.ActionCall && r.URI == a.procedure
	return auth.Decision{Allowed: !refused}, nil
}

func TestEVH11_WhoMayNotSubscribeMayNotAsk(t *testing.T) {
	for _, a := range []selective{{topic: "p."}, {procedure: getEvents}} {
		c := remembering(router.HistoryConfig{})
		c.Realms[0].Authorizer = a
		in(t, c, func(h *house) {
			p := h.join()
			p.say(&wamp.Call{Request: 1, Procedure: "wamp.subscription.lookup",
				Payload: wamp.Payload{Args: wamp.List{"p.", wamp.Dict{"match": "prefix"}}}})
			result := hears1[*wamp.Result](p)
			args, _, err := payload.Decode(&result.Payload)
			if err != nil {
				t.Fatal(err)
			}
			p.say(&wamp.Call{Request: 2, Procedure: getEvents, Payload: wamp.Payload{Args: args}})
			p.hearsError(wamp.TypeCall, 2, wamp.ErrNotAuthorized)
		})
	}
}

// What a publisher is told to be safe is there after a restart, in the order of the broker.
func TestEVH02_EVH17_DurableHistory(t *testing.T) {
	c := remembering(router.HistoryConfig{File: filepath.Join(t.TempDir(), "events"), Durable: true})
	var want []wamp.ID
	for range 3 {
		in(t, c, func(h *house) {
			publisher := h.join()
			for i := range 5 {
				want = append(want, publisher.publishes("t", i))
			}
			events, _ := h.join().recalls("t", nil)
			if diff := cmp.Diff(want, publicationsOf(events)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A publisher that says GOODBYE in the same breath still gets its PUBLISHED, and before the router's GOODBYE.
func TestPUB06_DurablePublishedComesBeforeGoodbye(t *testing.T) {
	c := remembering(router.HistoryConfig{File: filepath.Join(t.TempDir(), "events"), Durable: true})
	in(t, c, func(h *house) {
		p := h.join()
		ack := wamp.PublishOptions{Acknowledge: true}
		p.say(
			&wamp.Publish{Request: 1, Topic: "t", Options: ack},
			&wamp.Publish{Request: 2, Topic: "elsewhere", Options: ack},
			&wamp.Publish{Request: 3, Topic: "p.q", Options: ack},
			&wamp.Goodbye{Reason: wamp.CloseRealm},
		)
		got := map[wamp.ID]int{}
		messages := p.hears()
		for i, m := range messages {
			if m, ok := m.(*wamp.Published); ok {
				got[m.Request] = i
			}
		}
		if len(got) != 3 || len(messages) != 4 || messages[3].Type() != wamp.TypeGoodbye {
			t.Errorf("heard %v", types(messages))
		}
	})
}

// An event that the history cannot keep is an error to a publisher that relies on it, and only to that one.
func TestEVH16_AnEventThatIsNotKeptIsNotAcknowledged(t *testing.T) {
	c := remembering(router.HistoryConfig{
		File: filepath.Join(t.TempDir(), "events"), Durable: true,
		Topics: []router.HistoryTopic{{Topic: "small", MaxBytes: 1000}},
	})
	in(t, c, func(h *house) {
		p := h.join()
		large := wamp.Payload{Args: wamp.List{strings.Repeat("x", 1000)}}
		ack := wamp.PublishOptions{Acknowledge: true}
		p.say(
			&wamp.Publish{Request: 1, Topic: "small", Options: ack, Payload: large},
			&wamp.Publish{Request: 2, Topic: "small", Options: ack},
			&wamp.Publish{Request: 3, Topic: "small", Payload: large},
		)
		var got []string
		for _, m := range p.hears() {
			switch m := m.(type) {
			case *wamp.Error:
				got = append(got, fmt.Sprint(m.Request, " ", m.URI))
			case *wamp.Published:
				got = append(got, fmt.Sprint(m.Request, " published"))
			}
		}
		if diff := cmp.Diff([]string{"1 wamp.error.runtime_error", "2 published"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// Answers that the caller does not read are errors when there is no room for them, and do not end its session.
func TestEVH15_ManyAnswers(t *testing.T) {
	c := remembering(router.HistoryConfig{})
	c.QueueLimit = 10_000
	in(t, c, func(h *house) {
		publisher := h.join()
		for range 10 {
			publisher.publishes("t", strings.Repeat("x", 1000))
		}
		p := h.join()
		id := p.subscribes("t")
		var calls []wamp.Message
		for i := range wamp.ID(10) {
			calls = append(calls, &wamp.Call{Request: i + 2, Procedure: getEvents, Payload: wamp.Payload{Args: wamp.List{int64(id)}}})
		}
		p.say(calls...)
		for _, m := range p.hears() {
			if e, ok := m.(*wamp.Error); m.Type() != wamp.TypeResult && (!ok || e.URI != wamp.ErrUnavailable) {
				t.Errorf("heard %+v", m)
			}
		}
		if p.hasEnded() {
			t.Error("the session has ended")
		}
	})
}

func TestHistoryConfigIsChecked(t *testing.T) {
	bad := map[string]router.HistoryConfig{
		"durable in memory": {Durable: true},
		"negative":          {MaxBytes: -1},
		"negative age":      {Topics: []router.HistoryTopic{{Topic: "t", MaxAge: -1}}},
		"invalid topic":     {Topics: []router.HistoryTopic{{Topic: "a..b"}}},
		"reserved topic":    {Topics: []router.HistoryTopic{{Topic: "wamp.session.on_join"}}},
		"no directory":      {File: filepath.Join(t.TempDir(), "no", "events")},
	}
	for name, h := range bad {
		if _, err := router.New(remembering(h)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// Who pages through a history by time misses nothing: no event has an earlier time than the one before it.
func TestEVH02_TimesAreInOrderToo(t *testing.T) {
	thinking := &patient{topic: "p.slow"}
	c := remembering(router.HistoryConfig{})
	c.Realms[0].Authorizer = thinking
	in(t, c, func(h *house) {
		slow, quick := h.join(), h.join()
		thinking.goOn = make(chan struct{})
		slow.say(&wamp.Publish{Request: 1, Topic: "p.slow"})
		<-time.After(time.Second)
		quick.publishes("p.quick")
		close(thinking.goOn)
		slow.hears()
		p := h.join()
		p.say(&wamp.Subscribe{Request: 1, Topic: "p.", Options: wamp.SubscribeOptions{Match: wamp.MatchPrefix}})
		id := hears1[*wamp.Subscribed](p).Subscription
		events := p.asks(getEvents, int64(id)).(wamp.List)
		var times []string
		for _, e := range events {
			times = append(times, e.(wamp.Dict)["timestamp"].(string))
		}
		if len(times) != 2 || !slices.IsSorted(times) {
			t.Errorf("times %v", times)
		}
	})
}
