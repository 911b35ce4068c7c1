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
	a := audit{dealer: d, registrations: map[*registration]int{}, slots: map[*callee]int{}}
	for _, s := range sessions {
		a.session(s)
	}
	a.totals()
	for r := range a.registrations {
		a.lineup(r)
		a.backlog(r)
	}
	a.expect(a.waiting == 0, "%d calls wait but stand in no line", a.waiting)
	return a.err
}

// audit counts what the sessions' tables hold and keeps the first error.
type audit struct {
	dealer        *Dealer
	registrations map[*registration]int // with the number of callees found in sessions
	slots         map[*callee]int       // with the number of invocations found in sessions
	calls         int
	waiting       int
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
		empty := state.registrations == offers{} && state.calls.slots == nil && state.invocations.slots == nil &&
			state.unanswered.slots == nil && state.kept == 0
		a.expect(empty && d.sessions[s.ID] != s && state.endedCalls == nil && state.endedInvocations == nil, "session %d left something", s.ID)
	}
	offered := state.registrations.byID()
	a.expect(len(offered) == state.registrations.count, "session %d has %d registrations and counts %d", s.ID, len(offered), state.registrations.count)
	for _, c := range offered {
		a.callee(s, c)
	}
	kept := 0
	for _, c := range checkTable(a, &d.calls, &state.calls, func(c *call) wamp.ID { return c.request }) {
		a.call(s, c)
		if c.kept != nil {
			kept += c.kept.bytes
		}
	}
	a.expect(kept == state.kept && kept <= d.config.MaxKeptBytes, "%d bytes of session %d are kept, %d found", state.kept, s.ID, kept)
	for _, c := range checkTable(a, &d.calls, &state.invocations, func(c *call) wamp.ID { return c.invocation }) {
		a.invocations++
		a.slots[c.callee]++
		a.expect(c.callee.session == s, "session %d has the invocation of another", s.ID)
		a.expect(c.invocation <= state.lastInvocation, "invocation %d was never issued", c.invocation)
	}
	for _, c := range state.unanswered.values() {
		a.slots[c]++
	}
	busy := state.invocations.len() + state.unanswered.len()
	a.expect(busy <= d.config.MaxInvocations, "session %d has %d invocations", s.ID, busy)
	a.endings(&state.endedCalls, s)
	a.endings(&state.endedInvocations, s)
}

func (a *audit) callee(s *Session, c *callee) {
	r := c.registration
	a.registrations[r]++
	a.expect(c.session == s, "session %d has the callee record of another", s.ID)
	indexed, _ := a.dealer.procedures.Get(pattern.Kind(r.match), r.procedure)
	a.expect(indexed == r, "registration %d is not in the index", r.id)
	slots := r.callees.all()
	if l := r.callees.lineup; l != nil {
		slots = l.slots
	}
	there := c.place >= 0 && int(c.place) < len(slots) && slots[c.place] == c
	a.expect(there, "session %d is not in its place among the callees of registration %d", s.ID, r.id)
	a.expect(r.callees.of(s) == c, "session %d is not found among the callees of registration %d", s.ID, r.id)
	a.expect(c.next == nil || c.next.previous == c, "the registrations of session %d are in disorder", s.ID)
}

// lineup checks the order of the callees and what is said of them.
func (a *audit) lineup(r *registration) {
	l, count := r.callees.lineup, 0
	if l == nil {
		c := r.callees.sole
		a.expect(c != nil && a.registrations[r] == 1, "registration %d has not one callee", r.id)
		a.expect(int(c.inFlight) == a.slots[c], "session %d has %d slots taken, %d found", c.session.ID, c.inFlight, a.slots[c])
		return
	}
	a.expect(r.callees.sole == nil && l.count > 1, "registration %d has a lineup of %d", r.id, l.count)
	a.expect(l.bySession == nil || len(l.bySession) == int(l.count), "registration %d has %d callees by session", r.id, len(l.bySession))
	for at, c := range l.slots {
		if c == nil {
			continue
		}
		count++
		free := l.free == nil || l.free.before(at+1)-l.free.before(at) == 1
		a.expect(free != c.busy(), "registration %d: session %d is free: %v", r.id, c.session.ID, free)
		a.expect(int(c.inFlight) == a.slots[c], "session %d has %d slots taken, %d found", c.session.ID, c.inFlight, a.slots[c])
	}
	a.expect(count == a.registrations[r], "registration %d has a callee from nowhere", r.id)
	a.expect(count == int(l.count), "registration %d has %d callees and counts %d", r.id, count, l.count)
	a.expect(l.slots[l.first] != nil && l.slots[len(l.slots)-1] != nil, "the lineup of registration %d has gaps at its ends", r.id)
	a.expect(l.cursor >= 0 && int(l.cursor) < len(l.slots), "the cursor of registration %d is off", r.id)
	a.expect(l.free != nil || count == len(l.slots), "registration %d has gaps but does not know of them", r.id)
	a.expect(len(l.slots) <= 8*count, "registration %d has %d slots for %d callees", r.id, len(l.slots), count)
}

