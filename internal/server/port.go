package server

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/transport/websocket"
)

const (
	// handshakeTimeout is how long a peer may take for the first octet, TLS included, and how long after it for the
	// rest of its handshake (RS-15).
	handshakeTimeout = 5 * time.Second
	anyOrigin        = "*"
	rawSocketOctet   = 0x7F // opens every RawSocket handshake and no HTTP request (RS-02)

	// maxSorting is how many connections of a port may be on their way to saying what protocol they speak.
	maxSorting = 1024

	// acceptPause is how long accepting pauses when it fails, as it does when no descriptors are left.
	acceptPause = 50 * time.Millisecond
)

// port is one listener at work.
type port struct {
	// immutable after newPort

	server   *Server
	config   *config.Listener
	listener net.Listener
	web      *handoff // connections that speak HTTP
	http     *http.Server
	ws       *websocket.Config
	rs       *rawsocket.Config

	mu       sync.Mutex
	upgraded sync.Cond // of mu: upgrading has become 0

	// guarded by mu

	sorting   map[net.Conn]struct{} // connections whose protocol is not known yet
	upgrading int                   // connections of the HTTP server, until they are WebSockets or end
	closed    bool
}

func newPort(s *Server, c *config.Listener, l net.Listener) *port {
	size := s.config.Limits.MaxMessageSize
	p := &port{
		server:   s,
		config:   c,
		listener: l,
		web:      newHandoff(l.Addr()),
		ws: &websocket.Config{
			MaxMessageSize:          size,
			HandshakeTimeout:        handshakeTimeout,
			Origins:                 c.Origins,
			InsecureSkipOriginCheck: slices.Contains(c.Origins, anyOrigin),
		},
		sorting: make(map[net.Conn]struct{}),
		rs:      &rawsocket.Config{MaxMessageSize: size, HandshakeTimeout: handshakeTimeout},
	}
	p.upgraded.L = &p.mu
	p.http = p.newHTTP()
	return p
}

// acceptAll takes connections until the port is closed. An error that passes, such as no descriptors being left,
// makes it pause and not end.
func (p *port) acceptAll() {
	failing := false
	for {
		conn, err := p.listener.Accept()
		if err == nil {
			failing = false
			p.server.wg.Go(func() { p.sort(conn) })
			continue
		}
		if errors.Is(err, net.ErrClosed) || !p.pause() {
			return
		}
		if !failing {
			p.server.log.Warn("cannot accept connections, still trying", "listener", p.config.Name, "err", err)
		}
		failing = true
	}
}

// pause waits before the next attempt. It reports false if the port was closed meanwhile.
func (p *port) pause() bool {
	timer := time.NewTimer(acceptPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.web.done:
		return false
	}
}

// sort finds out which protocol the peer speaks and passes the connection on.
func (p *port) sort(conn net.Conn) {
	if !p.track(conn) {
		_ = conn.Close()
		return
	}
	defer p.untrack(conn)
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout))
	first, peeked, err := transport.Peek(conn)
	if err != nil {
		_ = conn.Close()
		return
	}
	switch {
	case first != rawSocketOctet:
		p.hypertext(conn, peeked)
	case p.config.RawSocket:
		p.rawSocket(conn, peeked)
	default:
		p.refused(conn.RemoteAddr().String(), errNotServed)
		_ = conn.Close()
	}
}

var errNotServed = errors.New("this protocol is not served here")

func (p *port) rawSocket(conn net.Conn, peeked *transport.PeekedConn) {
	if p.server.router.Full() {
		p.refused(conn.RemoteAddr().String(), rawsocket.Refuse(peeked, p.rs))
		return
	}
	c, err := rawsocket.Accept(peeked, p.rs)
	if err != nil {
		p.refused(conn.RemoteAddr().String(), err)
		return
	}
	p.untrack(conn)
	p.server.router.Serve(c)
}

// refused notes a failed handshake. Anybody can cause as many of them as they like, so it is for debugging only.
func (p *port) refused(remote string, err error) {
	p.server.log.Debug("handshake failed", "listener", p.config.Name, "remote", remote, "err", err)
}

// close stops listening and closes the connections that are not the router's yet.
func (p *port) close() error {
	p.mu.Lock()
	p.closed = true
	for conn := range p.sorting {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.web.close()
	return p.listener.Close()
}

// track notes a connection that is being sorted. If there are too many, any other one is closed to make room: who comes
// with many and says nothing closes its own with the greatest probability.
func (p *port) track(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	if len(p.sorting) >= maxSorting {
		p.closeAnyLocked()
	}
	p.sorting[conn] = struct{}{}
	return true
}

func (p *port) closeAnyLocked() {
	for conn := range p.sorting {
		_ = conn.Close()
		delete(p.sorting, conn)
		return
	}
}

// untrack forgets a connection before somebody else gets it, whose it is to close from then on.
func (p *port) untrack(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sorting, conn)
}
