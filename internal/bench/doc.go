// Package bench measures a router from outside, over real sockets on this machine.
//
// The load generator speaks WAMP straight on connections, without the client library, so that what it costs itself is
// small and the same for every router. Relay is the bare program to compare with: it forwards whole frames between
// two connections and reads nothing but their lengths, which is the least that anything between two peers can do.
//
//	RPC            calls, in a closed loop or at a fixed rate     Idle            memory of sessions
//	Fanout         events to many subscribers                     Registrations   calls among many registrations
//	Churn          short sessions                                 Slow            a subscriber that stops reading
//
// Each of these loads measures the router at a URL, whichever it is. Suite runs them all on routers and relays that it
// starts itself, in turn, and says which bars are met. What a process uses comes from the operating system; only how
// many objects it allocates has to be asked of it, which works with a Suite's own children (see Answer).
//
//	the loads             rpc.go fanout.go churn.go idle.go registrations.go slow.go, each with its report
//	who carries them out  crew.go with peer.go; caller.go callee.go; stream.go with publisher.go subscriber.go
//	what is counted       histogram.go process.go report.go
//	all of it             suite.go with suite_trials.go suite_bars.go suite_child.go
//
// A router's figures depend on the machine and on what else it does. Compare ratios of measurements that alternate.
//
// Everything is bounded in number and time and goes to loopback addresses only.
package bench
