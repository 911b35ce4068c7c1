package routing

import (
	"cmp"
	"slices"
	"time"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// What a session or registration may have at once if DealerConfig does not say (FLW-08).
const (
	DefaultMaxCalls         = 16_384
	DefaultMaxInvocations   = 65_536
	DefaultMaxRegistrations = 1_048_576
	DefaultMaxQueuedCalls   = 1024
	DefaultMaxQueuedBytes   = 4 << 20
	DefaultMaxKeptBytes     = 16 << 20
)

// DealerConfig says how the dealer of a realm works.
type DealerConfig struct {
	URIRule          wamp.URIRule  // which procedures are valid (URI-05)
	Random           func() uint64 // uniformly random bits, for IDs, InvokeRandom and the secret of hash tables
	MaxCalls         int           // pending calls of one caller; 0 means DefaultMaxCalls
	MaxInvocations   int           // pending invocations of one callee; 0 means DefaultMaxInvocations
	MaxRegistrations int           // of one session; 0 means DefaultMaxRegistrations

	// Calls wait while every callee that may take them has as many invocations as it takes at once (ROU-22). Further
	// parts of a call that waits count as calls.
	MaxQueuedCalls int // calls that wait for the callees of one registration; 0 means DefaultMaxQueuedCalls, -1 none
	MaxQueuedBytes int // of these calls; 0 means DefaultMaxQueuedBytes
	MaxKeptBytes   int // of one caller's calls that wait or may be rerouted; 0 means DefaultMaxKeptBytes

	// ResumedAtOnce is how many bytes of calls that waited a step may give to callees beside what it is there for. For more
	// it leaves vacancies. 0 means any number.
	ResumedAtOnce int

	// How long calls may take, in whole milliseconds (TMO-11). What the realm says counts like a timeout that the caller
	// has asked for: who watches it, and when it begins anew, is the same.
	DefaultTimeout time.Duration // of calls that come without a timeout; 0 means none
	MaxTimeout     time.Duration // of all, also of those that come without one; 0 means none

	Sharding  bool // calls with runmode=partition go to the callee that their rkey selects (SHD-02)
	Rerouting bool // callees that announced call_reroute may ask for another callee (RRT-01)

	// ProgressNeedsCanceling says that a callee which announced progressive call results but not call canceling is
	// not asked for them (PCR-02).
	ProgressNeedsCanceling bool
}

// Dealer routes the calls of a realm to its callees, and what these answer back to the callers. It is not safe for
// concurrent use: the shell holds the dealer's lock around every method. Messages are only read, and nothing of them
// is kept beyond a step but the procedure of a REGISTER, which has to be a text of its own; what a step puts into the
// outbox may share memory with its message. The IDs of messages are valid, as a parser makes sure.
//
// A call lives from the CALL to its final answer (requirements 5.13):
//
//	                 CALL continuation, YIELD progress
//	                   ┌──┐                 ┌──┐
//	     a callee      │  ▼   CANCEL kill   │  ▼
//	CALL ──────────► ACTIVE ───────────► CANCELING
//	  │                ▲ │                   │
//	  │ all are busy   │ │ final YIELD, ERROR, CANCEL skip or killnowait, timeout,
//	  ▼                │ ▼ caller gone, callee gone, undeliverable
//	WAITING ───────────┘DONE ◄───────────────┘
//	  │  one is free     ▲
//	  └──────────────────┘ CANCEL, timeout, caller gone, registration gone
//
// A callee's ERROR may lead to another callee instead of to DONE: see reroute. Going to DONE is end: the record is freed,
// and whatever comes later for the call is discarded.
type Dealer struct {
	config           DealerConfig
	procedures       pattern.Index[*registration]
	registrations    registrationsByID
	nextRegistration wamp.ID
	pending          int // calls of all sessions
	timers           timers
	spare            []*call // records for use again, zeroed
	foresight        foresight
	draw             draw

	sessions map[wamp.ID]*Session
	calls    tables[*call]   // the calls and invocations of sessions, by request ID
	detained tables[*callee] // whose slots are taken by invocations that ended unanswered, by request ID
	ended    tables[ending]  // calls and invocations of sessions that ended, by request ID
}

// dealerState is what the dealer knows of a session. A session that does nothing holds no memory.
type dealerState struct {
	left           bool // the session is gone: its messages are ignored
	registrations  offers
	calls          table[*call]   // the pending calls that it made, by CALL.Request
	invocations    table[*call]   // the pending calls that it has to answer, by INVOCATION.Request
	lastInvocation wamp.ID        // INVOCATION.Request counts up from 1 for each session (IDS-05)
	unanswered     table[*callee] // whose slots are taken by invocations that ended unanswered, by INVOCATION.Request
	kept           int            // bytes of its calls that are kept

	endedCalls       *endings // whose caller may still send a part (PCI-13)
	endedInvocations *endings // whose callee may still send results (PCR-08)
}

// NewDealer returns a dealer without registrations. The configuration must have a source of random numbers.
func NewDealer(c DealerConfig) *Dealer {
	c.MaxCalls = cmp.Or(c.MaxCalls, DefaultMaxCalls)
	c.MaxInvocations = cmp.Or(c.MaxInvocations, DefaultMaxInvocations)
	c.MaxRegistrations = cmp.Or(c.MaxRegistrations, DefaultMaxRegistrations)
	c.MaxQueuedCalls = cmp.Or(c.MaxQueuedCalls, DefaultMaxQueuedCalls)
	c.MaxQueuedBytes = cmp.Or(c.MaxQueuedBytes, DefaultMaxQueuedBytes)
	c.MaxKeptBytes = cmp.Or(c.MaxKeptBytes, DefaultMaxKeptBytes)
	return &Dealer{
		config:           c,
		registrations:    make(registrationsByID),
		nextRegistration: 1,
		sessions:         make(map[wamp.ID]*Session),
		calls:            newTables[*call](c.Random),
		detained:         newTables[*callee](c.Random),
		ended:            newTables[ending](c.Random),
		procedures:       pattern.New[*registration]([2]uint64{c.Random(), c.Random()}),
		foresight:        foresight{worthwhile: manyRegistrations},
		draw:             draw{random: c.Random},
	}
}

// AddSession makes a session that joined the realm known to the procedures of the meta API. It comes before the
// session's first message. One that has left meanwhile stays out.
func (d *Dealer) AddSession(s *Session) {
	if !s.dealer.left {
		d.sessions[s.ID] = s
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
	delete(d.sessions, s.ID)
	d.stopWaiting(now, s)
	for _, c := range s.dealer.registrations.byID() {
		d.withdraw(c)
		out.tellUnregistered(c)
		d.bequeath(now, c, out)
	}
	for _, c := range sorted(&s.dealer.invocations, func(c *call) wamp.ID { return c.invocation }) {
		d.calleeGone(now, c, out)
	}
	for _, c := range sorted(&s.dealer.calls, func(c *call) wamp.ID { return c.request }) {
		d.callerGone(now, c, out)
	}
	s.dealer = dealerState{left: true}
}

// stopWaiting ends the calls of a session that still wait (ROU-23), before anything that it leaves to others wakes them.
func (d *Dealer) stopWaiting(now time.Time, s *Session) {
	for _, c := range s.dealer.calls.values() {
		if c.callee == nil {
			d.end(now, c)
		}
	}
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
