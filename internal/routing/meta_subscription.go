package routing

import (
	"time"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// The events in the life of a subscription, in the order in which they can come (UMA-01).
const (
	topicSubscriptionOnCreate = "wamp.subscription.on_create"
	topicOnSubscribe          = "wamp.subscription.on_subscribe"
	topicOnUnsubscribe        = "wamp.subscription.on_unsubscribe"
	topicSubscriptionOnDelete = "wamp.subscription.on_delete"
)

// tellSubscribed adds the events of a subscriber that joined a subscription, which may be new (UMA-02).
func (o *Outbox) tellSubscribed(s *Session, sub *subscription) {
	if wamp.Reserved(sub.topic) {
		return // UMA-04
	}
	if len(sub.subscribers) == 1 && !sub.held() {
		o.Meta = append(o.Meta, MetaEvent{topic: topicSubscriptionOnCreate, session: s.ID, created: sub})
	}
	o.Meta = append(o.Meta, MetaEvent{topic: topicOnSubscribe, session: s.ID, object: sub.id})
}

// tellUnsubscribed adds the events of a subscriber that left a subscription, which may be gone with it (UMA-03).
func (o *Outbox) tellUnsubscribed(s *Session, sub *subscription) {
	if wamp.Reserved(sub.topic) {
		return // UMA-04
	}
	o.Meta = append(o.Meta, MetaEvent{topic: topicOnUnsubscribe, session: s.ID, object: sub.id})
	if sub.over() {
		o.Meta = append(o.Meta, MetaEvent{topic: topicSubscriptionOnDelete, session: s.ID, object: sub.id})
	}
}

// details returns what may be known of a subscription (UMA-06).
func (sub *subscription) details() wamp.Dict {
	return wamp.Dict{
		"id":      uint64(sub.id),
		"created": metaTime(time.UnixMilli(sub.created)),
		"uri":     sub.topic,
		"match":   sub.match.String(),
	}
}

const subscriptionPrefix = "wamp.subscription."

// The subscription meta API but for the history of events, which the shell answers (requirements 3.4, UMA-09).
var subscriptionAPI = metaAPI[*Broker]{
	"wamp.subscription.list":              (*Broker).listSubscriptions,
	"wamp.subscription.lookup":            (*Broker).lookUpSubscription,
	"wamp.subscription.match":             (*Broker).matchSubscriptions,
	"wamp.subscription.get":               (*Broker).getSubscription,
	"wamp.subscription.list_subscribers":  (*Broker).listSubscribers,
	"wamp.subscription.count_subscribers": (*Broker).countSubscribers,
	"wamp.subscription.remove_subscriber": (*Broker).removeSubscriber,
}

func (b *Broker) listSubscriptions(*metaCall, *Outbox) (wamp.List, refusal) {
	byMatch := map[wamp.MatchPolicy][]wamp.ID{}
	for id, sub := range b.subscriptions { // order: the IDs are sorted below
		byMatch[sub.match] = append(byMatch[sub.match], id)
	}
	return listByMatch(byMatch), refusal{}
}

func (b *Broker) lookUpSubscription(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	topic, isText := c.text()
	match, isMatch := c.match(1)
	if !isText || !isMatch {
		return nil, badArgument("a topic, and options with a match policy or none")
	}
	sub, found := b.topics.Get(pattern.Kind(match), topic)
	if !found {
		return wamp.List{nil}, refusal{} // MET-03
	}
	return wamp.List{uint64(sub.id)}, refusal{}
}

// matchSubscriptions finds the subscriptions that get the events of a topic (UMA-07).
func (b *Broker) matchSubscriptions(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	topic, isText := c.text()
	if !isText {
		return nil, badArgument("a topic")
	}
	found := b.matching(nil, topic)
	if len(found) == 0 {
		return wamp.List{nil}, refusal{} // MET-03
	}
	return wamp.List{ids(found, func(sub *subscription) wamp.ID { return sub.id })}, refusal{}
}

// subscriptionOf returns the subscription whose ID is the first argument.
func (b *Broker) subscriptionOf(c *metaCall) (*subscription, refusal) {
	id, ok := c.id(0)
	if !ok {
		return nil, badArgument("a subscription ID")
	}
	sub := b.subscriptions[id]
	if sub == nil {
		return nil, refusal{wamp.ErrNoSuchSubscription, "no such subscription"}
	}
	return sub, refusal{}
}

func (b *Broker) getSubscription(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	sub, no := b.subscriptionOf(c)
	if no.refuses() {
		return nil, no
	}
	return wamp.List{sub.details()}, refusal{}
}

func (b *Broker) listSubscribers(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	sub, no := b.subscriptionOf(c)
	if no.refuses() {
		return nil, no
	}
	return wamp.List{ids(sub.subscribers, func(s *Session) wamp.ID { return s.ID })}, refusal{} // UMA-10
}

func (b *Broker) countSubscribers(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	sub, no := b.subscriptionOf(c)
	if no.refuses() {
		return nil, no
	}
	return wamp.List{uint64(len(sub.subscribers))}, refusal{} // UMA-08
}

// removeSubscriber revokes a subscription of one session (SRV-04).
func (b *Broker) removeSubscriber(c *metaCall, out *Outbox) (wamp.List, refusal) {
	session, isID := c.id(1)
	if _, ok := c.id(0); !ok || !isID {
		return nil, badArgument("a subscription ID and a session ID")
	}
	reason, no := c.reasonAt(2)
	if no.refuses() {
		return nil, no
	}
	s := b.sessions[session]
	if s == nil {
		return nil, noSuchSession
	}
	sub, no := b.subscriptionOf(c)
	if no.refuses() {
		return nil, no
	}
	held, found := b.memberships.get(&s.broker.memberships, sub.id)
	if !found {
		return nil, refusal{wamp.ErrNoSuchSubscription, "the session is not a subscriber of the subscription"}
	}
	b.revoke(s, held, reason, out)
	return nil, refusal{}
}

// revoke takes a subscription away from one subscriber, and tells it if it understands that (SRV-01, SRV-02). No event
// of the subscription goes to it afterwards (SRV-03).
func (b *Broker) revoke(s *Session, held membership, reason string, out *Outbox) {
	b.withdraw(s, held)
	if !b.config.SilentRevocation && s.Roles.Supports(wamp.RoleSubscriber, wamp.FeatureSubscriptionRevocation) {
		details := wamp.UnsubscribedDetails{Subscription: held.subscription.id, Reason: reason}
		out.send(s, &wamp.Unsubscribed{Details: details})
	}
	out.tellUnsubscribed(s, held.subscription)
}
