package auth

import (
	"context"

	"github.com/tandemrouter/tandem/wamp"
)

// Permissions is what the sessions of a role may do, whatever the URI.
type Permissions struct {
	Call, Register, Publish, Subscribe bool
	Disclose                           wamp.Disclosure
}

func (p *Permissions) allows(a Action) bool {
	switch a {
	case ActionCall:
		return p.Call
	case ActionRegister:
		return p.Register
	case ActionPublish:
		return p.Publish
	case ActionSubscribe:
		return p.Subscribe
	default:
		return false
	}
}

// Roles is the Authorizer that knows the permissions of each role by the role's name. What no role allows is refused
// (AZN-08).
type Roles map[string]Permissions

// Authorize looks the request up.
func (r Roles) Authorize(_ context.Context, q *Request) (Decision, error) {
	p, known := r[q.Who.Role]
	return Decision{Allowed: known && p.allows(q.Action), Disclose: p.Disclose}, nil
}
