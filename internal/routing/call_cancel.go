package routing

import (
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Cancel carries out a CANCEL (requirements 5.8). One for a call that is not pending is ignored: the answer and the
// CANCEL have crossed (CAN-08, ROU-43).
func (d *Dealer) Cancel(now time.Time, from *Session, m *wamp.Cancel, out *Outbox) {
	if from.dealer.left {
		return
	}
	c, pending := d.calls.get(&from.dealer.calls, m.Request)
	switch {
	case !pending:
	case m.Options.Mode == wamp.CancelKill && c.interruptible():
		c.kill(out)
	default:
		if m.Options.Mode == wamp.CancelKillNoWait {
			c.interrupt(wamp.CancelKillNoWait, wamp.ErrCanceled, out)
		}
		c.refuse(wamp.ErrCanceled, "the call was canceled", out)
		d.abandon(now, c, out)
	}
}

// kill interrupts the callee, whose answer then is the caller's (CAN-03). Once is enough (CAN-09).
func (c *call) kill(out *Outbox) {
	if !c.canceling {
		c.interrupt(wamp.CancelKill, wamp.ErrCanceled, out)
		c.canceling = true
	}
}

// calleeGone ends a call whose callee left (RPC-16, ROU-27). It is not tried on another callee (ROU-30).
func (d *Dealer) calleeGone(now time.Time, c *call, out *Outbox) {
	if c.caller != c.callee.session {
		c.refuse(wamp.ErrCanceled, "the callee left", out)
	}
	d.finish(now, c, out)
}

// callerGone ends a call whose caller left (RPC-15, ROU-35).
func (d *Dealer) callerGone(now time.Time, c *call, out *Outbox) {
	c.interruptOnce(wamp.ErrCanceled, out)
	d.abandon(now, c, out)
}

// NextDeadline returns the time at which the next call times out. ok is false if no call can.
func (d *Dealer) NextDeadline() (deadline time.Time, ok bool) { return d.timers.next() }

// Expire ends the calls that have timed out (TMO-05).
func (d *Dealer) Expire(now time.Time, out *Outbox) {
	for c := d.timers.due(now); c != nil; c = d.timers.due(now) {
		c.refuse(timedOut.uri, timedOut.text, out)
		c.interruptOnce(wamp.ErrTimeout, out)
		d.abandon(now, c, out)
	}
}

// timedOut is what a caller is told whose call has taken too long (TMO-14).
var timedOut = refusal{wamp.ErrTimeout, "call timeout"}

// interruptible reports whether there is a callee that understands INTERRUPT. Others would take it for a violation
// (CAN-11), and a call that waits has none (CAN-18).
func (c *call) interruptible() bool {
	return c.callee != nil && c.callee.session.calleeSupports(wamp.FeatureCallCanceling)
}

// interrupt tells the callee that the invocation is canceled, if it understands that.
func (c *call) interrupt(mode wamp.CancelMode, reason wamp.ErrorURI, out *Outbox) {
	if c.interruptible() {
		options := wamp.InterruptOptions{Mode: mode, Reason: string(reason)}
		out.send(c.callee.session, &wamp.Interrupt{Request: c.invocation, Options: options})
		c.dismissed = mode == wamp.CancelKillNoWait // RPC-21
	}
}

// interruptOnce tells the callee that nobody waits for its answer, unless it was interrupted before (ROU-40).
func (c *call) interruptOnce(reason wamp.ErrorURI, out *Outbox) {
	if !c.canceling {
		c.interrupt(wamp.CancelKillNoWait, reason, out)
	}
}
