package routing_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// pubsub is a broker with a few sessions. Each step takes one message through it; expect compares what came out
// since the last call, one line for each message that the broker sent:
//
//	bob EVENT subscription=1 publication=1001 topic=com.shop.sold
//
// IDs are predictable: sessions and subscriptions count from 1, publications from 1001. A reply shows its request
// only if it answers another than the last one.
type pubsub struct {
	t        *testing.T
	broker   *routing.Broker
	grant    routing.Grant // of the next requests
	joined   wamp.ID
	request  wamp.ID
	sent     []string
	violated bool // by the last step
}

func newPubSub(t *testing.T, configure ...func(*routing.BrokerConfig)) *pubsub {
	config := routing.BrokerConfig{Random: publicationsFrom(1001)}
	for _, change := range configure {
		change(&config)
	}
	return &pubsub{t: t, broker: routing.NewBroker(config), grant: routing.Grant{Allowed: true}}
}

// publicationsFrom returns a source of random bits from which publication IDs count up, after those that the broker
// takes for its secret.
func publicationsFrom(first uint64) func() uint64 {
	const secret = 2
	next := first - 1 - secret
	return func() uint64 {
		bits := next << 11
		next++
		return bits
	}
}

// join returns a new session whose authid is its name.
func (p *pubsub) join(name string) *routing.Session {
	p.joined++
	return &routing.Session{ID: p.joined, AuthID: name, AuthRole: "staff", Shell: name}
}

func (p *pubsub) subscribe(s *routing.Session, topic string, match wamp.MatchPolicy) {
	p.step(func(out *routing.Outbox) {
		m := &wamp.Subscribe{Request: p.request, Topic: topic, Options: wamp.SubscribeOptions{Match: match}}
		p.broker.Subscribe(time.Time{}, s, m, p.grant, out)
	})
}

func (p *pubsub) unsubscribe(s *routing.Session, subscription wamp.ID) {
	p.step(func(out *routing.Outbox) {
		m := &wamp.Unsubscribe{Request: p.request, Subscription: subscription}
		p.broker.Unsubscribe(time.Time{}, s, m, out)
	})
}

func (p *pubsub) publish(s *routing.Session, topic string, o wamp.PublishOptions) {
	p.publishPayload(s, topic, o, wamp.Payload{})
}

func (p *pubsub) publishPayload(s *routing.Session, topic string, o wamp.PublishOptions, payload wamp.Payload) {
	p.step(func(out *routing.Outbox) {
		m := &wamp.Publish{Request: p.request, Topic: topic, Options: o, Payload: payload}
		p.broker.Publish(time.Time{}, s, m, p.grant, out)
	})
}

func (p *pubsub) leave(s *routing.Session) {
	p.step(func(out *routing.Outbox) { p.broker.RemoveSession(time.Time{}, s, out) })
}

func (p *pubsub) step(run func(*routing.Outbox)) {
	var out routing.Outbox
	p.request++
	run(&out)
	p.violated = out.Violated()
	for _, send := range out.Sends {
		p.sent = append(p.sent, fmt.Sprintf("%v %s", send.To.Shell, p.line(send.Msg)))
	}
}

func (p *pubsub) line(m wamp.Message) string {
	switch m := m.(type) {
	case *wamp.Subscribed:
		return fmt.Sprintf("SUBSCRIBED%s subscription=%d", p.answers(m.Request), m.Subscription)
	case *wamp.Unsubscribed:
		return "UNSUBSCRIBED" + p.answers(m.Request)
	case *wamp.Published:
		return fmt.Sprintf("PUBLISHED%s publication=%d", p.answers(m.Request), m.Publication)
	case *wamp.Event:
		return fmt.Sprintf("EVENT subscription=%d publication=%d%s", m.Subscription, m.Publication, eventDetails(m))
	case *wamp.Error:
		if text, _ := m.Payload.Args[0].(string); text == "" {
			p.t.Errorf("an ERROR without a text for a person: %+v", m)
		}
		return fmt.Sprintf("ERROR %s%s %s", m.RequestType, p.answers(m.Request), m.URI)
	case *wamp.Abort:
		return "ABORT " + m.Reason
	default:
		return fmt.Sprintf("%T", m)
	}
}

func (p *pubsub) answers(request wamp.ID) string {
	if request == p.request {
		return ""
	}
	return fmt.Sprintf(" request=%d", request)
}

func eventDetails(m *wamp.Event) string {
	var b strings.Builder
	if m.Details.Topic != "" {
		fmt.Fprintf(&b, " topic=%s", m.Details.Topic)
	}
	if d := m.Details; d.Publisher != 0 || d.PublisherAuthID != "" || d.PublisherAuthRole != "" {
		fmt.Fprintf(&b, " publisher=%d/%s/%s", d.Publisher, d.PublisherAuthID, d.PublisherAuthRole)
	}
	if m.Details.HasTrustLevel {
		fmt.Fprintf(&b, " trustlevel=%d", m.Details.TrustLevel)
	}
	if m.Details.PPT != nil {
		fmt.Fprintf(&b, " ppt=%v", *m.Details.PPT)
	}
	if m.Details.Retained || m.Details.Extra != nil {
		fmt.Fprintf(&b, " unexpected=%+v", m.Details)
	}
	if !m.Payload.Empty() {
		fmt.Fprintf(&b, " payload=%s", m.Payload.Raw)
	}
	return b.String()
}

// forget drops what was sent so far.
func (p *pubsub) forget() { p.sent = nil }

func (p *pubsub) expect(want ...string) {
	p.t.Helper()
	if diff := cmp.Diff(want, p.sent); diff != "" {
		p.t.Errorf("messages sent: -want +got\n%s", diff)
	}
	p.forget()
}

// expectTables compares the numbers of subscriptions and subscribers in the realm.
func (p *pubsub) expectTables(subscriptions, subscribers int) {
	p.t.Helper()
	got := [2]int{p.broker.Subscriptions(), p.broker.Subscribers()}
	if want := [2]int{subscriptions, subscribers}; got != want {
		p.t.Errorf("subscriptions, subscribers = %v, want %v", got, want)
	}
}

var acknowledge = wamp.PublishOptions{Acknowledge: true}
