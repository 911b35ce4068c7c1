package websocket

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
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

// DialConfig is how a client connects. The zero value, and nil, mean the defaults.
type DialConfig struct {
	// Serializers are those that are offered, the best first. Default: CBOR, MessagePack, JSON.
	Serializers []wamp.Serializer
	// MaxMessageSize is the size of the largest message that is accepted, in bytes. Default: 1 MiB.
	MaxMessageSize int
	// MaxFragments is how many frames a message may come in. Default: 1024.
	MaxFragments int
	// Timeout is how long connecting and the handshake may take together. Default: 10 s.
	Timeout time.Duration
	// TLS configures wss connections. Default: the system's authorities, the URL's host name.
	TLS *tls.Config
	// Header is sent with the request: cookies, for example.
	Header http.Header
}

func (c *DialConfig) withDefaults() DialConfig {
	var full DialConfig
	if c != nil {
		full = *c
	}
	if len(full.Serializers) == 0 {
		full.Serializers = allSerializers
	}
	full.MaxMessageSize = cmp.Or(max(full.MaxMessageSize, 0), DefaultMaxMessageSize)
	full.MaxFragments = cmp.Or(max(full.MaxFragments, 0), DefaultMaxFragments)
	full.Timeout = cmp.Or(max(full.Timeout, 0), DefaultDialTimeout)
	return full
}

// Dial connects to a router at a ws or wss URL. The context ends the attempt, not the connection. If the server does
// not open the connection, or does so without a subprotocol that was offered (WS-06), the error is a *HandshakeError;
// else it wraps what the network or the context said.
func Dial(ctx context.Context, rawURL string, cfg *DialConfig) (transport.Conn, error) {
	c := cfg.withDefaults()
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := c.connect(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	s, rest, err := c.handshake(ctx, conn, u)
	if err != nil {
		_ = conn.Close() // it failed already
		return nil, failed(err)
	}
	f := newFraming(s, true, c.MaxMessageSize, c.MaxFragments)
	return transport.NewStream(conn, f, s, transport.InfoOf("websocket", conn), rest), nil
}

// failed says what failed, unless the error does that itself.
func failed(err error) error {
	var refusal *HandshakeError
	if errors.As(err, &refusal) {
		return err
	}
	return fmt.Errorf("websocket: handshake: %w", err)
}

func (c *DialConfig) connect(ctx context.Context, u *url.URL) (net.Conn, error) {
	switch u.Scheme {
	case "ws":
		return (&net.Dialer{}).DialContext(ctx, "tcp", address(u, "80"))
	case "wss": // WS-12
		return (&tls.Dialer{Config: c.TLS}).DialContext(ctx, "tcp", address(u, "443"))
	default:
		return nil, fmt.Errorf("scheme %q is neither ws nor wss", u.Scheme)
	}
}

func address(u *url.URL, defaultPort string) string {
	port := u.Port()
	if port == "" {
		port = defaultPort
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// handshake exchanges HTTP headers, until the context is done.
func (c *DialConfig) handshake(ctx context.Context, conn net.Conn, u *url.URL) (wamp.Serializer, []byte, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	s, rest, err := c.exchange(conn, u)
	if !stop() {
		return s, nil, ctx.Err()
	}
	return s, rest, err
}

// maxResponse bounds the response that a server may send to the handshake, in bytes.
const maxResponse = 64 << 10

// exchange returns the serializer that the server chose, and what it sent behind its response.
func (c *DialConfig) exchange(conn net.Conn, u *url.URL) (wamp.Serializer, []byte, error) {
	var refusal *HandshakeError
	dialer := ws.Dialer{
		Protocols: subprotocols(c.Serializers),
		Header:    ws.HandshakeHeaderHTTP(c.Header),
		OnStatusError: func(status int, reason []byte, response io.Reader) {
			refusal = &HandshakeError{status, refusalText(reason, response)}
		},
	}
	bounded := struct {
		io.Reader
		io.Writer
	}{io.LimitReader(conn, maxResponse), conn}
	br, result, err := dialer.Upgrade(bounded, u)
	switch {
	case refusal != nil:
		return wamp.NoSerializer, nil, refusal
	case err != nil:
		return wamp.NoSerializer, nil, asAnswerError(err)
	}
	rest := takeRest(br)
	s := parseSubprotocol(result.Protocol)
	if s == wamp.NoSerializer { // WS-06
		return s, nil, answerError("the server chose no subprotocol")
	}
	return s, rest, nil
}

// maxText bounds how much of a refusal's body is read, in bytes.
const maxText = 1 << 10

// refusalText returns the body of a response that refuses, which says more than the reason of its status line.
func refusalText(reason []byte, response io.Reader) string {
	r, err := http.ReadResponse(bufio.NewReader(response), nil) //nolint:bodyclose // closing would wait for the rest of it
	if err != nil {
		return string(reason)
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxText)) // what has come is better than nothing
	if text := strings.TrimSpace(string(body)); text != "" {
		return text
	}
	return string(reason)
}

// asAnswerError makes a HandshakeError of what the library found wrong with the server's answer. Errors of the network
// are returned as they are.
func asAnswerError(err error) error {
	var rejected *ws.ConnectionRejectedError
	if errors.As(err, &rejected) || slices.Contains(badAnswers, err) {
		return answerError(err.Error())
	}
	return err
}

var badAnswers = []error{ws.ErrMalformedResponse, ws.ErrHandshakeBadSubProtocol, ws.ErrHandshakeBadExtensions}

func answerError(text string) error {
	return &HandshakeError{http.StatusSwitchingProtocols, text}
}

// takeRest returns a copy of what the library read too much, and gives the reader back. There may be none.
func takeRest(br *bufio.Reader) []byte {
	if br == nil {
		return nil
	}
	defer ws.PutReader(br)
	rest, _ := br.Peek(br.Buffered()) // cannot fail: it is there
	return bytes.Clone(rest)
}
