package routing

import (
	"strings"
	"time"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// call is a CALL that was invoked and not answered finally yet: the record of requirements 5.13. It keeps nothing of
// the payload.
type call struct {
	caller     *Session
	request    wamp.ID // the caller's
	callee     *callee // may have withdrawn its registration meanwhile
	invocation wamp.ID // the callee's

	disclosed       bool // the callee knows who calls
	receiveProgress bool // the callee was asked for progressive results
	inputOpen       bool // the caller may send further parts (PCI-02)
	continued       bool // the caller did
	yielded         bool // a progressive result went to the caller
	canceling       bool // CANCEL kill came, the callee's answer has not

	procedure string // of a call in parts, to recognize them
	timer     timer
}

// Call answers a CALL with an INVOCATION to the callee that it chooses, or with ERROR. A CALL with the request ID of a
// pending call is a further part of that (PCI-01).
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
	if d.endedWithin(from.dealer.endedCalls, m.Request, now) {
		return // a part that comes too late (PCI-13, PCI-14)
	}
	if no := d.route(now, from, m, &g, out); no.refuses() {
		out.refuse(from, wamp.TypeCall, m.Request, no.uri, no.text)
		if m.Options.Progress {
			d.remember(&from.dealer.endedCalls, m.Request, now) // further parts are on their way (PCI-06)
		}
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
	if wamp.Reserved(m.Procedure) {
		return d.callMeta(from, m, out)
	}
	if !found {
		return refusal{wamp.ErrNoSuchProcedure, "no callee has registered the procedure"} // RPC-05
	}
	callee := d.choose(r)
	if no := d.unfit(callee, &m.Options); no.refuses() {
		return no
	}
	c := d.open(now, from, callee, m, g)
	d.invoke(c, m, g, out)
	return refusal{}
}

// checkCall says whether the session must not make the call, be there a registration or not (RPC-18).
func (d *Dealer) checkCall(from *Session, m *wamp.Call, g *Grant) refusal {
	switch {
	case !g.Allowed || g.Failed:
		return g.refusal()
	case m.Options.RunMode != "":
		return refusal{wamp.ErrOptionNotAllowed, "runmode is not supported"} // ROU-53
	case m.Options.DiscloseMe && g.Disclose == wamp.DiscloseNever:
		return refusal{wamp.ErrDiscloseMeDisallowed, "the caller's identity must not be disclosed"} // CID-04
	case from.dealer.calls.len() >= d.config.MaxCalls:
		return refusal{wamp.ErrNotAuthorized, "the session has as many pending calls as it may"} // FLW-08
	default:
		return refusal{}
	}
}

// open makes the record of a call that is going to be invoked.
func (d *Dealer) open(now time.Time, from *Session, to *callee, m *wamp.Call, g *Grant) *call {
	c := d.newCall()
	c.caller, c.request = from, m.Request
	c.callee, c.invocation = to, to.session.dealer.lastInvocation.Next()
	c.disclosed = to.learnsCaller(&m.Options, g.Disclose)
	c.receiveProgress = m.Options.ReceiveProgress && d.givesProgress(to.session)
	if m.Options.Progress {
		c.inputOpen, c.procedure = true, strings.Clone(m.Procedure)
	}
	if m.Options.Timeout > 0 && !to.keepsTime() {
		d.timers.start(c, now, milliseconds(m.Options.Timeout))
	}
	to.session.dealer.lastInvocation = c.invocation
	d.calls.put(&from.dealer.calls, c.request, c)
	d.calls.put(&to.session.dealer.invocations, c.invocation, c)
	d.pending++
	return c
}

// proceed sends a further part of a call to the callee that got the first one, wherever a new call would go now
// (PCI-07, ROU-57).
func (d *Dealer) proceed(now time.Time, c *call, m *wamp.Call, out *Outbox) {
	if !c.inputOpen || c.procedure != m.Procedure {
		out.violation(c.caller, "CALL with the request ID of a pending call") // IDS-08, PCI-12
		return
	}
	c.inputOpen = m.Options.Progress
	if c.canceling {
		return // PCI-19
	}
	c.continued = true
	if !c.yielded {
		d.timers.restart(c, now) // PCI-20
	}
	c.invocationFor(m, out)
}

// finish ends a call: it frees the record and forgets the call but for what it takes to know its stragglers (ROU-65).
func (d *Dealer) finish(now time.Time, c *call) {
	d.timers.stop(c)
	d.calls.delete(&c.caller.dealer.calls, c.request)
	d.calls.delete(&c.callee.session.dealer.invocations, c.invocation)
	if c.inputOpen {
		d.remember(&c.caller.dealer.endedCalls, c.request, now)
	}
	d.pending--
	d.reuse(c)
}

// abandon ends a call before its callee has answered finally. One that was asked for progressive results may go on
// with them for a while.
func (d *Dealer) abandon(now time.Time, c *call) {
	if c.receiveProgress {
		d.remember(&c.callee.session.dealer.endedInvocations, c.invocation, now)
	}
	d.finish(now, c)
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
