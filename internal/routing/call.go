package routing

import (
	"strings"
	"time"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// call is a CALL that has not been answered finally yet: the record of requirements 5.13. It keeps nothing of the
// payload unless it may have to be invoked later.
type call struct {
	caller     *Session
	request    wamp.ID // the caller's
	callee     *callee // nil: the call waits for one; may have withdrawn its registration meanwhile
	invocation wamp.ID // the callee's

	disclosed       bool // the callee knows who calls
	receiveProgress bool // the callee was asked for progressive results
	inputOpen       bool // the caller may send further parts (PCI-02)
	continued       bool // the callee got further parts
	yielded         bool // a progressive result went to the caller
	canceling       bool // CANCEL kill came, the callee's answer has not
	dismissed       bool // the callee was told that it need not answer

	procedure string // of a call in parts, to recognize them; or else empty
	timer     timer
	kept      *kept // nil if the call is never invoked again
}

// Call answers a CALL with an INVOCATION to the callee that it chooses, or with ERROR; or the call has to wait for a
// callee. A CALL with the request ID of a pending call is a further part of that (PCI-01).
//
// The grant matters for the first part only (PCI-22).
func (d *Dealer) Call(now time.Time, from *Session, m *wamp.Call, g Grant, out *Outbox) {
	if from.dealer.left {
		return
	}
	if text := unannounced(from, &m.Options); text != "" {
		out.violation(from, text)
		return
	}
	if c, pending := d.calls.get(&from.dealer.calls, m.Request); pending {
		d.proceed(now, c, m, out)
		return
	}
	if all := from.dealer.endedCalls; all != nil && d.endedRecently(all, m.Request, now) {
		return // a part that comes too late (PCI-13, PCI-14)
	}
	if no := d.route(now, from, m, &g, out); no.refuses() {
		out.refuse(from, wamp.TypeCall, m.Request, no.uri, no.text)
		if m.Options.Progress {
			d.remember(&from.dealer.endedCalls, m.Request, ending{now, hashOf(m.Procedure)}) // more may come (PCI-06)
		}
	}
}

// Claims reports whether a CALL that others would answer is for Call all the same, because the dealer alone knows what to
// make of it: it may be part of another call, or the first part of one, or it breaks the protocol.
func (d *Dealer) Claims(now time.Time, from *Session, m *wamp.Call) bool {
	_, pending := d.calls.get(&from.dealer.calls, m.Request)
	all := from.dealer.endedCalls
	return pending || m.Options.Progress || unannounced(from, &m.Options) != "" ||
		all != nil && d.endedRecently(all, m.Request, now)
}

// Continue takes a CALL whose request ID is not new, where the IDs of requests are strict: see RequestIDs. It is a
// further part of a call, pending or ended not long ago; or else a violation of the protocol (PCI-12).
func (d *Dealer) Continue(now time.Time, from *Session, m *wamp.Call, out *Outbox) {
	if from.dealer.left {
		return
	}
	c, pending := d.calls.get(&from.dealer.calls, m.Request)
	switch text := unannounced(from, &m.Options); {
	case text != "":
		out.violation(from, text)
	case pending:
		d.proceed(now, c, m, out)
	case !d.endedInParts(now, from, m):
		out.violation(from, "CALL with the request ID of an earlier request")
	}
}

// unannounced says which feature the caller uses without having announced it, where that is a violation of the protocol
// (PCI-04, PPT-03, FEA-05).
func unannounced(from *Session, o *wamp.CallOptions) string {
	switch {
	case o.Progress && !from.callerSupports(wamp.FeatureProgressiveCallInvocations):
		return "CALL with progress, but progressive_call_invocations was not announced"
	case o.PPT != nil && !from.callerSupports(wamp.FeaturePayloadPassthruMode):
		return "CALL with ppt_scheme, but payload_passthru_mode was not announced"
	default:
		return ""
	}
}

// route has a new call done by whoever is to do it: the router itself or a callee. It returns why that cannot be.
func (d *Dealer) route(now time.Time, from *Session, m *wamp.Call, g *Grant, out *Outbox) refusal {
	r, kind, found := d.procedures.Best(m.Procedure)
	// An exact registration's URI was checked when it was registered.
	if valid := found && kind == pattern.Exact || d.config.URIRule.ValidURI(m.Procedure); !valid {
		return refusal{wamp.ErrInvalidURI, "the procedure is not a valid URI"} // URI-03
	}
	if no := d.checkCall(from, m, g); no.refuses() {
		return no
	}
	if m.Options.Progress && AnsweredByBroker(m.Procedure) {
		return notInParts // and so it comes here: see Claims
	}
	if wamp.Reserved(m.Procedure) {
		return registrationAPI.answer(d, now, from, m, *g, out)
	}
	if m.Options.RunMode != "" {
		if no := d.checkRunMode(&m.Options); no.refuses() {
			return no
		}
	}
	if !found {
		return refusal{wamp.ErrNoSuchProcedure, "no callee has registered the procedure"} // RPC-05
	}
	to := d.choose(r, &m.Options)
	if to == nil || to.busy() {
		if m.Options.RunMode == "" {
			to = nil
		}
		return d.enqueue(now, from, r, to, m, g)
	}
	if no := d.unfit(to, &m.Options); no.refuses() {
		return no
	}
	c := d.open(from, m)
	if d.config.Rerouting && d.mayReroute(to, m) && d.canKeep(from, m) {
		d.keep(now, c, r, m, g)
	}
	d.invoke(now, c, to, m, g, out)
	return refusal{}
}

// checkCall says whether the session must not make the call, be there a registration or not (RPC-18).
func (d *Dealer) checkCall(from *Session, m *wamp.Call, g *Grant) refusal {
	if no := checkIdentity(m, g); no.refuses() {
		return no
	}
	if from.dealer.calls.len() >= d.config.MaxCalls {
		return refusal{wamp.ErrNotAuthorized, "the session has as many pending calls as it may"} // FLW-08
	}
	return refusal{}
}

// checkIdentity says whether a call must be refused because of who makes it, or because that must not be told.
func checkIdentity(m *wamp.Call, g *Grant) refusal {
	switch {
	case !g.Allowed || g.Failed:
		return g.refusal()
	case m.Options.DiscloseMe && g.Disclose == wamp.DiscloseNever:
		return refusal{wamp.ErrDiscloseMeDisallowed, "the caller's identity must not be disclosed"} // CID-04
	default:
		return refusal{}
	}
}

// open makes the record of a call.
func (d *Dealer) open(from *Session, m *wamp.Call) *call {
	c := d.newCall()
	c.caller, c.request = from, m.Request
	if m.Options.Progress {
		c.inputOpen, c.procedure = true, strings.Clone(m.Procedure)
	}
	d.calls.put(&from.dealer.calls, c.request, c)
	d.pending++
	return c
}

// inParts reports whether the caller sends the call in parts, be the last of them here or not.
func (c *call) inParts() bool { return c.procedure != "" }

// proceed sends a further part of a call to the callee that got the first one, wherever a new call would go now
// (PCI-07, ROU-57). If none has got it yet, the part waits too.
func (d *Dealer) proceed(now time.Time, c *call, m *wamp.Call, out *Outbox) {
	if !c.inputOpen || c.procedure != m.Procedure {
		out.violation(c.caller, "CALL with the request ID of a pending call") // IDS-08, PCI-12
		return
	}
	c.inputOpen = m.Options.Progress
	if c.canceling {
		return // PCI-19
	}
	if !c.yielded {
		d.timers.restart(c, now) // PCI-20
	}
	if c.callee == nil {
		d.enqueuePart(now, c, m, out)
		return
	}
	d.sendPart(c, m, out)
}

// sendPart sends a further part of a call to its callee.
func (d *Dealer) sendPart(c *call, m *wamp.Call, out *Outbox) {
	if c.kept != nil {
		d.release(c) // a call of which two parts were sent is not rerouted (RRT-07)
	}
	c.continued = true
	c.invocationFor(m, out)
}

// finish ends a call whose callee, if it had one, has no more to do with it: it frees the record and forgets the call
// but for what it takes to know its stragglers (ROU-65).
func (d *Dealer) finish(now time.Time, c *call, out *Outbox) {
	to := c.callee
	d.end(now, c)
	if to != nil {
		d.vacate(now, to, out)
	}
}

// abandon ends a call before its callee has answered finally. One that was asked for progressive results may go on
// with them for a while.
func (d *Dealer) abandon(now time.Time, c *call, out *Outbox) {
	if c.receiveProgress {
		d.remember(&c.callee.session.dealer.endedInvocations, c.invocation, ending{at: now})
	}
	if c.callee == nil || c.callee.concurrency == 0 || c.dismissed {
		d.finish(now, c, out)
		return
	}
	d.detain(c)
	d.end(now, c)
}

// end frees the record of a call.
func (d *Dealer) end(now time.Time, c *call) {
	d.timers.stop(c)
	if c.kept != nil {
		d.release(c)
	}
	d.calls.delete(&c.caller.dealer.calls, c.request)
	if c.callee != nil {
		d.calls.delete(&c.callee.session.dealer.invocations, c.invocation)
	}
	if c.inParts() {
		d.remember(&c.caller.dealer.endedCalls, c.request, ending{now, hashOf(c.procedure)})
	}
	d.pending--
	d.reuse(c)
}

// maxSpareCalls is how many records of finished calls are kept for new ones.
const maxSpareCalls = 4096

func (d *Dealer) newCall() *call {
	if n := len(d.spare); n > 0 {
		c := d.spare[n-1]
		d.spare = d.spare[:n-1]
		return c
	}
	return new(call)
}

func (d *Dealer) reuse(c *call) {
	*c = call{}
	if len(d.spare) < maxSpareCalls {
		d.spare = append(d.spare, c)
	}
}