// backlog checks the bounds of what waits for the callees of a registration, and that it has a reason to wait.
func (a *audit) backlog(r *registration) {
	b := r.backlog
	if b == nil {
		return
	}
	parts, bytes := a.line(&b.open)
	for _, c := range r.callees.all() {
		if l := b.shards[c]; l != nil {
			p, n := a.line(l)
			parts, bytes = parts+p, bytes+n
		}
		a.expect(r.nextFor(c) == nil, "session %d is free, but a call waits for registration %d", c.session.ID, r.id)
	}
	a.expect(len(b.shards) <= r.callees.count(), "calls wait for callees that have withdrawn from registration %d", r.id)
	a.expect(parts == b.parts && bytes == b.bytes, "%d parts wait for registration %d, %d found", b.parts, r.id, parts)
	a.expect(parts <= max(0, a.dealer.config.MaxQueuedCalls), "%d parts wait for registration %d", parts, r.id)
	a.expect(bytes <= a.dealer.config.MaxQueuedBytes, "%d bytes wait for registration %d", bytes, r.id)
}

// line checks a row of waiting calls.
func (a *audit) line(l *line) (parts, bytes int) {
	var previous *call
	for c := l.first; c != nil; previous, c = c, c.kept.next {
		a.expect(c.callee == nil && c.kept.line == l && c.kept.previous == previous, "a line is in disorder")
		a.expect(previous == nil || previous.kept.ticket < c.kept.ticket, "a call overtook another")
		parts += len(c.kept.parts)
		bytes += c.kept.bytes
		a.waiting--
	}
	a.expect(l.last == previous, "a line does not end with its last call")
	return parts, bytes
}

func (a *audit) call(s *Session, c *call) {
	a.calls++
	a.expect(c.caller == s, "session %d has the call of another", s.ID)
	if c.callee == nil {
		a.waiting++
		a.expect(c.kept != nil && c.kept.line != nil, "call %d of session %d waits for nothing", c.request, s.ID)
		a.timer(c)
		return
	}
	a.expect(!c.callee.session.dealer.left, "call %d of session %d waits for a callee that left", c.request, s.ID)
	same, _ := a.dealer.calls.get(&c.callee.session.dealer.invocations, c.invocation)
	a.expect(same == c, "call %d of session %d is not among its callee's invocations", c.request, s.ID)
	a.timer(c)
}

func (a *audit) timer(c *call) {
	if c.timer.timeout > 0 {
		a.timers++
		place := c.timer.place
		a.expect(place < len(a.dealer.timers.heap) && a.dealer.timers.heap[place] == c, "a timer is not in its place")
	}
}

func (a *audit) endings(e **endings, s *Session) {
	if *e != nil {
		a.expect(len((*e).order) <= maxEndings, "session %d is remembered for too much", s.ID)
		a.expect((*e).known.len() <= len((*e).order), "session %d is remembered for ever", s.ID)
	}
}

func (a *audit) totals() {
	d := a.dealer
	a.expect(len(a.registrations) == d.Registrations(), "%d registrations indexed, %d found", d.Registrations(), len(a.registrations))
	listed := 0
	for _, p := range d.registrations {
		a.expect(*p != page{}, "an empty page holds memory")
		for _, r := range p {
			if r != nil {
				listed++
				a.expect(a.registrations[r] > 0 && d.registrations.get(r.id) == r, "registration %d is not found by ID", r.id)
			}
		}
	}
	a.expect(listed == len(a.registrations), "%d registrations by ID, %d found", listed, len(a.registrations))
	a.expect(a.calls == d.PendingCalls(), "%d calls pending, %d found with callers", d.PendingCalls(), a.calls)
	a.expect(a.invocations+a.waiting == d.PendingCalls(), "%d calls pending, %d found with callees", d.PendingCalls(), a.invocations)
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

// RequestIDsAt returns what has seen requests up to an ID.
func RequestIDsAt(last wamp.ID) *RequestIDs { return &RequestIDs{last} }

// ForeseeAlways has a dealer foresee in realms of any size.
func ForeseeAlways(d *Dealer) { d.foresight.worthwhile = 0 }

// ResumeAtOnce sets DealerConfig.ResumedAtOnce.
func ResumeAtOnce(d *Dealer, bytes int) { d.config.ResumedAtOnce = bytes }
