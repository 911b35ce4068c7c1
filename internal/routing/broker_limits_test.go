package routing_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

func TestURI02_URI03_URI11_WhatMayBeSubscribedTo(t *testing.T) {
	tests := []struct {
		match wamp.MatchPolicy
		topic string
		valid bool
	}{
		{wamp.MatchExact, "com.shop", true},
		{wamp.MatchExact, "com.", false},
		{wamp.MatchExact, "com..shop", false},
		{wamp.MatchExact, "", false},
		{wamp.MatchPrefix, "com.", true},
		{wamp.MatchPrefix, "com..shop", false},
		{wamp.MatchWildcard, "com..shop", true},
		{wamp.MatchWildcard, "com.#.shop", false},
		{wamp.MatchExact, strings.Repeat("a", wamp.MaxURILength), true},
		{wamp.MatchExact, strings.Repeat("a", wamp.MaxURILength+1), false},
		{wamp.MatchWildcard, strings.Repeat(".", pattern.MaxComponents-1), true},
		{wamp.MatchWildcard, strings.Repeat(".", pattern.MaxComponents), false},
	}
	for _, test := range tests {
		p := newPubSub(t)
		p.subscribe(p.join("alice"), test.topic, test.match)
		want := "alice ERROR SUBSCRIBE wamp.error.invalid_uri"
		if test.valid {
			want = "alice SUBSCRIBED subscription=1"
		}
		if diff := cmp.Diff([]string{want}, p.sent); diff != "" {
			t.Errorf("%v %.40q: -want +got\n%s", test.match, test.topic, diff)
		}
		if !test.valid {
			p.expectTables(0, 0)
		}
	}
}

func TestURI05_StrictRealm(t *testing.T) {
	p := newPubSub(t, func(c *routing.BrokerConfig) { c.URIRule = wamp.StrictURI })
	alice := p.join("alice")
	p.subscribe(alice, "com.Shop", wamp.MatchExact)
	p.publish(alice, "com.Shop", acknowledge)
	p.publish(alice, "com.shop", acknowledge)
	p.expect(
		"alice ERROR SUBSCRIBE wamp.error.invalid_uri",
		"alice ERROR PUBLISH wamp.error.invalid_uri",
		"alice PUBLISHED publication=1001")
}

func TestFLW08_SubscriptionsOfASessionAreBounded(t *testing.T) {
	p := newPubSub(t, func(c *routing.BrokerConfig) { c.MaxSubscriptions = 2 })
	alice, bob := p.join("alice"), p.join("bob")
	p.subscribe(bob, "com.c", wamp.MatchExact)
	p.subscribe(alice, "com.a", wamp.MatchExact)
	p.subscribe(alice, "com.b", wamp.MatchExact)
	p.forget()

	p.subscribe(alice, "com.c", wamp.MatchExact) // it exists
	p.subscribe(alice, "com.d", wamp.MatchExact) // it would be new
	p.subscribe(alice, "com.b", wamp.MatchExact) // she holds it
	p.expect(
		"alice ERROR SUBSCRIBE wamp.error.not_authorized",
		"alice ERROR SUBSCRIBE wamp.error.not_authorized",
		"alice SUBSCRIBED subscription=3")
	p.expectTables(3, 3)

	p.unsubscribe(alice, 2)
	p.subscribe(alice, "com.c", wamp.MatchExact)
	p.expect("alice UNSUBSCRIBED", "alice SUBSCRIBED subscription=1")
}

func TestFLW08_DefaultBound(t *testing.T) {
	p := newPubSub(t)
	alice := p.join("alice")
	for i := range routing.DefaultMaxSubscriptions {
		p.subscribe(alice, fmt.Sprint("com.", i), wamp.MatchExact)
	}
	p.forget()
	p.subscribe(alice, "com.more", wamp.MatchExact)
	p.expect("alice ERROR SUBSCRIBE wamp.error.not_authorized")
}

// The realm takes only so many shapes of wildcards; one too many is refused like any excess, and leaves no trace.
func TestFLW08_WildcardShapesAreBounded(t *testing.T) {
	p := newPubSub(t)
	alice := p.join("alice")
	for shape := range pattern.MaxShapes {
		p.subscribe(alice, shaped(shape), wamp.MatchWildcard)
	}
	p.expectTables(pattern.MaxShapes, pattern.MaxShapes)
	p.forget()
	p.subscribe(alice, shaped(pattern.MaxShapes), wamp.MatchWildcard)
	p.expect("alice ERROR SUBSCRIBE wamp.error.not_authorized")
	p.expectTables(pattern.MaxShapes, pattern.MaxShapes)
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
