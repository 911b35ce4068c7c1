package routing

import (
	"math/bits"
	"slices"

	"github.com/tandemrouter/tandem/wamp"
)

// choose returns the callee that a new call goes to (ROU-09). Every choice moves the cursor of a round robin,
// whatever becomes of the call (ROU-12).
func (d *Dealer) choose(r *registration) *callee {
	switch r.invoke {
	case wamp.InvokeLast:
		return r.callees[len(r.callees)-1]
	case wamp.InvokeRoundRobin:
		return r.nextInTurn()
	case wamp.InvokeRandom:
		at, _ := bits.Mul64(d.config.Random(), uint64(len(r.callees))) // uniform: 64 bits scaled down (ROU-16)
		return r.callees[at]
	default:
		return r.callees[0]
	}
}

func (r *registration) nextInTurn() *callee {
	c := r.callees[r.cursor]
	r.cursor = (r.cursor + 1) % len(r.callees)
	return c
}

// remove takes out the callee at a place. The cursor stays on the callee that is next; if that is the one who goes,
// on the one behind it (ROU-10).
func (r *registration) remove(at int) {
	r.callees = slices.Delete(r.callees, at, at+1)
	if at < r.cursor {
		r.cursor--
	}
	if r.cursor == len(r.callees) {
		r.cursor = 0
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
	case s.dealer.invocations.len() >= d.config.MaxInvocations:
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

// invoke sends the first INVOCATION of a call.
func (d *Dealer) invoke(c *call, m *wamp.Call, g *Grant, out *Outbox) {
	inv := c.invocationFor(m, out)
	details := &inv.Details
	details.ReceiveProgress = c.receiveProgress
	details.PPT = m.Options.PPT // PPT-02
	details.TrustLevel, details.HasTrustLevel = g.TrustLevel, g.HasTrustLevel
	if c.callee.keepsTime() {
		details.Timeout = m.Options.Timeout // TMO-03
	}
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
