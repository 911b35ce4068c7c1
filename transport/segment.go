package transport

import (
	"slices"
	"sync"
)

// outBuffer is memory of a queue's own. It goes back to the pool when its bytes are written, so that a connection with
// nothing to send holds none.
type outBuffer struct {
	b      []byte
	marks  []mark // the messages in b that may be dropped, in order
	gone   int    // how many of the first marks are dropped; their bytes are holes in b
	marked int    // bytes of the messages that may still be dropped
}

// mark says where a message stands in its buffer. It is small because there is one for each event that waits.
type mark struct{ from, to uint16 }

const (
	outBufferSize = 4 << 10
	outBufferKeep = 96 << 10 // larger ones are not kept

	// segmentSize is how much the tail holds before another one is begun. A message smaller than sharedFrame that
	// begins within it ends where a mark can say.
	segmentSize = 48 << 10
)

var _ [1<<16 - segmentSize - sharedFrame]struct{}

var outBuffers = sync.Pool{New: func() any { return &outBuffer{b: make([]byte, 0, outBufferSize)} }}

func takeBuffer() *outBuffer { return outBuffers.Get().(*outBuffer) }

func (o *outBuffer) recycle() {
	if cap(o.b) < outBufferSize || cap(o.b) > outBufferKeep {
		return
	}
	*o = outBuffer{b: o.b[:0], marks: o.marks[:0]}
	outBuffers.Put(o)
}

// fitted returns a buffer with the same content and not much more memory than that needs.
func (o *outBuffer) fitted() *outBuffer {
	if cap(o.b) <= 2*len(o.b) {
		return o
	}
	small := &outBuffer{b: slices.Clone(o.b), marks: slices.Clone(o.marks), marked: o.marked}
	o.recycle()
	return small
}

// mark appends a message that may be dropped.
func (o *outBuffer) mark(frame []byte) {
	from := len(o.b)
	o.b = append(o.b, frame...)
	o.marks = append(o.marks, mark{uint16(from), uint16(len(o.b))})
	o.marked += len(frame)
}

// droppable returns how many messages may still be dropped.
func (o *outBuffer) droppable() int { return len(o.marks) - o.gone }

// drop makes a hole of the first message that may be dropped, and returns its size.
func (o *outBuffer) drop() int {
	size := o.marks[o.gone].size()
	o.gone++
	o.marked -= size
	return size
}

func (m mark) size() int { return int(m.to - m.from) }

// compact closes the holes. Nothing can be dropped any more.
func (o *outBuffer) compact() {
	if o.gone > 0 {
		o.closeHoles()
	}
	o.marks, o.gone, o.marked = o.marks[:0], 0, 0
}

func (o *outBuffer) closeHoles() {
	to := int(o.marks[0].from)
	for i, hole := range o.marks[:o.gone] {
		end := len(o.b)
		if i+1 < o.gone {
			end = int(o.marks[i+1].from)
		}
		to += copy(o.b[to:], o.b[hole.to:end])
	}
	o.b = o.b[:to]
}

// segment is a stretch of a queue that is written at once: a buffer, or one large message whose bytes are shared with
// other queues. The zero segment is none.
type segment struct {
	buf       *outBuffer
	shared    frame
	droppable bool // the shared message may be dropped
}

func (s segment) exists() bool { return s.buf != nil || s.shared.head != nil }

// bytes returns the bytes of a segment that is in one piece.
func (s segment) bytes() []byte {
	if s.buf != nil {
		return s.buf.b
	}
	return s.shared.head
}

func (s segment) recycle() {
	if s.buf != nil {
		s.buf.recycle()
	}
}

// droppables returns how many messages may be dropped, and their size.
func (s segment) droppables() (messages, size int) {
	switch {
	case s.buf != nil:
		return s.buf.droppable(), s.buf.marked
	case s.droppable:
		return 1, s.shared.size()
	default:
		return 0, 0
	}
}
