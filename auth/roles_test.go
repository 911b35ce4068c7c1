package auth_test

import (
	"testing"

	"github.com/tandemrouter/tandem/auth"
)

func TestRoles(t *testing.T) {
	roles := auth.Roles{
		"guest": {Call: true, Subscribe: true},
		"staff": {Call: true, Register: true, Publish: true, TrustLevel: 2, HasTrustLevel: true},
		"admin": {Call: true, Register: true, Administer: true},
	}
	tests := []struct {
		role    string
		action  auth.Action
		uri     string
		allowed bool
	}{
		{"guest", auth.ActionCall, "com.a", true},
		{"guest", auth.ActionSubscribe, "com.a", true},
		{"guest", auth.ActionPublish, "com.a", false},
		{"guest", auth.ActionRegister, "com.a", false},
		{"staff", auth.ActionRegister, "com.a", true},
		{"staff", auth.ActionForceRegister, "com.a", false}, // ROU-26
		{"staff", auth.ActionPublish, "com.a", true},
		{"staff", auth.ActionCall, "wamp.registration.list", true},
		{"staff", auth.ActionCall, "wamp.registration.remove_callee", false}, // RRV-06
		{"staff", auth.ActionCall, "wamp.session.kill", false},               // SMA-15
		{"staff", auth.ActionCall, "wamp.session.kill_by_authid", false},
		{"staff", auth.ActionCall, "wamp.session.count", true},
		{"staff", auth.ActionCall, "wamp.subscription.remove_subscriber", false}, // SRV-04
		{"admin", auth.ActionCall, "wamp.session.kill", true},
		{"admin", auth.ActionForceRegister, "com.a", true},
		{"admin", auth.ActionPublish, "com.a", false},
		{"nobody", auth.ActionCall, "com.a", false}, // AZN-08
	}
	for _, test := range tests {
		r := &auth.Request{Who: auth.Identity{AuthRole: test.role}, Action: test.action, URI: test.uri}
		d, err := roles.Authorize(t.Context(), r)
		if err != nil || d.Allowed != test.allowed {
			t.Errorf("%s may %s %s: %v, %v; want %v", test.role, test.action, test.uri, d.Allowed, err, test.allowed)
		}
		if d.HasTrustLevel != (test.role == "staff") || d.HasTrustLevel && d.TrustLevel != 2 { // CTL-03
			t.Errorf("%s has trust level %d, %v", test.role, d.TrustLevel, d.HasTrustLevel)
		}
	}
}
