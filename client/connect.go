package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/tandemrouter/tandem/internal/handshake"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/transport/websocket"
	"github.com/tandemrouter/tandem/wamp"
)

// Connect opens a session with the router at the URL (CLI-15):
//
//	ws://host:port/path    WebSocket            tcp://host:port     RawSocket
//	wss://host:port/path   WebSocket over TLS   tcps://host:port    RawSocket over TLS
//	                                            unix:///path        RawSocket over a Unix socket
//
// The context ends the attempt, not the session. If the router refuses the session the error is a *ClosedError with
// its reason; if there is no connection it wraps what the network said.
func Connect(ctx context.Context, rawURL string, c Config) (*Session, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.OpenTimeout)
	defer cancel()
	u, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	conn, err := dial(ctx, u, &c)
	if err != nil {
		return nil, fmt.Errorf("client: connecting to %s: %w", withoutSecret(rawURL, u), err)
	}
	return Join(ctx, conn, c)
}

// parseURL returns the URL, or an error without it: there may be a password in it, and errors go to logs.
func parseURL(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	var wrong *url.Error
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("client: the router's URL is not one: %w", wrong.Err)
	}
	return u, err
}

func withoutSecret(rawURL string, u *url.URL) string {
	if _, secret := u.User.Password(); secret {
		return u.Redacted()
	}
	return rawURL
}

func dial(ctx context.Context, u *url.URL, c *Config) (transport.Conn, error) {
	switch u.Scheme {
	case "ws", "wss":
		return dialWebSocket(ctx, u.String(), c)
	case "tcp":
		return dialRawSocket(ctx, "tcp", u.Host, c)
	case "tcps":
		return dialRawSocket(ctx, "tls", u.Host, c)
	case "unix":
		return dialRawSocket(ctx, "unix", u.Host+u.Path, c)
	default:
		return nil, fmt.Errorf("scheme %q is none of ws, wss, tcp, tcps and unix", u.Scheme)
	}
}

func dialWebSocket(ctx context.Context, rawURL string, c *Config) (transport.Conn, error) {
	d := websocket.DialConfig{MaxMessageSize: c.MaxMessageSize, Timeout: c.OpenTimeout, TLS: c.TLS}
	if c.Serializer != wamp.NoSerializer {
		d.Serializers = []wamp.Serializer{c.Serializer}
	}
	return websocket.Dial(ctx, rawURL, &d)
}

func dialRawSocket(ctx context.Context, network, address string, c *Config) (transport.Conn, error) {
	return rawsocket.Dial(ctx, network, address, &rawsocket.DialConfig{
		Serializer:     c.Serializer,
		MaxMessageSize: c.MaxMessageSize,
		Timeout:        c.OpenTimeout,
		TLS:            c.TLS,
	})
}

// Join opens a session over the connection, which can be one end of transport.Pipe for a router in the same process
// (CLI-18). The connection belongs to the session from now on, and is closed if the session cannot be opened. The
// context ends the attempt, not the session. If the router refuses, the error is a *ClosedError with its reason.
func Join(ctx context.Context, conn transport.Conn, c Config) (*Session, error) {
	c, err := c.complete()
	if err != nil {
		_ = conn.Close() // there is nothing to say to the router
		return nil, err
	}
	s := newSession(conn, &c)
	ctx, cancel := context.WithTimeout(ctx, c.OpenTimeout)
	defer cancel()
	rest, err := s.open(ctx, &handshake.Joiner{Realm: c.Realm, Roles: announced(), Agent: c.Agent})
	if err != nil {
		s.part(err)
		return nil, fmt.Errorf("client: joining realm %q: %w", c.Realm, err)
	}
	s.start(rest)
	return s, nil
}

// open says HELLO and waits until the session is established or refused. It returns what the router sent behind
// WELCOME.
func (s *Session) open(ctx context.Context, j *handshake.Joiner) ([]wamp.Message, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	rest, err := s.introduce(j)
	if !stop() {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, closedBy(err)
	}
	return rest, nil
}

func (s *Session) introduce(j *handshake.Joiner) ([]wamp.Message, error) {
	if err := s.queue.Put(j.Hello()); err != nil {
		return nil, err
	}
	for {
		messages, err := s.receive()
		for i, m := range messages {
			reply, welcome, err := j.Receive(m)
			if err != nil {
				s.queue.Close(reply, nil)
				return nil, err
			}
			if welcome != nil {
				s.welcomed(j, welcome)
				return messages[i+1:], nil
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

func (s *Session) welcomed(j *handshake.Joiner, m *wamp.Welcome) {
	s.id = m.Session
	s.details = m.Details
	if s.details.Realm == "" {
		s.details.Realm = j.Realm
	}
	s.logger = s.logger.With("realm", s.details.Realm, "session", s.id)
}
