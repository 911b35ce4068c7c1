package routing_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// dealerModel is what a dealer has to do, written for a reader and not for speed: lists of offers and calls, gone
// through from their start for everything. It shares no code with the core.
type dealerModel struct {
	config routing.DealerConfig
	drawn  func() uint64 // the last random number that the dealer took
	now    time.Time
	nextID wamp.ID // of the next registration
	armed  int     // timers ever started

	sessions []*routing.Session      // that are there
	offers   []*modelOffer           // who may be called, in the order of registering
	turn     map[wamp.ID]*modelOffer // per registration: whose turn it is in a round robin
	calls    []*modelCall            // that have no final answer, in the order of calling
	issued   map[*routing.Session]wamp.ID
	unended  []modelEnding // calls that ended before their caller said the last part
	streams  []modelEnding // invocations that ended while their callee might send results
	owed     []modelEnding // invocations that ended while their callee has a slot taken
	gone     []*routing.Session

	observer *routing.Session // who subscribed to meta events, or nil
	sent     []routing.Send   // by the current step
	events   []routing.Send   // which follow them
}

// modelOffer is one callee of one registration.
type modelOffer struct {
	session *routing.Session
	id      wamp.ID
	uri     string
	options wamp.RegisterOptions
}

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

func (m *dealerModel) register(s *routing.Session, r *wamp.Register, g routing.Grant) {
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
	o := &modelOffer{s, m.nextID, r.Procedure, r.Options}
	if len(others) > 0 {
		o.id = others[0].id
	} else {
		m.nextID++
		m.tell("on_create", s, wamp.Dict{
			"id": uint64(o.id), "created": m.now.UTC().Format("2006-01-02T15:04:05.000Z"), "uri": o.uri,
			"match": o.options.Match.String(), "invoke": o.options.Invoke.String(),
		})
	}
	m.offers = append(m.offers, o)
	m.send(s, &wamp.Registered{Request: r.Request, Registration: o.id})
	m.tell("on_register", s, uint64(o.id))
	m.wake(o)
}

func (m *dealerModel) registerRefusal(s *routing.Session, r *wamp.Register, g routing.Grant) wamp.ErrorURI {
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

func (m *dealerModel) unregister(s *routing.Session, u *wamp.Unregister) {
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
func (m *dealerModel) revoke(o *modelOffer, reason string) {
	if calleeHas(o, wamp.FeatureRegistrationRevocation) {
		m.send(o.session, &wamp.Unregistered{Details: wamp.UnregisteredDetails{Registration: o.id, Reason: reason}})
	}
	m.withdraw(o)
}

// withdraw removes an offer, and its turn goes to the next one.
func (m *dealerModel) withdraw(o *modelOffer) {
	callees := m.peers(o)
	if m.turn[o.id] == o {
		m.turn[o.id] = modelAfter(callees, o)
	}
	m.offers = slices.DeleteFunc(m.offers, func(other *modelOffer) bool { return other == o })
	m.tell("on_unregister", o.session, uint64(o.id))
	if len(callees) == 1 {
		delete(m.turn, o.id)
		m.tell("on_delete", o.session, uint64(o.id))
	}
}

// leave lets a session go, with its calls that wait first, and then what it offers in the order of the IDs, the calls to
// it in that of the invocations, and the calls that it made in that of their requests.
func (m *dealerModel) leave(s *routing.Session) {
	m.gone = append(m.gone, s)
	m.sessions = slices.DeleteFunc(m.sessions, func(other *routing.Session) bool { return other == s })
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

// ---- the router's own procedures ----

func (m *dealerModel) meta(s *routing.Session, c *wamp.Call) wamp.ErrorURI {
	result, uri := wamp.List(nil), wamp.ErrorURI("")
	switch name, known := strings.CutPrefix(c.Procedure, "wamp.registration."); {
	case !known || !slices.Contains([]string{"remove_callee", "list_callees", "match"}, name):
		return "wamp.error.no_such_procedure"
	case c.Options.Progress:
		return "wamp.error.feature_not_supported"
	case c.Options.PPT != nil:
		return "wamp.error.invalid_argument"
	case name == "match":
		result = wamp.List{nil}
		if callees := m.match(c.Payload.Args[0].(string)); len(callees) > 0 {
			result = wamp.List{uint64(callees[0].id)}
		}
	case name == "list_callees":
		result, uri = m.listCallees(wamp.ID(c.Payload.Args[0].(int64)))
	default:
		uri = m.removeCallee(wamp.ID(c.Payload.Args[0].(int64)), wamp.ID(c.Payload.Args[1].(int64)))
	}
	if uri == "" {
		m.send(s, &wamp.Result{Request: c.Request, Payload: wamp.Payload{Args: result}})
	}
	return uri
}

func (m *dealerModel) listCallees(registration wamp.ID) (wamp.List, wamp.ErrorURI) {
	list := wamp.List{}
	for _, o := range m.offers {
		if o.id == registration {
			list = append(list, uint64(o.session.ID))
		}
	}
	if len(list) == 0 {
		return nil, "wamp.error.no_such_registration"
	}
	return wamp.List{list}, ""
}

func (m *dealerModel) removeCallee(registration, session wamp.ID) wamp.ErrorURI {
	at := slices.IndexFunc(m.sessions, func(s *routing.Session) bool { return s.ID == session })
	if at < 0 {
		return "wamp.error.no_such_session"
	}
	o := m.offerOf(m.sessions[at], registration)
	if o == nil {
		return "wamp.error.no_such_registration"
	}
	m.revoke(o, "")
	m.inherit(o)
	return ""
}

// ---- what goes out ----

func (m *dealerModel) refuse(to *routing.Session, t wamp.MessageType, request wamp.ID, uri wamp.ErrorURI) {
	m.send(to, &wamp.Error{RequestType: t, Request: request, URI: uri})
}

func (m *dealerModel) abort(to *routing.Session) {
	m.send(to, &wamp.Abort{Reason: "wamp.error.protocol_violation"})
}

func (m *dealerModel) send(to *routing.Session, message wamp.Message) {
	m.sent = append(m.sent, routing.Send{To: to, Msg: message})
}

// tell publishes a meta event about registrations, once the step is over.
func (m *dealerModel) tell(what string, s *routing.Session, object any) {
	if m.observer != nil {
		e := &wamp.Event{Subscription: 1, Payload: wamp.Payload{Args: wamp.List{uint64(s.ID), object}}}
		e.Details.Topic = "wamp.registration." + what
		m.events = append(m.events, routing.Send{To: m.observer, Msg: e})
	}
}

// finish ends the step: who broke the protocol leaves, then the observer hears the events.
func (m *dealerModel) finish() {
	for i := 0; i < len(m.sent); i++ {
		if m.sent[i].Msg.Type() == wamp.TypeAbort {
			m.leave(m.sent[i].To)
		}
	}
	if !slices.Contains(m.gone, m.observer) {
		m.sent = append(m.sent, m.events...)
	}
	m.events = m.events[:0]
}
