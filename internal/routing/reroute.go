package routing

import (
	"slices"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// mayReroute reports whether the callee may ask for another callee to do the call (RRT-01, RRT-02). A call in
// partitions never goes to another than the one that its key selects (SHD-07).
func (d *Dealer) mayReroute(c *callee, m *wamp.Call) bool {
	return d.config.Rerouting && m.Options.RunMode == "" && c.registration.callees.count() > 1 && c.reroutes()
}

func (c *callee) reroutes() bool { return c.session.calleeSupports(wamp.FeatureCallReroute) }

// asksForAnother reports whether a callee's ERROR means that another callee shall do the call (RRT-01, RRT-05). One that
// has gone on, or is to be canceled, stays where it is (RRT-07, RRT-08).
func (d *Dealer) asksForAnother(c *call, m *wamp.Error) bool {
	return d.config.Rerouting && m.URI == wamp.ErrUnavailable && c.callee.reroutes() &&
		!c.yielded && !c.continued && !c.canceling
}

// reroute gives the call to another callee of the same registration (RRT-01), with an invocation ID of its own (RRT-06).
// It does not wait for one that is busy.
func (d *Dealer) reroute(now time.Time, c *call, out *Outbox) {
	unavailable, k := c.callee, c.kept
	to := d.another(c)
	if to != nil {
		k.tried = append(k.tried, unavailable.session)
		d.chosen(to)
	}
	switch {
	case to == nil:
		c.refuse(wamp.ErrNoAvailableCallee, "no callee is available", out)
		d.finish(now, c, out)
	case d.overdue(k, now):
		c.refuse(timedOut.uri, timedOut.text, out)
		d.finish(now, c, out)
	default:
		d.calls.delete(&unavailable.session.dealer.invocations, c.invocation)
		d.invoke(now, c, to, &k.parts[0], &k.grant, out)
		d.vacate(now, unavailable, out)
	}
}

// another returns the callee that comes after the present one as the invocation policy has it (RRT-03), or nil. Nobody
// is tried twice (RRT-04).
func (d *Dealer) another(c *call) *callee {
	if c.kept == nil {
		return nil
	}
	candidates := d.candidates(c)
	if len(candidates) == 0 {
		return nil
	}
	r := c.callee.registration
	switch r.invoke {
	case wamp.InvokeLast:
		return candidates[len(candidates)-1]
	case wamp.InvokeRandom:
		return candidates[scale(d.draw.bits(), len(candidates))]
	case wamp.InvokeRoundRobin:
		return r.callees.nextAmong(candidates)
	default:
		return candidates[0]
	}
}

// candidates returns the callees that could do the call after the present one.
func (d *Dealer) candidates(c *call) []*callee {
	tried := make(map[*Session]bool, len(c.kept.tried)+1)
	tried[c.callee.session] = true
	for _, s := range c.kept.tried {
		tried[s] = true
	}
	return slices.DeleteFunc(c.callee.registration.callees.all(), func(other *callee) bool {
		return tried[other.session] || other.busy() || c.callee.outOfOrder(other) ||
			d.unfit(other, &c.kept.parts[0].Options).refuses()
	})
}

// outOfOrder reports whether the policies first and last do not come to the other callee from this one: they go up or
// down the list of callees, never back (RRT-03).
func (c *callee) outOfOrder(other *callee) bool {
	switch {
	case c.place == withdrawn:
		return false
	case c.registration.invoke == wamp.InvokeFirst:
		return other.place < c.place
	case c.registration.invoke == wamp.InvokeLast:
		return other.place > c.place
	default:
		return false
	}
}
