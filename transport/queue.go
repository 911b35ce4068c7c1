package transport

import (
	"errors"
	"fmt"
	"sync"

	"github.com/tandemrouter/tandem/wamp"
)

// Queue is the outbound side of a connection: bytes in order, bounded, written by one goroutine at a time. Whoever
// puts something in never waits for the peer.
//
// Lock, append and Unlock may be done by any goroutine; then Flush writes what has gathered, as far as the socket
// takes it. What it does not take is left to a flusher goroutine, which lives until the queue is empty.
type Queue struct {
	// immutable after NewQueue

	conn     Conn
	limit    int
	maxFrame int // the largest frame that the peer accepts, 0: no bound
	wire     wire
	wg       *sync.WaitGroup

	mu sync.Mutex

	// guarded by mu

	waiting  waiting
	pending  int   // bytes that were appended and not yet written
	busy     bool  // somebody is writing
	touched  bool  // somebody will flush
	finished bool  // nothing more may be appended
	closing  bool  // when all is written, the peer is told that it was all
	err      error // why nothing can be appended any more
	drained  chan struct{}
}

// The errors of appending to a queue.
var (
	ErrQueueFull   = errors.New("transport: outbound queue full")
	ErrQueueClosed = errors.New("transport: connection closed")
)

// DefaultQueueLimit is the bound of a queue in bytes, if nothing else is said.
const DefaultQueueLimit = 4 << 20

// sharedFrame is the size from which a frame for many receivers is referenced instead of copied.
const sharedFrame = 16 << 10

// NewQueue returns the queue of the connection. It holds at most limit bytes, or one message if that is larger; 0
// means DefaultQueueLimit. Flushers run under wg.
func NewQueue(conn Conn, limit int, wg *sync.WaitGroup) *Queue {
	if limit <= 0 {
		limit = DefaultQueueLimit
	}
	info := conn.Info()
	q := &Queue{conn: conn, limit: limit, wg: wg, wire: wire{info.Serializer, info.Shape}}
	if n := info.MaxSend; n > 0 {
		q.maxFrame = n + frameHeader
	}
	return q
}

// Lock takes the queue, for a series of appends that nobody else's may come between.
func (q *Queue) Lock() { q.mu.Lock() }

// Unlock gives the queue back.
func (q *Queue) Unlock() { q.mu.Unlock() }

// AppendLocked adds the message. It fails with ErrQueueFull if the message does not fit, with ErrQueueClosed if the
// queue is closed or the connection broke, with ErrTooLarge if the peer does not accept a message of that size, and
// with wamp.ErrInvalidPayload if the message cannot be expressed; the queue is then as it was.
func (q *Queue) AppendLocked(m wamp.Message) error { return q.appendLocked(m, nil, q.limit) }

// AppendBulkLocked is AppendLocked for a message that can be refused: the last quarter of the queue is not for it.
func (q *Queue) AppendBulkLocked(m wamp.Message) error { return q.appendLocked(m, nil, q.bulkLimit()) }

// AppendPreparedLocked is AppendLocked for a message whose payload may have been prepared. A very large one is not even
// copied.
func (q *Queue) AppendPreparedLocked(m wamp.Message, p *Payloads) error {
	return q.appendLocked(m, p.obtain(m, q.wire.serializer, wholePayload, repeatedPayload), q.limit)
}

// AppendBulkPreparedLocked is AppendBulkLocked for a message whose payload may have been prepared.
func (q *Queue) AppendBulkPreparedLocked(m wamp.Message, p *Payloads) error {
	return q.appendLocked(m, p.obtain(m, q.wire.serializer, wholePayload, repeatedPayload), q.bulkLimit())
}

func (q *Queue) bulkLimit() int { return q.limit - q.limit/4 }

// appendLocked adds the message, whose payload stands in t if that is not nil.
func (q *Queue) appendLocked(m wamp.Message, t *tail, limit int) error {
	if err := q.admitLocked(0, limit); err != nil {
		return err
	}
	tail := q.waiting.open()
	defer q.waiting.grown()
	before := len(tail.b)
	out, apart, err := q.encode(tail.b, m, t)
	if err != nil {
		return err
	}
	size := len(out) - before + len(apart)
	if err := q.admitLocked(size, limit); err != nil {
		tail.b = out[:before]
		return err
	}
	tail.b = out
	q.pending += size
	if apart != nil {
		q.waiting.share(&frame{head: apart})
	}
	return nil
}

