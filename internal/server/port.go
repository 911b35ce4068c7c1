package server

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/transport/websocket"
)

const (
	handshakeTimeout = 5 * time.Second // for the first octet, TLS and the HTTP header (RS-15)
	maxHTTPHeader    = 8 << 10
	rawSocketOctet   = 0x7F // opens every RawSocket handshake and no HTTP request (RS-02)

	// acceptPause is how long accepting pauses when the process has no descriptors left.
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
		Handler:           p.handler(),
		ReadHeaderTimeout: handshakeTimeout,
		IdleTimeout:       handshakeTimeout,
		MaxHeaderBytes:    maxHTTPHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return p
}

// listen opens the listener's socket. A Unix socket that a dead process left behind is replaced.
func listen(c *config.Listener) (net.Listener, error) {
	l, err := net.Listen(c.Network, c.Address)
	if err != nil && c.Network == "unix" && abandoned(c.Address) {
		if err := os.Remove(c.Address); err != nil {
			return nil, err
		}
		l, err = net.Listen(c.Network, c.Address)
	}
	if err != nil || c.TLS == nil {
		return l, err
	}
	cert, err := tls.LoadX509KeyPair(c.TLS.CertFile, c.TLS.KeyFile)
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}), nil
}

// abandoned reports whether the path is a socket on which nobody listens.
func abandoned(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return true
	}
	_ = conn.Close()
	return false
}

// acceptAll takes connections until the listener is closed. An error that passes, such as no descriptors being
// left, makes it pause and not end.
func (p *port) acceptAll() {
	for {
		conn, err := p.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			p.server.log.Warn("cannot accept", "listener", p.config.Name, "err", err)
			time.Sleep(acceptPause)
		default:
			p.server.wg.Go(func() { p.sort(conn) })
		}
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
		p.server.log.Info("protocol not served here", "listener", p.config.Name, "remote", conn.RemoteAddr().String())
		_ = conn.Close()
	}
}

func (p *port) rawSocket(conn net.Conn) {
	c, err := rawsocket.Accept(conn, p.rs)
	if err != nil {
		p.server.log.Info("handshake failed", "listener", p.config.Name, "remote", conn.RemoteAddr().String(), "err", err)
		_ = conn.Close()
		return
	}
	p.serve(c)
}

// serve gives the connection to the router in a goroutine of its own: the stack of the one that did the handshake
// has grown, and the connection would keep it for as long as it lives.
func (p *port) serve(c transport.Conn) {
	p.server.wg.Go(func() { p.server.router.Serve(c) })
}

func (p *port) serveHTTP() {
	if err := p.http.Serve(p.web); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		p.server.log.Error("HTTP server ended", "listener", p.config.Name, "err", err)
	}
}

func (p *port) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ws", p.upgrade)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("This is a Tandem router. WAMP over WebSocket is served at /ws.\n"))
	})
	return mux
}

func (p *port) upgrade(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Upgrade(w, r, p.ws)
	if err != nil {
		p.server.log.Info("handshake failed", "listener", p.config.Name, "remote", r.RemoteAddr, "err", err)
		return
	}
	p.serve(c)
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

func (p *port) track(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.sorting[conn] = struct{}{}
	}
	return !p.closed
}

func (p *port) untrack(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sorting, conn)
}
