// Package bench measures a router from outside, over real sockets on this machine.
//
// The load generator speaks WAMP straight on connections, without the client library, so that what it costs itself is
// small and the same for every router. Relay is the bare program to compare with: it forwards whole frames between
// two connections and reads nothing but their lengths, which is the least that anything between two peers can do.
//
// Everything is bounded in number and time and goes to loopback addresses only.
package bench