// encode appends the message to dst, but for the end that is so large that the queue refers to it.
func (q *Queue) encode(dst []byte, m wamp.Message, t *tail) (out, apart []byte, err error) {
	if t == nil {
		out, err = q.conn.Append(dst, m)
		return out, nil, err
	}
	if t.err != nil {
		return dst, nil, t.err
	}
	out, err = q.conn.AppendHead(dst, m, len(t.bytes))
	if err != nil || t.lasts {
		return out, t.bytes, err
	}
	return append(out, t.bytes...), nil, nil
}

// AppendOutgoingLocked is AppendBulkLocked for a message that many receivers get: it is encoded only if no receiver with
// the same wire has had it yet, and a large one is not even copied.
func (q *Queue) AppendOutgoingLocked(o *Outgoing) error {
	frame, err := o.frame(q.conn, q.wire)
	if err != nil {
		return err
	}
	if err := q.admitLocked(frame.size(), q.bulkLimit()); err != nil {
		return err
	}
	q.waiting.share(frame)
	q.pending += frame.size()
	return nil
}

// tooLarge reports whether the peer does not accept a frame of that size.
func (q *Queue) tooLarge(frame int) bool { return q.maxFrame > 0 && frame > q.maxFrame }

// AppendControlLocked adds frames of the wire itself, such as pongs. In all they may be larger than one frame may.
func (q *Queue) AppendControlLocked(frames []byte) error {
	if err := q.admitLocked(0, q.limit-len(frames)); err != nil {
		return err
	}
	q.waiting.copy(frames)
	q.pending += len(frames)
	return nil
}

// admitLocked checks whether size more bytes may be appended. A message larger than the bound may enter an empty queue.
func (q *Queue) admitLocked(size, limit int) error {
	switch {
	case q.err != nil:
		return q.err
	case q.finished:
		return ErrQueueClosed
	case q.tooLarge(size):
		return ErrTooLarge
	case q.pending > 0 && q.pending+size > limit:
		return ErrQueueFull
	default:
		return nil
	}
}

// TouchLocked reports whether the caller must see to it that Flush is called; if not, somebody else does.
func (q *Queue) TouchLocked() bool {
	if q.touched {
		return false
	}
	q.touched = true
	return true
}

// PendingLocked returns how many bytes wait to be written.
func (q *Queue) PendingLocked() int { return q.pending }

// Backlogged reports whether something waits because the peer did not take it at once, or is being written just now.
func (q *Queue) Backlogged() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.busy
}

// Put appends one message and flushes. It fails as AppendLocked does.
func (q *Queue) Put(m wamp.Message) error {
	q.Lock()
	err := q.AppendLocked(m)
	q.Unlock()
	q.Flush()
	return err
}

// Flush writes what the queue holds, as far as the connection takes it without waiting.
func (q *Queue) Flush() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.touched = false
	if q.busy || q.err != nil {
		return
	}
	q.busy = true
	for s := q.waiting.take(); s.exists(); s = q.waiting.take() {
		n, err := q.writeLocked(s.bytes(), q.conn.TryWrite)
		if err != nil {
			q.failLocked(err)
			return
		}
		if q.err != nil {
			return // abandoned meanwhile, and the owner of wg may be waiting already
		}
		if n < len(s.bytes()) {
			q.wg.Go(func() { q.flushAll(s, n) })
			return
		}
		s.recycle()
	}
	q.idleLocked()
}

// flushAll is the flusher: it writes the rest of the segment and then whatever the queue holds until it is empty.
func (q *Queue) flushAll(s segment, from int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for s.exists() {
		if _, err := q.writeLocked(s.bytes()[from:], q.conn.Write); err != nil {
			q.failLocked(err)
			return
		}
		s.recycle()
		s, from = q.waiting.take(), 0
	}
	q.idleLocked()
}

