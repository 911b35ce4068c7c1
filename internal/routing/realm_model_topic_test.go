package routing_test

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// What realmModel says of publications, and of who gets them.

// modelTopic is a subscription.
type modelTopic struct {
	match   wamp.MatchPolicy
	topic   string
	id      wamp.ID
	created string
	router  bool // which holds it itself, for a history
}

func (t *modelTopic) details() wamp.Dict {
	return wamp.Dict{"id": uint64(t.id), "created": t.created, "uri": t.topic, "match": t.match.String()}
}

// modelHolding says that a session is subscribed.
type modelHolding struct {
	session *routing.Session
	id      wamp.ID
	nkey    string
}

// modelEvent is an event of the router itself.
type modelEvent struct {
	topic string
	args  wamp.List
}

func (m *realmModel) subscribe(s *routing.Session, r *wamp.Subscribe, g routing.Grant) {
	t := m.topicOf(r.Options.Match, r.Topic)
	fresh := t == nil
	switch uri := modelGrant(g); {
	case strings.Contains(r.Topic, " "):
		m.refuse(s, wamp.TypeSubscribe, r.Request, "wamp.error.invalid_uri")
		return
	case uri != "":
		m.refuse(s, wamp.TypeSubscribe, r.Request, uri)
		return
	case !fresh && m.holds(s, t.id):
		m.admit(s, t, r)
		return
	case m.count(s) == m.topics.MaxSubscriptions:
		m.refuse(s, wamp.TypeSubscribe, r.Request, "wamp.error.not_authorized")
		return
	}
	if fresh {
		t = m.make(r.Options.Match, r.Topic)
	}
	m.held = append(m.held, modelHolding{session: s, id: t.id})
	m.admit(s, t, r)
	if fresh {
		m.tellOf(t, "on_create", uint64(s.ID), t.details())
	}
	m.tellOf(t, "on_subscribe", uint64(s.ID), uint64(t.id))
}

func (m *realmModel) make(match wamp.MatchPolicy, topic string) *modelTopic {
	t := &modelTopic{match: match, topic: topic, id: m.nextTopic, created: modelTime(m.now)}
	m.nextTopic++
	m.made = append(m.made, t)
	return t
}

// admit answers a session that is subscribed now, or was before.
func (m *realmModel) admit(s *routing.Session, t *modelTopic, r *wamp.Subscribe) {
	m.rekey(s, t, r.Options.NKey)
	m.send(s, &wamp.Subscribed{Request: r.Request, Subscription: t.id})
	if r.Options.GetRetained {
		m.replay(s, t)
	}
}

func (m *realmModel) unsubscribe(s *routing.Session, r *wamp.Unsubscribe) {
	if !m.holds(s, r.Subscription) {
		m.refuse(s, wamp.TypeUnsubscribe, r.Request, "wamp.error.no_such_subscription")
		return
	}
	m.send(s, &wamp.Unsubscribed{Request: r.Request})
	t := m.topic(r.Subscription)
	m.release(s, t)
	m.tellWithdrawn(s, t)
}

// release ends a holding, and the subscription if nobody else holds it.
func (m *realmModel) release(s *routing.Session, t *modelTopic) {
	m.held = slices.DeleteFunc(m.held, func(h modelHolding) bool { return h.session == s && h.id == t.id })
	if len(m.holders(t)) == 0 && !t.router {
		m.made = slices.DeleteFunc(m.made, func(other *modelTopic) bool { return other == t })
	}
}

// leaveTopics ends what a session that goes holds, and returns it in the order of the IDs.
func (m *realmModel) leaveTopics(s *routing.Session) (ended []*modelTopic) {
	for _, t := range slices.Clone(m.made) {
		if m.holds(s, t.id) {
			m.release(s, t)
			ended = append(ended, t)
		}
	}
	slices.SortFunc(ended, func(a, b *modelTopic) int { return cmp.Compare(a.id, b.id) })
	return ended
}

func (m *realmModel) publish(s *routing.Session, p *wamp.Publish, g routing.Grant) {
	if p.Options.PPT != nil && !s.Roles.Supports(wamp.RolePublisher, wamp.FeaturePayloadPassthruMode) {
		m.abort(s)
		return
	}
	if uri := modelRefusal(p, g); uri != "" {
		if p.Options.Acknowledge {
			m.refuse(s, wamp.TypePublish, p.Request, uri)
		}
		return
	}
	m.publications++
	if p.Options.Acknowledge {
		m.send(s, &wamp.Published{Request: p.Request, Publication: m.publications})
	}
	var excluded *routing.Session
	if !p.Options.IncludeMe {
		excluded = s
	}
	m.distribute(s, p, g, excluded)
}

// distribute sends the events of a publication, and retains it if it is to be.
func (m *realmModel) distribute(s *routing.Session, p *wamp.Publish, g routing.Grant, excluded *routing.Session) {
	event := modelEventOf(s, p, g)
	event.Publication = m.publications
	if p.Options.Retain {
		m.retain(modelRetained{event: event, topic: p.Topic, publisher: excluded, options: p.Options})
	}
	m.sendTo(p.Topic, event, func(to *routing.Session, t *modelTopic) bool {
		return to != excluded && modelReceives(to, p.Options.Receivers) && m.inShard(to, t, p.Options.RKey)
	})
	m.keep(p, event)
}

