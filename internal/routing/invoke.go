package routing

import (
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// choose returns the callee that a new call goes to (ROU-09). If that is busy the call has to wait for it, or if it is
// nil, for any (ROU-21). Every choice moves the cursor of a round robin, whatever becomes of the call (ROU-12).
func (d *Dealer) choose(r *registration, o *wamp.CallOptions) *callee {
	to := d.candidate(r, o)
	if to != nil && o.RunMode != partition {
		d.chosen(to)
	}
	return to
}

// chosen notes that the invocation policy has chosen the callee.
func (d *Dealer) chosen(to *callee) {
	switch r := to.registration; r.invoke {
	case wamp.InvokeRoundRobin:
		r.callees.turn(to)
	case wamp.InvokeRandom:
		d.draw.used()
	}
}

// candidate returns the callee that choose would return.
func (d *Dealer) candidate(r *registration, o *wamp.CallOptions) *callee {
	if o.RunMode == partition {
		return r.callees.shard(o.RKey)
	}
	switch r.invoke {
	case wamp.InvokeLast:
		return r.callees.newest()
	case wamp.InvokeRoundRobin:
		return r.callees.inTurn()
	case wamp.InvokeRandom:
		return r.callees.atRandom(d.draw.bits)
	default:
		return r.callees.oldest()
	}
}

// unfit says why the callee that was chosen cannot take the call. Another is not tried (PBR-06, PCI-06, PPT-05).
func (d *Dealer) unfit(c *callee, o *wamp.CallOptions) refusal {
	s := c.session
	switch {
	case o.Progress && !s.takesProgress():
		return refusal{wamp.ErrFeatureNotSupported, "the callee does not support progressive call invocations"}
	case o.PPT != nil && !s.calleeSupports(wamp.FeaturePayloadPassthruMode):
		return refusal{wamp.ErrFeatureNotSupported, "the callee does not support payload passthru mode"}
	case s.dealer.invocations.len()+s.dealer.unanswered.len() >= d.config.MaxInvocations:
		return refusal{wamp.ErrNotAuthorized, "the callee has as many invocations as it may"} // FLW-08
	default:
		return refusal{}
	}
}

// takesProgress reports whether a call may come to the callee in parts.
func (s *Session) takesProgress() bool {
	return s.calleeSupports(wamp.FeatureProgressiveCallInvocations) && s.calleeSupports(wamp.FeatureCallCanceling)
}

// givesProgress reports whether the callee may be asked for progressive results (PCR-01, PCR-02).
func (d *Dealer) givesProgress(s *Session) bool {
	return s.calleeSupports(wamp.FeatureProgressiveCallResults) &&
		(!d.config.ProgressNeedsCanceling || s.calleeSupports(wamp.FeatureCallCanceling))
}

// invoke gives a call to a callee, who has to answer it from now on: it sends the first INVOCATION.
func (d *Dealer) invoke(now time.Time, c *call, to *callee, m *wamp.Call, g *Grant, out *Outbox) {
	s := to.session
	c.callee, c.invocation = to, s.dealer.lastInvocation.Next()
	c.disclosed = to.learnsCaller(&m.Options, g.Disclose)
	c.receiveProgress = m.Options.ReceiveProgress && d.givesProgress(s)
	s.dealer.lastInvocation = c.invocation
	d.calls.put(&s.dealer.invocations, c.invocation, c)
	to.occupy()
	inv := c.invocationFor(m, out)
	inv.Details.ReceiveProgress = c.receiveProgress
	inv.Details.PPT = m.Options.PPT // PPT-02
	inv.Details.TrustLevel, inv.Details.HasTrustLevel = g.TrustLevel, g.HasTrustLevel
	if timeout := d.timeoutOf(m); timeout > 0 {
		inv.Details.Timeout = d.watch(now, c, timeout)
	}
}

// watch has the timeout of a call watched by the callee, if that wants to, and else by the dealer (TMO-02, TMO-03). It
// returns what the callee is told: how many milliseconds are left, since time spent waiting counts (ROU-50).
func (d *Dealer) watch(now time.Time, c *call, timeout uint64) uint64 {
	since := now
	if c.kept != nil {
		since = c.kept.since
	}
	if c.callee.keepsTime() {
		d.timers.stop(c)
		return timeout - uint64(now.Sub(since)/time.Millisecond)
	}
	if c.timer.timeout == 0 {
		d.timers.start(c, since, milliseconds(timeout))
	}
	return 0
}

// invocationFor adds an INVOCATION with all that every part of a progressive call repeats: who calls if that was
// disclosed with the first part, and what, but no other details (PCI-08, PCI-09).
func (c *call) invocationFor(m *wamp.Call, out *Outbox) *wamp.Invocation {
	inv := out.invocation(c.callee.session)
	inv.Request = c.invocation
	inv.Registration = c.callee.registration.id
	inv.Payload = m.Payload
	details := &inv.Details
	details.Progress = m.Options.Progress
	if c.callee.registration.match != wamp.MatchExact {
		details.Procedure = m.Procedure // PBR-07; who registered the URI itself knows it (PBR-08)
	}
	if c.disclosed {
		details.Caller, details.CallerAuthID, details.CallerAuthRole = c.caller.ID, c.caller.AuthID, c.caller.AuthRole // CID-01
	}
	return inv
}

// keepsTime reports whether the callee watches the timeout of its invocations itself (TMO-02, TMO-03).
func (c *callee) keepsTime() bool {
	return c.forwardTimeout && c.session.calleeSupports(wamp.FeatureCallTimeout)
}

// learnsCaller reports whether the callee is told who makes a call (CID-02, CID-06).
func (c *callee) learnsCaller(o *wamp.CallOptions, rule wamp.Disclosure) bool {
	return rule == wamp.DiscloseAlways || rule == wamp.DiscloseOnRequest && (o.DiscloseMe || c.discloseCaller)
}
