package routing_test

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// What realmModel says of the router's own procedures.

// modelKill is a session that is to end because another one said so.
type modelKill struct {
	session         *routing.Session
	reason, message string
	quietly         bool
}

// modelTestament is a publication that a session leaves behind.
type modelTestament struct {
	session *routing.Session
	scope   string
	publish wamp.Publish
}

// question is a CALL of one of the router's own procedures.
type question struct {
	from   *routing.Session
	grant  routing.Grant
	args   wamp.List
	kwargs wamp.Dict
}

// ask answers a CALL of a procedure of the router. It returns why there is no answer.
func (m *realmModel) ask(s *routing.Session, c *wamp.Call, g routing.Grant) wamp.ErrorURI {
	api, name := "", ""
	if parts := strings.Split(c.Procedure, "."); len(parts) == 3 {
		api, name = parts[1], parts[2]
	}
	answers := map[string]func(string, question) (wamp.List, wamp.ErrorURI){
		"registration": m.askRegistrations, "subscription": m.askSubscriptions, "session": m.askSessions,
	}[api]
	if answers == nil || !slices.Contains(modelProcedures[api], name) {
		return "wamp.error.no_such_procedure"
	}
	switch {
	case c.Options.Progress:
		return "wamp.error.feature_not_supported"
	case c.Options.PPT != nil:
		return "wamp.error.invalid_argument"
	}
	result, uri := answers(name, question{s, g, c.Payload.Args, c.Payload.Kwargs})
	if uri == "" {
		m.send(s, &wamp.Result{Request: c.Request, Payload: wamp.Payload{Args: result}})
	}
	return uri
}

var modelProcedures = map[string][]string{
	"registration": {"list", "lookup", "match", "get", "list_callees", "count_callees", "remove_callee"},
	"subscription": {"list", "lookup", "match", "get", "list_subscribers", "count_subscribers", "remove_subscriber"},
	"session": {"count", "list", "get", "kill", "kill_by_authid", "kill_by_authrole", "kill_all",
		"add_testament", "flush_testaments"},
}

const badArgument wamp.ErrorURI = "wamp.error.invalid_argument"

// ---- arguments ----

// id returns a positional argument as an ID.
func (q *question) id(i int) (wamp.ID, bool) {
	if i >= len(q.args) {
		return 0, false
	}
	switch v := q.args[i].(type) {
	case int64:
		return wamp.ID(v), v >= 1 && v <= 1<<53
	case float64:
		return wamp.ID(v), v >= 1 && v <= 1<<53 && v == math.Floor(v)
	default:
		return 0, false
	}
}

func (q *question) text(i int) (text string, ok bool) {
	if i < len(q.args) {
		text, ok = q.args[i].(string)
	}
	return text, ok
}

// match returns the match policy in the options at i. The programs give no wrong ones.
func (q *question) match(i int) wamp.MatchPolicy {
	if i >= len(q.args) {
		return wamp.MatchExact
	}
	word := q.args[i].(wamp.Dict)["match"].(string)
	policies := []wamp.MatchPolicy{wamp.MatchExact, wamp.MatchPrefix, wamp.MatchWildcard}
	return policies[slices.Index([]string{"exact", "prefix", "wildcard"}, word)]
}

func (q *question) reason() (string, wamp.ErrorURI) {
	v, given := q.kwargs["reason"]
	text, isText := v.(string)
	switch {
	case !given:
		return "", ""
	case !isText:
		return "", badArgument
	case text == "" || strings.Contains(text, " "):
		return "", "wamp.error.invalid_uri"
	default:
		return text, ""
	}
}

// reasonIn is reason where that may be the first of these arguments instead.
func (q *question) reasonIn(rest wamp.List) (string, wamp.ErrorURI) {
	if _, given := q.kwargs["reason"]; given || len(rest) == 0 {
		return q.reason()
	}
	other := question{kwargs: wamp.Dict{"reason": rest[0]}}
	return other.reason()
}

// ---- registrations ----

