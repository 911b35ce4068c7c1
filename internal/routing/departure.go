package routing

import "time"

// Departure says how a session leaves the realm.
type Departure struct {
	Quiet bool        // nobody hears of it (SMA-11, SMA-12)
	Will  []Bequest   // its testaments that may be published
	Dealt []MetaEvent // what Dealer.RemoveSession has put into its outbox, which is another one than the broker's
}

// RemoveSession takes a session that left the realm out of it, after Dealer.RemoveSession, and ignores what the session
// still sends. In this order (TES-12, MTE-03): its subscriptions end (PUB-17), its testaments are published, the events of
// its registrations and of its subscriptions, and on_leave. The cost depends on what the session has, not on the realm.
//
// The events can be so many that the shell must give them to PublishMeta in pieces: they are left in the outbox.
func (b *Broker) RemoveSession(_ time.Time, s *Session, how Departure, out *Outbox) {
	if s.broker.left {
		return
	}
	s.broker.left = true
	delete(b.sessions, s.ID)
	ended := sorted(&s.broker.memberships, membership.id)
	for _, held := range ended {
		b.withdraw(s, held)
	}
	b.unlist(s)
	s.broker = brokerState{left: true}
	if how.Quiet {
		return
	}
	b.publishWill(s, how.Will, out)
	out.Meta = append(out.Meta, how.Dealt...)
	for _, held := range ended {
		out.tellUnsubscribed(s, held.subscription)
	}
	out.Meta = append(out.Meta, MetaEvent{topic: topicOnLeave, who: s})
}
