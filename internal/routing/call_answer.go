package routing

import (
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Yield passes a callee's result on to the caller: a RESULT, which ends the call unless it is a progressive one.
func (d *Dealer) Yield(now time.Time, from *Session, m *wamp.Yield, out *Outbox) {
	if from.dealer.left {
		return
	}
	if m.Options.PPT != nil && !from.calleeSupports(wamp.FeaturePayloadPassthruMode) {
		out.violation(from, "YIELD with ppt_scheme, but payload_passthru_mode was not announced") // PPT-03
		return
	}
	c, pending := d.calls.get(&from.dealer.invocations, m.Request)
	switch {
	case !pending:
		d.late(now, from, m.Request, m.Options.Progress, out)
	case m.Options.Progress && !c.receiveProgress:
		// Nobody asked for it: it is dropped, and does not count as a sign of life (PCR-07).
	case m.Options.PPT != nil && !c.caller.callerSupports(wamp.FeaturePayloadPassthruMode):
		d.resultUnsupported(now, c, m, out)
	case m.Options.Progress:
		d.progress(now, c, m, out)
	default:
		c.result(m, out)
		d.finish(now, c, out)
	}
}

// progress passes a progressive result on. Once the call is being canceled, its timer does not care any more (ROU-48).
func (d *Dealer) progress(now time.Time, c *call, m *wamp.Yield, out *Outbox) {
	c.result(m, out).Details.Progress = true
	c.yielded = true
	if !c.canceling {
		d.timers.restart(c, now) // PCR-10
	}
}

func (c *call) result(m *wamp.Yield, out *Outbox) *wamp.Result {
	result := out.result(c.caller)
	result.Request = c.request
	result.Details.PPT = m.Options.PPT
	result.Payload = m.Payload
	return result
}

// resultUnsupported ends a call whose caller could not understand the result (PPT-06).
func (d *Dealer) resultUnsupported(now time.Time, c *call, m *wamp.Yield, out *Outbox) {
	c.refuse(wamp.ErrFeatureNotSupported, "the caller does not support payload passthru mode", out)
	if m.Options.Progress {
		d.abandon(now, c, out)
	} else {
		d.finish(now, c, out)
	}
}

// Error passes a callee's ERROR on to the caller, with which the call ends (RPC-07), unless it means that another callee
// shall do the call (RRT-01).
func (d *Dealer) Error(now time.Time, from *Session, m *wamp.Error, out *Outbox) {
	if from.dealer.left {
		return
	}
	if text := wrongError(from, m); text != "" {
		out.violation(from, text)
		return
	}
	c, pending := d.calls.get(&from.dealer.invocations, m.Request)
	switch {
	case !wamp.LooseURI.ValidURI(string(m.URI)):
		if pending {
			c.refuse(wamp.ErrInvalidURI, "the callee answered with an invalid error URI", out)
			d.end(now, c) // nobody shall have its slot: the callee has to go
		}
		out.violation(from, "ERROR with an invalid URI") // URI-13
	case !pending:
		d.late(now, from, m.Request, false, out)
	case d.asksForAnother(c, m):
		d.reroute(now, c, out)
	default:
		c.fail(m, out)
		d.finish(now, c, out)
	}
}

// wrongError says how a callee's ERROR breaks the protocol. An answer to an INTERRUPT is taken for one to its
// INVOCATION (ROU-46).
func wrongError(from *Session, m *wamp.Error) string {
	switch {
	case m.RequestType != wamp.TypeInvocation && m.RequestType != wamp.TypeInterrupt:
		return "ERROR that does not answer an INVOCATION"
	case m.Details.PPT != nil && !from.calleeSupports(wamp.FeaturePayloadPassthruMode):
		return "ERROR with ppt_scheme, but payload_passthru_mode was not announced" // PPT-03
	default:
		return ""
	}
}

// fail passes the callee's ERROR on. If its payload is for peers with a feature that the caller lacks, the URI alone
// has to tell what happened.
func (c *call) fail(m *wamp.Error, out *Outbox) {
	e := out.error(c.caller, wamp.TypeCall, c.request, m.URI)
	if m.Details.PPT == nil || c.caller.callerSupports(wamp.FeaturePayloadPassthruMode) {
		e.Details.PPT = m.Details.PPT
		e.Payload = m.Payload
	}
}

// refuse adds the router's own ERROR to the caller.
func (c *call) refuse(uri wamp.ErrorURI, text string, out *Outbox) {
	out.refuse(c.caller, wamp.TypeCall, c.request, uri, text)
}

// late judges an answer to an invocation that is not pending. It is discarded if the invocation may have been, and
// ended by cancellation, timeout or the caller's leaving (PER-04, RPC-14); all that it does then is to free its slot. But
// a callee that sends progressive results and does not stop when nobody wants them any more has its session ended
// (PCR-02).
func (d *Dealer) late(now time.Time, from *Session, request wamp.ID, progress bool, out *Outbox) {
	switch {
	case request > from.dealer.lastInvocation:
		out.violation(from, "answer to an INVOCATION that was never sent")
	case !progress:
		d.discharge(now, from, request, out)
	case d.endedBefore(from.dealer.endedInvocations, request, now):
		out.violation(from, "progressive results for a call that ended long ago")
	}
}
