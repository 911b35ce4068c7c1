package routing_test

import (
	"slices"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// What realmModel says of the life of a call.

// call takes a CALL. That it is repeated means that its ID is known not to be new.
func (m *realmModel) call(s *routing.Session, c *wamp.Call, g routing.Grant, repeated bool) {
	if unannounced(s, c) {
		m.abort(s)
		return
	}
	if known := m.callOf(s, c.Request); known != nil {
		m.furtherPart(known, c)
		return
	}
	for _, e := range m.ended {
		if e.session == s && e.request == c.Request && !m.now.After(e.at.Add(time.Minute)) {
			if repeated && e.uri != c.Procedure {
				m.abort(s)
			}
			return
		}
	}
	if repeated {
		m.abort(s)
		return
	}
	uri := m.newCall(s, c, g)
	if uri == "" {
		return
	}
	m.refuse(s, wamp.TypeCall, c.Request, uri)
	if c.Options.Progress {
		m.ended = append(m.ended, modelEnding{session: s, request: c.Request, at: m.now, uri: c.Procedure})
	}
}

// unannounced reports whether a CALL uses a feature that its caller had to announce.
func unannounced(s *routing.Session, c *wamp.Call) bool {
	return c.Options.Progress && !s.Roles.Supports(wamp.RoleCaller, wamp.FeatureProgressiveCallInvocations) ||
		c.Options.PPT != nil && !s.Roles.Supports(wamp.RoleCaller, wamp.FeaturePayloadPassthruMode)
}

// callBroker takes a CALL of a procedure that is about sessions or subscriptions. It is answered at once, and leaves no
// trace among the calls.
func (m *realmModel) callBroker(s *routing.Session, c *wamp.Call, g routing.Grant) {
	if unannounced(s, c) {
		m.abort(s)
		return
	}
	uri := modelGrant(g)
	switch {
	case uri != "":
	case c.Options.DiscloseMe && g.Disclose == wamp.DiscloseNever:
		uri = "wamp.error.option_disallowed.disclose_me"
	default:
		uri = m.ask(s, c, g)
	}
	if uri != "" {
		m.refuse(s, wamp.TypeCall, c.Request, uri)
	}
}

func (m *realmModel) furtherPart(known *modelCall, c *wamp.Call) {
	if !known.moreInput || known.first.Procedure != c.Procedure {
		m.abort(known.caller)
		return
	}
	known.moreInput = c.Options.Progress
	if known.killed {
		return
	}
	if known.results == 0 {
		m.restart(known)
	}
	if known.offer == nil {
		m.queuePart(known, c)
		return
	}
	m.invocation(known, c)
}

// newCall returns why the call cannot be made.
func (m *realmModel) newCall(s *routing.Session, c *wamp.Call, g routing.Grant) wamp.ErrorURI {
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
	case strings.Split(c.Procedure, ".")[0] == "wamp":
		return m.ask(s, c, g)
	case c.Options.RunMode != "" && (!m.config.Sharding || c.Options.RunMode != "partition"):
		return "wamp.error.option_not_allowed"
	case c.Options.RunMode != "" && c.Options.RKey == "":
		return "wamp.error.invalid_argument"
	}
	callees := m.match(c.Procedure)
	if len(callees) == 0 {
		return "wamp.error.no_such_procedure"
	}
	known := &modelCall{
		caller: s, request: c.Request, id: callees[0].id, first: *c, grant: g, moreInput: c.Options.Progress, since: m.now,
	}
	known.first.Options.Timeout = m.timeLimit(c.Options.Timeout)
	o := m.choose(callees, &c.Options)
	if o == nil || m.busy(o) {
		if c.Options.RunMode != "" {
			known.only = o
		}
		return m.queue(known)
	}
	if uri := m.unfit(o, &c.Options); uri != "" {
		return uri
	}
	if m.canGoOn(o, &c.Options) && m.keptOf(s)+modelSize(c) <= m.config.MaxKeptBytes {
		known.again, known.kept = true, modelSize(c)
	}
	m.calls = append(m.calls, known)
	m.invoke(known, o)
	return ""
}

// timeLimit returns how long a call may take that asks for so much, in milliseconds; 0 is for ever (TMO-11).
func (m *realmModel) timeLimit(asked uint64) uint64 {
	limit := asked
	if limit == 0 {
		limit = uint64(m.config.DefaultTimeout.Milliseconds())
	}
	switch most := uint64(m.config.MaxTimeout.Milliseconds()); {
	case most == 0:
		return limit
	case limit == 0:
		return most
	default:
		return min(limit, most)
	}
}

