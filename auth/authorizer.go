package auth

import (
	"context"

	"github.com/tandemrouter/tandem/wamp"
)

// Identity is who a session is, as the router granted it when the session was opened.
type Identity struct {
	AuthID       string
	AuthRole     string
	AuthMethod   string
	AuthProvider string
}

// Action is what a session asks to do (AZN-01).
type Action uint8

// The actions that need authorization. UNSUBSCRIBE, UNREGISTER, CANCEL, YIELD and ERROR need none (AZN-09).
const (
	ActionCall Action = iota
	ActionRegister
	ActionForceRegister // and so take a procedure from those who have registered it (ROU-26)
	ActionPublish
	ActionSubscribe
	ActionInspect // see in wamp.session.get what is for administrators only
)

var actionNames = [...]string{"call", "register", "register by force", "publish", "subscribe", "inspect"}

// String returns the action's name.
func (a Action) String() string { return actionNames[a] }

// Request is one thing that a session asks to do.
type Request struct {
	Realm   string
	Session wamp.ID
	Who     Identity
	Action  Action
	URI     string
	Match   wamp.MatchPolicy // of a registration or subscription
}

// Decision is an authorizer's answer. The zero value refuses.
type Decision struct {
	Allowed  bool
	Disclose wamp.Disclosure // of the caller's or publisher's identity

	TrustLevel    uint64 // for callees and subscribers, valid if HasTrustLevel (CTL-01, PTL-01)
	HasTrustLevel bool
}

// Authorizer decides about requests. Authorize is called by many goroutines at once, without any lock of the router,
// and may wait as long as ctx allows. An error means that no decision could be made: the request fails with
// wamp.error.authorization_failed (AZN-03).
type Authorizer interface {
	Authorize(ctx context.Context, r *Request) (Decision, error)
}

// AllowAll is the Authorizer that allows everything and discloses on request. It is meant for development and for
// realms in which everybody is trusted.
type AllowAll struct{}

// Authorize allows the request.
func (AllowAll) Authorize(context.Context, *Request) (Decision, error) {
	return Decision{Allowed: true}, nil
}
