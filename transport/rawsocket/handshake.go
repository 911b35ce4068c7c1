package rawsocket

import (
	"fmt"
	"io"
	"math/bits"
	"net"

	"github.com/tandemrouter/tandem/wamp"
)

// magic is the first octet of a RawSocket connection, in both directions. Neither an HTTP request nor a TLS record
// begins with it (RS-02).
const magic = 0x7f

// greeting is what one side says in the handshake: magic, LLLL and a low nibble, and two octets that are reserved.
type greeting [4]byte

func newGreeting(high, low uint8) greeting { return greeting{magic, high<<4 | low, 0, 0} }

func readGreeting(conn net.Conn) (g greeting, err error) {
	_, err = io.ReadFull(conn, g[:])
	return g, err
}

func (g greeting) high() uint8    { return g[1] >> 4 }
func (g greeting) low() uint8     { return g[1] & 0xf }
func (g greeting) reserved() bool { return g[2] != 0 || g[3] != 0 }

func (g greeting) serializer() wamp.Serializer { return wamp.Serializer(g.low()) }

// maxLengthCode is the largest LENGTH.
const maxLengthCode = 15

// size returns the message size that a LENGTH stands for, in bytes.
func size(length uint8) int { return 512 << length }

// lengthFor returns the LENGTH for the size: the smallest power of two that is not below it, as far as there is one.
func lengthFor(n int) uint8 {
	return uint8(min(maxLengthCode, max(0, bits.Len(uint(max(n, 1)-1))-9)))
}

// Code is the router's reason for refusing a connection.
type Code uint8

// The codes. NoCode stands for a handshake that failed otherwise: a peer does not speak RawSocket, or does not do
// what was agreed.
const (
	NoCode                Code = 0
	SerializerUnsupported Code = 1
	LengthUnacceptable    Code = 2
	ReservedBitsUsed      Code = 3
	TooManyConnections    Code = 4
)

var codeTexts = [...]string{
	NoCode:                "not a RawSocket handshake",
	SerializerUnsupported: "serializer unsupported",
	LengthUnacceptable:    "maximum message length unacceptable",
	ReservedBitsUsed:      "reserved bits used",
	TooManyConnections:    "too many connections",
}

// String returns the meaning of the code.
func (c Code) String() string {
	if int(c) < len(codeTexts) {
		return codeTexts[c]
	}
	return fmt.Sprintf("reserved error code %d", uint8(c))
}

// HandshakeError says that a handshake was refused: by Accept, or by the router that Dial talked to (RS-19).
type HandshakeError struct {
	Code Code
	Text string // more about it, for a person; may be empty
}

// Error returns the code's meaning and the text.
func (e *HandshakeError) Error() string {
	if e.Text == "" {
		return "rawsocket: " + e.Code.String()
	}
	return "rawsocket: " + e.Code.String() + ": " + e.Text
}
