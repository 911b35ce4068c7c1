package routing_test

import (
	"cmp"
	"math/big"
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

	offers  []*modelOffer           // who may be called, in the order of registering
	turn    map[wamp.ID]*modelOffer // per registration: whose turn it is in a round robin
	calls   []*modelCall            // that have no final answer, in the order of calling
	issued  map[*routing.Session]wamp.ID
	unended []modelEnding // calls that ended before their caller said the last part
	streams []modelEnding // invocations that ended while their callee might send results
	gone    []*routing.Session

	sent []routing.Send // by the current step
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
	offer      *modelOffer // who answers
	invocation wamp.ID
	first      wamp.Call // its first part
	grant      routing.Grant

	streaming bool // the callee was asked for progressive results
	moreInput bool
	parts     int
	results   int
	killed    bool

	deadline time.Time // zero: none
	armed    int       // when the timer was set, relative to others
}

type modelEnding struct {
	session *routing.Session
	request wamp.ID
	at      time.Time
}

// ---- what comes in ----

func (m *dealerModel) register(s *routing.Session, r *wamp.Register, g routing.Grant) {
	if uri := m.registerRefusal(s, r, g); uri != "" {
		m.refuse(s, wamp.TypeRegister, r.Request, uri)
		return
	}
	id := m.nextID
	if others := m.offersOf(r.Options.Match, r.Procedure); len(others) > 0 {
		id = others[0].id
	} else {
		m.nextID++
	}
	m.offers = append(m.offers, &modelOffer{s, id, r.Procedure, r.Options})
	m.send(s, &wamp.Registered{Request: r.Request, Registration: id})
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
	case r.Options.DiscloseCaller && g.Disclose == wamp.DiscloseNever && s.AuthRole != "trusted":
		return "wamp.error.option_disallowed.disclose_me"
	case held >= m.config.MaxRegistrations:
		return "wamp.error.not_authorized"
	case len(others) == 0:
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
	for _, o := range m.offers {
		if o.session == s && o.id == u.Registration {
			m.withdraw(o)
			m.send(s, &wamp.Unregistered{Request: u.Request})
			return
		}
	}
	m.refuse(s, wamp.TypeUnregister, u.Request, "wamp.error.no_such_registration")
}

func (m *dealerModel) call(s *routing.Session, c *wamp.Call, g routing.Grant) {
	lacksProgress := c.Options.Progress && !s.Roles.Supports(wamp.RoleCaller, wamp.FeatureProgressiveCallInvocations)
	lacksPassthru := c.Options.PPT != nil && !s.Roles.Supports(wamp.RoleCaller, wamp.FeaturePayloadPassthruMode)
	if lacksProgress || lacksPassthru {
		m.abort(s)
		return
	}
	for _, known := range m.calls {
		if known.caller == s && known.request == c.Request {
			m.furtherPart(known, c)
			return
		}
	}
	for _, e := range m.unended {
		if e.session == s && e.request == c.Request && !m.now.After(e.at.Add(time.Minute)) {
			return
		}
	}
	uri := m.newCall(s, c, g)
	if uri == "" {
		return
	}
	m.refuse(s, wamp.TypeCall, c.Request, uri)
	if c.Options.Progress {
		m.unended = append(m.unended, modelEnding{s, c.Request, m.now})
	}
}

func (m *dealerModel) furtherPart(known *modelCall, c *wamp.Call) {
	if !known.moreInput || known.first.Procedure != c.Procedure {
		m.abort(known.caller)
		return
	}
	known.moreInput = c.Options.Progress
	if known.killed {
		return
	}
	known.parts++
	if known.results == 0 {
		m.restart(known)
	}
	m.invocation(known, c)
}

