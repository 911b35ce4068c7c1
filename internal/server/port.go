package server

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
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
	maxHTTPHeader    = 8 << 10
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

	mu sync.Mutex

	// guarded by mu

	sorting map[net.Conn]struct{} // connections whose protocol is not known yet
	closed  bool
}

func newPort(s *Server, c *config.Listener, l net.Listener) *port {
	size := s.config.Limits.MaxMessageSize
	p := &port{
		server:   s,
		config:   c,
		listener: l,
		web:      newHandoff(l.Addr()),
		ws:       &websocket.Config{MaxMessageSize: size, Origins: c.Origins, HandshakeTimeout: handshakeTimeout},
		sorting:  make(map[net.Conn]struct{}),
		rs:       &rawsocket.Config{MaxMessageSize: size, HandshakeTimeout: handshakeTimeout},
	}
	p.http = &http.Server{
		Handler:        p.handler(),
		ReadTimeout:    handshakeTimeout, // of the header and of a body, which nobody reads
		WriteTimeout:   handshakeTimeout,
		MaxHeaderBytes: maxHTTPHeader,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	p.http.SetKeepAlivesEnabled(false) // a connection becomes a WebSocket with its first request, or it ends
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
	case first == rawSocketOctet && p.config.RawSocket:
		p.rawSocket(peeked)
	case first != rawSocketOctet && p.config.WebSocket:
		_ = conn.SetDeadline(time.Time{})
		p.web.pass(peeked)
	default:
		p.server.log.Debug("protocol not served here", "listener", p.config.Name, "remote", conn.RemoteAddr().String())
		_ = conn.Close()
	}
}

func (p *port) rawSocket(conn net.Conn) {
	if p.server.router.Full() {
		p.refused(conn.RemoteAddr().String(), rawsocket.Refuse(conn, p.rs))
		return
	}
	c, err := rawsocket.Accept(conn, p.rs)
	if err != nil {
		p.refused(conn.RemoteAddr().String(), err)
		return
	}
	p.server.router.Serve(c)
}

// refused notes a failed handshake. Anybody can cause as many of them as they like, so it is for debugging only.
func (p *port) refused(remote string, err error) {
	p.server.log.Debug("handshake failed", "listener", p.config.Name, "remote", remote, "err", err)
}

// serveHTTP runs the HTTP server until the port is closed, and then closes the connections that have not become
// WebSockets.
func (p *port) serveHTTP() {
	if err := p.http.Serve(p.web); !errors.Is(err, net.ErrClosed) {
		p.server.log.Error("HTTP server ended", "listener", p.config.Name, "err", err)
	}
	_ = p.http.Close()
}

func (p *port) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", p.upgrade)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("This is a Tandem router. WAMP over WebSocket is served at /ws.\n"))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "Nothing is here. WAMP over WebSocket is served at /ws.", http.StatusNotFound)
	})
	return mux
}

func (p *port) upgrade(w http.ResponseWriter, r *http.Request) {
	if !p.server.enter() {
		http.Error(w, "the router shuts down", http.StatusServiceUnavailable)
		return
	}
	defer p.server.leave()
	if p.server.router.Full() {
		http.Error(w, "the router has as many connections as it may", http.StatusServiceUnavailable)
		return
	}
	c, err := websocket.Upgrade(w, r, p.ws)
	if err != nil {
		p.refused(r.RemoteAddr, err)
		return
	}
	p.server.router.Serve(c)
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

func (p *port) untrack(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sorting, conn)
}
