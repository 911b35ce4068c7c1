package transport

import (
	"fmt"
	"io"
)

// Framing cuts the bytes of a connection into frames, and puts messages into frames. It does no I/O: it is the wire
// format of one connection, with the little state that the format needs. Receiving methods belong to the reader of
// the connection, sending methods to the holder of its queue; the two may run at the same time.
type Framing interface {
	// Next takes the first frame off in and returns how many bytes it took. If in does not hold a whole frame yet, n
	// is 0 and frame.Need says how many bytes the frame has in all, as far as that is known; the caller tries again
	// with at least that many. Next may change the bytes that it took (unmasking). The payload is part of in, or
	// memory of its own that Next never writes again.
	Next(in []byte) (frame Frame, n int, err error)

	// Open appends room for the header of a message frame to dst.
	Open(dst []byte) []byte
	// Seal makes a frame of dst[start:], where Open had been called with len(dst) == start and a message was appended
	// since. It may move and mask the message. If that is only the beginning of the message, rest says how many bytes
	// will follow; it is 0 with ShapeUnique.
	Seal(dst []byte, start, rest int) []byte

	AppendPing(dst, payload []byte) []byte
	AppendPong(dst, payload []byte) []byte
	// AppendClose appends what the format sends last: a close frame that tells the error, or nothing. A nil error is
	// an orderly close; a *PeerClosedError is answered with its own payload.
	AppendClose(dst []byte, err error) []byte

	// MaxSend returns the size of the largest message that the peer accepts, in bytes; 0 means no bound.
	MaxSend() int
	// SetMaxReceive sets the size of the largest message that is accepted, in bytes.
	SetMaxReceive(n int)
	// Shape identifies the format of sent frames: the frame of a message is the same on all connections with the
	// same shape and serializer. ShapeUnique says that it is not.
	Shape() Shape
}

// Shape identifies a format of sent frames.
type Shape uint8

// The shapes.
const (
	ShapeUnique    Shape = iota // frames differ from connection to connection, as masked ones do
	ShapeRawSocket              // 4 octets of header
	ShapeWebSocketText
	ShapeWebSocketBinary
	ShapePipe
	numShapes
)

// FrameKind says what a frame is.
type FrameKind uint8

// The kinds of frames.
const (
	FrameNone    FrameKind = iota // nothing for the caller: a fragment, or an ignored frame
	FrameMessage                  // a whole message
	FramePing
	FramePong
	FrameClose // the peer closes the connection
)

// Frame is what Framing.Next took off the input.
type Frame struct {
	Kind    FrameKind
	Payload []byte
	Need    int // with no frame: how many bytes are needed in all, or 0 if that is not known
}

// FrameError says that a peer broke the rules of the wire format, or sent more than is accepted. The connection
// cannot be used any further.
type FrameError struct {
	Code uint16 // the WebSocket close code, such as 1002 or 1009
	Text string // for a person
}

// Error returns the text.
func (e *FrameError) Error() string { return fmt.Sprintf("transport: %s", e.Text) }

// PeerClosedError says that the peer closed the connection in the way that the wire format has for it. It is io.EOF to
// errors.Is.
type PeerClosedError struct {
	Payload []byte // what the peer's close frame said, and what the answer to it says
}

// Error says that the peer closed the connection.
func (e *PeerClosedError) Error() string { return "transport: closed by the peer" }

// Is reports whether target is io.EOF.
func (e *PeerClosedError) Is(target error) bool { return target == io.EOF }

// The WebSocket close codes that transports use.
const (
	CloseNormal        uint16 = 1000
	CloseGoingAway     uint16 = 1001
	CloseProtocolError uint16 = 1002
	CloseUnsupported   uint16 = 1003
	CloseInvalidData   uint16 = 1007
	ClosePolicy        uint16 = 1008
	CloseTooBig        uint16 = 1009
)
