package transport

import "sync"

// outBuffer is memory of a queue's tail. It goes back to the pool when its bytes are written, so that a connection
// with nothing to send holds none.
type outBuffer struct{ b []byte }

const (
	outBufferSize = 4 << 10
	outBufferKeep = 64 << 10 // larger ones are not kept
)

var outBuffers = sync.Pool{New: func() any { return &outBuffer{b: make([]byte, 0, outBufferSize)} }}

// chunk is what is written at once: the bytes, and the buffer that they stand in if it may be used again.
type chunk struct {
	b   []byte
	buf *outBuffer
}

func (c chunk) recycle() {
	if c.buf == nil || cap(c.buf.b) > outBufferKeep {
		return
	}
	c.buf.b = c.buf.b[:0]
	outBuffers.Put(c.buf)
}

func (q *Queue) tailLocked() *outBuffer {
	if q.tail == nil {
		q.tail = outBuffers.Get().(*outBuffer)
	}
	return q.tail
}

// sealTailLocked puts the tail before what is appended next.
func (q *Queue) sealTailLocked() {
	if q.tail != nil {
		q.ahead = append(q.ahead, q.tail.b)
		q.tail = nil
	}
}

func (q *Queue) dropEmptyTailLocked() {
	if q.tail != nil && len(q.tail.b) == 0 {
		chunk{buf: q.tail}.recycle()
		q.tail = nil
	}
}

// takeLocked takes the front of the queue. The chunk's b is nil if the queue is empty.
func (q *Queue) takeLocked() chunk {
	if len(q.ahead) > 0 {
		b := q.ahead[0]
		q.ahead = q.ahead[1:]
		return chunk{b: b}
	}
	if q.tail == nil {
		return chunk{}
	}
	c := chunk{b: q.tail.b, buf: q.tail}
	q.tail = nil
	return c
}