// newCall returns why the call cannot be made.
func (m *dealerModel) newCall(s *routing.Session, c *wamp.Call, g routing.Grant) wamp.ErrorURI {
	pending := 0
	for _, other := range m.calls {
		if other.caller == s {
			pending++
		}
	}
	switch {
	case strings.Contains(c.Procedure, " "), strings.Contains("."+c.Procedure+".", ".."):
		return "wamp.error.invalid_uri"
	case modelGrant(g) != "":
		return modelGrant(g)
	case c.Options.DiscloseMe && g.Disclose == wamp.DiscloseNever:
		return "wamp.error.option_disallowed.disclose_me"
	case pending >= m.config.MaxCalls:
		return "wamp.error.not_authorized"
	}
	callees := m.match(c.Procedure)
	if strings.Split(c.Procedure, ".")[0] == "wamp" {
		callees = nil
	} else if c.Options.RunMode != "" {
		return "wamp.error.option_not_allowed"
	}
	if len(callees) == 0 || strings.Split(c.Procedure, ".")[0] == "wamp" {
		return "wamp.error.no_such_procedure"
	}
	o := m.choose(callees)
	load := 0
	for _, other := range m.calls {
		if other.offer.session == o.session {
			load++
		}
	}
	switch {
	case c.Options.Progress && !(calleeHas(o, wamp.FeatureProgressiveCallInvocations) && calleeHas(o, wamp.FeatureCallCanceling)):
		return "wamp.error.feature_not_supported"
	case c.Options.PPT != nil && !calleeHas(o, wamp.FeaturePayloadPassthruMode):
		return "wamp.error.feature_not_supported"
	case load >= m.config.MaxInvocations:
		return "wamp.error.not_authorized"
	}
	m.start(s, o, c, g)
	return ""
}

func (m *dealerModel) start(s *routing.Session, o *modelOffer, c *wamp.Call, g routing.Grant) {
	m.issued[o.session]++
	known := &modelCall{
		caller: s, request: c.Request, offer: o, invocation: m.issued[o.session],
		first: *c, grant: g, moreInput: c.Options.Progress, parts: 1,
		streaming: c.Options.ReceiveProgress && calleeHas(o, wamp.FeatureProgressiveCallResults) &&
			(calleeHas(o, wamp.FeatureCallCanceling) || !m.config.ProgressNeedsCanceling),
	}
	m.calls = append(m.calls, known)
	if c.Options.Timeout > 0 && !modelForwardsTimeout(o) {
		known.deadline = m.now
		m.restart(known)
	}
	inv := m.invocation(known, c)
	inv.Details.ReceiveProgress = known.streaming
	inv.Details.PPT = c.Options.PPT
	inv.Details.TrustLevel, inv.Details.HasTrustLevel = g.TrustLevel, g.HasTrustLevel
	if modelForwardsTimeout(o) {
		inv.Details.Timeout = c.Options.Timeout
	}
}

func (m *dealerModel) cancel(s *routing.Session, c *wamp.Cancel) {
	known := m.callOf(s, c.Request)
	if known == nil {
		return
	}
	canInterrupt := calleeHas(known.offer, wamp.FeatureCallCanceling)
	if c.Options.Mode == wamp.CancelKill && canInterrupt {
		if !known.killed {
			m.interrupt(known, wamp.CancelKill, "wamp.error.canceled")
		}
		known.killed = true
		return
	}
	if c.Options.Mode == wamp.CancelKillNoWait && canInterrupt {
		m.interrupt(known, wamp.CancelKillNoWait, "wamp.error.canceled")
	}
	m.refuse(s, wamp.TypeCall, c.Request, "wamp.error.canceled")
	m.endUnanswered(known)
}

