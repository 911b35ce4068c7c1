package handshake

import (
	"fmt"

	"github.com/tandemrouter/tandem/wamp"
)

// Joiner is the client's side of opening one session.
type Joiner struct {
	Realm string
	Roles wamp.Roles // what the client announces (CLI-01)
	Agent string
}

// AbortError says that the router refused to open the session, or that it broke off.
type AbortError struct {
	Reason  string // the URI that ABORT carried
	Message string // for a person; may be empty
}

// Error returns the reason and the message.
func (e *AbortError) Error() string {
	if e.Message == "" {
		return e.Reason
	}
	return fmt.Sprintf("%s: %s", e.Reason, e.Message)
}

// Is reports whether target is the reason, such as wamp.ErrNoSuchRealm.
func (e *AbortError) Is(target error) bool {
	uri, ok := target.(wamp.ErrorURI)
	return ok && string(uri) == e.Reason
}

// Hello returns the message that opens the session (SES-01).
func (j *Joiner) Hello() *wamp.Hello {
	return &wamp.Hello{Realm: j.Realm, Details: wamp.HelloDetails{
		Roles:       j.Roles,
		Agent:       j.Agent,
		AuthMethods: []string{methodAnonymous},
	}}
}

// Receive takes the router's answer. It returns the WELCOME that establishes the session, or an error: *AbortError if
// the router refused, *wamp.ViolationError if the answer is illegal. With an error there may be a reply to send
// before the connection is closed.
func (j *Joiner) Receive(m wamp.Message) (reply wamp.Message, welcome *wamp.Welcome, err error) {
	switch m := m.(type) {
	case *wamp.Welcome:
		return j.welcome(m)
	case *wamp.Abort:
		return nil, nil, &AbortError{Reason: m.Reason, Message: m.Details.Message}
	case *wamp.Challenge: // nothing but anonymous was offered (ATH-12)
		text := fmt.Sprintf("cannot answer a challenge for %q", m.AuthMethod)
		return abort(wamp.ErrCannotAuthenticate, "%s", text), nil, wamp.Violation("%s", text)
	default:
		violation := wamp.Violation("%s before WELCOME", m.Type())
		return abort(wamp.ErrProtocolViolation, "%s", violation.Text), nil, violation
	}
}

func (j *Joiner) welcome(m *wamp.Welcome) (wamp.Message, *wamp.Welcome, error) {
	if !m.Session.Valid() || !m.Details.Roles.HasRouterRole() { // SES-08
		violation := wamp.Violation("WELCOME without a session ID or a role")
		return abort(wamp.ErrProtocolViolation, "%s", violation.Text), nil, violation
	}
	return nil, m, nil
}
