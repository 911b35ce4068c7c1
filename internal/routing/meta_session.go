package routing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tandemrouter/tandem/wamp"
)

// The events in the life of a session.
const (
	topicOnJoin  = "wamp.session.on_join"
	topicOnLeave = "wamp.session.on_leave"
)

// details returns what may be known of a session: nothing secret (SMA-03, SMA-18).
func (s *Session) details() wamp.Dict {
	details := wamp.Dict{
		"session":      uint64(s.ID),
		"authid":       s.AuthID,
		"authrole":     s.AuthRole,
		"authmethod":   s.AuthMethod,
		"authprovider": s.AuthProvider,
	}
	if s.Transport != "" {
		details["transport"] = wamp.Dict{"type": s.Transport}
	}
	return details
}

// Killed is a session that another one ordered the router to end. The shell ends it before it routes anything else of
// the session that gave the order.
type Killed struct {
	Session *Session
	Goodbye wamp.Goodbye // what the session is told (SMA-08)
	Quiet   bool         // nobody hears of its end, and its testaments are not published (SMA-11, SMA-12)
}

const sessionPrefix = "wamp.session."

// AnsweredByBroker reports whether a call of the procedure is for Broker.Call: one of the router's own procedures that is
// about sessions or subscriptions.
func AnsweredByBroker(procedure string) bool {
	return strings.HasPrefix(procedure, sessionPrefix) || strings.HasPrefix(procedure, subscriptionPrefix)
}

// The session meta API (requirements 3.4).
var sessionAPI = metaAPI[*Broker]{
	"wamp.session.count":            (*Broker).countSessions,
	"wamp.session.list":             (*Broker).listSessions,
	"wamp.session.get":              (*Broker).getSession,
	"wamp.session.kill":             (*Broker).kill,
	"wamp.session.kill_by_authid":   (*Broker).killByAuthID,
	"wamp.session.kill_by_authrole": (*Broker).killByAuthRole,
	"wamp.session.kill_all":         (*Broker).killAll,
	"wamp.session.add_testament":    (*Broker).addTestament,
	"wamp.session.flush_testaments": (*Broker).flushTestaments,
}

var noSuchSession = refusal{wamp.ErrNoSuchSession, "no such session"}

// sessionsWhere returns sessions by increasing ID.
func (b *Broker) sessionsWhere(wanted func(*Session) bool) []*Session {
	var found []*Session
	for _, s := range b.sessions { // order: sorted below
		if wanted(s) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b *Session) int { return cmp.Compare(a.ID, b.ID) })
	return found
}

// ofRoles returns which sessions are meant by the list of authroles that may be the first argument: those whose authrole
// is in it (SMA-05).
func (c *metaCall) ofRoles() (wanted func(*Session) bool, no refusal) {
	roles, given, ok := c.texts(0)
	if !ok {
		return nil, badArgument("a list of authroles, or nothing")
	}
	return func(s *Session) bool { return !given || slices.Contains(roles, s.AuthRole) }, refusal{}
}

func (b *Broker) countSessions(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	wanted, no := c.ofRoles()
	if no.refuses() {
		return nil, no
	}
	count := uint64(0)
	for _, s := range b.sessions { // order: only counts
		if wanted(s) {
			count++
		}
	}
	return wamp.List{count}, refusal{}
}

func (b *Broker) listSessions(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	wanted, no := c.ofRoles()
	if no.refuses() {
		return nil, no
	}
	return wamp.List{ids(b.sessionsWhere(wanted), sessionID)}, refusal{}
}

func sessionID(s *Session) wamp.ID { return s.ID }

// getSession tells what may be known of a session (SMA-06). Who may inspect sessions also learns how many events it has
// missed because it does not read them fast enough.
func (b *Broker) getSession(c *metaCall, _ *Outbox) (wamp.List, refusal) {
	id, ok := c.id(0)
	if !ok {
		return nil, badArgument("a session ID") // SMA-14
	}
	s := b.sessions[id]
	if s == nil {
		return nil, noSuchSession
	}
	details := s.details()
	if c.grant.Inspect {
		details["_lost"] = s.Lost
	}
	return wamp.List{details}, refusal{}
}

// kill ends one other session (SMA-07).
func (b *Broker) kill(c *metaCall, out *Outbox) (wamp.List, refusal) {
	id, ok := c.id(0)
	if !ok {
		return nil, badArgument("a session ID") // SMA-14
	}
	goodbye, no := c.goodbye()
	if no.refuses() {
		return nil, no
	}
	victim := b.sessions[id]
	if victim == nil || victim == c.caller {
		return nil, noSuchSession
	}
	b.end(victim, goodbye, false, out)
	return nil, refusal{}
}

// killByAuthID ends all other sessions of a principal, and tells which they were (SMA-09).
func (b *Broker) killByAuthID(c *metaCall, out *Outbox) (wamp.List, refusal) {
	authID, ok := c.text()
	if !ok {
		return nil, badArgument("an authid")
	}
	killed, no := b.killWhere(c, false, func(s *Session) bool { return s.AuthID == authID }, out)
	if no.refuses() {
		return nil, no
	}
	return wamp.List{ids(killed, sessionID)}, refusal{}
}

// killByAuthRole ends all other sessions of a role, and tells how many they were (SMA-10).
func (b *Broker) killByAuthRole(c *metaCall, out *Outbox) (wamp.List, refusal) {
	role, ok := c.text()
	if !ok {
		return nil, badArgument("an authrole")
	}
	killed, no := b.killWhere(c, false, func(s *Session) bool { return s.AuthRole == role }, out)
	if no.refuses() {
		return nil, no
	}
	return wamp.List{uint64(len(killed))}, refusal{}
}

// killAll ends all other sessions, of which nobody hears, and tells how many they were (SMA-11).
func (b *Broker) killAll(c *metaCall, out *Outbox) (wamp.List, refusal) {
	killed, no := b.killWhere(c, true, func(*Session) bool { return true }, out)
	if no.refuses() {
		return nil, no
	}
	return wamp.List{uint64(len(killed))}, refusal{}
}

// killWhere ends the sessions that are wanted, but not the caller's own.
func (b *Broker) killWhere(c *metaCall, quiet bool, wanted func(*Session) bool, out *Outbox) ([]*Session, refusal) {
	goodbye, no := c.goodbye()
	if no.refuses() {
		return nil, no
	}
	victims := b.sessionsWhere(func(s *Session) bool { return s != c.caller && wanted(s) })
	for _, s := range victims {
		b.end(s, goodbye, quiet, out)
	}
	return victims, refusal{}
}

// end has the shell end a session, which nobody finds any more.
func (b *Broker) end(s *Session, goodbye wamp.Goodbye, quiet bool, out *Outbox) {
	delete(b.sessions, s.ID)
	out.Killed = append(out.Killed, Killed{Session: s, Goodbye: goodbye, Quiet: quiet})
}

// goodbye returns what a session that is killed is told: the keyword arguments reason and message (SMA-08).
func (c *metaCall) goodbye() (wamp.Goodbye, refusal) {
	message, isText := "", true
	if v, given := c.kwargs["message"]; given && v != nil {
		message, isText = v.(string)
	}
	if !isText {
		return wamp.Goodbye{}, badArgument("a text as message")
	}
	reason, no := c.reason()
	if no.refuses() {
		return wamp.Goodbye{}, no
	}
	reason = cmp.Or(reason, wamp.CloseKilled)
	return wamp.Goodbye{Reason: reason, Details: wamp.GoodbyeDetails{Message: message}}, refusal{}
}
