// Package router runs realms for connections: it opens sessions, routes their messages through the core, and carries
// out what the core decides.
//
//	connection ──► reader ──► parse a run ──► authorize ──► dealer or broker ──► Outbox
//	                                          (no lock)     (their lock)            │
//	connections ◄── one write each ◄── Flush ◄── append to the receivers' queues ◄──┘
//
// The goroutine that reads from a connection routes what it read. No message is handed to another goroutine, and
// nobody ever waits for a peer: what a socket does not take stays in the receiver's queue, whose bound is in bytes.
//
// # When a queue is full
//
// What a peer may be refused has three quarters of its queue, so that answers to its own requests have room behind a
// flood of events or results:
//
//	EVENT               as the realm has it (SlowSubscribers, FLW-02):
//	    Disconnect      the session ends, with a reason
//	    DropNew         the event is dropped
//	    DropOld         the oldest events that wait are dropped to make room for it
//	INVOCATION          ERROR wamp.error.network_failure to the caller, at once (FLW-04)
//	progressive RESULT  the call is canceled: ERROR wamp.error.network_failure to the caller behind what it has not
//	                    read yet, INTERRUPT to the callee (FLW-05)
//
// Lost events are counted: for the session, for the realm, and in the details of the next event that the subscriber gets
// and that there is room for (wamp.EventDetails.Lost). Only that one is encoded for the subscriber alone.
//
// Any other message that does not fit ends the session that it was for, with a reason, because an answer is never lost
// silently (FLW-02). A callee that yields faster than its caller reads so costs that caller its call, and at most its
// session; the callee, the router and other callers do not notice.
//
// # Event history
//
// What a broker's step has for the histories of topics is appended to the realm's store under brokerMu, in memory. Where a
// history is durable, PUBLISHED is taken out of the step's messages and sent at the end of the run, when the store says
// that the event is safe; the events themselves do not wait. wamp.subscription.get_events is answered without any lock.
//
// # Locks
//
// They are taken in this order, and a later one is never held while an earlier one is waited for:
//
//	Router.mu → realm.dealerMu → the queues of sessions → realm.newsMu
//	            realm.brokerMu ↗
//
// Nobody waits for the broker with the dealer in hand: what the dealer has to tell it (events of the router itself, and
// who leaves) is left under newsMu, in the order of the dealer's steps, for who next has the broker.
//
// Several queues are held at once only by who took them under dealerMu; under brokerMu they are taken one by one.
// Under dealerMu the receivers' queues are taken before dealerMu is released, and the messages are encoded after
// that, so that the order of the steps is the order on every wire while the lock is held for the steps alone. No lock
// is held over I/O, over an authorizer, or over a channel operation.
//
// # Large payloads
//
// To convert a large payload to the receiver's serializer, or to copy it, takes too long for any lock. A run goes through
// the dealer or broker in turns, each under one taking of the lock:
//
//	┌► lock ─► who would get the next message? ─► step ─► … ─► deliver ─► unlock ─┐
//	│                       │ large, and not prepared for that serializer         │ more
//	│                       └─► deliver ─► unlock ─► prepare ─┐                   │
//	└─────────────────────────────────────────────────────────┴───────────────────┘
//
// The question is asked under the lock under which the step follows, so that the answer holds. Calls with large payloads
// that waited for a callee are resumed in steps of their own, which are prepared in the same way.
package router
