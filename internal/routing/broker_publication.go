package routing

import (
	"cmp"
	"slices"

	"github.com/tandemrouter/tandem/wamp"
)

// publication is what the events of one PUBLISH have in common.
type publication struct {
	topic    string
	event    wamp.Event // but for the subscription and the topic
	audience audience
	options  *wamp.PublishOptions // nil if the router itself publishes
}

// checkPublish says whether the publication must be refused.
func (b *Broker) checkPublish(m *wamp.Publish, g Grant) refusal {
	switch {
	case !b.config.URIRule.ValidURI(m.Topic):
		return refusal{wamp.ErrInvalidURI, "the topic is not a valid URI"} // URI-03
	case wamp.Reserved(m.Topic):
		return refusal{wamp.ErrInvalidURI, "only the router publishes to topics in wamp"} // URI-07
	case g.refusal().refuses():
		return g.refusal()
	case m.Options.DiscloseMe && g.Disclose == wamp.DiscloseNever:
		return refusal{wamp.ErrDiscloseMeDisallowed, "the publisher's identity must not be disclosed"} // PID-02
	default:
		return refusal{}
	}
}

func newPublication(id wamp.ID, from *Session, m *wamp.Publish, g Grant) publication {
	p := publication{topic: m.Topic, audience: newAudience(from, &m.Options), options: &m.Options}
	p.event.Publication = id
	p.event.Payload = m.Payload
	details := &p.event.Details
	details.PPT = m.Options.PPT // PPT-02
	details.TrustLevel, details.HasTrustLevel = g.TrustLevel, g.HasTrustLevel
	if m.Options.DiscloseMe || g.Disclose == wamp.DiscloseAlways {
		details.Publisher, details.PublisherAuthID, details.PublisherAuthRole = from.ID, from.AuthID, from.AuthRole
	}
	return p
}

// deliver sends the publication to the subscribers of the matching subscriptions, and retains it if it is to be.
func (b *Broker) deliver(p *publication, out *Outbox) {
	key := b.rkey(p.options)
	b.matches = b.matching(b.matches[:0], p.topic)
	for _, sub := range b.matches {
		p.sendTo(sub, key, out)
		if sub.held() {
			p.keep(sub, out)
		}
	}
	clear(b.matches) // lest it keep subscriptions that have ended
	if p.options.Retain {
		b.retain(p, key)
	}
}

// matching appends the subscriptions that match a topic to dst: the exact one, prefixes by increasing length, wildcards
// as they were created, which is by ID (PBS-03, PBS-08).
func (b *Broker) matching(dst []*subscription, topic string) []*subscription {
	dst = b.topics.All(dst, topic)
	wildcards := len(dst)
	for wildcards > 0 && dst[wildcards-1].match == wamp.MatchWildcard {
		wildcards--
	}
	slices.SortFunc(dst[wildcards:], func(a, b *subscription) int { return cmp.Compare(a.id, b.id) })
	return dst
}

// sendTo sends one event to those subscribers who may have it. The key is that of the publication (rkey).
func (p *publication) sendTo(sub *subscription, key uint64, out *Outbox) {
	if sub.shards == nil || key == 0 {
		p.sendToThose(sub.subscribers, sub, nil, out)
		return
	}
	event := p.sendToThose(sub.unsharded(), sub, nil, out)
	p.sendToThose(sub.shards.owner(key).members, sub, event, out)
}

// sendToThose sends an event to those of some subscribers who may have it, and returns it. If it is nil, it is made;
// but not in vain.
func (p *publication) sendToThose(subscribers []*Session, sub *subscription, event *wamp.Event, out *Outbox) *wamp.Event {
	for _, s := range subscribers {
		if !p.audience.admits(s) {
			continue
		}
		if event == nil {
			event = sub.event(&p.event, p.topic, out)
		}
		out.send(s, event)
	}
	return event
}

// event returns a copy of an event that the outbox owns, for the subscribers to send it to.
func (sub *subscription) event(of *wamp.Event, topic string, out *Outbox) *wamp.Event {
	event := out.event()
	*event = *of
	event.Subscription = sub.id
	if sub.match != wamp.MatchExact {
		event.Details.Topic = topic // PBS-04; a subscriber to the topic itself knows it (PUB-21)
	}
	return event
}
