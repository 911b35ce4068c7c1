package routing_test

import (
	"slices"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// modelRetained is a retained event.
type modelRetained struct {
	topic     string
	event     modelSend
	publisher *routing.Session
	options   wamp.PublishOptions
}

func (r *modelRetained) restricted() bool {
	l := r.options.Receivers
	return l != nil && (l.Eligible != nil || l.EligibleAuthID != nil || l.EligibleAuthRole != nil ||
		len(l.Exclude)+len(l.ExcludeAuthID)+len(l.ExcludeAuthRole) > 0)
}

// retain keeps an event as the newest, and drops what there then is too much of.
func (m *brokerModel) retain(r modelRetained) {
	if m.forNobody(&r) {
		return
	}
	m.retained = append(m.retained, r)
	restricted := 0
	for i := len(m.retained) - 1; i >= 0; i-- {
		older := m.retained[i]
		if older.topic != r.topic {
			continue
		}
		if older.restricted() {
			restricted++
		}
		newest := i == len(m.retained)-1
		if !newest && !r.restricted() || older.restricted() && restricted > m.maxRestricted {
			m.retained = slices.Delete(m.retained, i, i+1)
		}
	}
	if len(m.retained) > m.maxRetained {
		m.retained = m.retained[1:]
	}
}

// forNobody reports whether the event is for a list of sessions of which none is there.
func (m *brokerModel) forNobody(r *modelRetained) bool {
	return r.options.Receivers != nil && r.options.Receivers.Eligible != nil &&
		!slices.ContainsFunc(m.joined, func(s *routing.Session) bool {
			return slices.Contains(r.options.Receivers.Eligible, s.ID) && !m.left(s)
		})
}

// replay returns what a subscriber gets that asks for retained events.
func (m *brokerModel) replay(s *routing.Session, sub modelTopic) (want []modelSend) {
	var settled []string
	for i := len(m.retained) - 1; i >= 0 && len(want) < m.maxReplayed; i-- {
		r := m.retained[i]
		if slices.Contains(settled, r.topic) || !modelMatches(sub, r.topic) ||
			!modelReceives(s, r.publisher, r.options) || !m.inShard(s, sub.id, r.options.RKey) {
			continue
		}
		settled = append(settled, r.topic)
		event := r.event
		event.to, event.subscription, event.retained = s, sub.id, true
		if sub.match != wamp.MatchExact {
			event.topic = r.topic
		}
		want = append([]modelSend{event}, want...)
	}
	return want
}

// inShard reports whether a publication with the key may go to the subscriber, as far as that matters.
func (m *brokerModel) inShard(s *routing.Session, id wamp.ID, rkey string) bool {
	var own, owner string
	for _, h := range m.held {
		if h.id != id || h.nkey == "" {
			continue
		}
		if h.session == s {
			own = h.nkey
		}
		if owner == "" || routing.Claim(rkey, h.nkey) > routing.Claim(rkey, owner) {
			owner = h.nkey
		}
	}
	return !m.sharding || rkey == "" || own == "" || own == owner
}

// rekey puts a subscriber into another shard.
func (m *brokerModel) rekey(s *routing.Session, id wamp.ID, nkey string) {
	for i := range m.held {
		if m.held[i].session == s && m.held[i].id == id {
			m.held[i].nkey = nkey
		}
	}
}