// unfit says why a callee cannot take a call.
func (m *realmModel) unfit(o *modelOffer, options *wamp.CallOptions) wamp.ErrorURI {
	load := 0
	for _, other := range m.calls {
		if other.offer != nil && other.offer.session == o.session {
			load++
		}
	}
	for _, e := range m.owed {
		if e.session == o.session {
			load++
		}
	}
	switch {
	case options.Progress && !(calleeHas(o, wamp.FeatureProgressiveCallInvocations) && calleeHas(o, wamp.FeatureCallCanceling)):
		return "wamp.error.feature_not_supported"
	case options.PPT != nil && !calleeHas(o, wamp.FeaturePayloadPassthruMode):
		return "wamp.error.feature_not_supported"
	case load >= m.config.MaxInvocations:
		return "wamp.error.not_authorized"
	default:
		return ""
	}
}

// invoke gives a call to a callee.
func (m *realmModel) invoke(known *modelCall, o *modelOffer) {
	m.issued[o.session]++
	first, g := &known.first, known.grant
	known.offer, known.invocation = o, m.issued[o.session]
	known.streaming = first.Options.ReceiveProgress && calleeHas(o, wamp.FeatureProgressiveCallResults) &&
		(calleeHas(o, wamp.FeatureCallCanceling) || !m.config.ProgressNeedsCanceling)
	inv := m.invocation(known, first)
	inv.Details.ReceiveProgress = known.streaming
	inv.Details.PPT = first.Options.PPT
	inv.Details.TrustLevel, inv.Details.HasTrustLevel = g.TrustLevel, g.HasTrustLevel
	switch {
	case first.Options.Timeout == 0:
	case modelForwardsTimeout(o):
		inv.Details.Timeout = first.Options.Timeout - uint64(m.now.Sub(known.since).Milliseconds())
		known.deadline = time.Time{}
	case known.deadline.IsZero():
		m.arm(known)
	}
}

func (m *realmModel) invocation(known *modelCall, c *wamp.Call) *wamp.Invocation {
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
	known.parts++
	if known.parts > 1 {
		known.again, known.kept = false, 0
	}
	m.send(known.offer.session, inv)
	return inv
}

