package rawsocket

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/tandemrouter/tandem/transport"
)

const (
	headerSize = 4
	maxLength  = 1 << 24 // the longest payload that a header can state

	reservedBits = 0xf0000000
	extraLength  = 0x08000000 // X: the length is maxLength
	typeShift    = 24
	typeMask     = 0x7
	lengthMask   = maxLength - 1
)

// The types of frames.
const (
	typeMessage = 0
	typePing    = 1
	typePong    = 2
)

var kinds = [...]transport.FrameKind{
	typeMessage: transport.FrameMessage,
	typePing:    transport.FramePing,
	typePong:    transport.FramePong,
}

// framing is the wire format behind the handshake. Its only state is the limit that SetMaxReceive sets.
type framing struct {
	// immutable after newFraming

	declared int // what was declared to the peer: nothing longer is ever accepted, in bytes
	maxSend  int // what the peer declared, in bytes
	pings    bool

	// atomic

	maxReceive atomic.Int64
}

func newFraming(maxReceive, maxSend int, pings bool) *framing {
	f := &framing{declared: size(lengthFor(maxReceive)), maxSend: maxSend, pings: pings}
	f.SetMaxReceive(maxReceive)
	return f
}

// Next implements transport.Framing.
func (f *framing) Next(in []byte) (transport.Frame, int, error) {
	if len(in) < headerSize {
		return transport.Frame{Need: headerSize}, 0, nil
	}
	kind, length, err := parseHeader(binary.BigEndian.Uint32(in))
	if err == nil {
		err = f.check(kind, length)
	}
	if err != nil {
		return transport.Frame{}, 0, err
	}
	end := headerSize + length
	if len(in) < end {
		return transport.Frame{Need: end}, 0, nil
	}
	return transport.Frame{Kind: kind, Payload: in[headerSize:end:end]}, end, nil
}

func parseHeader(h uint32) (kind transport.FrameKind, length int, err error) {
	t := h >> typeShift & typeMask
	length = int(h & lengthMask)
	switch {
	case h&reservedBits != 0: // RS-11
		return 0, 0, violation("reserved bits in a frame header")
	case t > typePong: // RS-11
		return 0, 0, violation("frame of a reserved type")
	case h&extraLength == 0:
		return kinds[t], length, nil
	case length != 0: // RS-10
		return 0, 0, violation("extra length bit and a length")
	}
	return kinds[t], maxLength, nil
}

// check holds a frame against the limits. Since nothing longer than declared is accepted, a length of 2^24 passes
// only if just that was declared (RS-10).
func (f *framing) check(kind transport.FrameKind, length int) error {
	switch {
	case length > int(f.maxReceive.Load()): // RS-08
		return &transport.FrameError{Code: transport.CloseTooBig, Text: "frame longer than accepted"}
	case kind == transport.FrameMessage && length == 0: // RS-18
		return violation("empty message")
	case kind == transport.FramePing && length > f.maxSend: // RS-12: its pong would break the peer's own limit
		return violation("ping longer than its sender accepts")
	}
	return nil
}

func violation(text string) error {
	return &transport.FrameError{Code: transport.CloseProtocolError, Text: text}
}

// Open implements transport.Framing.
func (f *framing) Open(dst []byte) []byte { return append(dst, 0, 0, 0, 0) }

// Seal implements transport.Framing. The header of a message longer than MaxSend means nothing: it is never sent.
func (f *framing) Seal(dst []byte, start, rest int) []byte {
	binary.BigEndian.PutUint32(dst[start:], header(typeMessage, len(dst)-start-headerSize+rest))
	return dst
}

// header returns a frame header. 24 bits cannot hold a length of 2^24: they stay zero, and X says it (RS-10).
func header(t uint32, length int) uint32 {
	if length == maxLength {
		return t<<typeShift | extraLength
	}
	return t<<typeShift | uint32(length)
}

// AppendPing implements transport.Framing. It appends nothing unless pings are wanted: there are peers that take a
// ping for a message of more than 16 MiB (RS-13).
func (f *framing) AppendPing(dst, payload []byte) []byte {
	if !f.pings {
		return dst
	}
	return appendFrame(dst, typePing, payload)
}

// AppendPong implements transport.Framing (RS-12).
func (f *framing) AppendPong(dst, payload []byte) []byte { return appendFrame(dst, typePong, payload) }

func appendFrame(dst []byte, t uint32, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, header(t, len(payload)))
	return append(dst, payload...)
}

// AppendClose implements transport.Framing: RawSocket says nothing before it closes.
func (f *framing) AppendClose(dst []byte, _ error) []byte { return dst }

// MaxSend implements transport.Framing (RS-08).
func (f *framing) MaxSend() int { return f.maxSend }

// SetMaxReceive implements transport.Framing. What was declared to the peer stays the upper bound (RS-08).
func (f *framing) SetMaxReceive(n int) { f.maxReceive.Store(int64(min(n, f.declared))) }

// Shape implements transport.Framing.
func (f *framing) Shape() transport.Shape { return transport.ShapeRawSocket }
