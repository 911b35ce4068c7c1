package server

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/websocket"
)

const (
	maxHTTPHeader = 8 << 10

	// maxUpgrading is how many connections of a port may be with the HTTP server. Each of them leaves it as a WebSocket
	// or ends, within two times handshakeTimeout.
	maxUpgrading = 1024
)

func (p *port) newHTTP() *http.Server {
	s := &http.Server{
		Handler:        p.handler(),
		ReadTimeout:    handshakeTimeout, // of the header and of a body, which nobody reads
		WriteTimeout:   handshakeTimeout,
		MaxHeaderBytes: maxHTTPHeader,
		ConnState:      p.moved,
		ErrorLog:       slog.NewLogLogger(p.server.log.Handler(), slog.LevelDebug),
	}
	s.SetKeepAlivesEnabled(false) // a connection becomes a WebSocket with its first request, or it ends
	return s
}

// hypertext passes a connection on that speaks HTTP, as it seems, unless it is one too many.
func (p *port) hypertext(conn net.Conn, peeked *transport.PeekedConn) {
	switch {
	case !p.config.WebSocket:
		p.turnAway(peeked, http.StatusBadRequest, "Only RawSocket is served here, which clients reach at a URL with tcp:// or tcps://.")
	case !p.admit():
		p.turnAway(peeked, http.StatusServiceUnavailable, "Too many connections wait for their WebSockets.")
	default:
		_ = conn.SetDeadline(time.Time{})
		p.untrack(conn)
		if !p.web.pass(peeked) {
			p.dismiss()
		}
	}
}

// admit counts a connection for the HTTP server. It reports false if there are too many.
func (p *port) admit() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.upgrading >= maxUpgrading {
		return false
	}
	p.upgrading++
	return true
}

// moved is told what becomes of the connections that were admitted.
func (p *port) moved(_ net.Conn, state http.ConnState) {
	if state == http.StateHijacked || state == http.StateClosed {
		p.dismiss()
	}
}

// dismiss takes back what admit counted.
func (p *port) dismiss() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.upgrading--; p.upgrading == 0 {
		p.upgraded.Broadcast()
	}
}

// turnAway answers a request without the HTTP server. It reads the request first: a connection that is closed with
// something unread takes the answer with it.
func (p *port) turnAway(conn net.Conn, status int, text string) {
	request, _ := http.ReadRequest(bufio.NewReader(io.LimitReader(conn, maxHTTPHeader)))
	answer := http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Close: true, Request: request,
		Header:        http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
		Body:          io.NopCloser(strings.NewReader(text + "\n")),
		ContentLength: int64(len(text) + 1),
	}
	_ = answer.Write(conn)
	_ = conn.Close()
	p.refused(conn.RemoteAddr().String(), errors.New(text))
}

// serveHTTP runs the HTTP server until the port is closed, and then closes the connections that have not become
// WebSockets, and waits for them to be closed: the HTTP server does not.
func (p *port) serveHTTP() {
	if err := p.http.Serve(p.web); !errors.Is(err, net.ErrClosed) {
		p.server.log.Error("HTTP server ended", "listener", p.config.Name, "err", err)
	}
	_ = p.http.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.upgrading > 0 {
		p.upgraded.Wait()
	}
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
