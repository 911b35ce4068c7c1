package handshake_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/internal/handshake"
	"github.com/tandemrouter/tandem/wamp"
)

func roles(list ...wamp.Role) (r wamp.Roles) {
	for _, role := range list {
		r.Announce(role)
	}
	return r
}

func acceptor() *handshake.Acceptor {
	policies := map[string]*handshake.Policy{
		"open":   {Realm: "open", Roles: roles(wamp.RoleBroker, wamp.RoleDealer), Agent: "test", Anonymous: "guest"},
		"closed": {Realm: "closed", Roles: roles(wamp.RoleBroker, wamp.RoleDealer)},
	}
	return &handshake.Acceptor{
		Realm:   func(name string) (*handshake.Policy, bool) { p, ok := policies[name]; return p, ok },
		Session: 7,
		AuthID:  "somebody",
	}
}

func hello(realm string, methods ...string) *wamp.Hello {
	return &wamp.Hello{Realm: realm, Details: wamp.HelloDetails{Roles: roles(wamp.RoleCaller), AuthMethods: methods}}
}

func TestAcceptorWelcomes(t *testing.T) {
	for name, m := range map[string]*wamp.Hello{
		"ATH-04 no authmethods":          hello("open"),
		"anonymous":                      hello("open", "anonymous"),
		"ATH-03 first that is usable":    hello("open", "cryptosign", "anonymous"),
		"ANO-02 the authid is not heard": {Realm: "open", Details: wamp.HelloDetails{Roles: roles(wamp.RoleCallee), AuthID: "admin"}},
	} {
		t.Run(name, func(t *testing.T) {
			accepted, refusal := acceptor().Receive(m)
			if refusal != nil {
				t.Fatalf("refused: %+v", refusal)
			}
			want := auth.Identity{AuthID: "somebody", AuthRole: "guest", AuthMethod: "anonymous", AuthProvider: "static"}
			if diff := cmp.Diff(want, accepted.Identity); diff != "" {
				t.Error(diff)
			}
			if accepted.Roles != m.Details.Roles {
				t.Errorf("roles %v, want the client's", accepted.Roles)
			}
			welcome := accepted.Welcome
			if welcome.Session != 7 || welcome.Details.Realm != "open" || !welcome.Details.Roles.HasRouterRole() {
				t.Errorf("WELCOME %+v", welcome)
			}
		})
	}
}

func TestAcceptorRefuses(t *testing.T) {
	tests := map[string]struct {
		first wamp.Message
		want  wamp.ErrorURI
	}{
		"SES-02 not HELLO":            {&wamp.Call{Request: 1, Procedure: "a"}, wamp.ErrProtocolViolation},
		"SES-02 AUTHENTICATE":         {&wamp.Authenticate{}, wamp.ErrProtocolViolation},
		"SES-04 no role":              {&wamp.Hello{Realm: "open"}, wamp.ErrNoSuchRole},
		"SES-04 only router roles":    {&wamp.Hello{Realm: "open", Details: wamp.HelloDetails{Roles: roles(wamp.RoleDealer)}}, wamp.ErrNoSuchRole},
		"URI-04 realm with a space":   {hello("o pen"), wamp.ErrInvalidURI},
		"SES-06 REA-03 no such realm": {hello("nowhere"), wamp.ErrNoSuchRealm},
		"SES-06 empty realm":          {hello(""), wamp.ErrNoSuchRealm},
		"ANO-03 anonymous refused":    {hello("closed"), wamp.ErrAuthenticationRequired},
		"ATH-05 no method in common":  {hello("open", "ticket", "wampcra"), wamp.ErrNoMatchingAuthMethod},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			accepted, refusal := acceptor().Receive(test.first)
			if accepted != nil || refusal == nil {
				t.Fatalf("accepted %+v, refusal %+v", accepted, refusal)
			}
			if refusal.Reason != string(test.want) || refusal.Details.Message == "" {
				t.Errorf("got %+v, want reason %s with a message", refusal, test.want)
			}
		})
	}
}

func TestSES02_AbortOfTheClientIsNotAnswered(t *testing.T) {
	accepted, refusal := acceptor().Receive(&wamp.Abort{Reason: "wamp.close.close_realm"})
	if accepted != nil || refusal != nil {
		t.Errorf("accepted %+v, refusal %+v, want neither", accepted, refusal)
	}
}

func TestJoiner(t *testing.T) {
	j := &handshake.Joiner{Realm: "open", Roles: roles(wamp.RoleCaller), Agent: "test"}
	if m := j.Hello(); m.Realm != "open" || m.Details.Roles != j.Roles || m.Details.Agent != "test" {
		t.Errorf("HELLO %+v", m)
	}
	_, welcome, err := j.Receive(&wamp.Welcome{Session: 9, Details: wamp.WelcomeDetails{Roles: roles(wamp.RoleDealer)}})
	if err != nil || welcome.Session != 9 {
		t.Errorf("WELCOME gave %+v, %v", welcome, err)
	}
}

func TestJoinerRefused(t *testing.T) {
	tests := map[string]struct {
		answer wamp.Message
		want   wamp.ErrorURI
		reply  wamp.MessageType // 0: none
	}{
		"ABORT":                    {&wamp.Abort{Reason: string(wamp.ErrNoSuchRealm)}, wamp.ErrNoSuchRealm, 0},
		"ATH-12 CHALLENGE":         {&wamp.Challenge{AuthMethod: "ticket"}, wamp.ErrProtocolViolation, wamp.TypeAbort},
		"PER-06 RESULT":            {&wamp.Result{Request: 1}, wamp.ErrProtocolViolation, wamp.TypeAbort},
		"SES-08 WELCOME, no roles": {&wamp.Welcome{Session: 1}, wamp.ErrProtocolViolation, wamp.TypeAbort},
		"SES-08 WELCOME, no id":    {&wamp.Welcome{Details: wamp.WelcomeDetails{Roles: roles(wamp.RoleDealer)}}, wamp.ErrProtocolViolation, wamp.TypeAbort},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			reply, welcome, err := (&handshake.Joiner{Realm: "open"}).Receive(test.answer)
			if welcome != nil || !errors.Is(err, test.want) {
				t.Errorf("got %+v, %v; want %s", welcome, err, test.want)
			}
			if (reply == nil) != (test.reply == 0) || reply != nil && reply.Type() != test.reply {
				t.Errorf("reply %+v, want %s", reply, test.reply)
			}
		})
	}
}
