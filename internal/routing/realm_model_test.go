package routing_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// realmModel is what a realm has to do, written for a reader and not for speed: lists of offers, calls, subscribers and
// testaments, gone through from their start for everything. It shares no code with the core.
type realmModel struct {
	config routing.DealerConfig
	topics routing.BrokerConfig
	drawn  func() uint64 // the last random number that the dealer took
	now    time.Time
	nextID wamp.ID // of the next registration
	armed  int     // timers ever started

	sessions []*routing.Session // that are there
	gone     []*routing.Session

	offers  []*modelOffer           // who may be called, in the order of registering
	turn    map[wamp.ID]*modelOffer // per registration: whose turn it is in a round robin
	calls   []*modelCall            // that have no final answer, in the order of calling
	issued  map[*routing.Session]wamp.ID
	ended   []modelEnding // calls in parts that ended
	streams []modelEnding // invocations that ended while their callee might send results
	owed    []modelEnding // invocations that ended while their callee has a slot taken

	made       []*modelTopic  // subscriptions that exist, in the order of creation
	held       []modelHolding // who is subscribed, in the order of subscribing
	nextTopic  wamp.ID        // ID of the next subscription
	testaments []modelTestament
	retained   []modelRetained                  // in the order of retention
	law        func(topic string) routing.Grant // what becomes of testaments

	sent         []routing.Send // by the current step
	publications wamp.ID        // so far
	kept         []routing.Kept // by the current step
	events       []modelEvent   // the router's own, which follow what is sent
	killed       []modelKill    // who goes after that
}

// modelOffer is one callee of one registration.
type modelOffer struct {
	session *routing.Session
	id      wamp.ID
	uri     string
	options wamp.RegisterOptions
	created string // the registration, when
}

func (o *modelOffer) details() wamp.Dict {
	return wamp.Dict{
		"id": uint64(o.id), "created": o.created, "uri": o.uri,
		"match": o.options.Match.String(), "invoke": o.options.Invoke.String(),
	}
}

// modelTime writes a time as MTE-04 says.
func modelTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type modelCall struct {
	caller     *routing.Session
	request    wamp.ID
	id         wamp.ID     // of the registration
	offer      *modelOffer // who answers; nil while the call waits
	invocation wamp.ID
	first      wamp.Call // its first part
	grant      routing.Grant

	only    *modelOffer // who alone may answer; nil: anybody
	waiting []wamp.Call // parts that wait
	kept    int         // bytes that are kept of it
	again   bool        // it can be given to another callee
	tried   []*routing.Session
	since   time.Time // when its time began to run

	streaming bool // the callee was asked for progressive results
	moreInput bool
	parts     int // that the callee got
	results   int
	killed    bool
	dismissed bool

	deadline time.Time // zero: none
	armed    int       // when the timer was set, relative to others
}

type modelEnding struct {
	session *routing.Session
	request wamp.ID
	at      time.Time
	uri     string
	offer   *modelOffer
}

// ---- registrations ----

func (m *realmModel) register(s *routing.Session, r *wamp.Register, g routing.Grant) {
	if uri := m.registerRefusal(s, r, g); uri != "" {
		m.refuse(s, wamp.TypeRegister, r.Request, uri)
		return
	}
	others := m.offersOf(r.Options.Match, r.Procedure)
	if r.Options.ForceReregister {
		for _, o := range others {
			m.revoke(o, "wamp.error.unregistered")
		}
		for _, o := range others {
			m.inherit(o)
		}
		others = nil
	}
	o := &modelOffer{session: s, id: m.nextID, uri: r.Procedure, options: r.Options}
	if len(others) > 0 {
		o.id, o.created = others[0].id, others[0].created
	} else {
		m.nextID++
		o.created = modelTime(m.now)
		m.tell("wamp.registration.on_create", uint64(s.ID), o.details())
	}
	m.offers = append(m.offers, o)
	m.send(s, &wamp.Registered{Request: r.Request, Registration: o.id})
	m.tell("wamp.registration.on_register", uint64(s.ID), uint64(o.id))
	m.wake(o)
}

func (m *realmModel) registerRefusal(s *routing.Session, r *wamp.Register, g routing.Grant) wamp.ErrorURI {
	held := 0
	for _, o := range m.offers {
		if o.session == s {
			held++
		}
	}
	others := m.offersOf(r.Options.Match, r.Procedure)
	switch {
	case strings.Contains(r.Procedure, " "), strings.Split(r.Procedure, ".")[0] == "wamp",
		r.Options.Match == wamp.MatchPrefix && (r.Procedure == "w" || r.Procedure == "wa" || r.Procedure == "wam"):
		return "wamp.error.invalid_uri"
	case modelGrant(g) != "":
		return modelGrant(g)
	case r.Options.ForceReregister && !g.Force:
		return "wamp.error.not_authorized"
	case r.Options.DiscloseCaller && g.Disclose == wamp.DiscloseNever && s.AuthRole != "trusted":
		return "wamp.error.option_disallowed.disclose_me"
	case held >= m.config.MaxRegistrations:
		return "wamp.error.not_authorized"
	case len(others) == 0 || r.Options.ForceReregister:
		return ""
	case r.Options.Invoke == wamp.InvokeSingle || r.Options.Invoke != others[0].options.Invoke:
		return "wamp.error.procedure_already_exists"
	case slices.ContainsFunc(others, func(o *modelOffer) bool { return o.session == s }):
		return "wamp.error.procedure_already_exists"
	default:
		return ""
	}
}