func (m *realmModel) askRegistrations(name string, q question) (wamp.List, wamp.ErrorURI) {
	switch name {
	case "list":
		lists := emptyLists()
		for _, o := range m.offers {
			lists.add(o.options.Match, o.id)
		}
		return wamp.List{lists.dict()}, ""
	case "lookup":
		uri, ok := q.text(0)
		if !ok {
			return nil, badArgument
		}
		return oneOf(m.offersOf(q.match(1), uri)), ""
	case "match":
		uri, ok := q.text(0)
		if !ok {
			return nil, badArgument
		}
		if strings.Split(uri, ".")[0] == "wamp" { // RMA-11
			return wamp.List{nil}, ""
		}
		return oneOf(m.match(uri)), ""
	case "remove_callee":
		return nil, m.removeCallee(q)
	}
	id, ok := q.id(0)
	if !ok {
		return nil, badArgument
	}
	return m.askRegistration(name, id)
}

func oneOf(offers []*modelOffer) wamp.List {
	if len(offers) == 0 {
		return wamp.List{nil}
	}
	return wamp.List{uint64(offers[0].id)}
}

func (m *realmModel) askRegistration(name string, id wamp.ID) (wamp.List, wamp.ErrorURI) {
	callees := wamp.List{}
	var first *modelOffer
	for _, o := range m.offers {
		if o.id == id {
			if first == nil {
				first = o
			}
			callees = append(callees, uint64(o.session.ID))
		}
	}
	switch {
	case first == nil:
		return nil, "wamp.error.no_such_registration"
	case name == "get":
		return wamp.List{first.details()}, ""
	case name == "list_callees":
		return wamp.List{callees}, ""
	default:
		return wamp.List{uint64(len(callees))}, ""
	}
}

func (m *realmModel) removeCallee(q question) wamp.ErrorURI {
	registration, isRegistration := q.id(0)
	session, isSession := q.id(1)
	if !isRegistration || !isSession {
		return badArgument
	}
	reason, uri := q.reasonIn(q.args[2:])
	if uri != "" {
		return uri
	}
	s := m.session(session)
	if s == nil {
		return "wamp.error.no_such_session"
	}
	o := m.offerOf(s, registration)
	if o == nil {
		return "wamp.error.no_such_registration"
	}
	m.revoke(o, reason)
	m.inherit(o)
	return ""
}

// ---- subscriptions ----

func (m *realmModel) askSubscriptions(name string, q question) (wamp.List, wamp.ErrorURI) {
	topic, isText := q.text(0)
	switch name {
	case "list":
		lists := emptyLists()
		for _, t := range m.made {
			lists.add(t.match, t.id)
		}
		return wamp.List{lists.dict()}, ""
	case "lookup":
		if !isText {
			return nil, badArgument
		}
		if t := m.topicOf(q.match(1), topic); t != nil {
			return wamp.List{uint64(t.id)}, ""
		}
		return wamp.List{nil}, ""
	case "match":
		if !isText {
			return nil, badArgument
		}
		list := wamp.List{}
		for _, t := range m.matching(topic) {
			list = append(list, uint64(t.id))
		}
		if len(list) == 0 {
			return wamp.List{nil}, ""
		}
		return wamp.List{list}, ""
	case "remove_subscriber":
		return nil, m.removeSubscriber(q)
	}
	id, ok := q.id(0)
	if !ok {
		return nil, badArgument
	}
	return m.askSubscription(name, m.topic(id))
}

func (m *realmModel) askSubscription(name string, t *modelTopic) (wamp.List, wamp.ErrorURI) {
	switch {
	case t == nil:
		return nil, "wamp.error.no_such_subscription"
	case name == "get":
		return wamp.List{t.details()}, ""
	case name == "list_subscribers":
		list := m.holders(t)
		slices.SortFunc(list, func(a, b *routing.Session) int { return cmp.Compare(a.ID, b.ID) }) // has no order: see foreseen
		return wamp.List{idsOf(list)}, ""
	default:
		return wamp.List{uint64(len(m.holders(t)))}, ""
	}
}

func (m *realmModel) removeSubscriber(q question) wamp.ErrorURI {
	subscription, isSubscription := q.id(0)
	session, isSession := q.id(1)
	if !isSubscription || !isSession {
		return badArgument
	}
	reason, uri := q.reasonIn(q.args[2:])
	if uri != "" {
		return uri
	}
	s := m.session(session)
	if s == nil {
		return "wamp.error.no_such_session"
	}
	if !m.holds(s, subscription) {
		return "wamp.error.no_such_subscription"
	}
	t := m.topic(subscription)
	m.release(s, t)
	if !m.topics.SilentRevocation && s.Roles.Supports(wamp.RoleSubscriber, wamp.FeatureSubscriptionRevocation) {
		m.send(s, &wamp.Unsubscribed{Details: wamp.UnsubscribedDetails{Subscription: t.id, Reason: reason}})
	}
	m.tellWithdrawn(s, t)
	return ""
}

