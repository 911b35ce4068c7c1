package router_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/wamp"
)

// retains publishes an event to be retained.
func (p *peer) retains(topic string, args ...any) {
	p.house.Helper()
	p.say(&wamp.Publish{Request: 1, Topic: topic, Options: wamp.PublishOptions{Retain: true}, Payload: wamp.Payload{Args: args}})
}

// replays subscribes to a prefix and returns the topics and payloads of the retained events.
func (p *peer) replays(prefix string) (events []string) {
	p.house.Helper()
	p.say(&wamp.Subscribe{Request: 1, Topic: prefix, Options: wamp.SubscribeOptions{Match: wamp.MatchPrefix, GetRetained: true}})
	for _, m := range p.hears() {
		if e, ok := m.(*wamp.Event); ok && e.Details.Retained {
			args, _, err := payload.Decode(&e.Payload)
			if err != nil {
				p.house.Fatal(err)
			}
			events = append(events, fmt.Sprint(e.Details.Topic, " ", args))
		}
	}
	return events
}

func realmWith(retention router.RetentionConfig) router.Config {
	r := router.RealmConfig{Name: "r", AnonymousRole: "guest", Authorizer: auth.AllowAll{}, Retention: retention}
	return router.Config{Realms: []router.RealmConfig{r}}
}

// What a publisher sends afterwards uses the memory of its connection again.
func TestRET01_RET11_RetainedEventsOutlastTheirPublisher(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		publisher := h.join()
		publisher.retains("a.one", "first")
		publisher.retains("a.two", "second")
		publisher.say(&wamp.Publish{Request: 1, Topic: strings.Repeat("x", 50), Payload: wamp.Payload{Args: wamp.List{strings.Repeat("y", 500)}}})
		publisher.drop()
		want := []string{"a.one [first]", "a.two [second]"}
		if diff := cmp.Diff(want, h.join().replays("a.")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRET02_RetentionIsAnnouncedUnlessItIsOff(t *testing.T) {
	for _, off := range []bool{false, true} {
		in(t, realmWith(router.RetentionConfig{Off: off}), func(h *house) {
			p := h.connect().listen()
			p.say(hello("r"))
			welcome := hears1[*wamp.Welcome](p)
			if welcome.Details.Roles.Supports(wamp.RoleBroker, wamp.FeatureEventRetention) == off {
				t.Errorf("off: %v, announced: %v", off, off)
			}
			p.retains("a.one")
			if events := h.join().replays("a."); (len(events) == 0) != off {
				t.Errorf("off: %v, but %q", off, events)
			}
		})
	}
}

func TestRET07_ConfiguredLimits(t *testing.T) {
	for name, c := range map[string]router.RetentionConfig{
		"events": {MaxEvents: 2}, "bytes": {MaxBytes: 1000}, "replay": {MaxReplayed: 2},
	} {
		in(t, realmWith(c), func(h *house) {
			publisher := h.join()
			for i := range 4 {
				publisher.retains(fmt.Sprint("a.", i))
			}
			if diff := cmp.Diff([]string{"a.2 []", "a.3 []"}, h.join().replays("a.")); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		})
	}
	for _, c := range []router.RetentionConfig{{MaxEvents: -1}, {MaxBytes: -1}, {MaxReplayed: -1}} {
		if _, err := router.New(realmWith(c)); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

// A replay takes up no more than half of what may wait for a peer, so that it is not what makes the peer too slow.
func TestRET07_AReplayFitsIntoTheQueue(t *testing.T) {
	c := realmWith(router.RetentionConfig{})
	c.QueueLimit = 64 << 10
	in(t, c, func(h *house) {
		publisher := h.join()
		for i := range 100 {
			publisher.retains(fmt.Sprint("a.", i), strings.Repeat("x", 2000))
		}
		events := h.join().replays("a.")
		if len(events) < 10 || len(events) > 20 || !strings.HasPrefix(events[len(events)-1], "a.99 ") {
			t.Errorf("%d events were replayed", len(events))
		}
	})
}

func TestSSB01_SSB02_ShardingIsAnnouncedWhereItIsTurnedOn(t *testing.T) {
	for _, enabled := range []bool{true, false} {
		c := realmWith(router.RetentionConfig{})
		c.Realms[0].Sharding = enabled
		in(t, c, func(h *house) {
			publisher := h.connect().listen()
			publisher.say(hello("r"))
			welcome := hears1[*wamp.Welcome](publisher)
			if welcome.Details.Roles.Supports(wamp.RoleBroker, wamp.FeatureShardedSubscription) != enabled {
				t.Errorf("announced: %v", !enabled)
			}
			subscribers := []*peer{h.join(), h.join(), h.join()}
			for i, s := range subscribers {
				s.say(&wamp.Subscribe{Request: 1, Topic: "t", Options: wamp.SubscribeOptions{NKey: fmt.Sprint("n", i)}})
				hears1[*wamp.Subscribed](s)
			}
			publisher.say(&wamp.Publish{Request: 1, Topic: "t", Options: wamp.PublishOptions{RKey: "k"}})
			events := 0
			for _, s := range subscribers {
				events += len(s.hears())
			}
			if want := map[bool]int{true: 1, false: 3}[enabled]; events != want {
				t.Errorf("enabled: %v, %d events, want %d", enabled, events, want)
			}
		})
	}
}

// Replays that are asked for at once share the room that there is.
func TestRET07_ManyReplaysFitIntoTheQueue(t *testing.T) {
	c := realmWith(router.RetentionConfig{})
	c.QueueLimit = 256 << 10
	in(t, c, func(h *house) {
		publisher := h.join()
		for i := range 500 {
			publisher.retains(fmt.Sprint("a.", i), strings.Repeat("x", 2000))
		}
		p := h.join()
		var subscribes []wamp.Message
		for i := range wamp.ID(5) {
			options := wamp.SubscribeOptions{Match: wamp.MatchPrefix, GetRetained: true}
			subscribes = append(subscribes, &wamp.Subscribe{Request: i + 1, Topic: "a.499"[:i+1], Options: options})
		}
		p.say(subscribes...)
		count := map[wamp.MessageType]int{}
		for _, m := range p.hears() {
			count[m.Type()]++
		}
		if count[wamp.TypeSubscribed] != 5 || count[wamp.TypeEvent] < 50 || count[wamp.TypeGoodbye] > 0 {
			t.Errorf("heard %v", count)
		}
	})
}
