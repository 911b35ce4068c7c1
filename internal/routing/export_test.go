package routing

import (
	"fmt"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// MaxEndings is how many ended requests of one session are remembered.
const MaxEndings = maxEndings

// CheckDealer returns what is wrong in the dealer's books. sessions are all that it ever heard of.
func CheckDealer(d *Dealer, sessions []*Session) error {
	a := audit{dealer: d, registrations: map[*registration]int{}}
	for _, s := range sessions {
		a.session(s)
	}
	a.totals()
	return a.err
}

// audit counts what the sessions' tables hold and keeps the first error.
type audit struct {
	dealer        *Dealer
	registrations map[*registration]int // with the number of callees found in sessions
	calls         int
	invocations   int
	timers        int
	err           error
}

func (a *audit) expect(ok bool, format string, args ...any) {
	if !ok && a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}

func (a *audit) session(s *Session) {
	d, state := a.dealer, &s.dealer
	if state.left {
		empty := state.registrations.slots == nil && state.calls.slots == nil && state.invocations.slots == nil
		a.expect(empty && state.endedCalls == nil && state.endedInvocations == nil, "session %d left something", s.ID)
	}
	for _, c := range checkTable(a, &d.offers, &state.registrations, func(c *callee) wamp.ID { return c.registration.id }) {
		a.callee(s, c)
	}
	for _, c := range checkTable(a, &d.calls, &state.calls, func(c *call) wamp.ID { return c.request }) {
		a.call(s, c)
	}
	for _, c := range checkTable(a, &d.calls, &state.invocations, func(c *call) wamp.ID { return c.invocation }) {
		a.invocations++
		a.expect(c.callee.session == s, "session %d has the invocation of another", s.ID)
		a.expect(c.invocation <= state.lastInvocation, "invocation %d was never issued", c.invocation)
	}
	a.endings(&state.endedCalls, s)
	a.endings(&state.endedInvocations, s)
}

func (a *audit) callee(s *Session, c *callee) {
	r := c.registration
	a.registrations[r]++
	a.expect(c.session == s, "session %d has the callee record of another", s.ID)
	indexed, _ := a.dealer.procedures.Get(pattern.Kind(r.match), r.procedure)
	a.expect(indexed == r, "registration %d is not in the index", r.id)
	found := 0
	for _, have := range r.callees {
		if have == c {
			found++
		}
	}
	a.expect(found == 1, "session %d is %d times a callee of registration %d", s.ID, found, r.id)
}

func (a *audit) call(s *Session, c *call) {
	a.calls++
	a.expect(c.caller == s, "session %d has the call of another", s.ID)
	a.expect(!c.callee.session.dealer.left, "call %d of session %d waits for a callee that left", c.request, s.ID)
	same, _ := a.dealer.calls.get(&c.callee.session.dealer.invocations, c.invocation)
	a.expect(same == c, "call %d of session %d is not among its callee's invocations", c.request, s.ID)
	if c.timer.timeout > 0 {
		a.timers++
		place := c.timer.place
		a.expect(place < len(a.dealer.timers.heap) && a.dealer.timers.heap[place] == c, "a timer is not in its place")
	}
}

func (a *audit) endings(e **endings, s *Session) {
	if *e != nil {
		a.expect(len((*e).order) <= maxEndings, "session %d is remembered for too much", s.ID)
		a.expect((*e).times.len() <= len((*e).order), "session %d is remembered for ever", s.ID)
	}
}

func (a *audit) totals() {
	d := a.dealer
	for r, callees := range a.registrations {
		a.expect(len(r.callees) == callees, "registration %d has a callee from nowhere", r.id)
		a.expect(r.cursor >= 0 && r.cursor < len(r.callees), "the cursor of registration %d is off", r.id)
	}
	a.expect(len(a.registrations) == d.Registrations(), "%d registrations indexed, %d found", d.Registrations(), len(a.registrations))
	a.expect(a.calls == d.PendingCalls(), "%d calls pending, %d found with callers", d.PendingCalls(), a.calls)
	a.expect(a.invocations == d.PendingCalls(), "%d calls pending, %d found with callees", d.PendingCalls(), a.invocations)
	a.expect(a.timers == len(d.timers.heap), "%d timers, %d found", len(d.timers.heap), a.timers)
	for i := 1; i < len(d.timers.heap); i++ {
		a.expect(!d.timers.heap.Less(i, (i-1)/2), "the timers are out of order")
	}
	for _, c := range d.spare {
		a.expect(*c == call{}, "a spare record is not empty")
	}
}

// checkTable returns the values of a table, each of which must be found under its ID.
func checkTable[V comparable](a *audit, ts *tables[V], t *table[V], id func(V) wamp.ID) []V {
	list := t.values()
	a.expect(len(list) == t.len(), "a table of %d has %d values", t.len(), len(list))
	a.expect(t.len() > 0 || t.slots == nil, "an empty table holds memory")
	for _, v := range list {
		found, _ := ts.get(t, id(v))
		a.expect(found == v, "ID %d is not found in its table", id(v))
	}
	return list
}
