// Package server puts the process together: it listens where the configuration says, finds out by the first octet
// which protocol a connection speaks, and hands it to the router.
//
//	listener ──► first octet ──► 0x7F: RawSocket handshake ──┐
//	                         └─► else: HTTP ──► /ws upgrade ─┴─► router.Serve
package server
