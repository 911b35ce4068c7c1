package routing

import (
	"errors"
	"fmt"

	"github.com/tandemrouter/tandem/wamp"
)

// checkRetention returns what is wrong in the books of what is retained.
func checkRetention(b *Broker, sessions []*Session) error {
	r := &b.retention
	listed := map[*retained]int{} // with the number of sessions that know that it is for them
	for _, s := range sessions {
		for _, e := range s.broker.listed.values() {
			listed[e]++
		}
		if s.broker.left && s.broker.listed.len() > 0 {
			return fmt.Errorf("session %d left, but is known to be on lists", s.ID)
		}
	}
	count, bytes := 0, 0
	var previous *retained
	for e := r.oldest; e != nil; previous, e = e, e.newer {
		count++
		bytes += e.size
		if e.older != previous || previous != nil && previous.number >= e.number {
			return fmt.Errorf("retained event %d is out of order", e.number)
		}
		if err := checkRetained(b, e, listed[e]); err != nil {
			return err
		}
		delete(listed, e)
	}
	if r.newest != previous || len(listed) > 0 {
		return errors.New("what is retained does not end with the newest, or sessions know of more")
	}
	return checkRetentionTotals(b, count, bytes)
}

func checkRetained(b *Broker, e *retained, listed int) error {
	t := e.topic
	if e.dropped || b.retention.topics[t.topic] != t {
		return fmt.Errorf("retained event %d was dropped, or its topic was", e.number)
	}
	if forSessions := e.audience != nil && e.audience.eligible.values != nil; e.listed != listed || forSessions && listed == 0 {
		return fmt.Errorf("retained event %d waits for %d sessions, %d know of it", e.number, e.listed, listed)
	}
	found := 0
	for i, other := range t.events {
		if other == e {
			found++
		}
		if other.topic != t || i > 0 && (other.audience == nil || other.number <= t.events[i-1].number) {
			return fmt.Errorf("the events of topic %s are in disorder", t.topic)
		}
	}
	if found != 1 || len(t.events) > max(0, b.config.MaxRestricted)+1 {
		return fmt.Errorf("topic %s has %d events, and retained event %d %d times", t.topic, len(t.events), e.number, found)
	}
	return nil
}

func checkRetentionTotals(b *Broker, count, bytes int) error {
	r := &b.retention
	ofTopics := 0
	for _, t := range r.topics {
		ofTopics += len(t.events)
	}
	tooMuch := count > max(0, b.config.MaxRetained) || bytes > b.config.MaxRetainedBytes
	if count != r.count || bytes != r.bytes || ofTopics != count || tooMuch {
		return fmt.Errorf("%d events of %d bytes counted, %d of %d found, %d under topics", r.count, r.bytes, count, bytes, ofTopics)
	}
	for _, e := range r.picked[:cap(r.picked)] {
		if e != nil {
			return fmt.Errorf("the scratch keeps event %d", e.number)
		}
	}
	return nil
}

// checkShards returns what is wrong in the shards of a subscription.
func checkShards(sub *subscription) error {
	if sub.shards == nil {
		return nil
	}
	seated := map[*Session]seat{}
	for i, s := range sub.shards.list {
		if s.place != i || sub.shards.byNKey[s.nkey] != s || len(s.members) == 0 {
			return fmt.Errorf("subscription %d does not have shard %d in its place, or nobody is in it", sub.id, i)
		}
		for place, member := range s.members {
			seated[member] = seat{s, place}
		}
	}
	if len(sub.shards.byNKey) != len(sub.shards.list) || len(seated) != sub.shards.members() || len(seated) == 0 {
		return fmt.Errorf("the shards of subscription %d have %d members, %d found", sub.id, sub.shards.members(), len(seated))
	}
	unsharded := len(sub.unsharded())
	for i, s := range sub.subscribers {
		if found, in := seated[s]; in != (i >= unsharded) || found != sub.shards.seats[s] {
			return fmt.Errorf("session %d does not sit where subscription %d says", s.ID, sub.id)
		}
	}
	return nil
}

// RetainedSize returns how many bytes a publication takes up when it is retained.
func RetainedSize(m *wamp.Publish) int {
	p := newPublication(1, &Session{}, m, Grant{})
	return p.retainedSize()
}
