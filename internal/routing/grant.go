package routing

import "github.com/tandemrouter/tandem/wamp"

// Grant is what the authorizer decided about one request before the core sees it. The core never calls an
// authorizer. The zero value refuses.
type Grant struct {
	Allowed  bool            // else ERROR wamp.error.not_authorized (AZN-02)
	Failed   bool            // the authorizer could not decide: ERROR wamp.error.authorization_failed (AZN-03)
	Text     string          // why it was refused or failed, for the peer
	Force    bool            // the callee may take the procedure from those who have registered it (ROU-26)
	Inspect  bool            // the session may see what is only for administrators
	Topic    *Grant          // of a call that adds a testament: what the rule says of publishing to its topic (TES-11)
	Disclose wamp.Disclosure // what the rule says of telling who called or published

	TrustLevel    uint64 // valid if HasTrustLevel (CTL-01, PTL-01)
	HasTrustLevel bool
}
