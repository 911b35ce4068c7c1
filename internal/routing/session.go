package routing

import "github.com/tandemrouter/tandem/wamp"

// Session is a peer that joined the realm, as the core sees it. The shell makes one with the exported fields filled
// in, and passes it to Dealer and Broker with every message that the peer sends.
type Session struct {
	// immutable after creation

	ID           wamp.ID
	AuthID       string
	AuthRole     string
	AuthMethod   string
	AuthProvider string
	Roles        wamp.Roles // the roles and features that the peer announced in HELLO
	Transport    string     // on which it is connected, for others to see; may be empty
	Shell        any        // the shell's own handle of the session; the core never looks at it

	// guarded by the dealer's lock

	dealer dealerState

	// guarded by the broker's lock

	Lost   uint64 // events that the session's queue did not take or keep: the shell counts them
	Room   int    // bytes that the events of a replay may take up, give or take one; 0: what BrokerConfig says
	broker brokerState
}

// calleeSupports reports whether the session announced the feature for its role as callee.
func (s *Session) calleeSupports(f wamp.Feature) bool { return s.Roles.Supports(wamp.RoleCallee, f) }

// callerSupports reports whether the session announced the feature for its role as caller.
func (s *Session) callerSupports(f wamp.Feature) bool { return s.Roles.Supports(wamp.RoleCaller, f) }