// writeLocked writes without the lock. Only the holder of busy calls it.
func (q *Queue) writeLocked(b []byte, write func([]byte) (int, error)) (int, error) {
	q.mu.Unlock()
	n, err := write(b)
	q.mu.Lock()
	q.pending -= n
	return n, err
}

// idleLocked ends a series of writes that emptied the queue.
func (q *Queue) idleLocked() {
	q.busy = false
	q.waiting.kept, q.waiting.sealed, q.waiting.notices = nil, nil, nil
	q.wakeLocked()
	if q.closing {
		q.err = ErrQueueClosed
		_ = q.conn.CloseWrite() // the reader sees the peer close, or closes itself
	}
}

// failLocked ends the queue: what is in it is dropped and the connection closed.
func (q *Queue) failLocked(err error) {
	if q.err == nil {
		q.err = closedBy(err)
	}
	q.waiting, q.pending = waiting{}, 0
	q.wakeLocked()
	_ = q.conn.Close() // the reader sees the connection end; there is nobody else to tell
}

// Ping sends a ping, and reports whether the wire has pings and there was room for one.
func (q *Queue) Ping() bool {
	q.mu.Lock()
	ping := q.conn.AppendPing(nil)
	sent := len(ping) > 0 && q.AppendControlLocked(ping) == nil
	q.mu.Unlock()
	q.Flush()
	return sent
}

// Finish makes last the last message of the queue; it is sent even if the queue is full. The connection stays open.
func (q *Queue) Finish(last wamp.Message) {
	q.mu.Lock()
	q.finishLocked(last)
	q.mu.Unlock()
	q.Flush()
}

func (q *Queue) finishLocked(last wamp.Message) {
	if q.finished || q.err != nil {
		return
	}
	q.finished = true
	if last == nil {
		return
	}
	q.extendLocked(func(tail []byte) []byte {
		for _, m := range []wamp.Message{last, terse(last)} {
			if out, err := q.conn.Append(tail, m); err == nil && !q.tooLarge(len(out)-len(tail)) {
				return out
			}
		}
		return tail // what cannot be sent is left out
	})
}

// terse returns a last message without its details, for a peer that takes small messages only (RS-08).
func terse(last wamp.Message) wamp.Message {
	switch m := last.(type) {
	case *wamp.Goodbye:
		return &wamp.Goodbye{Reason: m.Reason}
	case *wamp.Abort:
		return &wamp.Abort{Reason: m.Reason}
	default:
		return last
	}
}

// extendLocked lets add append to the queue, whatever the bound.
func (q *Queue) extendLocked(add func([]byte) []byte) {
	tail := q.waiting.open()
	before := len(tail.b)
	tail.b = add(tail.b)
	q.pending += len(tail.b) - before
	q.waiting.grown()
}

// closedBy returns ErrQueueClosed with its cause.
func closedBy(err error) error {
	if errors.Is(err, ErrQueueClosed) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrQueueClosed, err)
}

// Close lets the queue drain and then closes the sending direction of the connection. last is a final message, as for
// Finish, or nil; behind it stands the wire's own closing frame. cause is nil for an
// orderly close. The reader of the connection closes the rest.
func (q *Queue) Close(last wamp.Message, cause error) {
	q.mu.Lock()
	q.finishLocked(last)
	if !q.closing && q.err == nil {
		q.closing = true
		q.extendLocked(func(tail []byte) []byte { return q.conn.AppendClose(tail, cause) })
	}
	q.mu.Unlock()
	q.Flush()
}

// Abandon drops what the queue holds and closes the connection at once.
func (q *Queue) Abandon(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failLocked(err)
}

// Drained returns a channel that is closed when the queue is next empty or closed. It is for senders that may wait.
func (q *Queue) Drained() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.drained == nil {
		q.drained = make(chan struct{})
		if q.pending == 0 || q.err != nil {
			defer q.wakeLocked()
		}
	}
	return q.drained
}

func (q *Queue) wakeLocked() {
	if q.drained != nil {
		close(q.drained)
		q.drained = nil
	}
}
