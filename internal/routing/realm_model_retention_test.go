package routing_test

import (
	"hash/fnv"
	"slices"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// What realmModel says of retained events and of shards of subscribers.

// modelRetained is a retained event.
type modelRetained struct {
	event     wamp.Event
	topic     string
	publisher *routing.Session // who must not have it; nil: everybody may
	options   wamp.PublishOptions
	listed    []*routing.Session // who was there and on the publisher's list
}

func (r *modelRetained) restricted() bool {
	l := r.options.Receivers
	return l != nil && (l.Eligible != nil || l.EligibleAuthID != nil || l.EligibleAuthRole != nil ||
		len(l.Exclude)+len(l.ExcludeAuthID)+len(l.ExcludeAuthRole) > 0)
}

// retain keeps an event as the newest, and drops what there then is too much of.
func (m *realmModel) retain(r modelRetained) {
	r.listed = m.sessionsWhere(func(s *routing.Session) bool {
		return !m.doomed(s) && r.options.Receivers != nil && slices.Contains(r.options.Receivers.Eligible, s.ID)
	})
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
		if !newest && !r.restricted() || older.restricted() && restricted > m.topics.MaxRestricted {
			m.retained = slices.Delete(m.retained, i, i+1)
		}
	}
	if len(m.retained) > m.topics.MaxRetained {
		m.retained = m.retained[1:]
	}
}

// forNobody reports whether the event is for a list of sessions of which none is there any more. A session that came later
// under an ID on the list is another one.
func (m *realmModel) forNobody(r *modelRetained) bool {
	return r.options.Receivers != nil && r.options.Receivers.Eligible != nil &&
		!slices.ContainsFunc(r.listed, func(s *routing.Session) bool { return slices.Contains(m.sessions, s) })
}

// doomed reports whether a session is to end with the current step.
func (m *realmModel) doomed(s *routing.Session) bool {
	return slices.ContainsFunc(m.killed, func(k modelKill) bool { return k.session == s })
}

// dropUnwanted drops what was retained for sessions that have all gone.
func (m *realmModel) dropUnwanted() {
	m.retained = slices.DeleteFunc(m.retained, func(r modelRetained) bool { return m.forNobody(&r) })
}

// replay sends a subscriber the retained events that it asks for.
func (m *realmModel) replay(s *routing.Session, t *modelTopic) {
	var picked []modelRetained
	for _, r := range slices.Backward(m.retained) {
		settled := slices.ContainsFunc(picked, func(other modelRetained) bool { return other.topic == r.topic })
		if len(picked) < m.topics.MaxReplayed && !settled && modelMatches(t, r.topic) && s != r.publisher &&
			modelReceives(s, r.options.Receivers) && m.inShard(s, t, r.options.RKey) {
			picked = append(picked, r)
		}
	}
	for _, r := range slices.Backward(picked) {
		event := r.event
		event.Subscription, event.Details.Retained = t.id, true
		if t.match != wamp.MatchExact {
			event.Details.Topic = r.topic
		}
		m.send(s, &event)
	}
}

// inShard reports whether a publication with the key may go to the subscriber, as far as that matters.
func (m *realmModel) inShard(s *routing.Session, t *modelTopic, rkey string) bool {
	if !m.topics.Sharding || rkey == "" {
		return true
	}
	var own, owner string
	for _, h := range m.held {
		if h.id != t.id || h.nkey == "" {
			continue
		}
		if h.session == s {
			own = h.nkey
		}
		if owner == "" || modelClaim(modelHash(rkey), modelHash(h.nkey)) > modelClaim(modelHash(rkey), modelHash(owner)) {
			owner = h.nkey
		}
	}
	return own == "" || own == owner
}

// rekey puts a subscriber into another shard.
func (m *realmModel) rekey(s *routing.Session, t *modelTopic, nkey string) {
	for i, h := range m.held {
		if h.session == s && h.id == t.id {
			m.held[i].nkey = nkey
		}
	}
}

func modelHash(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	return h.Sum64()
}

// modelClaim mixes the numbers of a key and of who claims it.
func modelClaim(key, claimant uint64) uint64 {
	x := key ^ claimant*0x9e3779b97f4a7c15
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
