// Package routing is the core of the router: given a message, the session that sent it and the time, it decides who
// gets what. Dealer routes calls from callers to callees; Broker routes publications to subscribers.
//
// The core computes and nothing else. It has no goroutine, channel, lock, clock, random source or log, does no I/O
// and depends on no map's order: the same messages at the same times with the same random numbers give the same
// effects. Its caller, the shell, holds the dealer's or the broker's lock around every step, tells the time, and
// carries out the effects that the step put into the Outbox.
//
//	message ──► Dealer / Broker ──► Outbox ──► shell ──► queues of the receiving sessions
//	            time, Grant,
//	            random numbers
//
// Every method that takes a message checks first, then changes state, then writes effects, in that order; a request
// that is refused leaves no trace. A refusal is an ERROR in the outbox, a violation of the protocol an ABORT to the
// session that committed it. The effects of one step stand in the order in which they must reach the peers.
//
// Authorization happens before a step; its verdict comes in as a Grant.
//
//	dealer            dealer.go   registration*.go lineup.go: who has registered what, and whose turn it is
//	                              call*.go invoke.go: the life of a call
//	                              backlog.go concurrency.go reroute.go shard.go: calls that wait, or go elsewhere
//	broker            broker*.go  subscription.go audience.go: who subscribed to what, and who may get an event
//	                              retention*.go retained.go: events for later subscribers
//	                              testament.go: events for the end of a session
//	the router itself meta*.go    its procedures and events
//	what both have    session.go departure.go outbox.go grant.go table.go request_ids.go foresee.go
package routing
