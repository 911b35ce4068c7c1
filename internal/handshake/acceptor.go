package handshake

import (
	"fmt"
	"slices"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/wamp"
)

// The names of the authentication methods.
const methodAnonymous = "anonymous"

// Policy is what a realm demands of those who join it, and what it announces to them.
type Policy struct {
	Realm     string
	Roles     wamp.Roles // the router's roles and features, as WELCOME announces them (FEA-01)
	Agent     string
	Anonymous string // the role of sessions that do not authenticate; empty: they are refused (ANO-01)
}

// Acceptor is the router's side of opening one session.
type Acceptor struct {
	// Realm finds the policy of a realm that exists and accepts sessions.
	Realm func(name string) (*Policy, bool)
	// Session is the ID that the session gets.
	Session wamp.ID
	// AuthID is the random authid that an anonymous session gets (ANO-02).
	AuthID string
}

// Accepted is a session that may be established by sending its Welcome.
type Accepted struct {
	Realm    string
	Identity auth.Identity
	Roles    wamp.Roles // what the client announced
	Welcome  *wamp.Welcome
}

// Receive takes the first message of a peer. It returns either the accepted session or the ABORT to answer with. A
// peer that aborts by itself gets neither (SES-02).
func (a *Acceptor) Receive(m wamp.Message) (*Accepted, *wamp.Abort) {
	switch m := m.(type) {
	case *wamp.Hello:
		return a.hello(m)
	case *wamp.Abort:
		return nil, nil
	default:
		return nil, abort(wamp.ErrProtocolViolation, "%s before HELLO", m.Type()) // SES-02
	}
}

func (a *Acceptor) hello(m *wamp.Hello) (*Accepted, *wamp.Abort) {
	if !m.Details.Roles.HasClientRole() {
		return nil, abort(wamp.ErrNoSuchRole, "HELLO announces none of the roles publisher, subscriber, caller, callee") // SES-04
	}
	if m.Realm != "" && !wamp.LooseURI.ValidURI(m.Realm) {
		return nil, abort(wamp.ErrInvalidURI, "realm is not a valid URI") // URI-04
	}
	policy, ok := a.Realm(m.Realm)
	if !ok {
		return nil, abort(wamp.ErrNoSuchRealm, "no realm %q here", m.Realm) // SES-06
	}
	if refusal := checkMethods(policy, m.Details.AuthMethods); refusal != nil {
		return nil, refusal
	}
	return a.anonymous(policy, m), nil
}

// checkMethods looks for a method that the client offers and the realm accepts (ATH-03, ATH-04).
func checkMethods(p *Policy, offered []string) *wamp.Abort {
	anonymous := len(offered) == 0 || slices.Contains(offered, methodAnonymous)
	switch {
	case anonymous && p.Anonymous != "":
		return nil
	case anonymous && len(offered) <= 1:
		return abort(wamp.ErrAuthenticationRequired, "realm %q does not accept anonymous sessions", p.Realm) // ANO-03
	default:
		return abort(wamp.ErrNoMatchingAuthMethod, "realm %q accepts none of the offered authmethods", p.Realm) // ATH-05
	}
}

func (a *Acceptor) anonymous(p *Policy, m *wamp.Hello) *Accepted {
	id := auth.Identity{AuthID: a.AuthID, AuthRole: p.Anonymous, AuthMethod: methodAnonymous, AuthProvider: "static"}
	return &Accepted{
		Realm:    p.Realm,
		Identity: id,
		Roles:    m.Details.Roles,
		Welcome: &wamp.Welcome{Session: a.Session, Details: wamp.WelcomeDetails{ // SES-10
			Roles:        p.Roles,
			Agent:        p.Agent,
			Realm:        p.Realm,
			AuthID:       id.AuthID,
			AuthRole:     id.AuthRole,
			AuthMethod:   id.AuthMethod,
			AuthProvider: id.AuthProvider,
		}},
	}
}

// abort makes an ABORT without arguments, because some clients accept no others (SES-12).
func abort(reason wamp.ErrorURI, format string, args ...any) *wamp.Abort {
	return &wamp.Abort{Reason: string(reason), Details: wamp.AbortDetails{Message: fmt.Sprintf(format, args...)}}
}