func (m *dealerModel) yield(s *routing.Session, y *wamp.Yield) {
	if y.Options.PPT != nil && !s.Roles.Supports(wamp.RoleCallee, wamp.FeaturePayloadPassthruMode) {
		m.abort(s)
		return
	}
	known := m.invocationOf(s, y.Request)
	if known == nil {
		m.late(s, y.Request, y.Options.Progress)
		return
	}
	if y.Options.Progress && !known.streaming {
		return
	}
	if y.Options.PPT != nil && !known.caller.Roles.Supports(wamp.RoleCaller, wamp.FeaturePayloadPassthruMode) {
		m.refuse(known.caller, wamp.TypeCall, known.request, "wamp.error.feature_not_supported")
		if y.Options.Progress {
			m.endUnanswered(known)
		} else {
			m.end(known)
		}
		return
	}
	details := wamp.ResultDetails{Progress: y.Options.Progress, PPT: y.Options.PPT}
	m.send(known.caller, &wamp.Result{Request: known.request, Details: details, Payload: y.Payload})
	if !y.Options.Progress {
		m.end(known)
		return
	}
	known.results++
	if !known.killed {
		m.restart(known)
	}
}

func (m *dealerModel) fail(s *routing.Session, e *wamp.Error) {
	known := m.invocationOf(s, e.Request)
	switch {
	case e.RequestType != wamp.TypeInvocation && e.RequestType != wamp.TypeInterrupt,
		e.Details.PPT != nil && !s.Roles.Supports(wamp.RoleCallee, wamp.FeaturePayloadPassthruMode):
		m.abort(s)
	case strings.Contains(string(e.URI), " "):
		if known != nil {
			m.refuse(known.caller, wamp.TypeCall, known.request, "wamp.error.invalid_uri")
			m.end(known)
		}
		m.abort(s)
	case known == nil:
		m.late(s, e.Request, false)
	default:
		forwarded := &wamp.Error{RequestType: wamp.TypeCall, Request: known.request, URI: e.URI}
		if e.Details.PPT == nil || known.caller.Roles.Supports(wamp.RoleCaller, wamp.FeaturePayloadPassthruMode) {
			forwarded.Details.PPT, forwarded.Payload = e.Details.PPT, e.Payload
		}
		m.send(known.caller, forwarded)
		m.end(known)
	}
}

func (m *dealerModel) late(s *routing.Session, invocation wamp.ID, progress bool) {
	if invocation > m.issued[s] {
		m.abort(s)
		return
	}
	for _, e := range m.streams {
		if progress && e.session == s && e.request == invocation && m.now.After(e.at.Add(time.Minute)) {
			m.abort(s)
			return
		}
	}
}

func (m *dealerModel) undelivered(to *routing.Session, message wamp.Message, why routing.Reason) {
	uri := map[routing.Reason]wamp.ErrorURI{
		routing.QueueFull:      "wamp.error.network_failure",
		routing.TooLarge:       "wamp.error.payload_size_exceeded",
		routing.NotExpressible: "wamp.error.invalid_payload",
	}[why]
	switch lost := message.(type) {
	case *wamp.Invocation:
		if known := m.invocationOf(to, lost.Request); known != nil {
			m.refuse(known.caller, wamp.TypeCall, known.request, uri)
			if known.parts == 1 {
				m.end(known)
				return
			}
			m.giveUp(known, "wamp.error.canceled")
		}
	case *wamp.Result:
		known := m.callOf(to, lost.Request)
		if why == routing.QueueFull || lost.Details.Progress && known == nil {
			return
		}
		m.refuse(to, wamp.TypeCall, lost.Request, uri)
		if lost.Details.Progress {
			m.giveUp(known, "wamp.error.canceled")
		}
	case *wamp.Error:
		if why != routing.QueueFull && len(lost.Payload.Raw) > 0 {
			m.refuse(to, lost.RequestType, lost.Request, lost.URI)
		}
	}
}

func (m *dealerModel) advance(d time.Duration) {
	m.now = m.now.Add(d)
	due := slices.DeleteFunc(slices.Clone(m.calls), func(c *modelCall) bool {
		return c.deadline.IsZero() || c.deadline.After(m.now)
	})
	slices.SortFunc(due, func(a, b *modelCall) int {
		return cmp.Or(a.deadline.Compare(b.deadline), cmp.Compare(a.armed, b.armed))
	})
	for _, c := range due {
		m.refuse(c.caller, wamp.TypeCall, c.request, "wamp.error.timeout")
		m.giveUp(c, "wamp.error.timeout")
	}
}

