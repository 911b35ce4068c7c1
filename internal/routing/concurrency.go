package routing

import (
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// A callee may say how many invocations it takes at once under a registration (ROU-19). Each takes one of its slots
// until the callee has answered, since it works on it until then: even if the caller has been answered meanwhile by
// skip, by a timeout, or because it left (ROU-20, ROU-38). Only a callee that was sent INTERRUPT killnowait need not
// answer, so that frees the slot at once.

// busy reports whether the callee has as many invocations as it takes.
func (c *callee) busy() bool { return c.concurrency != 0 && c.inFlight >= c.concurrency }

// occupy takes a slot.
func (c *callee) occupy() {
	c.inFlight++
	if c.inFlight == c.concurrency {
		c.registration.callees.mark(c, -1)
	}
}

// vacate frees a slot, and the call that has waited longest for it takes it.
func (d *Dealer) vacate(now time.Time, c *callee, out *Outbox) {
	c.inFlight--
	if c.inFlight+1 == c.concurrency {
		d.serveFreed(now, c, out)
	}
}

func (d *Dealer) serveFreed(now time.Time, c *callee, out *Outbox) {
	if c.place != withdrawn {
		c.registration.callees.mark(c, 1)
		d.serve(now, c, out)
	}
}

// detain keeps the slot of a call that has ended, until the callee answers.
func (d *Dealer) detain(c *call) {
	d.detained.put(&c.callee.session.dealer.unanswered, c.invocation, c.callee)
}

// discharge frees the slot of a call that ended before, now that its callee has answered.
func (d *Dealer) discharge(now time.Time, s *Session, invocation wamp.ID, out *Outbox) {
	if c, detained := d.detained.get(&s.dealer.unanswered, invocation); detained {
		d.detained.delete(&s.dealer.unanswered, invocation)
		d.vacate(now, c, out)
	}
}
