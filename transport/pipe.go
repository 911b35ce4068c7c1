package transport

import (
	"io"
	"sync"

	"github.com/tandemrouter/tandem/wamp"
)

// pipeSize is how many bytes each direction of a pipe holds before its writer has to wait.
const pipeSize = 64 << 10

// Pipe returns the two ends of a connection within the process, which carries messages in the given serializer. It
// behaves as a socket does: messages are encoded, queues fill up, and closing one end ends the other.
func Pipe(s wamp.Serializer) (Conn, Conn) {
	ab, ba := newHalf(), newHalf()
	return newStream(&pipe{in: ba, out: ab}, &pipeFraming{}, s, Info{Transport: "pipe", Remote: "pipe"}, nil),
		newStream(&pipe{in: ab, out: ba}, &pipeFraming{}, s, Info{Transport: "pipe", Remote: "pipe"}, nil)
}

// pipe is one end: a carrier that reads from one half and writes to the other.
type pipe struct{ in, out *half }

func (p *pipe) fill(in *inbox) error {
	in.park()
	return p.in.fill(in)
}

func (p *pipe) tryWrite(b []byte) (int, error) { return p.out.write(b, false) }

func (p *pipe) write(b []byte) (int, error) { return p.out.write(b, true) }

func (p *pipe) closeWrite() error {
	p.out.close()
	return nil
}

func (p *pipe) close() error {
	p.in.close()
	p.out.close()
	return nil
}

// half is one direction of a pipe.
type half struct {
	mu      sync.Mutex
	changed sync.Cond

	// guarded by mu

	data   []byte
	closed bool
}

func newHalf() *half {
	h := &half{}
	h.changed.L = &h.mu
	return h
}

func (h *half) fill(in *inbox) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.data) == 0 && !h.closed {
		h.changed.Wait()
	}
	if len(h.data) == 0 {
		return io.EOF
	}
	n := copy(in.room(), h.data)
	in.filled(n)
	h.data = append(h.data[:0], h.data[n:]...)
	if len(h.data) == 0 && cap(h.data) > outBufferSize {
		h.data = nil
	}
	h.changed.Broadcast()
	return nil
}

func (h *half) write(b []byte, wait bool) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	written := 0
	for written < len(b) {
		for wait && len(h.data) >= pipeSize && !h.closed {
			h.changed.Wait()
		}
		if h.closed {
			return written, io.ErrClosedPipe
		}
		n := min(len(b)-written, pipeSize-len(h.data))
		if n <= 0 {
			break
		}
		h.data = append(h.data, b[written:written+n]...)
		written += n
		h.changed.Broadcast()
	}
	return written, nil
}

func (h *half) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.changed.Broadcast()
}