// leave lets a session go. What it offers goes first, then the calls to it in the order of their invocations, then
// the calls that it made in the order of their IDs.
func (m *dealerModel) leave(s *routing.Session) {
	m.gone = append(m.gone, s)
	for _, o := range slices.Clone(m.offers) {
		if o.session == s {
			m.withdraw(o)
		}
	}
	for _, c := range slices.Clone(m.calls) {
		if c.offer.session == s {
			if c.caller != s {
				m.refuse(c.caller, wamp.TypeCall, c.request, "wamp.error.canceled")
			}
			m.end(c)
		}
	}
	own := slices.DeleteFunc(slices.Clone(m.calls), func(c *modelCall) bool { return c.caller != s })
	slices.SortFunc(own, func(a, b *modelCall) int { return cmp.Compare(a.request, b.request) })
	for _, c := range own {
		m.giveUp(c, "wamp.error.canceled")
	}
}

// ---- which callee ----

func (m *dealerModel) offersOf(match wamp.MatchPolicy, uri string) []*modelOffer {
	return slices.DeleteFunc(slices.Clone(m.offers), func(o *modelOffer) bool {
		return o.options.Match != match || o.uri != uri
	})
}

// match returns the callees of the best registration for a URI: rules R1 to R4 of requirements 5.1.
func (m *dealerModel) match(uri string) []*modelOffer {
	var prefix, wildcard string
	var anyPrefix, aligned, anyWildcard bool
	for _, o := range m.offers {
		switch {
		case o.options.Match == wamp.MatchPrefix && strings.HasPrefix(uri, o.uri):
			rest := uri[len(o.uri):]
			if o.uri == "" || rest == "" || strings.HasSuffix(o.uri, ".") || strings.HasPrefix(rest, ".") {
				aligned = true
			}
			if !anyPrefix || len(o.uri) > len(prefix) {
				prefix, anyPrefix = o.uri, true
			}
		case o.options.Match == wamp.MatchWildcard && modelMatches(modelTopic{match: wamp.MatchWildcard, topic: o.uri}, uri):
			if !anyWildcard || moreSpecific(o.uri, wildcard) {
				wildcard, anyWildcard = o.uri, true
			}
		}
	}
	exact := m.offersOf(wamp.MatchExact, uri)
	switch {
	case len(exact) > 0:
		return exact
	case aligned:
		return m.offersOf(wamp.MatchPrefix, prefix)
	case anyWildcard:
		return m.offersOf(wamp.MatchWildcard, wildcard)
	case anyPrefix:
		return m.offersOf(wamp.MatchPrefix, prefix)
	default:
		return nil
	}
}

// moreSpecific compares two wildcards that match the same URI: the first difference counts.
func moreSpecific(a, b string) bool {
	partsA, partsB := strings.Split(a, "."), strings.Split(b, ".")
	for i := range partsA {
		if (partsA[i] == "") != (partsB[i] == "") {
			return partsB[i] == ""
		}
	}
	return false
}

func (m *dealerModel) choose(callees []*modelOffer) *modelOffer {
	switch callees[0].options.Invoke {
	case wamp.InvokeLast:
		return callees[len(callees)-1]
	case wamp.InvokeRandom:
		return callees[scaleDown(m.drawn(), len(callees))]
	case wamp.InvokeRoundRobin:
		now := m.turn[callees[0].id]
		if now == nil {
			now = callees[0]
		}
		m.turn[now.id] = modelAfter(callees, now)
		return now
	default:
		return callees[0]
	}
}

// scaleDown maps 64 random bits to a number below n.
func scaleDown(random uint64, n int) int {
	product := new(big.Int).Mul(new(big.Int).SetUint64(random), big.NewInt(int64(n)))
	return int(product.Rsh(product, 64).Int64())
}

// modelAfter returns who comes after a callee, round and round.
func modelAfter(callees []*modelOffer, now *modelOffer) *modelOffer {
	return callees[(slices.Index(callees, now)+1)%len(callees)]
}