// ---- sessions ----

func (m *realmModel) askSessions(name string, q question) (wamp.List, wamp.ErrorURI) {
	switch name {
	case "count", "list":
		return m.askForSessions(name, q)
	case "get":
		return m.getSession(q)
	case "add_testament":
		return nil, m.addTestament(q)
	case "flush_testaments":
		scope, ok := q.scope()
		if !ok {
			return nil, badArgument
		}
		m.forgetTestaments(q.from, scope)
		return nil, ""
	default:
		return m.kill(name, q)
	}
}

func (m *realmModel) askForSessions(name string, q question) (wamp.List, wamp.ErrorURI) {
	found := m.sessions
	if len(q.args) > 0 {
		roles, ok := q.args[0].(wamp.List)
		if !ok {
			return nil, badArgument
		}
		found = m.sessionsWhere(func(s *routing.Session) bool { return slices.Contains(roles, any(s.AuthRole)) })
	}
	if name == "count" {
		return wamp.List{uint64(len(found))}, ""
	}
	return wamp.List{idsOf(found)}, ""
}

func (m *realmModel) getSession(q question) (wamp.List, wamp.ErrorURI) {
	id, ok := q.id(0)
	if !ok {
		return nil, badArgument
	}
	s := m.session(id)
	if s == nil {
		return nil, "wamp.error.no_such_session"
	}
	details := modelSession(s)
	if q.grant.Inspect {
		details["_lost"] = s.Lost
	}
	return wamp.List{details}, ""
}

func modelSession(s *routing.Session) wamp.Dict {
	return wamp.Dict{
		"session": uint64(s.ID), "authid": s.AuthID, "authrole": s.AuthRole, "authmethod": s.AuthMethod, "authprovider": s.AuthProvider,
	}
}

// kill answers the procedures that end other sessions.
func (m *realmModel) kill(name string, q question) (wamp.List, wamp.ErrorURI) {
	id, isID := q.id(0)
	word, isText := q.text(0)
	message, isMessage := "", true
	if v, given := q.kwargs["message"]; given {
		message, isMessage = v.(string)
	}
	reason, uri := q.reason()
	switch {
	case name == "kill" && !isID, (name == "kill_by_authid" || name == "kill_by_authrole") && !isText, !isMessage:
		return nil, badArgument
	case uri != "":
		return nil, uri
	case reason == "":
		reason = "wamp.close.killed"
	}
	victims := m.sessionsWhere(func(s *routing.Session) bool {
		named := map[string]bool{
			"kill": s.ID == id, "kill_by_authid": s.AuthID == word, "kill_by_authrole": s.AuthRole == word, "kill_all": true,
		}
		return s != q.from && named[name]
	})
	for _, s := range victims {
		m.killed = append(m.killed, modelKill{s, reason, message, name == "kill_all"})
	}
	switch {
	case name == "kill" && len(victims) == 0:
		return nil, "wamp.error.no_such_session"
	case name == "kill":
		return nil, ""
	case name == "kill_by_authid":
		return wamp.List{idsOf(victims)}, ""
	default:
		return wamp.List{uint64(len(victims))}, ""
	}
}

// ---- testaments ----

func (m *realmModel) addTestament(q question) wamp.ErrorURI {
	t := modelTestament{session: q.from}
	var known, isList, isDict, valid bool
	t.publish.Topic, known = q.text(0)
	t.publish.Payload.Args, isList = optionalArgument[wamp.List](q.args, 1)
	t.publish.Payload.Kwargs, isDict = optionalArgument[wamp.Dict](q.args, 2)
	t.publish.Options, valid = modelOptions(q.kwargs)
	if !known || !isList || !isDict || !valid {
		return badArgument
	}
	if uri := modelRefusal(&t.publish, *q.grant.Topic); uri != "" {
		return uri
	}
	if t.scope, known = q.scope(); !known {
		return badArgument
	}
	others := 0
	for _, other := range m.testaments {
		if other.session == q.from {
			others++
		}
	}
	if others >= m.topics.MaxTestaments {
		return badArgument
	}
	m.testaments = append(m.testaments, t)
	return ""
}

