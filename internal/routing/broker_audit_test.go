package routing

import (
	"fmt"

	"github.com/tandemrouter/tandem/internal/pattern"
)

// CheckBroker returns what is wrong in the broker's books. sessions are all that it ever heard of.
func CheckBroker(b *Broker, sessions []*Session) error {
	found := map[*subscription]int{} // with the number of subscribers found in sessions
	for _, sub := range b.subscriptions {
		if sub.held() {
			found[sub] = 0
		}
	}
	for _, s := range sessions {
		if err := checkMemberships(b, s, found); err != nil {
			return err
		}
		if err := checkPresence(b, s); err != nil {
			return err
		}
	}
	total := 0
	for sub, subscribers := range found {
		total += subscribers
		if len(sub.subscribers) != subscribers {
			return fmt.Errorf("subscription %d has %d subscribers, %d found", sub.id, len(sub.subscribers), subscribers)
		}
		if err := checkSubscription(b, sub); err != nil {
			return err
		}
	}
	if len(b.subscriptions) != b.Subscriptions() {
		return fmt.Errorf("%d subscriptions by ID, %d by topic", len(b.subscriptions), b.Subscriptions())
	}
	if len(found) != b.Subscriptions() || total != b.Subscribers() {
		return fmt.Errorf("%d subscriptions and %d subscribers counted, %d and %d found",
			b.Subscriptions(), b.Subscribers(), len(found), total)
	}
	return checkRetention(b, sessions)
}

// checkPresence checks that the broker knows exactly the sessions that are there, and keeps nothing of others.
func checkPresence(b *Broker, s *Session) error {
	if there := b.sessions[s.ID] == s; there == s.broker.left {
		return fmt.Errorf("session %d: left is %v, known is %v", s.ID, s.broker.left, there)
	}
	if s.broker.left && s.broker.testaments != nil {
		return fmt.Errorf("session %d left, but its testaments are kept", s.ID)
	}
	return nil
}

func checkMemberships(b *Broker, s *Session, found map[*subscription]int) error {
	t := &s.broker.memberships
	if t.len() == 0 && t.slots != nil {
		return fmt.Errorf("session %d without subscriptions holds memory", s.ID)
	}
	if s.broker.left && t.len() != 0 {
		return fmt.Errorf("session %d left %d subscriptions behind", s.ID, t.len())
	}
	for _, m := range t.values() {
		found[m.subscription]++
		if m.place >= len(m.subscription.subscribers) || m.subscription.subscribers[m.place] != s {
			return fmt.Errorf("session %d is not in place %d of subscription %d", s.ID, m.place, m.id())
		}
	}
	return nil
}

func checkSubscription(b *Broker, sub *subscription) error {
	if indexed, _ := b.topics.Get(pattern.Kind(sub.match), sub.topic); indexed != sub {
		return fmt.Errorf("subscription %d is not in the index", sub.id)
	}
	for _, s := range sub.subscribers[len(sub.subscribers):cap(sub.subscribers)] {
		if s != nil {
			return fmt.Errorf("subscription %d keeps session %d, which is no subscriber", sub.id, s.ID)
		}
	}
	for _, match := range b.matches[:cap(b.matches)] {
		if match != nil {
			return fmt.Errorf("the scratch keeps subscription %d", match.id)
		}
	}
	return checkShards(sub)
}
