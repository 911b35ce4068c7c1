package routing_test

import (
	"slices"
	"strings"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// brokerModel is what a broker has to do, written for a reader and not for speed: a list of who holds what, gone
// through from its start for everything. It shares no code with the core.
type brokerModel struct {
	max  int
	held []modelHolding // in the order of subscribing
	made []modelTopic   // subscriptions that exist, in the order of creation
	used []wamp.ID      // subscription IDs ever seen
	gone []*routing.Session

	sharding      bool
	joined        []*routing.Session // be they gone or not
	retained      []modelRetained    // in the order of retention
	maxRetained   int
	maxRestricted int
	maxReplayed   int
}

type modelTopic struct {
	match wamp.MatchPolicy
	topic string
	id    wamp.ID
}

type modelHolding struct {
	session *routing.Session
	id      wamp.ID
	nkey    string
}

// modelSend is a message as far as the model foresees it. It can be compared.
type modelSend struct {
	to           *routing.Session
	kind         wamp.MessageType
	subscription wamp.ID
	publication  wamp.ID
	uri          wamp.ErrorURI
	topic        string
	publisher    wamp.ID
	retained     bool
}

// subscribe returns the answer to a SUBSCRIBE. fresh says that the answer must carry an ID never used before, which
// then is to be given to created.
func (m *brokerModel) subscribe(s *routing.Session, match wamp.MatchPolicy, topic string, g routing.Grant) (want modelSend, fresh bool) {
	if uri := modelGrant(g); uri != "" {
		return modelSend{to: s, kind: wamp.TypeError, uri: uri}, false
	}
	want = modelSend{to: s, kind: wamp.TypeSubscribed}
	at := slices.IndexFunc(m.made, func(t modelTopic) bool { return t.match == match && t.topic == topic })
	if at >= 0 {
		want.subscription = m.made[at].id
		if m.holds(s, want.subscription) {
			return want, false
		}
	}
	if m.count(s) == m.max {
		return modelSend{to: s, kind: wamp.TypeError, uri: wamp.ErrNotAuthorized}, false
	}
	if at >= 0 {
		m.held = append(m.held, modelHolding{session: s, id: want.subscription})
	}
	return want, at < 0
}

func (m *brokerModel) created(s *routing.Session, match wamp.MatchPolicy, topic string, id wamp.ID) {
	m.used = append(m.used, id)
	m.made = append(m.made, modelTopic{match, topic, id})
	m.held = append(m.held, modelHolding{session: s, id: id})
}

func (m *brokerModel) unsubscribe(s *routing.Session, id wamp.ID) modelSend {
	if !m.holds(s, id) {
		return modelSend{to: s, kind: wamp.TypeError, uri: wamp.ErrNoSuchSubscription}
	}
	m.drop(func(h modelHolding) bool { return h.session == s && h.id == id })
	return modelSend{to: s, kind: wamp.TypeUnsubscribed}
}

func (m *brokerModel) leave(s *routing.Session) {
	m.gone = append(m.gone, s)
	m.drop(func(h modelHolding) bool { return h.session == s })
	m.retained = slices.DeleteFunc(m.retained, func(r modelRetained) bool { return m.forNobody(&r) })
}

// drop ends holdings, and the subscriptions that nobody holds any more.
func (m *brokerModel) drop(ends func(modelHolding) bool) {
	m.held = slices.DeleteFunc(m.held, ends)
	m.made = slices.DeleteFunc(m.made, func(t modelTopic) bool {
		return !slices.ContainsFunc(m.held, func(h modelHolding) bool { return h.id == t.id })
	})
}

// publish returns what comes of a PUBLISH that gets the given publication ID.
func (m *brokerModel) publish(s *routing.Session, topic string, o wamp.PublishOptions, g routing.Grant, publication wamp.ID) []modelSend {
	if uri := modelRefusal(topic, o, g); uri != "" {
		if o.Acknowledge {
			return []modelSend{{to: s, kind: wamp.TypeError, uri: uri}}
		}
		return nil
	}
	var want []modelSend
	if o.Acknowledge {
		want = append(want, modelSend{to: s, kind: wamp.TypePublished, publication: publication})
	}
	event := modelSend{kind: wamp.TypeEvent, publication: publication}
	if o.DiscloseMe || g.Disclose == wamp.DiscloseAlways {
		event.publisher = s.ID
	}
	if o.Retain {
		m.retain(modelRetained{topic, event, s, o})
	}
	for _, t := range m.matching(topic) {
		event.subscription, event.topic = t.id, ""
		if t.match != wamp.MatchExact {
			event.topic = topic
		}
		for _, h := range m.held {
			if h.id == t.id && modelReceives(h.session, s, o) && m.inShard(h.session, t.id, o.RKey) {
				event.to = h.session
				want = append(want, event)
			}
		}
	}
	return want
}

// matching returns the subscriptions to which a topic belongs in the order of delivery: exact, prefixes by
// increasing length, wildcards by creation (PBS-08).
func (m *brokerModel) matching(topic string) []modelTopic {
	var list []modelTopic
	for _, t := range m.made {
		if modelMatches(t, topic) {
			list = append(list, t)
		}
	}
	slices.SortStableFunc(list, func(a, b modelTopic) int {
		if a.match == wamp.MatchPrefix && b.match == wamp.MatchPrefix {
			return len(a.topic) - len(b.topic)
		}
		return int(a.match) - int(b.match)
	})
	return list
}

func modelMatches(t modelTopic, topic string) bool {
	switch t.match {
	case wamp.MatchPrefix:
		return len(topic) >= len(t.topic) && topic[:len(t.topic)] == t.topic
	case wamp.MatchWildcard:
		want, have := strings.Split(t.topic, "."), strings.Split(topic, ".")
		if len(want) != len(have) {
			return false
		}
		for i := range want {
			if want[i] != "" && want[i] != have[i] {
				return false
			}
		}
		return true
	default:
		return t.topic == topic
	}
}

func modelGrant(g routing.Grant) wamp.ErrorURI {
	if g.Failed {
		return "wamp.error.authorization_failed"
	}
	if !g.Allowed {
		return "wamp.error.not_authorized"
	}
	return ""
}

func modelRefusal(topic string, o wamp.PublishOptions, g routing.Grant) wamp.ErrorURI {
	if strings.Split(topic, ".")[0] == "wamp" {
		return "wamp.error.invalid_uri"
	}
	if uri := modelGrant(g); uri != "" {
		return uri
	}
	if o.DiscloseMe && g.Disclose == wamp.DiscloseNever {
		return "wamp.error.option_disallowed.disclose_me"
	}
	return ""
}

func modelReceives(s, publisher *routing.Session, o wamp.PublishOptions) bool {
	if s == publisher && !o.IncludeMe {
		return false
	}
	r := o.Receivers
	if r == nil {
		return true
	}
	barred := slices.Contains(r.Exclude, s.ID) ||
		slices.Contains(r.ExcludeAuthID, s.AuthID) ||
		slices.Contains(r.ExcludeAuthRole, s.AuthRole)
	missing := r.Eligible != nil && !slices.Contains(r.Eligible, s.ID) ||
		r.EligibleAuthID != nil && !slices.Contains(r.EligibleAuthID, s.AuthID) ||
		r.EligibleAuthRole != nil && !slices.Contains(r.EligibleAuthRole, s.AuthRole)
	return !barred && !missing
}

func (m *brokerModel) left(s *routing.Session) bool { return slices.Contains(m.gone, s) }

func (m *brokerModel) holds(s *routing.Session, id wamp.ID) bool {
	return slices.ContainsFunc(m.held, func(h modelHolding) bool { return h.session == s && h.id == id })
}

func (m *brokerModel) count(s *routing.Session) (n int) {
	for _, h := range m.held {
		if h.session == s {
			n++
		}
	}
	return n
}