func optionalArgument[T any](args wamp.List, i int) (v T, ok bool) {
	if i >= len(args) || args[i] == nil {
		return v, true
	}
	v, ok = args[i].(T)
	return v, ok
}

// modelOptions reads those options of a testament that programs give.
func modelOptions(kwargs wamp.Dict) (o wamp.PublishOptions, ok bool) {
	options, given := kwargs["publish_options"].(wamp.Dict)
	if !given {
		return o, true
	}
	r := new(wamp.Receivers)
	o.Receivers = r
	o.DiscloseMe, _ = options["disclose_me"].(bool)
	o.Retain, _ = options["retain"].(bool)
	o.RKey, _ = options["rkey"].(string)
	if _, wrong := options["exclude"].(string); wrong {
		return o, false
	}
	for key, list := range map[string]*[]wamp.ID{"exclude": &r.Exclude, "eligible": &r.Eligible} {
		if values, given := options[key].(wamp.List); given {
			*list = []wamp.ID{}
			for _, v := range values {
				*list = append(*list, wamp.ID(v.(int64)))
			}
		}
	}
	for key, list := range map[string]*[]string{
		"exclude_authid": &r.ExcludeAuthID, "eligible_authid": &r.EligibleAuthID,
		"exclude_authrole": &r.ExcludeAuthRole, "eligible_authrole": &r.EligibleAuthRole,
	} {
		if values, given := options[key].(wamp.List); given {
			*list = []string{}
			for _, v := range values {
				*list = append(*list, v.(string))
			}
		}
	}
	return o, true
}

func (q *question) scope() (scope string, ok bool) {
	switch v := q.kwargs["scope"]; v {
	case nil, "destroyed":
		return "destroyed", true
	case "detached":
		return "detached", true
	default:
		return "", false
	}
}

// forgetTestaments drops those of a session and scope, or of all its scopes.
func (m *realmModel) forgetTestaments(s *routing.Session, scope string) {
	m.testaments = slices.DeleteFunc(m.testaments, func(t modelTestament) bool {
		return t.session == s && (scope == "" || scope == t.scope)
	})
}

// execute publishes the testaments of a session that is gone, as far as the law still allows it (TES-05, TES-11).
func (m *realmModel) execute(s *routing.Session) {
	for _, scope := range []string{"detached", "destroyed"} {
		for _, t := range m.testaments {
			g := m.law(t.publish.Topic)
			if t.session != s || t.scope != scope || modelRefusal(&t.publish, g) != "" {
				continue
			}
			m.publications++
			m.distribute(s, &t.publish, g, nil)
		}
	}
	m.forgetTestaments(s, "")
}

// ---- lists ----

func (m *realmModel) session(id wamp.ID) *routing.Session {
	for _, s := range m.sessions {
		if s.ID == id {
			return s
		}
	}
	return nil
}

func (m *realmModel) sessionsWhere(is func(*routing.Session) bool) (list []*routing.Session) {
	for _, s := range m.sessions {
		if is(s) {
			list = append(list, s)
		}
	}
	return list
}

func idsOf(sessions []*routing.Session) wamp.List {
	list := wamp.List{}
	for _, s := range sessions {
		list = append(list, uint64(s.ID))
	}
	return list
}

// modelLists are IDs by match policy.
type modelLists map[wamp.MatchPolicy][]wamp.ID

func emptyLists() modelLists { return modelLists{} }

func (l modelLists) add(match wamp.MatchPolicy, id wamp.ID) {
	if !slices.Contains(l[match], id) {
		l[match] = append(l[match], id)
	}
}

func (l modelLists) dict() wamp.Dict {
	d := wamp.Dict{}
	for key, match := range map[string]wamp.MatchPolicy{
		"exact": wamp.MatchExact, "prefix": wamp.MatchPrefix, "wildcard": wamp.MatchWildcard,
	} {
		slices.Sort(l[match])
		list := wamp.List{}
		for _, id := range l[match] {
			list = append(list, uint64(id))
		}
		d[key] = list
	}
	return d
}
