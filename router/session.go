package router

import (
	"log/slog"
	"sync/atomic"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/internal/handshake"
	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// session is an established session: the core's session together with the connection that it lives on.
type session struct {
	// immutable once the session is established

	core   routing.Session
	who    auth.Identity
	realm  *realm
	peer   *peer
	speaks wamp.Serializer

	// owned by the peer's reader

	requests routing.RequestIDs // only if the realm is strict about them

	// guarded by realm.dealerMu

	taken uint64 // the last delivery that took the session's queue

	// guarded by realm.brokerMu

	stalled bool   // an event had no room, and so the session is about to end
	untold  uint64 // of the events that the session lost, those that it has not been told of

	// atomic

	ended atomic.Bool
}

func newSession(p *peer, rl *realm, a *handshake.Accepted) *session {
	info := p.conn.Info()
	s := &session{peer: p, realm: rl, who: a.Identity, speaks: info.Serializer}
	s.core = routing.Session{
		ID:           a.Welcome.Session,
		AuthID:       a.Identity.AuthID,
		AuthRole:     a.Identity.AuthRole,
		AuthMethod:   a.Identity.AuthMethod,
		AuthProvider: a.Identity.AuthProvider,
		Roles:        a.Roles,
		Transport:    info.Transport,
		Shell:        s,
	}
	if rl.unannouncedProgress {
		admitUnannounced(&s.core.Roles)
	}
	return s
}

// admitUnannounced takes a peer for one that has announced the kinds of progress that it makes itself. Some clients make
// it without saying so; by the book that ends the session of a caller (PCI-04) and drops the results of a callee
// (PCR-07). What a peer has to understand it still announces itself: parts of calls, and INTERRUPT.
func admitUnannounced(roles *wamp.Roles) {
	if roles.Has(wamp.RoleCaller) {
		roles.Announce(wamp.RoleCaller, wamp.FeatureProgressiveCallInvocations)
	}
	if roles.Has(wamp.RoleCallee) {
		roles.Announce(wamp.RoleCallee, wamp.FeatureProgressiveCallResults)
	}
}

// leave takes the session out of its realm, of which nobody hears if it is to be quiet. It returns false if that has been
// done before, by whomever.
func (s *session) leave(w *worker, quiet bool) bool {
	if s.ended.Swap(true) {
		return false
	}
	s.realm.removeSession(w, s, quiet)
	s.peer.router.dismiss(s)
	return true
}

// expel ends a session because its peer does not read. It may run on any goroutine.
func (s *session) expel(w *worker, why string) {
	if !s.leave(w, false) {
		return
	}
	s.peer.log(slog.LevelWarn, "session ended: the peer does not read", "realm", s.realm.name, "session", s.core.ID, "err", why)
	s.peer.sayGoodbye(&wamp.Goodbye{Reason: wamp.CloseKilled, Details: wamp.GoodbyeDetails{Message: why}})
}

// kill ends a session because another one ordered it (SMA-08, SMA-13). It may run on any goroutine.
func (s *session) kill(w *worker, k *routing.Killed) {
	if !s.leave(w, k.Quiet) {
		return
	}
	s.peer.log(slog.LevelInfo, "session killed", "realm", s.realm.name, "session", s.core.ID, "reason", k.Goodbye.Reason)
	s.peer.sayGoodbye(&k.Goodbye)
}

// authorize fills the worker's grants, one for each message. No lock is held: an authorizer may wait.
func (s *session) authorize(w *worker, messages []wamp.Message) {
	w.grants = w.grants[:0]
	for _, m := range messages {
		w.grants = append(w.grants, s.grant(w, m))
	}
}

func (s *session) grant(w *worker, m wamp.Message) routing.Grant {
	r := &w.request
	switch m := m.(type) {
	case *wamp.Call:
		if wamp.Reserved(m.Procedure) {
			return s.grantMetaCall(w, m)
		}
		r.Action, r.URI, r.Match = auth.ActionCall, m.Procedure, wamp.MatchExact
	case *wamp.Publish:
		return s.grantPublish(w, m.Topic)
	case *wamp.Register:
		return s.grantRegister(w, m)
	case *wamp.Subscribe:
		r.Action, r.URI, r.Match = auth.ActionSubscribe, m.Topic, m.Options.Match
	default:
		return routing.Grant{} // AZN-09: needs none
	}
	return s.decide(r)
}

// grantRegister also asks whether the callee may take the procedure from others, if it wants to (ROU-26).
func (s *session) grantRegister(w *worker, m *wamp.Register) routing.Grant {
	r := &w.request
	r.Action, r.URI, r.Match = auth.ActionRegister, m.Procedure, m.Options.Match
	g := s.decide(r)
	if m.Options.ForceReregister && g.Allowed {
		r.Action = auth.ActionForceRegister
		g.Force = s.decide(r).Allowed
	}
	return g
}

func (s *session) grantPublish(w *worker, topic string) routing.Grant {
	r := &w.request
	r.Action, r.URI, r.Match = auth.ActionPublish, topic, wamp.MatchExact
	return s.decide(r)
}

// grantMetaCall also asks what the answer to a call of the router itself depends on.
func (s *session) grantMetaCall(w *worker, m *wamp.Call) routing.Grant {
	readMetaCall(m)
	r := &w.request
	r.Action, r.URI, r.Match = auth.ActionCall, m.Procedure, wamp.MatchExact
	g := s.decide(r)
	switch m.Procedure {
	case "wamp.session.get":
		r.Action = auth.ActionInspect
		g.Inspect = s.decide(r).Allowed
	case "wamp.session.add_testament": // TES-11
		if len(m.Payload.Args) > 0 {
			topic, _ := m.Payload.Args[0].(string)
			publish := s.grantPublish(w, topic)
			g.Topic = &publish
		}
	}
	return g
}

// readMetaCall makes Go values of the arguments of a call to the router itself, before any lock is taken. Arguments that
// cannot be decoded stay as they are, and count as none.
func readMetaCall(m *wamp.Call) {
	if args, kwargs, err := payload.Decode(&m.Payload); err == nil {
		m.Payload = wamp.Payload{Args: args, Kwargs: kwargs}
	}
}

func (s *session) decide(r *auth.Request) routing.Grant {
	r.Realm, r.Session, r.Who = s.realm.name, s.core.ID, s.who
	if s.realm.authorizer == nil {
		return routing.Grant{Text: "the realm has no authorizer"}
	}
	d, err := s.realm.authorizer.Authorize(s.peer.router.ctx, r)
	if err != nil {
		s.peer.log(slog.LevelError, "authorizer failed", "realm", r.Realm, "session", r.Session, "uri", r.URI, "err", err)
		return routing.Grant{Failed: true, Text: "the authorizer failed"}
	}
	if !d.Allowed {
		return routing.Grant{Text: "not allowed to " + r.Action.String() + " as role " + s.who.AuthRole + " in realm " + s.realm.name}
	}
	return routing.Grant{
		Allowed:       true,
		Disclose:      d.Disclose,
		TrustLevel:    d.TrustLevel,
		HasTrustLevel: d.HasTrustLevel && s.realm.trustLevels,
	}
}
