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
	subscribers []*Session // as they came, but the last one takes the place of one that goes; those in shards come last
	shards      *shards    // nil: nobody is in one
}

// held reports whether the router itself holds the subscription, for the history of its events (EVH-13).
func (sub *subscription) held() bool { return sub.history != nil }

// over reports whether nobody needs the subscription any more.
func (sub *subscription) over() bool { return len(sub.subscribers) == 0 && !sub.held() }

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

// enter makes a session a subscriber, if it is not yet. Which shard it is in is for its latest SUBSCRIBE to say (SSB-04).
func (b *Broker) enter(s *Session, sub *subscription, nkey string) {
	held, found := b.memberships.get(&s.broker.memberships, sub.id)
	switch {
	case !found:
		b.subscribers++
	case sub.seatOf(s).in(nkey):
		return
	default:
		b.remove(held)
	}
	b.list(s, sub, nkey)
}

// list adds a session to the subscribers, in front of those in shards unless it is in one itself.
func (b *Broker) list(s *Session, sub *subscription, nkey string) {
	gap := len(sub.subscribers)
	sub.subscribers = append(sub.subscribers, s)
	switch {
	case nkey != "":
		sub.join(s, nkey)
	case sub.shards != nil:
		gap = b.move(sub, gap-sub.shards.members(), gap)
	}
	sub.subscribers[gap] = s
	b.memberships.put(&s.broker.memberships, sub.id, membership{sub, gap})
}

// withdraw takes a subscriber out of its subscription, which ends with its last subscriber.
func (b *Broker) withdraw(s *Session, held membership) {
	sub := held.subscription
	b.remove(held)
	b.memberships.delete(&s.broker.memberships, sub.id)
	b.subscribers--
	if sub.over() {
		b.topics.Delete(pattern.Kind(sub.match), sub.topic)
		delete(b.subscriptions, sub.id)
	}
}

// remove closes the gap that a subscriber leaves.
func (b *Broker) remove(held membership) {
	sub, gap := held.subscription, held.place
	last := len(sub.subscribers) - 1
	if sub.shards != nil && !sub.leaveShard(sub.subscribers[gap]) {
		gap = b.move(sub, last-sub.shards.members(), gap)
	}
	b.move(sub, last, gap)
	sub.subscribers[last] = nil
	sub.subscribers = sub.subscribers[:last]
}

// move gives a subscriber another place, and returns the one that is free now.
func (b *Broker) move(sub *subscription, from, to int) int {
	if from != to {
		moved := sub.subscribers[from]
		sub.subscribers[to] = moved
		b.memberships.put(&moved.broker.memberships, sub.id, membership{sub, to})
	}
	return from
}
