package websocket

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"

	"github.com/gobwas/ws"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// framing is the wire format of one side of a connection.
type framing struct {
	// immutable after newFraming

	op           ws.OpCode // of all messages, in both directions (WS-04)
	client       bool      // masks what it sends; the other side does not
	maxFragments int       // of one message

	// owned by the reader

	message   []byte // what has come of a fragmented message
	fragments int    // how many frames that was; 0 if no message has begun

	// atomic

	maxReceive atomic.Int64
}

func newFraming(s wamp.Serializer, client bool, maxReceive, maxFragments int) *framing {
	f := &framing{op: ws.OpBinary, client: client, maxFragments: maxFragments}
	if s == wamp.JSON {
		f.op = ws.OpText
	}
	f.SetMaxReceive(maxReceive)
	return f
}

// Next implements transport.Framing.
func (f *framing) Next(in []byte) (transport.Frame, int, error) {
	h, need, err := parseHeader(in)
	if err == nil && need == 0 {
		err = f.check(h)
	}
	if err != nil || need > 0 {
		return transport.Frame{Need: need}, 0, err
	}
	end := h.size + int(h.length) // check has seen to it that this is no large number
	if len(in) < end {
		return transport.Frame{Need: end}, 0, nil
	}
	payload := in[h.size:end:end]
	if h.masked {
		ws.Cipher(payload, h.mask, 0)
	}
	frame, err := f.take(h, payload)
	return frame, end, err
}

// check decides by the header whether the frame is legal here and now.
func (f *framing) check(h header) error {
	switch {
	case h.masked == f.client:
		return violation("frame masked by the wrong side")
	case h.op.IsReserved():
		return violation("frame with a reserved opcode")
	case h.op.IsControl():
		return checkControl(h)
	default:
		return f.checkData(h)
	}
}

func checkControl(h header) error {
	switch {
	case !h.fin:
		return violation("fragmented control frame")
	case h.length > maxControl:
		return violation("control frame longer than 125 bytes")
	}
	return nil
}

func (f *framing) checkData(h header) error {
	begun := f.fragments > 0
	switch {
	case h.op == ws.OpContinuation && !begun:
		return violation("continuation of no message")
	case h.op != ws.OpContinuation && begun:
		return violation("new message within a fragmented one")
	case !begun && h.op != f.op: // WS-04
		return violation("text or binary, not as the subprotocol says")
	case !f.accepts(h.length): // WS-08
		return &transport.FrameError{Code: transport.CloseTooBig, Text: "message longer than accepted"}
	case f.fragments >= f.maxFragments:
		return &transport.FrameError{Code: transport.ClosePolicy, Text: "message in too many fragments"}
	}
	return nil
}

// accepts reports whether a message may grow by this many bytes.
func (f *framing) accepts(length uint64) bool {
	room := f.maxReceive.Load() - int64(len(f.message))
	return room >= 0 && length <= uint64(room)
}

// take makes of a legal frame what it means.
func (f *framing) take(h header, payload []byte) (transport.Frame, error) {
	switch h.op {
	case ws.OpPing:
		return transport.Frame{Kind: transport.FramePing, Payload: payload}, nil
	case ws.OpPong:
		return transport.Frame{Kind: transport.FramePong, Payload: payload}, nil
	case ws.OpClose:
		return takeClose(payload)
	}
	if h.fin && f.fragments == 0 {
		return transport.Frame{Kind: transport.FrameMessage, Payload: payload}, nil
	}
	return f.assemble(h.fin, payload), nil
}

// assemble adds a fragment to the message. A message that is complete is given away with its memory.
func (f *framing) assemble(last bool, payload []byte) transport.Frame {
	f.message = append(f.message, payload...)
	f.fragments++
	if !last {
		return transport.Frame{}
	}
	message := f.message
	f.message, f.fragments = nil, 0
	return transport.Frame{Kind: transport.FrameMessage, Payload: message}
}

// SetMaxReceive implements transport.Framing.
func (f *framing) SetMaxReceive(n int) { f.maxReceive.Store(int64(n)) }

// usualHeader is the size of the header of messages from 126 bytes to 64 KiB. Open leaves room for it, and Seal moves
// the message if it needs another: a shorter message is quickly moved, and for a longer one it matters less.
const usualHeader = shortHeader + 2

// Open implements transport.Framing.
func (f *framing) Open(dst []byte) []byte { return append(dst, make([]byte, f.room())...) }

func (f *framing) room() int {
	if f.client {
		return usualHeader + maskSize
	}
	return usualHeader
}

// Seal implements transport.Framing.
func (f *framing) Seal(dst []byte, start, rest int) []byte { return f.seal(dst, start, rest, f.op) }

func (f *framing) seal(dst []byte, start, rest int, op ws.OpCode) []byte {
	body := start + f.room()
	length := len(dst) - body + rest
	shift := headerSize(length) - usualHeader
	dst = move(dst, body, shift)
	body += shift
	head := appendHeader(dst[:start], op, f.client, length)
	if f.client {
		mask := newMask()
		copy(dst[len(head):body], mask[:])
		ws.Cipher(dst[body:], mask, 0)
	}
	return dst
}

// move moves the end of b, from the given offset on, by a few bytes up or down.
func move(b []byte, from, by int) []byte {
	if by == 0 {
		return b
	}
	end := len(b)
	if by > 0 {
		b = append(b, make([]byte, by)...)
	}
	copy(b[from+by:], b[from:end])
	return b[:end+by]
}

// newMask returns a mask that the server cannot foresee: the generator of the runtime is seeded by the system, and
// it may be used by the reader, who sends pongs, and the holder of the queue at the same time.
func newMask() (mask [maskSize]byte) {
	binary.NativeEndian.PutUint32(mask[:], rand.Uint32())
	return mask
}

// AppendPing implements transport.Framing. The payload has at most 125 bytes.
func (f *framing) AppendPing(dst, payload []byte) []byte {
	return f.appendControl(dst, ws.OpPing, payload)
}

// AppendPong implements transport.Framing. The payload has at most 125 bytes.
func (f *framing) AppendPong(dst, payload []byte) []byte {
	return f.appendControl(dst, ws.OpPong, payload)
}

func (f *framing) appendControl(dst []byte, op ws.OpCode, payload []byte) []byte {
	start := len(dst)
	dst = append(f.Open(dst), payload...)
	return f.seal(dst, start, 0, op)
}

// MaxSend implements transport.Framing: WebSocket peers state no limit.
func (f *framing) MaxSend() int { return 0 }

// Shape implements transport.Framing. What a client sends is masked, each frame in its own way.
func (f *framing) Shape() transport.Shape {
	switch {
	case f.client:
		return transport.ShapeUnique
	case f.op == ws.OpText:
		return transport.ShapeWebSocketText
	default:
		return transport.ShapeWebSocketBinary
	}
}
