package routing

import (
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Vacancy is a slot of a callee that has become free for a call which waits, and which is so large that the shell may want
// to prepare for it. The slot stays taken until the shell calls Fill, which it must do once for each vacancy.
type Vacancy struct{ callee *callee }

// mayResume reports whether the step may give the call to a callee, and counts it.
func (d *Dealer) mayResume(c *call, out *Outbox) bool {
	if limit := d.config.ResumedAtOnce; limit > 0 && out.resumed+c.kept.bytes > limit {
		return false
	}
	out.resumed += c.kept.bytes
	return true
}

func (d *Dealer) leaveVacancy(to *callee, out *Outbox) {
	to.occupy()
	out.Vacancies = append(out.Vacancies, Vacancy{to})
}

// Prospects calls visit with what Fill would send: the payload of each part of a call, and the session to which it would
// go. A payload may be read even if it is not sent any more.
func (d *Dealer) Prospects(v Vacancy, visit func(to *Session, p *wamp.Payload)) {
	r := v.callee.registration
	if v.callee.place == withdrawn || r.backlog == nil {
		return
	}
	if c := r.longestFor(v.callee); c != nil {
		for i := range c.kept.parts {
			visit(v.callee.session, &c.kept.parts[i].Payload)
		}
	}
}

// Fill gives the vacancy to the call that has waited longest for it, if there still is one.
func (d *Dealer) Fill(now time.Time, v Vacancy, out *Outbox) {
	to := v.callee
	to.inFlight--
	if to.place == withdrawn {
		return
	}
	if to.inFlight+1 == to.concurrency {
		to.registration.callees.mark(to, 1)
	}
	if c := to.registration.nextFor(to); c != nil {
		d.resume(now, c, to, out)
	}
	d.serve(now, to, out)
}