func (m *dealerModel) withdraw(o *modelOffer) {
	callees := m.offersOf(o.options.Match, o.uri)
	if m.turn[o.id] == o {
		m.turn[o.id] = modelAfter(callees, o)
	}
	if len(callees) == 1 {
		delete(m.turn, o.id)
	}
	m.offers = slices.DeleteFunc(m.offers, func(other *modelOffer) bool { return other == o })
}

// ---- what goes out, and how calls end ----

func (m *dealerModel) invocation(known *modelCall, c *wamp.Call) *wamp.Invocation {
	inv := &wamp.Invocation{Request: known.invocation, Registration: known.offer.id, Payload: c.Payload}
	inv.Details.Progress = c.Options.Progress
	if known.offer.options.Match != wamp.MatchExact {
		inv.Details.Procedure = c.Procedure
	}
	wanted := known.first.Options.DiscloseMe || known.offer.options.DiscloseCaller
	if known.grant.Disclose == wamp.DiscloseAlways || known.grant.Disclose == wamp.DiscloseOnRequest && wanted {
		inv.Details.Caller = known.caller.ID
		inv.Details.CallerAuthID, inv.Details.CallerAuthRole = known.caller.AuthID, known.caller.AuthRole
	}
	m.send(known.offer.session, inv)
	return inv
}

// restart sets the timer of a call that has one.
func (m *dealerModel) restart(c *modelCall) {
	if !c.deadline.IsZero() {
		m.armed++
		c.deadline, c.armed = m.now.Add(time.Duration(c.first.Options.Timeout)*time.Millisecond), m.armed
	}
}

// giveUp tells the callee that nobody waits, and ends the call.
func (m *dealerModel) giveUp(c *modelCall, reason string) {
	if !c.killed && calleeHas(c.offer, wamp.FeatureCallCanceling) {
		m.interrupt(c, wamp.CancelKillNoWait, reason)
	}
	m.endUnanswered(c)
}

func (m *dealerModel) endUnanswered(c *modelCall) {
	if c.streaming {
		m.streams = append(m.streams, modelEnding{c.offer.session, c.invocation, m.now})
	}
	m.end(c)
}

func (m *dealerModel) end(c *modelCall) {
	if c.moreInput {
		m.unended = append(m.unended, modelEnding{c.caller, c.request, m.now})
	}
	m.calls = slices.DeleteFunc(m.calls, func(other *modelCall) bool { return other == c })
}

func (m *dealerModel) interrupt(c *modelCall, mode wamp.CancelMode, reason string) {
	options := wamp.InterruptOptions{Mode: mode, Reason: reason}
	m.send(c.offer.session, &wamp.Interrupt{Request: c.invocation, Options: options})
}

func (m *dealerModel) refuse(to *routing.Session, t wamp.MessageType, request wamp.ID, uri wamp.ErrorURI) {
	m.send(to, &wamp.Error{RequestType: t, Request: request, URI: uri})
}

func (m *dealerModel) abort(to *routing.Session) {
	m.send(to, &wamp.Abort{Reason: "wamp.error.protocol_violation"})
}

func (m *dealerModel) send(to *routing.Session, message wamp.Message) {
	m.sent = append(m.sent, routing.Send{To: to, Msg: message})
}

func (m *dealerModel) callOf(s *routing.Session, request wamp.ID) *modelCall {
	for _, c := range m.calls {
		if c.caller == s && c.request == request {
			return c
		}
	}
	return nil
}

func (m *dealerModel) invocationOf(s *routing.Session, request wamp.ID) *modelCall {
	for _, c := range m.calls {
		if c.offer.session == s && c.invocation == request {
			return c
		}
	}
	return nil
}

func calleeHas(o *modelOffer, f wamp.Feature) bool {
	return o.session.Roles.Supports(wamp.RoleCallee, f)
}

func modelForwardsTimeout(o *modelOffer) bool {
	return o.options.ForwardTimeout && calleeHas(o, wamp.FeatureCallTimeout)
}