func (m *realmModel) unregister(s *routing.Session, u *wamp.Unregister) {
	o := m.offerOf(s, u.Registration)
	if o == nil {
		m.refuse(s, wamp.TypeUnregister, u.Request, "wamp.error.no_such_registration")
		return
	}
	m.send(s, &wamp.Unregistered{Request: u.Request})
	m.withdraw(o)
	m.inherit(o)
}

// revoke takes an offer away from a callee who may want to know it.
func (m *realmModel) revoke(o *modelOffer, reason string) {
	if calleeHas(o, wamp.FeatureRegistrationRevocation) {
		m.send(o.session, &wamp.Unregistered{Details: wamp.UnregisteredDetails{Registration: o.id, Reason: reason}})
	}
	m.withdraw(o)
}

// withdraw removes an offer, and its turn goes to the next one.
func (m *realmModel) withdraw(o *modelOffer) {
	callees := m.peers(o)
	if m.turn[o.id] == o {
		m.turn[o.id] = modelAfter(callees, o)
	}
	m.offers = slices.DeleteFunc(m.offers, func(other *modelOffer) bool { return other == o })
	m.tell("wamp.registration.on_unregister", uint64(o.session.ID), uint64(o.id))
	if len(callees) == 1 {
		delete(m.turn, o.id)
		m.tell("wamp.registration.on_delete", uint64(o.session.ID), uint64(o.id))
	}
}

// leave lets a session go: it loses its place as a peer of calls, then as a subscriber; its testaments are published, and
// then everybody who wants to hears of it (TES-12, MTE-03). If it goes quietly, there is nothing to hear (SMA-11, SMA-12).
func (m *realmModel) leave(s *routing.Session, quietly bool) {
	if m.left(s) {
		return
	}
	m.gone = append(m.gone, s)
	m.sessions = slices.DeleteFunc(m.sessions, func(other *routing.Session) bool { return other == s })
	earlier := m.events
	m.events = nil
	m.leaveCalls(s)
	ended := m.leaveTopics(s)
	m.dropUnwanted()
	if quietly {
		m.forgetTestaments(s, "")
		m.events = earlier
		return
	}
	m.execute(s)
	for _, t := range ended {
		m.tellWithdrawn(s, t)
	}
	m.tell("wamp.session.on_leave", uint64(s.ID), s.AuthID, s.AuthRole)
	m.publishOwn()
	m.events = earlier
}

// leaveCalls settles the calls of a session that goes: its calls that wait first, and then what it offers in the order of
// the IDs, the calls to it in that of the invocations, and the calls that it made in that of their requests.
func (m *realmModel) leaveCalls(s *routing.Session) {
	m.calls = slices.DeleteFunc(m.calls, func(c *modelCall) bool { return c.caller == s && c.offer == nil })
	offers := slices.DeleteFunc(slices.Clone(m.offers), func(o *modelOffer) bool { return o.session != s })
	slices.SortFunc(offers, func(a, b *modelOffer) int { return cmp.Compare(a.id, b.id) })
	for _, o := range offers {
		m.withdraw(o)
		m.inherit(o)
	}
	invoked := slices.DeleteFunc(slices.Clone(m.calls), func(c *modelCall) bool { return c.offer == nil || c.offer.session != s })
	slices.SortFunc(invoked, func(a, b *modelCall) int { return cmp.Compare(a.invocation, b.invocation) })
	for _, c := range invoked {
		if c.caller != s {
			m.refuse(c.caller, wamp.TypeCall, c.request, "wamp.error.canceled")
		}
		m.end(c)
	}
	made := slices.DeleteFunc(slices.Clone(m.calls), func(c *modelCall) bool { return c.caller != s })
	slices.SortFunc(made, func(a, b *modelCall) int { return cmp.Compare(a.request, b.request) })
	for _, c := range made {
		m.giveUp(c, "wamp.error.canceled")
	}
}

// ---- what goes out ----

func (m *realmModel) refuse(to *routing.Session, t wamp.MessageType, request wamp.ID, uri wamp.ErrorURI) {
	m.send(to, &wamp.Error{RequestType: t, Request: request, URI: uri})
}

func (m *realmModel) abort(to *routing.Session) {
	m.send(to, &wamp.Abort{Reason: "wamp.error.protocol_violation"})
}

func (m *realmModel) send(to *routing.Session, message wamp.Message) {
	m.sent = append(m.sent, routing.Send{To: to, Msg: message})
}

// finish ends the step: who broke the protocol leaves, then those who want to hear the router's own events, and then who
// was killed leaves, one after the other.
func (m *realmModel) finish() {
	for i := 0; i < len(m.sent); i++ {
		if m.sent[i].Msg.Type() == wamp.TypeAbort {
			m.leave(m.sent[i].To, false)
		}
	}
	m.publishOwn()
	for _, k := range m.killed {
		m.send(k.session, &wamp.Goodbye{Reason: k.reason, Details: wamp.GoodbyeDetails{Message: k.message}})
		m.leave(k.session, k.quietly)
	}
	m.killed = m.killed[:0]
}

// begin forgets what the last step sent.
func (m *realmModel) begin() {
	m.sent, m.kept = m.sent[:0], m.kept[:0]
}

func (m *realmModel) left(s *routing.Session) bool { return slices.Contains(m.gone, s) }
