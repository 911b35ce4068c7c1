package routing_test

import (
	"fmt"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

func TestPUB01_SubscribeIsAnswered(t *testing.T) {
	p := newPubSub(t)
	alice := p.join("alice")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.subscribe(alice, "com.shop sold", wamp.MatchExact)
	p.expect(
		"alice SUBSCRIBED subscription=1",
		"alice ERROR SUBSCRIBE wamp.error.invalid_uri")
	p.expectTables(1, 1)
}

func TestPUB02_SubscribersOfATopicShareASubscription(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.subscribe(bob, "com.shop.sold", wamp.MatchExact)
	p.subscribe(bob, "com.shop.bought", wamp.MatchExact)
	p.expect(
		"alice SUBSCRIBED subscription=1",
		"bob SUBSCRIBED subscription=1",
		"bob SUBSCRIBED subscription=2")
	p.expectTables(2, 3)
}

func TestPUB03_SubscribingAgainChangesNothing(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.expect("alice SUBSCRIBED subscription=1", "alice SUBSCRIBED subscription=1")
	p.expectTables(1, 1)

	p.publish(bob, "com.shop.sold", wamp.PublishOptions{})
	p.expect("alice EVENT subscription=1 publication=1001")

	p.unsubscribe(alice, 1)
	p.publish(bob, "com.shop.sold", wamp.PublishOptions{})
	p.expect("alice UNSUBSCRIBED")
	p.expectTables(0, 0)
}

func TestPUB04_PUB12_UnsubscribeEndsTheEvents(t *testing.T) {
	p := newPubSub(t)
	alice, bob, carol := p.join("alice"), p.join("bob"), p.join("carol")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.subscribe(bob, "com.shop.sold", wamp.MatchExact)
	p.forget()

	p.unsubscribe(alice, 1)
	p.publish(carol, "com.shop.sold", wamp.PublishOptions{})
	p.expect("alice UNSUBSCRIBED", "bob EVENT subscription=1 publication=1001")
}

func TestPUB05_UnsubscribeOfWhatIsNotHeldIsRefused(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.forget()

	for name, id := range map[string]wamp.ID{"another's": 1, "unknown": 7, "zero": 0, "largest": wamp.MaxID} {
		p.unsubscribe(bob, id)
		p.expect("bob ERROR UNSUBSCRIBE wamp.error.no_such_subscription")
		if p.expectTables(1, 1); t.Failed() {
			t.Fatalf("after UNSUBSCRIBE of %s ID", name)
		}
	}
	p.unsubscribe(alice, 1)
	p.unsubscribe(alice, 1)
	p.expect("alice UNSUBSCRIBED", "alice ERROR UNSUBSCRIBE wamp.error.no_such_subscription")
}

// An ID that was used once never names another subscription, so a late UNSUBSCRIBE hits nothing.
func TestSubscriptionIDsAreNotUsedAgain(t *testing.T) {
	p := newPubSub(t)
	alice := p.join("alice")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.unsubscribe(alice, 1)
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.unsubscribe(alice, 1)
	p.expect(
		"alice SUBSCRIBED subscription=1",
		"alice UNSUBSCRIBED",
		"alice SUBSCRIBED subscription=2",
		"alice ERROR UNSUBSCRIBE wamp.error.no_such_subscription")
}

// refusedPublications are the ways in which a publication is refused but for violations of the protocol.
var refusedPublications = []struct {
	name    string
	topic   string
	grant   routing.Grant
	options wamp.PublishOptions
	want    wamp.ErrorURI
}{
	{name: "URI-03 invalid topic", topic: "com..sold", grant: allowed, want: wamp.ErrInvalidURI},
	{name: "URI-03 empty topic", topic: "", grant: allowed, want: wamp.ErrInvalidURI},
	{name: "URI-12 white space", topic: "com.sh op", grant: allowed, want: wamp.ErrInvalidURI},
	{name: "URI-07 reserved", topic: "wamp.session.on_join", grant: allowed, want: wamp.ErrInvalidURI},
	{name: "URI-07 reserved itself", topic: "wamp", grant: allowed, want: wamp.ErrInvalidURI},
	{name: "AZN-02 not allowed", topic: "com.sold", want: wamp.ErrNotAuthorized},
	{name: "AZN-03 not decided", topic: "com.sold", grant: routing.Grant{Failed: true}, want: wamp.ErrAuthorizationFailed},
	{
		name: "PID-02 disclosure refused", topic: "com.sold",
		grant:   routing.Grant{Allowed: true, Disclose: wamp.DiscloseNever},
		options: wamp.PublishOptions{DiscloseMe: true}, want: wamp.ErrDiscloseMeDisallowed,
	},
}

var allowed = routing.Grant{Allowed: true}

func TestPUB06_PUB07_ARefusedPublicationIsNotMade(t *testing.T) {
	for _, test := range refusedPublications {
		t.Run(test.name, func(t *testing.T) {
			p := newPubSub(t)
			alice, bob := p.join("alice"), p.join("bob")
			p.subscribe(alice, "", wamp.MatchPrefix)
			p.forget()

			p.grant = test.grant
			p.publish(bob, test.topic, test.options)
			p.expect() // unacknowledged: never an answer

			test.options.Acknowledge = true
			p.publish(bob, test.topic, test.options)
			p.expect("bob ERROR PUBLISH " + string(test.want))
		})
	}
}

func TestPUB06_AnUnacknowledgedPublicationHasNoAnswer(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.forget()
	p.publish(bob, "com.shop.sold", wamp.PublishOptions{})
	p.expect("alice EVENT subscription=1 publication=1001")
}

func TestPUB07_PublishedHasTheIDOfTheEvents(t *testing.T) {
	p := newPubSub(t)
	alice, bob, carol := p.join("alice"), p.join("bob"), p.join("carol")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.subscribe(bob, "com.shop", wamp.MatchPrefix)
	p.forget()
	p.publish(carol, "com.shop.sold", acknowledge)
	p.publish(carol, "com.shop.bought", acknowledge)
	p.expect(
		"carol PUBLISHED publication=1001",
		"alice EVENT subscription=1 publication=1001",
		"bob EVENT subscription=2 publication=1001 topic=com.shop.sold",
		"carol PUBLISHED publication=1002",
		"bob EVENT subscription=2 publication=1002 topic=com.shop.bought")
}

func TestPUB08_PublishedWithoutSubscribers(t *testing.T) {
	p := newPubSub(t)
	p.publish(p.join("alice"), "com.shop.sold", acknowledge)
	p.expect("alice PUBLISHED publication=1001")
}

func TestPUB09_PEX01_PublisherDoesNotReceiveItsOwn(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.subscribe(bob, "com.shop.sold", wamp.MatchExact)
	p.forget()
	p.publish(alice, "com.shop.sold", wamp.PublishOptions{})
	p.expect("bob EVENT subscription=1 publication=1001")
}

// PEX-03: none of the sessions here announced the feature.
func TestPEX02_PEX03_PUB16_PublisherIncludedIsAnsweredFirst(t *testing.T) {
	p := newPubSub(t)
	alice := p.join("alice")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.forget()
	p.publish(alice, "com.shop.sold", wamp.PublishOptions{Acknowledge: true, IncludeMe: true})
	p.expect("alice PUBLISHED publication=1001", "alice EVENT subscription=1 publication=1001")
}

func TestPEX04_OtherSessionsOfThePrincipalReceive(t *testing.T) {
	p := newPubSub(t)
	desk, phone := p.join("alice"), p.join("alice")
	phone.Shell = "phone"
	p.subscribe(desk, "com.shop.sold", wamp.MatchExact)
	p.subscribe(phone, "com.shop.sold", wamp.MatchExact)
	p.forget()
	p.publish(desk, "com.shop.sold", wamp.PublishOptions{})
	p.expect("phone EVENT subscription=1 publication=1001")
}

func TestPUB10_PayloadIsUnchanged(t *testing.T) {
	for name, payload := range map[string]wamp.Payload{
		"bytes":     {Serializer: wamp.JSON, Elements: 2, Raw: []byte(`[1.0, 12345678901234567890],{"a":null}`)},
		"empty":     {Serializer: wamp.CBOR, Elements: 1, Raw: []byte{0x80}},
		"absent":    {Serializer: wamp.MessagePack},
		"go values": {Args: wamp.List{1, "two"}, Kwargs: wamp.Dict{"three": 3.0}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPubSub(t)
			alice, bob := p.join("alice"), p.join("bob")
			p.subscribe(alice, "com.shop.sold", wamp.MatchExact)

			var out routing.Outbox
			m := &wamp.Publish{Request: 1, Topic: "com.shop.sold", Payload: payload}
			p.broker.Publish(time.Time{}, bob, m, p.grant, &out)
			want := &wamp.Event{Subscription: 1, Publication: 1001, Payload: payload}
			if diff := cmp.Diff([]wamp.Message{want}, messages(&out)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func messages(out *routing.Outbox) []wamp.Message {
	var list []wamp.Message
	for _, send := range out.Sends {
		list = append(list, send.Msg)
	}
	return list
}

func TestPUB11_EventsOnlyAfterSubscribed(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	p.publish(bob, "com.shop.sold", wamp.PublishOptions{})
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.publish(bob, "com.shop.sold", wamp.PublishOptions{})
	p.expect(
		"alice SUBSCRIBED subscription=1",
		"alice EVENT subscription=1 publication=1002")
}

func TestPUB13_EventsArriveInTheOrderOfPublication(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.subscribe(alice, "com.shop.bought", wamp.MatchExact)
	p.forget()
	for _, topic := range []string{"com.shop.bought", "com.shop.sold", "com.shop.bought"} {
		p.publish(bob, topic, wamp.PublishOptions{})
	}
	p.expect(
		"alice EVENT subscription=2 publication=1001",
		"alice EVENT subscription=1 publication=1002",
		"alice EVENT subscription=2 publication=1003")
}

func TestPUB14_PBS03_PBS08_OneEventForEachMatchingSubscription(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	p.subscribe(alice, "..sold", wamp.MatchWildcard)
	p.subscribe(alice, "com.shop", wamp.MatchPrefix)
	p.subscribe(alice, "com..sold", wamp.MatchWildcard)
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.subscribe(alice, "com.", wamp.MatchPrefix)
	p.subscribe(alice, "com.shop.bought", wamp.MatchExact)
	p.forget()
	p.publish(bob, "com.shop.sold", wamp.PublishOptions{})
	p.expect(
		"alice EVENT subscription=4 publication=1001",
		"alice EVENT subscription=5 publication=1001 topic=com.shop.sold",
		"alice EVENT subscription=2 publication=1001 topic=com.shop.sold",
		"alice EVENT subscription=1 publication=1001 topic=com.shop.sold",
		"alice EVENT subscription=3 publication=1001 topic=com.shop.sold")
}

// An event is one message for all subscribers of a subscription, so that it can be encoded once.
func TestPublish_SubscribersShareTheEvent(t *testing.T) {
	p := newPubSub(t)
	publisher := p.join("publisher")
	for i := range 3 {
		s := p.join(fmt.Sprint(i))
		p.subscribe(s, "com.shop", wamp.MatchPrefix)
		p.subscribe(s, "com.shop.sold", wamp.MatchExact)
	}
	var out routing.Outbox
	m := &wamp.Publish{Request: 1, Topic: "com.shop.sold"}
	p.broker.Publish(time.Time{}, publisher, m, p.grant, &out)
	events := messages(&out)
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

func TestPUB15_AZN02_AZN03_SubscribeNeedsAGrant(t *testing.T) {
	p := newPubSub(t)
	alice := p.join("alice")
	p.grant = routing.Grant{Text: "not yours"}
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.grant = routing.Grant{Failed: true, Text: "the authorizer timed out"}
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.grant = routing.Grant{}
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.expect(
		"alice ERROR SUBSCRIBE wamp.error.not_authorized",
		"alice ERROR SUBSCRIBE wamp.error.authorization_failed",
		"alice ERROR SUBSCRIBE wamp.error.not_authorized")
	p.expectTables(0, 0)
}

func TestAZN02_TheAuthorizersTextReachesThePeer(t *testing.T) {
	p := newPubSub(t)
	var out routing.Outbox
	m := &wamp.Subscribe{Request: 5, Topic: "com.shop.sold"}
	p.broker.Subscribe(time.Time{}, p.join("alice"), m, routing.Grant{Text: "only on Sundays"}, &out)
	want := &wamp.Error{
		RequestType: wamp.TypeSubscribe, Request: 5, URI: wamp.ErrNotAuthorized,
		Payload: wamp.Payload{Args: wamp.List{"only on Sundays"}},
	}
	if diff := cmp.Diff([]wamp.Message{want}, messages(&out)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestPUB17_LeavingEndsAllSubscriptions(t *testing.T) {
	p := newPubSub(t)
	alice, bob, carol := p.join("alice"), p.join("bob"), p.join("carol")
	for _, s := range []*routing.Session{alice, bob} {
		p.subscribe(s, "com.shop.sold", wamp.MatchExact)
		p.subscribe(s, "com.", wamp.MatchPrefix)
	}
	p.subscribe(alice, "com..", wamp.MatchWildcard)
	p.forget()
	p.leave(alice)
	p.expectTables(2, 2)
	p.publish(carol, "com.shop.sold", wamp.PublishOptions{})
	p.expect(
		"bob EVENT subscription=1 publication=1001",
		"bob EVENT subscription=2 publication=1001 topic=com.shop.sold")
	p.leave(bob)
	p.leave(carol)
	p.expectTables(0, 0)
}

func TestPER01_WhoLeftIsIgnored(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.subscribe(bob, "com.shop.sold", wamp.MatchExact)
	p.leave(bob)
	p.forget()
	p.subscribe(bob, "com.shop.bought", wamp.MatchExact)
	p.unsubscribe(bob, 1)
	p.publish(bob, "com.shop.sold", acknowledge)
	p.leave(bob)
	p.expect()
	p.expectTables(1, 1)
}

// Each subscriber is found again after others have left, whatever the order in which they do.
func TestPUB17_OtherSubscribersStay(t *testing.T) {
	orders := [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}}
	for _, order := range orders {
		p := newPubSub(t)
		publisher := p.join("publisher")
		var sessions []*routing.Session
		for i := range order {
			sessions = append(sessions, p.join(fmt.Sprint(i)))
			p.subscribe(sessions[i], "com.shop.sold", wamp.MatchExact)
		}
		for gone, i := range order {
			p.forget()
			p.leave(sessions[i])
			p.publish(publisher, "com.shop.sold", wamp.PublishOptions{})
			if got, want := len(p.sent), len(order)-gone-1; got != want {
				t.Errorf("order %v: %d events after %d left, want %d", order, got, gone+1, want)
			}
		}
		p.expectTables(0, 0)
	}
}

// A message may share memory with the input that it was parsed from, which is used again after the step.
func TestSubscribe_KeepsACopyOfTheTopic(t *testing.T) {
	p := newPubSub(t)
	input := []byte("com.shop.sold")
	p.subscribe(p.join("alice"), unsafe.String(&input[0], len(input)), wamp.MatchExact)
	copy(input, "XXXXXXXXXXXXX")
	p.forget()
	p.publish(p.join("bob"), "com.shop.sold", wamp.PublishOptions{})
	p.expect("alice EVENT subscription=1 publication=1001")
}

func TestIDS02_PublicationIDsAreRandom(t *testing.T) {
	bits := []uint64{0, 1<<64 - 1, 0x123456789abcdef0}
	p := newPubSub(t, func(c *routing.BrokerConfig) {
		next := 0
		c.Random = func() uint64 { next++; return bits[next-1] }
	})
	alice := p.join("alice")
	for range bits {
		p.publish(alice, "com.shop.sold", acknowledge)
	}
	p.expect(
		"alice PUBLISHED publication=1",
		"alice PUBLISHED publication=9007199254740992",
		fmt.Sprintf("alice PUBLISHED publication=%d", uint64(0x123456789abcdef0)>>11+1))
}
