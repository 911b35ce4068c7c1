package auth

import (
	"context"
	"strings"

	"github.com/tandemrouter/tandem/wamp"
)

// Permissions is what the sessions of a role may do, whatever the URI.
type Permissions struct {
	Call, Register, Publish, Subscribe bool

	// Administer adds to Call and Register what takes something from other sessions: the procedures that end sessions
	// and revoke registrations and subscriptions (RRV-06, SMA-15), and registering by force (ROU-26). It also shows what
	// only administrators may see of sessions.
	Administer bool

	Disclose wamp.Disclosure

	// TrustLevel is what callees and subscribers are told of how far the role is trusted, if HasTrustLevel (CTL-03).
	TrustLevel    uint64
	HasTrustLevel bool
}

func (p *Permissions) allows(r *Request) bool {
	switch r.Action {
	case ActionCall:
		return p.Call && (p.Administer || !administrative(r.URI))
	case ActionRegister:
		return p.Register
	case ActionForceRegister:
		return p.Register && p.Administer
	case ActionPublish:
		return p.Publish
	case ActionSubscribe:
		return p.Subscribe
	case ActionInspect:
		return p.Administer
	default:
		return false
	}
}

// administrative reports whether a procedure of the router itself takes something from other sessions.
func administrative(procedure string) bool {
	return strings.HasPrefix(procedure, "wamp.session.kill") ||
		procedure == "wamp.registration.remove_callee" ||
		procedure == "wamp.subscription.remove_subscriber"
}

// Roles is the Authorizer that knows the permissions of each role by the role's name. What no role allows is refused
// (AZN-08).
type Roles map[string]Permissions

// Authorize looks the request up.
func (r Roles) Authorize(_ context.Context, q *Request) (Decision, error) {
	p, known := r[q.Who.AuthRole]
	return Decision{
		Allowed:       known && p.allows(q),
		Disclose:      p.Disclose,
		TrustLevel:    p.TrustLevel,
		HasTrustLevel: p.HasTrustLevel,
	}, nil
}
