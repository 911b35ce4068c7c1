package routing

import (
	"slices"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// replay sends a subscriber, of each topic of its subscription, the newest retained event that it may have (RET-03,
// RET-07). They come in the order in which they were retained; if they are too many or too large together, the newest of
// them.
//
// Who may subscribe to a pattern gets whatever is published to its topics, so nobody need be asked about each of them
// (RET-04).
func (b *Broker) replay(to *Session, sub *subscription, out *Outbox) {
	b.retention.replays++
	if sub.match == wamp.MatchExact {
		b.pickFrom(b.retention.topics[sub.topic], to, sub)
	} else {
		b.pick(to, sub)
	}
	picked := b.retention.picked
	for _, e := range slices.Backward(picked) {
		out.send(to, sub.event(&e.event, e.topic.topic, out))
	}
	clear(picked)
	b.retention.picked = picked[:0]
}

// pickFrom picks the event of a topic, which may be nil.
func (b *Broker) pickFrom(t *retainedTopic, to *Session, sub *subscription) {
	if t == nil {
		return
	}
	for _, e := range slices.Backward(t.events) {
		if e.admits(to) && e.reaches(to, sub) {
			b.retention.picked = append(b.retention.picked, e)
			return
		}
	}
}

// pick picks the events of all topics that match a pattern, newest first. The time grows with what is retained in the
// realm, as far back as it has to go.
func (b *Broker) pick(to *Session, sub *subscription) {
	r, room := &b.retention, b.config.MaxReplayedBytes
	if to.Room > 0 {
		room = min(room, to.Room)
	}
	for e := r.newest; e != nil && len(r.picked) < b.config.MaxReplayed && room > 0; e = e.older {
		t := e.topic
		if t.replay == r.replays {
			continue
		}
		if !pattern.Matches(pattern.Kind(sub.match), sub.topic, t.topic) {
			t.replay = r.replays
			continue
		}
		if e.admits(to) && e.reaches(to, sub) {
			t.replay = r.replays
			r.picked = append(r.picked, e)
			room -= e.size
		}
	}
}

// reaches reports whether the event's key leads to the subscriber, now that shards are as they are (SSB-03).
func (e *retained) reaches(s *Session, sub *subscription) bool {
	if e.rkey == 0 {
		return true
	}
	seat := sub.seatOf(s)
	return seat.shard == nil || seat.shard == sub.shards.owner(e.rkey)
}
