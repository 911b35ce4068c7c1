package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// fakeConn is a connection that writes its messages as their request ID, one byte each, and takes from TryWrite only
// as much as it was told to.
type fakeConn struct {
	maxSend int
	shape   transport.Shape

	mu      sync.Mutex
	room    int // what TryWrite still takes
	written []byte
	writes  int
	failure error
	ended   bool // CloseWrite was called
	closed  bool
	blocked chan struct{} // if set, Write waits until it is closed
}

func (c *fakeConn) Wait() error                          { return nil }
func (c *fakeConn) Receive(*transport.Run) error         { return nil }
func (c *fakeConn) Linger(time.Duration)                 {}
func (c *fakeConn) SetMaxReceive(int)                    {}
func (c *fakeConn) AppendPing(dst []byte) []byte         { return append(dst, 'p') }
func (c *fakeConn) AppendClose(d []byte, _ error) []byte { return append(d, 'c') }

func (c *fakeConn) Info() transport.Info {
	return transport.Info{Serializer: wamp.JSON, Shape: c.shape, MaxSend: c.maxSend}
}

var errUnsendable = errors.New("cannot be expressed")

func (c *fakeConn) Append(dst []byte, m wamp.Message) ([]byte, error) {
	switch m := m.(type) {
	case *wamp.Published:
		return append(dst, byte('0'+m.Request)), nil
	case *wamp.Event: // as many bytes as its publication ID says
		for range m.Publication {
			dst = append(dst, 'e')
		}
		return dst, nil
	default:
		return dst, errUnsendable
	}
}

func (c *fakeConn) AppendHead(dst []byte, _ wamp.Message, rest int) ([]byte, error) {
	return fmt.Appendf(dst, "(%d)", rest), nil
}

func (c *fakeConn) TryWrite(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(b), c.room)
	c.room -= n
	return c.take(b[:n])
}

func (c *fakeConn) Write(b []byte) (int, error) {
	if c.blocked != nil {
		<-c.blocked
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.take(b)
}

func (c *fakeConn) take(b []byte) (int, error) {
	if c.failure != nil {
		return 0, c.failure
	}
	c.written = append(c.written, b...)
	c.writes++
	return len(b), nil
}

func (c *fakeConn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	return nil
}

func (c *fakeConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

func (c *fakeConn) got() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.written)
}

const plenty = 1 << 20

func message(n int) wamp.Message { return &wamp.Published{Request: wamp.ID(n)} }

func event(size int) wamp.Message { return &wamp.Event{Publication: wamp.ID(size)} }

func put(t *testing.T, q *transport.Queue, messages ...wamp.Message) {
	t.Helper()
	q.Lock()
	defer q.Unlock()
	for _, m := range messages {
		if err := q.AppendLocked(m); err != nil {
			t.Fatal(err)
		}
	}
}

func TestQueueWritesManyMessagesAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	conn := &fakeConn{room: plenty}
	q := transport.NewQueue(conn, 0, &wg)
	put(t, q, message(1), message(2), message(3))
	q.Flush()
	if conn.got() != "123" || conn.writes != 1 {
		t.Errorf("wrote %q in %d writes, want 123 in one", conn.got(), conn.writes)
	}
}

func TestQueueLeavesToAFlusherWhatTheSocketDoesNotTake(t *testing.T) {
	var wg sync.WaitGroup
	conn := &fakeConn{room: 2, blocked: make(chan struct{})}
	q := transport.NewQueue(conn, 0, &wg)
	put(t, q, message(1), message(2), message(3))
	q.Flush() // returns although the socket is full
	put(t, q, message(4))
	q.Flush() // does not write past the flusher
	if conn.got() != "12" {
		t.Errorf("wrote %q before the socket had room", conn.got())
	}
	close(conn.blocked)
	wg.Wait()
	if conn.got() != "1234" {
		t.Errorf("wrote %q, want 1234 in order", conn.got())
	}
}

func TestFLW01_QueueIsBoundedInBytes(t *testing.T) {
	var wg sync.WaitGroup
	conn := &fakeConn{}
	q := transport.NewQueue(conn, 10, &wg)
	put(t, q, event(8))
	q.Lock()
	defer q.Unlock()
	if err := q.AppendLocked(event(3)); !errors.Is(err, transport.ErrQueueFull) {
		t.Errorf("a message beyond the bound gave %v", err)
	}
	if err := q.AppendLocked(event(2)); err != nil {
		t.Errorf("a message within the bound gave %v", err)
	}
	if n := q.PendingLocked(); n != 10 {
		t.Errorf("%d bytes wait, want 10", n)
	}
}

func TestQueueTakesOneMessageLargerThanItsBound(t *testing.T) {
	var wg sync.WaitGroup
	q := transport.NewQueue(&fakeConn{}, 10, &wg)
	put(t, q, event(100))
	if err := q.Put(event(1)); !errors.Is(err, transport.ErrQueueFull) {
		t.Errorf("the next message gave %v", err)
	}
}

func TestQueueRefusalsLeaveNoTrace(t *testing.T) {
	var wg sync.WaitGroup
	conn := &fakeConn{room: plenty, maxSend: 16}
	q := transport.NewQueue(conn, 0, &wg)
	put(t, q, message(1))
	q.Lock()
	tooLarge := q.AppendLocked(event(100)) // RS-09
	unsendable := q.AppendLocked(&wamp.Hello{})
	q.Unlock()
	put(t, q, message(2))
	q.Flush()
	if !errors.Is(tooLarge, transport.ErrTooLarge) || !errors.Is(unsendable, errUnsendable) {
		t.Errorf("got %v and %v", tooLarge, unsendable)
	}
	if conn.got() != "12" {
		t.Errorf("wrote %q, want 12", conn.got())
	}
}

