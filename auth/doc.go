// Package auth says who a peer is and what it may do.
//
//	HELLO … WELCOME ──► Identity ┐
//	CALL, PUBLISH …              ├─► Request ──► Authorizer ──► Decision
//	session                      ┘
//
// Identity is what the router granted a peer when it joined. An Authorizer decides about each request of a session:
// may it register, call, subscribe or publish here, and may its identity be disclosed?
//
// The package neither sends nor waits for messages; package handshake carries the exchange that proves an identity.
package auth
