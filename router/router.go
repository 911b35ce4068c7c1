package router

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/tandemrouter/tandem/internal/handshake"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// Router runs realms. All methods may be called by any goroutine.
type Router struct {
	// immutable after New

	config Config
	realms map[string]*realm
	ctx    context.Context //nolint:containedctx // lives as long as the router; for authorizers
	cancel context.CancelFunc

	flushers sync.WaitGroup // of the connections' queues
	readers  sync.WaitGroup // of the connections
	keeper   sync.WaitGroup

	mu sync.Mutex

	// guarded by mu

	peers    map[*peer]struct{}
	sessions map[wamp.ID]*session
	closing  bool
}

// New returns a running router. It fails if the configuration is not valid, and the error then names everything that is
// wrong, or if the file of an event history cannot be opened.
func New(c Config) (*Router, error) {
	c.setDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	r := &Router{
		config:   c,
		realms:   make(map[string]*realm),
		peers:    make(map[*peer]struct{}),
		sessions: make(map[wamp.ID]*session),
	}
	for i := range c.Realms {
		rl, err := newRealm(r, &c.Realms[i])
		if err != nil {
			return nil, errors.Join(err, r.closeRealms())
		}
		r.realms[rl.name] = rl
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	if c.PingInterval > 0 {
		r.keeper.Go(r.keepAlive)
	}
	return r, nil
}

// Serve takes the connection over and returns at once. It opens a session for the peer, and another one when the first
// has been closed in order and the peer asks for it (SES-23), until the connection is closed, by the peer or because
// the router shuts down.
func (r *Router) Serve(conn transport.Conn) {
	p := newPeer(r, conn)
	if !r.admit(p) {
		p.expectIn(0)
		_ = conn.Close()
	}
}

// read starts a reader of the peer. A goroutine whose stack has grown does not shrink it, so that the reader of a peer
// that may now be silent for long is replaced by a new one: a stack is most of what an idle connection takes up.
func (r *Router) read(p *peer) {
	r.readers.Go(func() {
		if p.serve() {
			r.read(p)
		} else {
			r.part(p)
		}
	})
}

// Connect returns the client's end of a connection within the process, for client.Join. The connection behaves as a
// remote one does (CLI-18).
func (r *Router) Connect() transport.Conn {
	local, remote := transport.Pipe(wamp.CBOR)
	r.Serve(remote)
	return local
}

// Dropped returns how many events subscribers lost because their queues did not take or keep them, of all sessions that
// the realm has had.
func (r *Router) Dropped(realm string) uint64 {
	if rl, ok := r.realms[realm]; ok {
		return rl.dropped.Load()
	}
	return 0
}

// Unprepared returns how often a large payload in the realm was converted to another serializer, or copied, under a lock
// that others may have waited for, because it was not known in time that it would have to be. It should hardly grow.
func (r *Router) Unprepared(realm string) uint64 {
	if rl, ok := r.realms[realm]; ok {
		return rl.unprepared.Load()
	}
	return 0
}

// Full reports whether the router has as many connections as it may, so that it would close another one.
func (r *Router) Full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.peers) >= r.config.MaxConnections
}

// admit takes the connection in and starts its reader, unless the router shuts down or has too many.
func (r *Router) admit(p *peer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing || len(r.peers) >= r.config.MaxConnections {
		return false
	}
	r.peers[p] = struct{}{}
	r.read(p)
	return true
}

// part forgets a peer whose connection is closed.
func (r *Router) part(p *peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.peers, p)
}

// Shutdown ends all sessions with GOODBYE wamp.close.system_shutdown and waits until the peers have answered and the
// connections are closed. When ctx is done first, it closes what is left and returns the context's error (SES-25).
func (r *Router) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	if !r.closing {
		r.closing = true
		r.cancel()
	}
	peers := make([]*peer, 0, len(r.peers))
	for p := range r.peers {
		peers = append(peers, p)
	}
	r.mu.Unlock()
	for _, p := range peers {
		p.shutDown()
	}
	return r.wait(ctx, peers)
}

func (r *Router) wait(ctx context.Context, peers []*peer) error {
	cut := context.AfterFunc(ctx, func() {
		for _, p := range peers {
			p.queue.Abandon(transport.ErrQueueClosed)
		}
	})
	r.readers.Wait()
	err := r.closeRealms()
	r.flushers.Wait()
	r.keeper.Wait()
	if cut() {
		return err
	}
	return errors.Join(ctx.Err(), err)
}

func (r *Router) closeRealms() error {
	var errs []error
	for _, rl := range r.realms {
		errs = append(errs, rl.close())
	}
	return errors.Join(errs...)
}

// acceptor returns the handshake of a new session.
func (r *Router) acceptor() *handshake.Acceptor {
	return &handshake.Acceptor{Realm: r.policy, Session: randomID(), AuthID: randomAuthID()}
}

func (r *Router) policy(name string) (*handshake.Policy, bool) {
	if realm, ok := r.realms[name]; ok {
		return realm.policy, true
	}
	return nil, false
}

// enroll makes the session's ID its own, and takes another one if it is in use (IDS-02).
func (r *Router) enroll(s *session) (ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return false
	}
	for r.sessions[s.core.ID] != nil {
		s.core.ID = randomID()
	}
	r.sessions[s.core.ID] = s
	return true
}

func (r *Router) dismiss(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, s.core.ID)
}

// randomID returns a session ID that cannot be guessed.
func randomID() wamp.ID {
	var bits [8]byte
	_, _ = rand.Read(bits[:]) // never fails
	return wamp.RandomID(binary.NativeEndian.Uint64(bits[:]))
}

// randomAuthID returns the authid of an anonymous session (ATH-14). It can be written on a command line as it is, because
// it has no dash.
func randomAuthID() string { return rand.Text() }
