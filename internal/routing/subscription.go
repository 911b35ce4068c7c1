package routing

import (
	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// subscription is a topic or pattern with at least one subscriber, or one that the router holds itself. There is one for
// each pair of topic and match policy (PUB-02).
type subscription struct {
	id          wamp.ID
	match       wamp.MatchPolicy
	topic       string
	created     int64      // milliseconds since 1970
	history     any        // the shell's handle of the history that its events go to; nil: none
	subscribers []*Session // as they came, but the last one takes the place of one that goes
}

// held reports whether the router itself holds the subscription, for the history of its events (EVH-13).
func (s *subscription) held() bool { return s.history != nil }

// over reports whether nobody needs the subscription any more.
func (s *subscription) over() bool { return len(s.subscribers) == 0 && !s.held() }

// membership says that a session is a subscriber, and where the subscription lists it.
type membership struct {
	subscription *subscription
	place        int
}

func (m membership) id() wamp.ID { return m.subscription.id }

func (b *Broker) holds(s *Session, sub *subscription) bool {
	_, found := b.memberships.get(&s.broker.memberships, sub.id)
	return found
}

// enter makes a session, which must not be one yet, a subscriber.
func (b *Broker) enter(s *Session, sub *subscription) {
	b.memberships.put(&s.broker.memberships, sub.id, membership{sub, len(sub.subscribers)})
	sub.subscribers = append(sub.subscribers, s)
	b.subscribers++
}

// withdraw takes a subscriber out of its subscription, which ends with its last subscriber.
func (b *Broker) withdraw(s *Session, held membership) {
	sub := held.subscription
	b.remove(sub, held.place)
	b.memberships.delete(&s.broker.memberships, sub.id)
	b.subscribers--
	if sub.over() {
		b.topics.Delete(pattern.Kind(sub.match), sub.topic)
		delete(b.subscriptions, sub.id)
	}
}

// remove closes the gap that the subscriber at the place leaves.
func (b *Broker) remove(sub *subscription, place int) {
	last := len(sub.subscribers) - 1
	if place != last {
		moved := sub.subscribers[last]
		sub.subscribers[place] = moved
		b.memberships.put(&moved.broker.memberships, sub.id, membership{sub, place})
	}
	sub.subscribers[last] = nil
	sub.subscribers = sub.subscribers[:last]
}
