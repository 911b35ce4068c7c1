package routing

import (
	"time"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// The events in the life of a registration, in the order in which they can come (requirements 5.12).
const (
	topicOnCreate     = "wamp.registration.on_create"
	topicOnRegister   = "wamp.registration.on_register"
	topicOnUnregister = "wamp.registration.on_unregister"
	topicOnDelete     = "wamp.registration.on_delete"
)

// tellRegistered adds the events of a callee that joined a registration, which may be new (RMA-02, RMA-03).
func (o *Outbox) tellRegistered(c *callee) {
	if c.registration.callees.count() == 1 {
		o.Meta = append(o.Meta, MetaEvent{topic: topicOnCreate, session: c.session.ID, created: c.registration})
	}
	o.Meta = append(o.Meta, MetaEvent{topic: topicOnRegister, session: c.session.ID, object: c.registration.id})
}

// tellUnregistered adds the events of a callee that left a registration, which may be gone with it.
func (o *Outbox) tellUnregistered(c *callee) {
	o.Meta = append(o.Meta, MetaEvent{topic: topicOnUnregister, session: c.session.ID, object: c.registration.id})
	if c.registration.callees.count() == 0 {
		o.Meta = append(o.Meta, MetaEvent{topic: topicOnDelete, session: c.session.ID, object: c.registration.id})
	}
}

// details returns what may be known of a registration (RMA-06).
func (r *registration) details() wamp.Dict {
	return wamp.Dict{
		"id":      uint64(r.id),
		"created": metaTime(time.UnixMilli(r.created)),
		"uri":     r.procedure,
		"match":   r.match.String(),
		"invoke":  r.invoke.String(),
	}
}

// registrationAPI is the registration meta API (requirements 3.4).
var registrationAPI = metaAPI[*Dealer]{
	"wamp.registration.list":          (*Dealer).listRegistrations,
	"wamp.registration.lookup":        (*Dealer).lookUpRegistration,
	"wamp.registration.match":         (*Dealer).matchRegistration,
	"wamp.registration.get":           (*Dealer).getRegistration,
	"wamp.registration.list_callees":  (*Dealer).listCallees,
	"wamp.registration.count_callees": (*Dealer).countCallees,
	"wamp.registration.remove_callee": (*Dealer).removeCallee,
}

func (d *Dealer) listRegistrations(*metaCall, *Outbox) (wamp.List, refusal) {
	return listByMatch(d.registrations.byMatch()), refusal{}
}

func (d *Dealer) lookUpRegistration(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	procedure, isText := c.text()
	match, isMatch := c.match(1)
	if !isText || !isMatch {
		return nil, badArgument("a procedure, and options with a match policy or none")
	}
	r, found := d.procedures.Get(pattern.Kind(match), procedure)
	if !found {
		return wamp.List{nil}, refusal{} // MET-03
	}
	return wamp.List{uint64(r.id)}, refusal{}
}

// matchRegistration finds the registration that a CALL would go to (RMA-09, ROU-04).
func (d *Dealer) matchRegistration(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	procedure, isText := c.text()
	if !isText {
		return nil, badArgument("a procedure")
	}
	if wamp.Reserved(procedure) {
		return wamp.List{nil}, refusal{} // RMA-11
	}
	r, _, found := d.procedures.Best(procedure)
	if !found {
		return wamp.List{nil}, refusal{}
	}
	return wamp.List{uint64(r.id)}, refusal{}
}

// registrationOf returns the registration whose ID is the first argument (RMA-10).
func (d *Dealer) registrationOf(c *metaCall) (*registration, refusal) {
	id, ok := c.id(0)
	if !ok {
		return nil, badArgument("a registration ID")
	}
	r := d.registrations.get(id)
	if r == nil {
		return nil, refusal{wamp.ErrNoSuchRegistration, "no such registration"}
	}
	return r, refusal{}
}

func (d *Dealer) getRegistration(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	r, no := d.registrationOf(c)
	if no.refuses() {
		return nil, no
	}
	return wamp.List{r.details()}, refusal{}
}

func (d *Dealer) listCallees(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	r, no := d.registrationOf(c)
	if no.refuses() {
		return nil, no
	}
	return wamp.List{ids(r.callees.all(), func(c *callee) wamp.ID { return c.session.ID })}, refusal{} // RMA-12
}

func (d *Dealer) countCallees(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	r, no := d.registrationOf(c)
	if no.refuses() {
		return nil, no
	}
	return wamp.List{uint64(r.callees.count())}, refusal{}
}

// removeCallee revokes a registration of one session (RRV-06).
func (d *Dealer) removeCallee(c *metaCall, out *Outbox) (wamp.List, refusal) {
	session, isID := c.id(1)
	if _, ok := c.id(0); !ok || !isID {
		return nil, badArgument("a registration ID and a session ID")
	}
	reason, no := c.reasonAt(2)
	if no.refuses() {
		return nil, no
	}
	s := d.sessions[session]
	if s == nil {
		return nil, noSuchSession
	}
	r, no := d.registrationOf(c)
	if no.refuses() {
		return nil, no
	}
	callee := r.callees.of(s)
	if callee == nil {
		return nil, refusal{wamp.ErrNoSuchRegistration, "the session is not a callee of the registration"}
	}
	d.revoke(c.now, callee, reason, out)
	return nil, refusal{}
}
