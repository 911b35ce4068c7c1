package transport

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/wamp"
)

// Stream is a Conn over a stream of bytes: a carrier brings the bytes, a Framing cuts them into messages, a
// serializer reads and writes the messages.
type Stream struct {
	// immutable after NewStream

	carrier    carrier
	framing    Framing
	serializer wamp.Serializer
	info       Info

	// owned by the reader

	inbox inbox
	full  bool   // Receive stopped although there may be whole frames left
	pongs []byte // the next run begins with: their pings came behind messages

	// atomic

	ended  atomic.Bool // Wait has failed: nothing more comes, and nobody is there to be told that nothing more is sent
	closed atomic.Bool
}

// NewStream returns a Conn over conn, whose handshake is done. rest is what was read from conn behind the handshake.
// The info's serializer, shape and limit are filled in from s and f.
func NewStream(conn net.Conn, f Framing, s wamp.Serializer, info Info, rest []byte) *Stream {
	if p, ok := conn.(*PeekedConn); ok {
		rest = append(rest, p.peeked...)
		conn = p.plain
	}
	return newStream(newCarrier(conn), f, s, info, rest)
}

func newStream(c carrier, f Framing, s wamp.Serializer, info Info, rest []byte) *Stream {
	info.Serializer, info.Shape, info.MaxSend = s, f.Shape(), f.MaxSend()
	stream := &Stream{carrier: c, framing: f, serializer: s, info: info}
	if len(rest) > 0 {
		stream.inbox.preload(rest)
		stream.full = true
	}
	return stream
}

// Wait implements Conn.
func (s *Stream) Wait() error {
	if s.full {
		return nil
	}
	err := s.carrier.fill(&s.inbox)
	if err != nil {
		s.ended.Store(true)
	}
	return err
}

// Receive implements Conn.
func (s *Stream) Receive(run *Run) error {
	run.Reset()
	run.Control = append(run.Control, s.pongs...)
	s.pongs, s.full = s.pongs[:0], false
	for len(run.Messages) < MaxRun && len(s.pongs) == 0 {
		in := s.inbox.unread()
		if len(in) == 0 {
			return nil
		}
		frame, n, err := s.framing.Next(in)
		if err != nil {
			return err
		}
		if n == 0 {
			s.inbox.expect(frame.Need)
			return nil
		}
		s.inbox.skip(n)
		if err := s.accept(run, frame); err != nil {
			return err
		}
	}
	s.full = len(s.inbox.unread()) > 0 || len(s.pongs) > 0
	return nil
}

func (s *Stream) accept(run *Run, frame Frame) error {
	switch frame.Kind {
	case FrameMessage:
		return run.parse(s.serializer, frame.Payload)
	case FramePing: // RS-12, WS-07
		s.answerPing(run, frame.Payload)
	case FrameClose:
		return &PeerClosedError{Payload: append([]byte(nil), frame.Payload...)}
	}
	return nil
}

// answerPing puts a pong before all that the run's messages lead to. Behind messages it has to wait for the next run, so
// that a pong says that what came before its ping was taken up.
func (s *Stream) answerPing(run *Run, payload []byte) {
	if len(run.Messages) == 0 {
		run.Control = s.framing.AppendPong(run.Control, payload)
		return
	}
	s.pongs = s.framing.AppendPong(s.pongs, payload)
}

// Append implements Conn.
func (s *Stream) Append(dst []byte, m wamp.Message) ([]byte, error) {
	out, err := serializer.Append(s.framing.Open(dst), s.serializer, m)
	if err != nil {
		return dst, err
	}
	return s.framing.Seal(out, len(dst), 0), nil
}

// AppendHead implements Conn.
func (s *Stream) AppendHead(dst []byte, m wamp.Message, rest int) ([]byte, error) {
	out, err := serializer.AppendHead(s.framing.Open(dst), s.serializer, m)
	if err != nil {
		return dst, err
	}
	return s.framing.Seal(out, len(dst), rest), nil
}

// AppendClose implements Conn.
func (s *Stream) AppendClose(dst []byte, err error) []byte { return s.framing.AppendClose(dst, err) }

// AppendPing implements Conn.
func (s *Stream) AppendPing(dst []byte) []byte { return s.framing.AppendPing(dst, nil) }

// TryWrite implements Conn.
func (s *Stream) TryWrite(b []byte) (int, error) { return s.carrier.tryWrite(b) }

// Write implements Conn.
func (s *Stream) Write(b []byte) (int, error) { return s.carrier.write(b) }

// CloseWrite implements Conn. When the peer has closed before, closing says the same with fewer system calls.
func (s *Stream) CloseWrite() error {
	if s.ended.Load() {
		return nil
	}
	return s.carrier.closeWrite()
}

// Linger implements Conn.
func (s *Stream) Linger(timeout time.Duration) {
	if !s.ended.Load() {
		s.discard(timeout)
	}
	_ = s.Close()
}

// discard throws away what the peer sends until it closes or the timeout is over.
func (s *Stream) discard(timeout time.Duration) {
	timer := time.AfterFunc(timeout, func() { _ = s.Close() })
	defer timer.Stop()
	for s.carrier.fill(&s.inbox) == nil {
		s.inbox.skip(len(s.inbox.unread()))
	}
}

// Close implements Conn.
func (s *Stream) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.carrier.close()
}

// SetMaxReceive implements Conn.
func (s *Stream) SetMaxReceive(n int) { s.framing.SetMaxReceive(n) }

// Info implements Conn.
func (s *Stream) Info() Info { return s.info }

// writeTimeout is how long a write may make no progress before the peer counts as dead. That is long enough for a subscriber
// that is stopped for a while where events may be dropped for it, and costs no more than its queue.
const writeTimeout = time.Minute
