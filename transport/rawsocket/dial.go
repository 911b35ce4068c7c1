package rawsocket

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// DialConfig is how a client connects. The zero value, and nil, mean the defaults.
type DialConfig struct {
	// Serializer is what the connection speaks. Default: CBOR.
	Serializer wamp.Serializer
	// MaxMessageSize is the size of the largest message that is accepted, in bytes. Default: 1 MiB. At most 16 MiB.
	MaxMessageSize int
	// Timeout is how long connecting and the handshake may take together. Default: 10 s.
	Timeout time.Duration
	// TLS configures connections of the network "tls". Default: the system's authorities, the address's host name.
	TLS *tls.Config
	// Pings says that pings may be sent. Common peers cannot take them (RS-13). Default: they are only answered.
	Pings bool
}

func (c *DialConfig) withDefaults() DialConfig {
	var full DialConfig
	if c != nil {
		full = *c
	}
	if full.Serializer == wamp.NoSerializer {
		full.Serializer = wamp.CBOR
	}
	full.MaxMessageSize = cmp.Or(max(full.MaxMessageSize, 0), DefaultMaxMessageSize)
	full.Timeout = cmp.Or(max(full.Timeout, 0), DefaultDialTimeout)
	return full
}

// Dial connects to a router. The network is "tcp", "tcp4", "tcp6", "unix" or "tls", which is TLS over TCP (RS-16).
// The context ends the attempt, not the connection. If the router does not accept, the error is a *HandshakeError
// (RS-19); else it wraps what the network or the context said.
func Dial(ctx context.Context, network, address string, cfg *DialConfig) (transport.Conn, error) {
	c := cfg.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := c.connect(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("rawsocket: %w", err)
	}
	reply, err := c.handshake(ctx, conn)
	if err != nil {
		_ = conn.Close() // it failed already
		return nil, failed(err)
	}
	f := newFraming(c.MaxMessageSize, size(reply.high()), c.Pings)
	return transport.NewStream(conn, f, c.Serializer, transport.InfoOf("rawsocket", conn), nil), nil
}

// failed says what failed, unless the error does that itself.
func failed(err error) error {
	var refusal *HandshakeError
	if errors.As(err, &refusal) {
		return err
	}
	return fmt.Errorf("rawsocket: handshake: %w", err)
}

func (c *DialConfig) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if network == "tls" {
		return (&tls.Dialer{Config: c.TLS}).DialContext(ctx, "tcp", address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// handshake exchanges greetings, until the context is done.
func (c *DialConfig) handshake(ctx context.Context, conn net.Conn) (greeting, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	reply, err := c.exchange(conn)
	if !stop() {
		return reply, ctx.Err()
	}
	return reply, err
}

func (c *DialConfig) exchange(conn net.Conn) (greeting, error) {
	request := newGreeting(lengthFor(c.MaxMessageSize), uint8(c.Serializer))
	if _, err := conn.Write(request[:]); err != nil {
		return greeting{}, err
	}
	reply, err := readGreeting(conn)
	if err != nil {
		return reply, err
	}
	if refusal := c.examine(reply); refusal != nil {
		return reply, refusal
	}
	return reply, nil
}

// examine says why the reply does not open the connection, or nil (RS-07).
func (c *DialConfig) examine(reply greeting) *HandshakeError {
	switch {
	case reply[0] != magic:
		return &HandshakeError{Text: fmt.Sprintf("first octet is 0x%02x", reply[0])}
	case reply.reserved():
		return &HandshakeError{Text: "reserved octets are not zero"}
	case reply.low() == 0:
		return &HandshakeError{Code: Code(reply.high())}
	case reply.serializer() != c.Serializer:
		return &HandshakeError{Text: fmt.Sprintf("router chose serializer %d", reply.low())}
	}
	return nil
}
