package websocket

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gobwas/ws"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// Config is how a router accepts connections. The zero value, and nil, mean the defaults.
type Config struct {
	// Serializers are those that are spoken, in any order, because the client's order counts (WS-01). Default: all.
	Serializers []wamp.Serializer
	// MaxMessageSize is the size of the largest message that is accepted, in bytes (WS-08). Default: 1 MiB.
	MaxMessageSize int
	// MaxFragments is how many frames a message may come in. Default: 1024.
	MaxFragments int
	// HandshakeTimeout is how long the response may take to be written. Default: 5 s. How long the request may take is
	// for the http.Server to say.
	HandshakeTimeout time.Duration
	// Origins are the origins, such as "https://example.com", whose pages may connect besides those of the router's
	// own host (WS-09). Clients that are no browsers name no origin and are not restricted by it.
	Origins []string
	// InsecureSkipOriginCheck lets pages of any origin connect. Whoever opens such a page lends it what the router
	// grants to their cookies or their place in the network.
	InsecureSkipOriginCheck bool
}

func (c *Config) withDefaults() Config {
	var full Config
	if c != nil {
		full = *c
	}
	if len(full.Serializers) == 0 {
		full.Serializers = allSerializers
	}
	full.MaxMessageSize = cmp.Or(max(full.MaxMessageSize, 0), DefaultMaxMessageSize)
	full.MaxFragments = cmp.Or(max(full.MaxFragments, 0), DefaultMaxFragments)
	full.HandshakeTimeout = cmp.Or(max(full.HandshakeTimeout, 0), DefaultHandshakeTimeout)
	return full
}

// Upgrade makes a WebSocket connection of the request. The response is written in any case, and on success the
// connection is the caller's, free of net/http and its deadlines. The error is a *HandshakeError, or what the network
// said.
//
// The handler should return soon and leave the connection to a new goroutine, whose stack is smaller.
func Upgrade(w http.ResponseWriter, r *http.Request, cfg *Config) (transport.Conn, error) {
	c := cfg.withDefaults()
	s, refusal := c.examine(r)
	if refusal != nil {
		http.Error(w, refusal.Text, refusal.Status)
		return nil, refusal
	}
	conn, rest, err := c.hijack(w, r, s)
	if err != nil {
		return nil, err
	}
	f := newFraming(s, false, c.MaxMessageSize, c.MaxFragments)
	return transport.NewStream(conn, f, s, transport.InfoOf("websocket", conn), rest), nil
}

// examine chooses the serializer, or says why the request is refused.
func (c *Config) examine(r *http.Request) (wamp.Serializer, *HandshakeError) {
	s := choose(r.Header.Values("Sec-WebSocket-Protocol"), c.Serializers)
	switch {
	case r.ProtoMajor != 1: // the connection could not be taken over
		return s, &HandshakeError{http.StatusHTTPVersionNotSupported, "WebSocket needs HTTP/1.1"}
	case s == wamp.NoSerializer: // WS-02
		supported := strings.Join(subprotocols(c.Serializers), ", ")
		return s, &HandshakeError{http.StatusBadRequest, "no supported WebSocket subprotocol; supported are " + supported}
	case !c.originAllowed(r): // WS-09
		return s, &HandshakeError{http.StatusForbidden, "origin not allowed"}
	}
	return s, nil
}

func (c *Config) originAllowed(r *http.Request) bool {
	if c.InsecureSkipOriginCheck {
		return true
	}
	for _, origin := range r.Header.Values("Origin") {
		listed := slices.ContainsFunc(c.Origins, func(o string) bool { return strings.EqualFold(o, origin) })
		if !listed && !sameHost(origin, r.Host) {
			return false
		}
	}
	return true
}

// sameHost compares hosts and ports only: behind a proxy that ends TLS nobody knows the scheme that the browser sees.
func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, host)
}

// hijack completes the handshake. rest is what the client sent behind its request, in memory of net/http.
func (c *Config) hijack(w http.ResponseWriter, r *http.Request, s wamp.Serializer) (conn net.Conn, rest []byte, err error) {
	chosen := subprotocolPrefix + s.String()
	upgrader := ws.HTTPUpgrader{
		Timeout:  c.HandshakeTimeout,
		Protocol: func(name string) bool { return name == chosen },
	}
	conn, rw, _, err := upgrader.Upgrade(r, w)
	if err != nil {
		closeHijacked(conn)
		return nil, nil, asHandshakeError(err)
	}
	rest, _ = rw.Peek(rw.Reader.Buffered()) // cannot fail: it is there
	return conn, rest, nil
}

// closeHijacked closes the connection after a failed handshake, if it was taken over at all.
func closeHijacked(conn net.Conn) {
	if conn != nil {
		_ = conn.Close() // the response is written, and nothing else depends on it
	}
}

// asHandshakeError makes our error of the library's. Others are returned as they are.
func asHandshakeError(err error) error {
	var rejected *ws.ConnectionRejectedError
	if errors.As(err, &rejected) {
		return &HandshakeError{rejected.StatusCode(), rejected.Error()}
	}
	return err
}
