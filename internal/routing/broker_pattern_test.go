package routing_test

import (
	"testing"

	"github.com/tandemrouter/tandem/wamp"
)

func TestPUB21_PBS04_TopicOnlyForPatterns(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.subscribe(alice, "com.shop.sold", wamp.MatchPrefix)
	p.subscribe(alice, "com.shop.sold", wamp.MatchWildcard)
	p.forget()
	p.publish(bob, "com.shop.sold", wamp.PublishOptions{})
	p.expect(
		"alice EVENT subscription=1 publication=1001",
		"alice EVENT subscription=2 publication=1001 topic=com.shop.sold",
		"alice EVENT subscription=3 publication=1001 topic=com.shop.sold")
}

// PBS-10: ending one of them leaves the others.
func TestPBS05_PBS10_MatchPoliciesAreDistinctSubscriptions(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	for _, match := range []wamp.MatchPolicy{wamp.MatchExact, wamp.MatchPrefix, wamp.MatchWildcard} {
		p.subscribe(alice, "com.shop.sold", match)
	}
	p.unsubscribe(alice, 2)
	p.expect(
		"alice SUBSCRIBED subscription=1",
		"alice SUBSCRIBED subscription=2",
		"alice SUBSCRIBED subscription=3",
		"alice UNSUBSCRIBED")
	p.publish(bob, "com.shop.sold", wamp.PublishOptions{})
	p.expect(
		"alice EVENT subscription=1 publication=1001",
		"alice EVENT subscription=3 publication=1001 topic=com.shop.sold")
}

func TestPBS02_PBS06_PBS07_Matching(t *testing.T) {
	tests := []struct {
		match      wamp.MatchPolicy
		topic      string
		published  string
		wantEvents int
	}{
		{wamp.MatchPrefix, "com.myapp.topic.emergency", "com.myapp.topic.emergency", 1},
		{wamp.MatchPrefix, "com.myapp.topic.emergency", "com.myapp.topic.emergency.11", 1},
		{wamp.MatchPrefix, "com.myapp.topic.emergency", "com.myapp.topic.emergency-low", 1},
		{wamp.MatchPrefix, "com.myapp.topic.emergency", "com.myapp.topic.emergency.category.severe", 1},
		{wamp.MatchPrefix, "com.myapp.topic.emergency", "com.myapp.topic.emerge", 0},
		{wamp.MatchWildcard, "com.myapp..userevent", "com.myapp.foo.userevent", 1},
		{wamp.MatchWildcard, "com.myapp..userevent", "com.myapp.foo.userevent.bar", 0},
		{wamp.MatchWildcard, "com.myapp..userevent", "com.myapp.foo.user", 0},
		{wamp.MatchWildcard, "com.myapp..userevent", "com.myapp2.foo.userevent", 0},
		{wamp.MatchExact, "com.myapp.topic", "com.myapp.topic", 1},
		{wamp.MatchExact, "com.myapp.topic", "com.myapp.topic.emergency", 0},
		{wamp.MatchExact, "com.myapp.topic", "com.myapp.Topic", 0}, // URI-09
	}
	for _, test := range tests {
		p := newPubSub(t)
		p.subscribe(p.join("alice"), test.topic, test.match)
		p.forget()
		p.publish(p.join("bob"), test.published, wamp.PublishOptions{})
		if len(p.sent) != test.wantEvents {
			t.Errorf("%v %q, published %q: got %q, want %d events",
				test.match, test.topic, test.published, p.sent, test.wantEvents)
		}
	}
}

func TestPBS09_URI08_ReservedTopicsMayBeSubscribedTo(t *testing.T) {
	p := newPubSub(t)
	alice := p.join("alice")
	p.subscribe(alice, "wamp.session.on_join", wamp.MatchExact)
	p.subscribe(alice, "wamp.", wamp.MatchPrefix)
	p.subscribe(alice, "", wamp.MatchPrefix)
	p.subscribe(alice, "wamp..on_join", wamp.MatchWildcard)
	p.expect(
		"alice SUBSCRIBED subscription=1",
		"alice SUBSCRIBED subscription=2",
		"alice SUBSCRIBED subscription=3",
		"alice SUBSCRIBED subscription=4")
}
