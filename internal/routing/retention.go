package routing

import (
	"strings"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// What a realm retains if BrokerConfig does not say.
const (
	DefaultMaxRetained      = 10_000   // events
	DefaultMaxRetainedBytes = 64 << 20 // that they take up
	DefaultMaxRestricted    = 10       // events of one topic (RET-05)
	DefaultMaxReplayed      = 1000     // events for one SUBSCRIBE (RET-07)
	DefaultMaxReplayedBytes = 2 << 20  // that they take up
)

// retention holds the retained events of a realm. They are nobody's: they outlast their publisher, and no subscription
// lasts longer because of them (RET-12).
type retention struct {
	topics map[string]*retainedTopic
	oldest *retained // from here on by newer
	newest *retained
	count  int
	bytes  int
	last   wamp.ID                 // that an event was numbered with
	never  pattern.Index[struct{}] // topics of which nothing is retained (RET-02)
	listed tables[*retained]       // of sessions, by that number

	replays uint64
	picked  []*retained // scratch of one replay, kept so that none allocates
}

// retainedTopic holds the retained events of a topic, oldest first: one that everybody may have, and newer ones that
// not everybody may have (RET-05). There is at least one.
type retainedTopic struct {
	topic  string
	events []*retained
	replay uint64 // the last replay that has settled what to send of this topic
}

func newRetention(secret [2]uint64) retention {
	return retention{
		topics: make(map[string]*retainedTopic),
		never:  pattern.New[struct{}](secret),
		listed: tables[*retained]{secret: secret},
	}
}

// NeverRetain says that nothing is retained of a topic or of those that match a pattern; publications to them are normal
// otherwise (RET-02). It fails if the topic is not valid for the match policy.
func (b *Broker) NeverRetain(match wamp.MatchPolicy, topic string) error {
	if !b.config.URIRule.ValidPattern(topic, match) {
		return wamp.ErrInvalidURI
	}
	return b.retention.never.Insert(pattern.Kind(match), strings.Clone(topic), struct{}{})
}

// retains reports whether the realm retains anything of the topic.
func (b *Broker) retains(topic string) bool {
	if b.config.MaxRetained < 0 {
		return false
	}
	_, _, never := b.retention.never.Best(topic)
	return !never
}

// Retained returns the number of events that the realm retains, and the bytes that they take up (RET-01).
func (b *Broker) Retained() (events, bytes int) { return b.retention.count, b.retention.bytes }

// retain keeps a publication for later subscribers, at the cost of what it makes obsolete and of the oldest events of
// the realm. One that is larger than all of them together may be is not retained, and neither is one for a list of
// sessions of which none is there.
func (b *Broker) retain(p *publication, key uint64) {
	size := p.retainedSize()
	if !b.retains(p.topic) || size > b.config.MaxRetainedBytes {
		return
	}
	listed, some := b.present(&p.audience)
	if !some {
		return // RET-14
	}
	r := &b.retention
	e := r.add(p, key, size)
	r.enlist(e, listed)
	b.dropObsolete(e)
	for r.count > b.config.MaxRetained || r.bytes > b.config.MaxRetainedBytes {
		b.drop(r.oldest)
	}
}

// present returns the sessions that are on the publisher's list and in the realm. some is false if there is such a
// list and none of them is there.
func (b *Broker) present(a *audience) (listed []*Session, some bool) {
	for _, id := range a.eligible.values {
		if s := b.sessions[id]; s != nil && !s.broker.left {
			listed = append(listed, s)
		}
	}
	return listed, a.eligible.values == nil || len(listed) > 0
}

// add makes the publication the newest event of its topic.
func (r *retention) add(p *publication, key uint64, size int) *retained {
	t := r.topics[p.topic]
	if t == nil {
		t = &retainedTopic{topic: strings.Clone(p.topic)}
		r.topics[t.topic] = t
	}
	r.last++
	e := p.retained(r.last, t, key, size)
	t.events = append(t.events, e)
	r.link(e)
	return e
}

// enlist notes with the sessions that the event is for them.
func (r *retention) enlist(e *retained, listed []*Session) {
	for _, s := range listed {
		if _, twice := r.listed.get(&s.broker.listed, e.number); !twice {
			r.listed.put(&s.broker.listed, e.number, e)
			e.listed++
		}
	}
}

func (r *retention) link(e *retained) {
	e.older = r.newest
	if r.newest == nil {
		r.oldest = e
	} else {
		r.newest.newer = e
	}
	r.newest = e
	r.count++
	r.bytes += e.size
}

// dropObsolete drops what the topic need not have any more because of its newest event: everything, if everybody may
// have that; otherwise only what is too much.
func (b *Broker) dropObsolete(newest *retained) {
	t := newest.topic
	if newest.audience == nil {
		for len(t.events) > 1 {
			b.drop(t.events[0])
		}
		return
	}
	restricted := t.events
	if t.events[0].audience == nil {
		restricted = t.events[1:]
	}
	if len(restricted) > max(0, b.config.MaxRestricted) {
		b.drop(restricted[0])
	}
}

// drop ends the retention of an event.
func (b *Broker) drop(e *retained) {
	b.retention.unlink(e)
	b.retention.take(e)
	e.dropped = true
	if e.listed == 0 {
		return
	}
	for _, id := range e.audience.eligible.values {
		if s := b.sessions[id]; s != nil {
			b.retention.listed.delete(&s.broker.listed, e.number)
		}
	}
}

func (r *retention) unlink(e *retained) {
	if e.older == nil {
		r.oldest = e.newer
	} else {
		e.older.newer = e.newer
	}
	if e.newer == nil {
		r.newest = e.older
	} else {
		e.newer.older = e.older
	}
	r.count--
	r.bytes -= e.size
}

// take takes an event from its topic.
func (r *retention) take(e *retained) {
	t := e.topic
	at := 0
	for t.events[at] != e {
		at++
	}
	copy(t.events[at:], t.events[at+1:])
	last := len(t.events) - 1
	t.events[last] = nil
	t.events = t.events[:last]
	if last == 0 {
		delete(r.topics, t.topic)
	}
}

// unlist drops the events that were retained for a list of sessions of which this one was the last (RET-14). The cost
// depends on how many lists the session is on.
func (b *Broker) unlist(s *Session) {
	for _, e := range sorted(&s.broker.listed, func(e *retained) wamp.ID { return e.number }) {
		b.retention.listed.delete(&s.broker.listed, e.number)
		if e.listed--; e.listed == 0 && !e.dropped {
			b.drop(e)
		}
	}
}
