package routing

import (
	"math"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// registration is a procedure or pattern with at least one callee (ROU-03). There is one for each pair of URI and
// match policy (PBR-09).
type registration struct {
	id        wamp.ID
	callees   callees
	backlog   *backlog // calls that wait; nil if none ever did
	match     wamp.MatchPolicy
	invoke    wamp.InvocationPolicy
	procedure string
	created   int64 // in milliseconds since 1970
}

// callee is what one session offers under a registration. Its options are its own: they need not be those of the
// registration's other callees (SHR-13).
type callee struct {
	session        *Session
	registration   *registration
	place          int32 // in the registration's lineup
	concurrency    int32 // how many invocations it takes at once (ROU-19); 0: any number
	inFlight       int32 // how many it has
	discloseCaller bool  // CID-06
	forwardTimeout bool  // TMO-12

	next, previous *callee // in the session's list
}

// Register answers a REGISTER with REGISTERED or ERROR (RPC-01). No INVOCATION of the registration goes to the session
// before that (RPC-08); but calls may have waited for it, and come then.
func (d *Dealer) Register(now time.Time, from *Session, m *wamp.Register, g Grant, out *Outbox) {
	if from.dealer.left {
		return
	}
	r, no := d.obtain(now, from, m, g, out)
	if no.refuses() {
		out.refuse(from, wamp.TypeRegister, m.Request, no.uri, no.text)
		return
	}
	c := &callee{
		session:        from,
		registration:   r,
		concurrency:    int32(min(m.Options.Concurrency, math.MaxInt32)),
		discloseCaller: m.Options.DiscloseCaller,
		forwardTimeout: m.Options.ForwardTimeout,
	}
	r.callees.add(c)
	from.dealer.registrations.add(c)
	out.send(from, &wamp.Registered{Request: m.Request, Registration: r.id})
	out.tellRegistered(c)
	d.serve(now, c, out)
}

// Unregister answers an UNREGISTER with UNREGISTERED, or with ERROR if the session is not a callee of the registration
// (RPC-03, RPC-04). Invocations that it has not answered yet go on (RPC-17, ROU-55); no more follow (ROU-56).
func (d *Dealer) Unregister(now time.Time, from *Session, m *wamp.Unregister, out *Outbox) {
	if from.dealer.left {
		return
	}
	c := d.calleeOf(from, m.Registration)
	if c == nil {
		const text = "no such registration of this session"
		out.refuse(from, wamp.TypeUnregister, m.Request, wamp.ErrNoSuchRegistration, text)
		return
	}
	d.withdraw(c)
	out.send(from, &wamp.Unregistered{Request: m.Request})
	out.tellUnregistered(c)
	d.bequeath(now, c, out)
}

// obtain returns the registration that the session may become a callee of, a new one if there is none, or the reason
// not to (requirements 5.3). A session without permission does not learn whether there is one (RPC-18).
func (d *Dealer) obtain(now time.Time, from *Session, m *wamp.Register, g Grant, out *Outbox) (*registration, refusal) {
	if no := d.checkRegister(from, m, g); no.refuses() {
		return nil, no
	}
	r, exists := d.procedures.Get(pattern.Kind(m.Options.Match), m.Procedure)
	switch {
	case !exists:
		return d.create(now, uint64(from.ID), m)
	case m.Options.ForceReregister:
		d.displace(now, r, out)
		return d.create(now, pattern.Nobody, m) // ROU-24; there was such a shape, so this cannot fail any more
	case r.callees.of(from) != nil:
		return nil, refusal{wamp.ErrProcedureAlreadyExists, "the session has registered the procedure already"} // SHR-08
	case r.invoke == wamp.InvokeSingle:
		return nil, refusal{wamp.ErrProcedureAlreadyExists, "the procedure is registered already"} // SHR-02
	case r.invoke != m.Options.Invoke:
		return nil, refusal{wamp.ErrProcedureAlreadyExists, "the procedure is shared with another invocation policy"} // SHR-04
	default:
		return r, refusal{}
	}
}

// checkRegister says whether the session must not register the procedure, whoever else did.
func (d *Dealer) checkRegister(from *Session, m *wamp.Register, g Grant) refusal {
	switch {
	case !d.config.URIRule.ValidPattern(m.Procedure, m.Options.Match):
		return refusal{wamp.ErrInvalidURI, "the procedure is not a valid URI or pattern"} // URI-03
	case reserved(m.Procedure, m.Options.Match):
		return refusal{wamp.ErrInvalidURI, "procedures in wamp are the router's own"} // URI-06
	case g.refusal().refuses():
		return g.refusal()
	case m.Options.ForceReregister && !g.Force:
		return refusal{wamp.ErrNotAuthorized, "the session may not take procedures away"} // ROU-26
	case m.Options.DiscloseCaller && g.Disclose == wamp.DiscloseNever && from.AuthRole != trustedRole:
		return refusal{wamp.ErrDiscloseMeDisallowed, "the callers' identities must not be disclosed"} // CID-05
	case from.dealer.registrations.count >= d.config.MaxRegistrations:
		return refusal{wamp.ErrNotAuthorized, "the session holds as many registrations as it may"} // FLW-08
	default:
		return refusal{}
	}
}

// reserved reports whether a registration aims at the procedures of the router itself. Patterns that only happen to
// match them as well, such as the empty prefix or a wildcard for the first component, are not refused, because no call
// of such a procedure comes to them (RPC-20, PBR-10).
func reserved(procedure string, match wamp.MatchPolicy) bool {
	if wamp.Reserved(procedure) {
		return true
	}
	return match == wamp.MatchPrefix && procedure != "" && strings.HasPrefix("wamp.", procedure)
}

// trustedRole may ask who calls where others must not (CID-05).
const trustedRole = "trusted"

// calleeOf returns the callee that a session is under the registration with an ID, or nil.
func (d *Dealer) calleeOf(s *Session, id wamp.ID) *callee {
	r := d.registrations.get(id)
	if r == nil {
		return nil
	}
	return r.callees.of(s)
}

// create adds a registration that has no callee yet, on the account of an owner of patterns. IDs count up and so never
// come back: an UNREGISTER that comes late cannot hit another registration (ROU-07). They begin with 1, since a small
// number makes for short invocations.
func (d *Dealer) create(now time.Time, owner uint64, m *wamp.Register) (*registration, refusal) {
	r := &registration{
		id:        d.nextRegistration,
		created:   now.UnixMilli(),
		procedure: m.Procedure,
		match:     m.Options.Match,
		invoke:    m.Options.Invoke,
	}
	if err := d.procedures.InsertFor(owner, pattern.Kind(r.match), r.procedure, r); err != nil {
		return nil, patternRefusal(err)
	}
	d.nextRegistration = r.id.Next()
	d.registrations.put(r)
	return r, refusal{}
}

// withdraw takes a callee out of its registration, which ends with its last callee (SHR-09). Calls that were invoked
// on it do not notice; what becomes of those that wait is up to bequeath.
func (d *Dealer) withdraw(c *callee) {
	r := c.registration
	c.session.dealer.registrations.remove(c)
	r.callees.remove(c)
	if r.callees.count() == 0 {
		d.procedures.Delete(pattern.Kind(r.match), r.procedure)
		d.registrations.delete(r.id)
	}
}

// displace takes a registration away from all its callees, which ends it (ROU-24).
func (d *Dealer) displace(now time.Time, r *registration, out *Outbox) {
	displaced := r.callees.all()
	for _, c := range displaced {
		d.dismiss(c, wamp.ReasonUnregistered, out)
	}
	for _, c := range displaced {
		d.bequeath(now, c, out)
	}
}

// revoke takes a registration away from one callee.
func (d *Dealer) revoke(now time.Time, c *callee, reason string, out *Outbox) {
	d.dismiss(c, reason, out)
	d.bequeath(now, c, out)
}

// dismiss withdraws a callee that did not ask for it, and tells it if it understands that (RRV-01, RRV-02). What it was
// invoked for before goes on (RRV-05).
func (d *Dealer) dismiss(c *callee, reason string, out *Outbox) {
	d.withdraw(c)
	if c.session.calleeSupports(wamp.FeatureRegistrationRevocation) {
		details := wamp.UnregisteredDetails{Registration: c.registration.id, Reason: reason}
		out.send(c.session, &wamp.Unregistered{Details: details})
	}
	out.tellUnregistered(c)
}