func TestQueueClosesBehindWhatWaits(t *testing.T) {
	var wg sync.WaitGroup
	conn := &fakeConn{blocked: make(chan struct{})}
	q := transport.NewQueue(conn, 0, &wg)
	put(t, q, message(1))
	q.Flush()
	q.Close(message(2), nil)
	if err := q.Put(message(3)); !errors.Is(err, transport.ErrQueueClosed) {
		t.Errorf("putting into a closed queue gave %v", err)
	}
	if conn.ended {
		t.Error("the connection ended before the queue was empty")
	}
	close(conn.blocked)
	wg.Wait()
	if conn.got() != "12c" || !conn.ended || conn.closed {
		t.Errorf("wrote %q, ended %v, closed %v", conn.got(), conn.ended, conn.closed)
	}
}

func TestQueueFinishLeavesTheConnectionOpen(t *testing.T) {
	var wg sync.WaitGroup
	conn := &fakeConn{room: plenty}
	q := transport.NewQueue(conn, 4, &wg)
	put(t, q, event(4))
	q.Finish(message(2)) // whatever the bound
	if err := q.Put(message(3)); !errors.Is(err, transport.ErrQueueClosed) {
		t.Errorf("putting into a finished queue gave %v", err)
	}
	if conn.got() != "eeee2" || conn.ended {
		t.Errorf("wrote %q, ended %v", conn.got(), conn.ended)
	}
	q.Close(nil, nil)
	if conn.got() != "eeee2c" || !conn.ended {
		t.Errorf("after Close: wrote %q, ended %v", conn.got(), conn.ended)
	}
}

func TestQueueThatCannotWriteClosesTheConnection(t *testing.T) {
	var wg sync.WaitGroup
	conn := &fakeConn{room: plenty, failure: io.ErrClosedPipe}
	q := transport.NewQueue(conn, 0, &wg)
	put(t, q, message(1))
	q.Flush()
	if err := q.Put(message(2)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the next message gave %v", err)
	}
	if !conn.closed {
		t.Error("the connection is still open")
	}
}

func TestQueueDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wg sync.WaitGroup
		conn := &fakeConn{blocked: make(chan struct{})}
		q := transport.NewQueue(conn, 0, &wg)
		select {
		case <-q.Drained():
		default:
			t.Error("an empty queue is not drained")
		}
		put(t, q, message(1))
		drained := q.Drained()
		q.Flush()
		synctest.Wait()
		select {
		case <-drained:
			t.Error("drained while the message waits")
		default:
		}
		close(conn.blocked)
		wg.Wait()
		<-drained
	})
}

func TestQueueTouch(t *testing.T) {
	var wg sync.WaitGroup
	q := transport.NewQueue(&fakeConn{room: plenty}, 0, &wg)
	q.Lock()
	first, second := q.TouchLocked(), q.TouchLocked()
	q.Unlock()
	q.Flush()
	q.Lock()
	afterFlush := q.TouchLocked()
	q.Unlock()
	if !first || second || !afterFlush {
		t.Errorf("touched: %v, %v, and after a flush %v", first, second, afterFlush)
	}
}

// An event goes to several queues in one encoding, and a large one is not even copied.
func TestOutgoingIsEncodedOnce(t *testing.T) {
	for _, size := range []int{100, 100_000} {
		var wg sync.WaitGroup
		var o transport.Outgoing
		o.Use(event(size))
		want := bytes.Repeat([]byte{'e'}, size)
		for range 3 {
			conn := &fakeConn{room: plenty, shape: transport.ShapeRawSocket}
			q := transport.NewQueue(conn, 0, &wg)
			put(t, q, message(1))
			q.Lock()
			if err := q.AppendOutgoingLocked(&o); err != nil {
				t.Fatal(err)
			}
			q.Unlock()
			put(t, q, message(2))
			q.Flush()
			if got := conn.written; !slices.Equal(got, slices.Concat([]byte("1"), want, []byte("2"))) {
				t.Errorf("size %d: wrote %d bytes, not the event between its neighbours", size, len(got))
			}
		}
	}
}

// Small events share memory, and the one that does not fit in any more leaves it to them.
func TestOutgoingFramesShareMemory(t *testing.T) {
	const events, size, most = 100, 300, 10
	var wg sync.WaitGroup
	q := transport.NewQueue(&fakeConn{shape: transport.ShapeRawSocket, maxSend: 1}, 0, &wg) // it keeps none of them
	q.Lock()
	defer q.Unlock()
	var o transport.Outgoing
	m := &wamp.Event{Publication: size, Payload: wamp.Payload{Serializer: wamp.JSON, Raw: make([]byte, size)}}
	allocs := testing.AllocsPerRun(10, func() {
		for range events {
			o.Use(nil)
			o.Use(m)
			_ = q.AppendOutgoingLocked(&o)
		}
	})
	if allocs > most {
		t.Errorf("%d events of %d bytes took %v objects, want at most %d", events, size, allocs, most)
	}
}

func TestOutgoingRespectsEachReceiversLimit(t *testing.T) {
	var wg sync.WaitGroup
	var o transport.Outgoing
	o.Use(event(100))
	appendTo := func(maxSend int) error {
		q := transport.NewQueue(&fakeConn{shape: transport.ShapeRawSocket, maxSend: maxSend}, 0, &wg)
		q.Lock()
		defer q.Unlock()
		return q.AppendOutgoingLocked(&o)
	}
	if err := appendTo(50); !errors.Is(err, transport.ErrTooLarge) {
		t.Errorf("a small receiver gave %v", err)
	}
	if err := appendTo(500); err != nil {
		t.Errorf("a large receiver gave %v", err)
	}
}