// keep writes a publication into the histories that the router has of it, unless it is for certain sessions only (EVH-09).
func (m *realmModel) keep(p *wamp.Publish, event wamp.Event) {
	r := p.Options.Receivers
	if r != nil && (r.Eligible != nil || len(r.Exclude) > 0) {
		return
	}
	for _, t := range m.matching(p.Topic) {
		if t.router {
			one := event
			one.Subscription = t.id
			if t.match != wamp.MatchExact {
				one.Details.Topic = p.Topic
			}
			m.kept = append(m.kept, routing.Kept{History: t.topic, Topic: p.Topic, Event: &one, For: r})
		}
	}
}

// modelEventOf returns what subscribers learn of a publication.
func modelEventOf(s *routing.Session, p *wamp.Publish, g routing.Grant) (e wamp.Event) {
	e.Payload, e.Details.PPT = p.Payload, p.Options.PPT
	e.Details.TrustLevel, e.Details.HasTrustLevel = g.TrustLevel, g.HasTrustLevel
	if p.Options.DiscloseMe || g.Disclose == wamp.DiscloseAlways {
		e.Details.Publisher, e.Details.PublisherAuthID, e.Details.PublisherAuthRole = s.ID, s.AuthID, s.AuthRole
	}
	return e
}

// sendTo sends an event to those subscribers of each matching subscription who may have it.
func (m *realmModel) sendTo(topic string, e wamp.Event, admits func(*routing.Session, *modelTopic) bool) {
	for _, t := range m.matching(topic) {
		e.Subscription, e.Details.Topic = t.id, ""
		if t.match != wamp.MatchExact {
			e.Details.Topic = topic
		}
		for _, s := range m.holders(t) {
			if admits(s, t) {
				one := e
				m.send(s, &one)
			}
		}
	}
}

// ---- the router's own events ----

// tell has the router publish something, once the step has sent what it has to send.
func (m *realmModel) tell(topic string, args ...any) {
	if len(m.made) > 0 {
		m.events = append(m.events, modelEvent{topic, args})
	}
}

// tellOf tells of a subscription, unless it is one to such events (UMA-04).
func (m *realmModel) tellOf(t *modelTopic, what string, args ...any) {
	if strings.Split(t.topic, ".")[0] != "wamp" {
		m.tell("wamp.subscription."+what, args...)
	}
}

func (m *realmModel) tellWithdrawn(s *routing.Session, t *modelTopic) {
	m.tellOf(t, "on_unsubscribe", uint64(s.ID), uint64(t.id))
	if len(m.holders(t)) == 0 && !t.router {
		m.tellOf(t, "on_delete", uint64(s.ID), uint64(t.id))
	}
}

func (m *realmModel) publishOwn() {
	for _, e := range m.events {
		m.publications++
		event := wamp.Event{Publication: m.publications, Payload: wamp.Payload{Args: e.args}}
		m.sendTo(e.topic, event, func(*routing.Session, *modelTopic) bool { return true })
	}
	m.events = m.events[:0]
}

// ---- who holds what, and gets what ----

func (m *realmModel) topicOf(match wamp.MatchPolicy, topic string) *modelTopic {
	return m.topicWhere(func(t *modelTopic) bool { return t.match == match && t.topic == topic })
}

func (m *realmModel) topic(id wamp.ID) *modelTopic {
	return m.topicWhere(func(t *modelTopic) bool { return t.id == id })
}

func (m *realmModel) topicWhere(is func(*modelTopic) bool) *modelTopic {
	if at := slices.IndexFunc(m.made, is); at >= 0 {
		return m.made[at]
	}
	return nil
}

func (m *realmModel) holds(s *routing.Session, id wamp.ID) bool {
	return slices.ContainsFunc(m.held, func(h modelHolding) bool { return h.session == s && h.id == id })
}

func (m *realmModel) holders(t *modelTopic) (list []*routing.Session) {
	for _, h := range m.held {
		if h.id == t.id {
			list = append(list, h.session)
		}
	}
	return list
}

func (m *realmModel) count(s *routing.Session) (n int) {
	for _, h := range m.held {
		if h.session == s {
			n++
		}
	}
	return n
}

// matching returns the subscriptions to which a topic belongs in the order of delivery: exact, prefixes by
// increasing length, wildcards by creation (PBS-08).
func (m *realmModel) matching(topic string) (list []*modelTopic) {
	for _, t := range m.made {
		if modelMatches(t, topic) {
			list = append(list, t)
		}
	}
	slices.SortStableFunc(list, func(a, b *modelTopic) int {
		if a.match == wamp.MatchPrefix && b.match == wamp.MatchPrefix {
			return len(a.topic) - len(b.topic)
		}
		return int(a.match) - int(b.match)
	})
	return list
}

func modelMatches(t *modelTopic, topic string) bool {
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

func modelRefusal(p *wamp.Publish, g routing.Grant) wamp.ErrorURI {
	if strings.Contains(p.Topic, " ") || strings.Split(p.Topic, ".")[0] == "wamp" {
		return "wamp.error.invalid_uri"
	}
	if uri := modelGrant(g); uri != "" {
		return uri
	}
	if p.Options.DiscloseMe && g.Disclose == wamp.DiscloseNever {
		return "wamp.error.option_disallowed.disclose_me"
	}
	return ""
}

func modelReceives(s *routing.Session, r *wamp.Receivers) bool {
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
