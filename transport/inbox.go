package transport

import "sync"

// readSize is how much one read takes at most.
const readSize = 64 << 10

// readBuffers holds the buffers that connections read into while there is something to read.
var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// inbox holds the bytes that were read and not yet parsed. While its connection waits it holds no more than the
// beginning of an incomplete frame.
//
// Three places can hold the bytes: a pooled buffer, of which the run's messages are part while they are routed; a
// small remainder, while the connection waits with an incomplete frame; and a buffer of the frame's own size, for a
// frame that is larger than a pooled buffer.
type inbox struct {
	pooled *[readSize]byte
	data   []byte // what was read, in pooled or in memory of its own
	off    int    // data[:off] is parsed
	need   int    // how long the incomplete frame at data[off:] is, as far as known
}

func (b *inbox) preload(rest []byte) { b.data = append([]byte(nil), rest...) }

func (b *inbox) unread() []byte { return b.data[b.off:] }

func (b *inbox) skip(n int) {
	b.off += n
	b.need = 0
}

func (b *inbox) expect(need int) { b.need = need }

// room returns where the next read goes. What was parsed is given up; what was not moves to the front.
func (b *inbox) room() []byte {
	rest := b.unread()
	if b.need > readSize {
		b.data = grown(rest, b.need, b.off == 0 && b.pooled == nil)
		b.release()
	} else {
		b.toPool(rest)
	}
	b.off = 0
	return b.data[len(b.data):cap(b.data)]
}

// toPool moves the rest to the front of a pooled buffer.
func (b *inbox) toPool(rest []byte) {
	if b.pooled == nil {
		b.pooled = readBuffers.Get().(*[readSize]byte)
	}
	n := copy(b.pooled[:], rest)
	b.data = b.pooled[:n]
}

// grown returns a buffer that begins with rest and has more room. It grows with what really arrives and never
// beyond need, so that a declared length alone allocates little. owned says that rest's memory may be used on.
func grown(rest []byte, need int, owned bool) []byte {
	if owned && cap(rest) > len(rest) {
		return rest
	}
	buf := make([]byte, len(rest), min(need, max(2*len(rest), readSize)))
	copy(buf, rest)
	return buf
}

// filled says that n bytes were read into the room.
func (b *inbox) filled(n int) { b.data = b.data[:len(b.data)+n] }

// park gives back the pooled buffer before the connection waits, and keeps what is not parsed in memory of its size.
func (b *inbox) park() {
	if b.pooled == nil {
		return
	}
	rest := b.unread()
	if len(rest) == 0 {
		b.data = nil
	} else {
		b.data = append([]byte(nil), rest...)
	}
	b.off = 0
	b.release()
}

func (b *inbox) release() {
	if b.pooled != nil {
		readBuffers.Put(b.pooled)
		b.pooled = nil
	}
}