func (m *realmModel) cancel(s *routing.Session, c *wamp.Cancel) {
	known := m.callOf(s, c.Request)
	if known == nil {
		return
	}
	canInterrupt := known.offer != nil && calleeHas(known.offer, wamp.FeatureCallCanceling)
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

func (m *realmModel) yield(s *routing.Session, y *wamp.Yield) {
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

func (m *realmModel) fail(s *routing.Session, e *wamp.Error) {
	known := m.invocationOf(s, e.Request)
	switch {
	case e.RequestType != wamp.TypeInvocation && e.RequestType != wamp.TypeInterrupt,
		e.Details.PPT != nil && !s.Roles.Supports(wamp.RoleCallee, wamp.FeaturePayloadPassthruMode):
		m.abort(s)
	case strings.Contains(string(e.URI), " "):
		if known != nil {
			m.refuse(known.caller, wamp.TypeCall, known.request, "wamp.error.invalid_uri")
			m.forget(known)
		}
		m.abort(s)
	case known == nil:
		m.late(s, e.Request, false)
	case m.config.Rerouting && e.URI == "wamp.error.unavailable" && calleeHas(known.offer, wamp.FeatureCallReroute) &&
		known.results == 0 && known.parts == 1 && !known.killed:
		m.goOn(known)
	default:
		forwarded := &wamp.Error{RequestType: wamp.TypeCall, Request: known.request, URI: e.URI}
		if e.Details.PPT == nil || known.caller.Roles.Supports(wamp.RoleCaller, wamp.FeaturePayloadPassthruMode) {
			forwarded.Details.PPT, forwarded.Payload = e.Details.PPT, e.Payload
		}
		m.send(known.caller, forwarded)
		m.end(known)
	}
}

func (m *realmModel) late(s *routing.Session, invocation wamp.ID, progress bool) {
	same := func(e modelEnding) bool { return e.session == s && e.request == invocation }
	switch {
	case invocation > m.issued[s]:
		m.abort(s)
	case !progress:
		if at := slices.IndexFunc(m.owed, same); at >= 0 {
			o := m.owed[at].offer
			m.owed = slices.Delete(m.owed, at, at+1)
			m.wake(o)
		}
	default:
		if at := slices.IndexFunc(m.streams, same); at >= 0 && m.now.After(m.streams[at].at.Add(time.Minute)) {
			m.abort(s)
		}
	}
}

func (m *realmModel) undelivered(to *routing.Session, message wamp.Message, why routing.Reason) {
	uri := map[routing.Reason]wamp.ErrorURI{
		routing.QueueFull:      "wamp.error.network_failure",
		routing.TooLarge:       "wamp.error.payload_size_exceeded",
		routing.NotExpressible: "wamp.error.invalid_payload",
	}[why]
	switch lost := message.(type) {
	case *wamp.Invocation:
		known := m.invocationOf(to, lost.Request)
		if known == nil {
			return
		}
		m.refuse(known.caller, wamp.TypeCall, known.request, uri)
		if known.parts == 1 {
			m.end(known)
			return
		}
		m.giveUp(known, "wamp.error.canceled")
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

func (m *realmModel) advance(d time.Duration) {
	m.now = m.now.Add(d)
	for c := m.due(); c != nil; c = m.due() {
		m.refuse(c.caller, wamp.TypeCall, c.request, "wamp.error.timeout")
		m.giveUp(c, "wamp.error.timeout")
	}
}

// due returns the call whose time is over for the longest time.
func (m *realmModel) due() (due *modelCall) {
	for _, c := range m.calls {
		if c.deadline.IsZero() || c.deadline.After(m.now) {
			continue
		}
		if due == nil || c.deadline.Before(due.deadline) || c.deadline.Equal(due.deadline) && c.armed < due.armed {
			due = c
		}
	}
	return due
}

// restart lets the time of a call begin anew, if it has a timer.
func (m *realmModel) restart(c *modelCall) {
	if !c.deadline.IsZero() {
		c.since = m.now
		m.arm(c)
	}
}

// arm sets the timer of a call.
func (m *realmModel) arm(c *modelCall) {
	m.armed++
	c.deadline, c.armed = c.since.Add(time.Duration(c.first.Options.Timeout)*time.Millisecond), m.armed
}

// giveUp tells the callee that nobody waits, and ends the call.
func (m *realmModel) giveUp(c *modelCall, reason string) {
	if c.offer != nil && !c.killed && calleeHas(c.offer, wamp.FeatureCallCanceling) {
		m.interrupt(c, wamp.CancelKillNoWait, reason)
	}
	m.endUnanswered(c)
}

// endUnanswered ends a call that its callee may still answer.
func (m *realmModel) endUnanswered(c *modelCall) {
	if c.offer == nil {
		m.forget(c)
		return
	}
	e := modelEnding{session: c.offer.session, request: c.invocation, at: m.now, offer: c.offer}
	if c.streaming {
		m.streams = append(m.streams, e)
	}
	if c.offer.options.Concurrency > 0 && !c.dismissed {
		m.owed = append(m.owed, e)
	}
	m.end(c)
}

// end ends a call. Somebody else may take its callee.
func (m *realmModel) end(c *modelCall) {
	m.forget(c)
	if c.offer != nil {
		m.wake(c.offer)
	}
}

func (m *realmModel) forget(c *modelCall) {
	if c.first.Options.Progress {
		m.ended = append(m.ended, modelEnding{session: c.caller, request: c.request, at: m.now, uri: c.first.Procedure})
	}
	m.calls = slices.DeleteFunc(m.calls, func(other *modelCall) bool { return other == c })
}

func (m *realmModel) interrupt(c *modelCall, mode wamp.CancelMode, reason string) {
	options := wamp.InterruptOptions{Mode: mode, Reason: reason}
	m.send(c.offer.session, &wamp.Interrupt{Request: c.invocation, Options: options})
	c.dismissed = mode == wamp.CancelKillNoWait
}

func (m *realmModel) callOf(s *routing.Session, request wamp.ID) *modelCall {
	for _, c := range m.calls {
		if c.caller == s && c.request == request {
			return c
		}
	}
	return nil
}

func (m *realmModel) invocationOf(s *routing.Session, request wamp.ID) *modelCall {
	for _, c := range m.calls {
		if c.offer != nil && c.offer.session == s && c.invocation == request {
			return c
		}
	}
	return nil
}

func modelForwardsTimeout(o *modelOffer) bool {
	return o.options.ForwardTimeout && calleeHas(o, wamp.FeatureCallTimeout)
}
