// Package handshake opens sessions: it decides whether an opening message is legal, what the answer is, and who the
// peer is when the session is established.
//
//	router: Acceptor   HELLO ──► WELCOME | ABORT
//	client: Joiner     HELLO ◄── start, then WELCOME | ABORT ──► established, or refused
//
// Both sides are values that take a message and return one; they do no I/O and know no time. What is said in a
// session once it is established, including its orderly end, is not their business.
package handshake
