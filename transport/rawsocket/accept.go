package rawsocket

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// The defaults of Config and DialConfig.
const (
	DefaultMaxMessageSize   = 1 << 20 // bytes
	DefaultHandshakeTimeout = 5 * time.Second
	DefaultDialTimeout      = 10 * time.Second
)

var allSerializers = []wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR}

// Config is how a router accepts connections. The zero value, and nil, mean the defaults.
type Config struct {
	// Serializers are those that are spoken. Default: all.
	Serializers []wamp.Serializer
	// MaxMessageSize is the size of the largest message that is accepted, in bytes. The next power of two is declared
	// to the peer, because a handshake can say nothing else. Default: 1 MiB. At most 16 MiB.
	MaxMessageSize int
	// MinPeerMessageSize refuses peers that accept less than this, in bytes (RS-17). Default: all are welcome.
	MinPeerMessageSize int
	// HandshakeTimeout is how long the whole handshake may take, that of TLS included (RS-15). Default: 5 s.
	HandshakeTimeout time.Duration
	// Pings says that pings may be sent. Common peers cannot take them (RS-13). Default: they are only answered.
	Pings bool
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
	full.HandshakeTimeout = cmp.Or(max(full.HandshakeTimeout, 0), DefaultHandshakeTimeout)
	return full
}

// Accept does the router's side of the handshake on a connection from which nothing has been read. If that fails the
// connection is closed, after a reply if the handshake has one for the case; the error is a *HandshakeError, or what
// the network said.
func Accept(conn net.Conn, cfg *Config) (transport.Conn, error) {
	c := cfg.withDefaults()
	request, err := c.handshake(conn, c.examine)
	if err != nil {
		return nil, err
	}
	f := newFraming(c.MaxMessageSize, size(request.high()), c.Pings)
	return transport.NewStream(conn, f, request.serializer(), transport.InfoOf("rawsocket", conn), nil), nil
}

// Refuse answers the peer's handshake with "too many connections" and closes the connection (RS-17). Like Accept it
// waits for the peer's request, no longer than the handshake timeout. The error is a *HandshakeError, or what the
// network said.
func Refuse(conn net.Conn, cfg *Config) error {
	c := cfg.withDefaults()
	_, err := c.handshake(conn, func(request greeting) *HandshakeError {
		if request[0] != magic {
			return &HandshakeError{}
		}
		return &HandshakeError{Code: TooManyConnections}
	})
	return err
}

// handshake reads the request, lets judge decide about it and replies. Only after success the connection is open.
func (c *Config) handshake(conn net.Conn, judge func(greeting) *HandshakeError) (greeting, error) {
	request, err := c.exchange(conn, judge)
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close() // it failed already
	}
	return request, err
}

func (c *Config) exchange(conn net.Conn, judge func(greeting) *HandshakeError) (greeting, error) {
	if err := conn.SetDeadline(time.Now().Add(c.HandshakeTimeout)); err != nil {
		return greeting{}, fmt.Errorf("rawsocket: %w", err)
	}
	request, err := readGreeting(conn)
	if err != nil {
		return request, fmt.Errorf("rawsocket: reading the handshake: %w", err)
	}
	if refusal := judge(request); refusal != nil {
		refuse(conn, refusal.Code)
		return request, refusal
	}
	reply := newGreeting(lengthFor(c.MaxMessageSize), request.low()) // RS-06
	if _, err := conn.Write(reply[:]); err != nil {
		return request, fmt.Errorf("rawsocket: answering the handshake: %w", err)
	}
	return request, nil
}

func refuse(conn net.Conn, code Code) {
	if code == NoCode {
		return
	}
	reply := newGreeting(uint8(code), 0)
	_, _ = conn.Write(reply[:]) // the connection is closed next, whatever comes of it
}

// examine says why the request cannot be accepted, or nil.
func (c *Config) examine(request greeting) *HandshakeError {
	switch s := request.serializer(); {
	case request[0] != magic: // RS-02
		return &HandshakeError{Text: fmt.Sprintf("first octet is 0x%02x", request[0])}
	case request.reserved(): // RS-03
		return &HandshakeError{Code: ReservedBitsUsed}
	case !slices.Contains(c.Serializers, s): // RS-04, RS-05
		return &HandshakeError{Code: SerializerUnsupported, Text: fmt.Sprintf("serializer %d", s)}
	case size(request.high()) < c.MinPeerMessageSize: // RS-17
		return &HandshakeError{Code: LengthUnacceptable, Text: fmt.Sprintf("peer accepts %d bytes", size(request.high()))}
	}
	return nil
}
