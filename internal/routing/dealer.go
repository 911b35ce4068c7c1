package routing

import (
	"cmp"
	"slices"
	"time"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// What a session may have at once if DealerConfig does not say (FLW-08).
const (
	DefaultMaxCalls         = 16_384
	DefaultMaxInvocations   = 65_536
	DefaultMaxRegistrations = 1_048_576
)

// DealerConfig says how the dealer of a realm works.
type DealerConfig struct {
	URIRule          wamp.URIRule  // which procedures are valid (URI-05)
	Random           func() uint64 // uniformly random bits, for IDs, InvokeRandom and the secret of hash tables
	MaxCalls         int           // pending calls of one caller; 0 means DefaultMaxCalls
	MaxInvocations   int           // pending invocations of one callee; 0 means DefaultMaxInvocations
	MaxRegistrations int           // of one session; 0 means DefaultMaxRegistrations

	// ProgressNeedsCanceling says that a callee which announced progressive call results but not call canceling is
	// not asked for them (PCR-02).
	ProgressNeedsCanceling bool
}

// Dealer routes the calls of a realm to its callees, and what these answer back to the callers. It is not safe for
// concurrent use: the shell holds the dealer's lock around every method. Messages are only read, and nothing of them
// is kept beyond a step; what a step puts into the outbox may share memory with its message. The IDs of messages are
// valid, as a parser makes sure.
//
// A call lives from its INVOCATION to its final answer (requirements 5.13):
//
//	            CALL continuation, YIELD progress
//	              ┌──┐                 ┌──┐
//	              │  ▼   CANCEL kill   │  ▼
//	CALL ──────► ACTIVE ───────────► CANCELING
//	               │                    │
//	               │  final YIELD, ERROR, CANCEL skip or killnowait, timeout,
//	               ▼  caller gone, callee gone, undeliverable
//	              DONE ◄────────────────┘
//
// Going to DONE is finish: the record is freed, and whatever comes later for the call is discarded.
type Dealer struct {
	config           DealerConfig
	procedures       pattern.Index[*registration]
	registrations    map[wamp.ID]*registration
	nextRegistration wamp.ID
	pending          int // calls of all sessions
	timers           timers
	spare            []*call // records for use again, zeroed

	offers tables[*callee]   // the registrations of sessions, by registration ID
	calls  tables[*call]     // the calls and invocations of sessions, by request ID
	ended  tables[time.Time] // when calls and invocations of sessions ended, by request ID
}

// dealerState is what the dealer knows of a session. A session that does nothing holds no memory.
type dealerState struct {
	left           bool // the session is gone: its messages are ignored
	registrations  table[*callee]
	calls          table[*call] // the pending calls that it made, by CALL.Request
	invocations    table[*call] // the pending calls that it has to answer, by INVOCATION.Request
	lastInvocation wamp.ID      // INVOCATION.Request counts up from 1 for each session (IDS-05)

	endedCalls       *endings // whose caller may still send a part (PCI-13)
	endedInvocations *endings // whose callee may still send results (PCR-08)
}

// NewDealer returns a dealer without registrations. The configuration must have a source of random numbers.
func NewDealer(c DealerConfig) *Dealer {
	c.MaxCalls = cmp.Or(c.MaxCalls, DefaultMaxCalls)
	c.MaxInvocations = cmp.Or(c.MaxInvocations, DefaultMaxInvocations)
	c.MaxRegistrations = cmp.Or(c.MaxRegistrations, DefaultMaxRegistrations)
	return &Dealer{
		config:           c,
		registrations:    make(map[wamp.ID]*registration),
		nextRegistration: 1,
		offers:           newTables[*callee](c.Random),
		calls:            newTables[*call](c.Random),
		ended:            newTables[time.Time](c.Random),
	}
}

// RemoveSession takes a session that left the realm out of it: its registrations first, so that no call reaches it
// any more (ROU-29), then the calls that it has not answered, whose callers get an ERROR (RPC-16, ROU-27), then
// those that it made, which their callees are told to drop (RPC-15, ROU-35). What the session still sends is ignored.
// The cost depends on what the session has, not on the realm; to the session itself nothing is sent (ROU-33).
func (d *Dealer) RemoveSession(now time.Time, s *Session, out *Outbox) {
	if s.dealer.left {
		return
	}
	s.dealer.left = true
	for _, c := range sorted(&s.dealer.registrations, func(c *callee) wamp.ID { return c.registration.id }) {
		d.withdraw(c)
		out.tellUnregistered(c)
	}
	for _, c := range sorted(&s.dealer.invocations, func(c *call) wamp.ID { return c.invocation }) {
		d.calleeGone(now, c, out)
	}
	for _, c := range sorted(&s.dealer.calls, func(c *call) wamp.ID { return c.request }) {
		d.callerGone(now, c, out)
	}
	s.dealer = dealerState{left: true}
}

// sorted returns the values of a table by increasing ID, so that effects come in the order of their causes.
func sorted[V any](t *table[V], id func(V) wamp.ID) []V {
	list := t.values()
	slices.SortFunc(list, func(a, b V) int { return cmp.Compare(id(a), id(b)) })
	return list
}

// Registrations returns the number of registrations in the realm. Callees of a shared one have it in common.
func (d *Dealer) Registrations() int {
	return d.procedures.Len(pattern.Exact) + d.procedures.Len(pattern.Prefix) + d.procedures.Len(pattern.Wildcard)
}

// PendingCalls returns the number of calls that have not been answered finally.
func (d *Dealer) PendingCalls() int { return d.pending }
