package routing

import (
	"strings"
	"time"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// Kept is an event for the history of a subscription. It shares memory with the message that it was made from, so the
// shell must write or copy it before the step's messages are gone.
type Kept struct {
	History any    // the handle that Hold got
	Topic   string // as published
	Event   *wamp.Event
	For     *wamp.Receivers // who may see it, by authid and authrole (EVH-10); nil: everybody
}

// Hold makes a subscription that the router itself holds, so that the events of a topic or pattern go into a history
// even if nobody is subscribed, and so that clients can find its ID (EVH-13). The handle comes back with each event; it must
// not be nil. It fails if the topic is not valid for the match policy or reserved.
func (b *Broker) Hold(now time.Time, match wamp.MatchPolicy, topic string, history any) (wamp.ID, error) {
	if !b.config.URIRule.ValidPattern(topic, match) || wamp.Reserved(topic) {
		return 0, wamp.ErrInvalidURI
	}
	sub, exists := b.topics.Get(pattern.Kind(match), topic)
	if !exists {
		var no refusal
		if sub, no = b.create(now, pattern.Nobody, match, strings.Clone(topic)); no.refuses() {
			return 0, no.uri
		}
	}
	sub.history = history
	return sub.id, nil
}

// Held returns the topic of a subscription and the handle of its history, which is nil if it has none.
func (b *Broker) Held(id wamp.ID) (topic string, match wamp.MatchPolicy, history any, found bool) {
	sub := b.subscriptions[id]
	if sub == nil {
		return "", 0, nil, false
	}
	return sub.topic, sub.match, sub.history, true
}

// keep notes the publication for the history of a subscription, unless only certain sessions may see it (EVH-09).
func (p *publication) keep(sub *subscription, out *Outbox) {
	r := p.options.Receivers
	if r != nil && (r.Eligible != nil || len(r.Exclude) > 0) {
		return
	}
	out.Kept = append(out.Kept, Kept{History: sub.history, Topic: p.topic, Event: sub.event(&p.event, p.topic, out), For: r})
}
