package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// slowConn takes nothing but what it is told to. Its frames say what they are: e or r for EVENT and reply, a number, and
// dots up to the size; so half a frame is seen.
type slowConn struct {
	fakeConn
	permits chan struct{} // each lets one Write go on
	writing []byte        // what Write was last given
}

func newSlowConn() *slowConn { return &slowConn{permits: make(chan struct{})} }

func (c *slowConn) Info() transport.Info {
	return transport.Info{Serializer: wamp.JSON, Shape: transport.ShapeRawSocket}
}

func (c *slowConn) Append(dst []byte, m wamp.Message) ([]byte, error) {
	switch m := m.(type) {
	case *wamp.Event:
		return appendFrame(dst, frame{'e', int(m.Publication), int(m.Subscription)}), nil
	case *wamp.Published:
		return appendFrame(dst, frame{'r', int(m.Publication), int(m.Request)}), nil
	default:
		return dst, errUnsendable
	}
}

func (c *slowConn) TryWrite([]byte) (int, error) { return 0, nil }

func (c *slowConn) Write(b []byte) (int, error) {
	c.writing = b
	<-c.permits
	c.writing = nil
	return len(b), nil
}

// frame is a message as slowConn writes it.
type frame struct {
	kind         byte
	number, size int
}

func (f frame) message() wamp.Message {
	if f.kind == 'e' {
		return &wamp.Event{Publication: wamp.ID(f.number), Subscription: wamp.ID(f.size)}
	}
	return &wamp.Published{Publication: wamp.ID(f.number), Request: wamp.ID(f.size)}
}

func appendFrame(dst []byte, f frame) []byte {
	head := fmt.Appendf(nil, "%c%d", f.kind, f.number)
	return append(append(dst, head...), bytes.Repeat([]byte{'.'}, max(0, f.size-len(head)))...)
}

// slowQueue is a queue whose flusher is stuck in a write of the frame x.
type slowQueue struct {
	*testing.T
	*transport.Queue
	conn *slowConn
	wg   *sync.WaitGroup
}

func newSlowQueue(t *testing.T, limit int) *slowQueue {
	q := &slowQueue{T: t, conn: newSlowConn(), wg: new(sync.WaitGroup)}
	q.Queue = transport.NewQueue(q.conn, limit, q.wg)
	q.reply(frame{'r', 0, 2})
	q.Flush()
	synctest.Wait()
	return q
}

func (q *slowQueue) event(f frame, tells uint64) (transport.Dropped, error) {
	var o transport.Outgoing
	o.Use(f.message())
	q.Lock()
	defer q.Unlock()
	return q.AppendDroppableLocked(&o, tells)
}

func (q *slowQueue) events(size int, numbers ...int) (dropped transport.Dropped) {
	q.Helper()
	for _, n := range numbers {
		d, err := q.event(frame{'e', n, size}, 0)
		if err != nil {
			q.Fatalf("event %d: %v", n, err)
		}
		dropped.Messages += d.Messages
		dropped.Told += d.Told
	}
	return dropped
}

func (q *slowQueue) reply(f frame) {
	q.Helper()
	put(q.T, q.Queue, f.message())
}

// drain lets the flusher write everything, and returns it without the dots.
func (q *slowQueue) drain() string {
	var all strings.Builder
	for synctest.Wait(); q.conn.writing != nil; synctest.Wait() {
		all.Write(q.conn.writing)
		q.conn.permits <- struct{}{}
	}
	q.wg.Wait()
	return strings.ReplaceAll(all.String(), ".", "")
}

func TestFLW02_OldestEventsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newSlowQueue(t, 40) // of which events may use 30, and 2 are being written
		q.events(7, 1, 2)
		q.reply(frame{'r', 1, 3})
		if d := q.events(7, 3); d.Messages != 0 {
			t.Errorf("dropped %d events although there was room", d.Messages)
		}
		if d := q.events(7, 4, 5, 6); d.Messages != 3 {
			t.Errorf("dropped %d events, want 3", d.Messages)
		}
		if got, want := q.drain(), "r0r1e4e5e6"; got != want {
			t.Errorf("wrote %s, want %s", got, want)
		}
	})
}

func TestFLW02_NothingIsDroppedIfThatDoesNotHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newSlowQueue(t, 40)
		q.reply(frame{'r', 1, 10})
		q.events(5, 1, 2)
		if d, err := q.event(frame{'e', 3, 20}, 0); !errors.Is(err, transport.ErrQueueFull) || d.Messages != 0 {
			t.Errorf("dropped %d events, error %v", d.Messages, err)
		}
		if got, want := q.drain(), "r0r1e1e2"; got != want {
			t.Errorf("wrote %s, want %s", got, want)
		}
	})
}

// An event that told of lost ones gives back what it told when it is lost itself.
func TestFLW02_LostNoticesAreGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newSlowQueue(t, 40)
		q.events(9, 1)
		if _, err := q.event(frame{'e', 2, 9}, 7); err != nil {
			t.Fatal(err)
		}
		q.events(9, 3)
		if d := q.events(9, 4); d != (transport.Dropped{Messages: 1}) {
			t.Errorf("dropped %+v, want event 1", d)
		}
		if d := q.events(9, 5); d != (transport.Dropped{Messages: 1, Told: 7}) {
			t.Errorf("dropped %+v, want event 2 with what it told", d)
		}
		q.drain()
	})
}

func TestQueueKeepsWhatItIsToldToKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newSlowQueue(t, 40)
		q.events(9, 1, 2)
		q.events(9, 3, 4) // one is dropped and leaves a hole
		q.Lock()
		q.KeepLocked()
		q.Unlock()
		if _, err := q.event(frame{'e', 5, 9}, 0); !errors.Is(err, transport.ErrQueueFull) {
			t.Errorf("an event that nothing makes room for gave %v", err)
		}
		if got, want := q.drain(), "r0e2e3e4"; got != want {
			t.Errorf("wrote %s, want %s", got, want)
		}
	})
}

func TestFLW01_RoomForAnEventIsKnownBeforeItIsEncodedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newSlowQueue(t, 40)
		var o transport.Outgoing
		o.Use(frame{'e', 1, 20}.message())
		q.Lock()
		fits, tight := q.RoomLocked(&o, 8), q.RoomLocked(&o, 9)
		q.Unlock()
		if fits != nil || !errors.Is(tight, transport.ErrQueueFull) {
			t.Errorf("20 bytes and 8 more gave %v, and 9 more %v", fits, tight)
		}
		q.drain()
	})
}

// listModel is the queue as a list.
type listModel struct {
	limit   int
	writing int // bytes
	list    []modelMessage
}

type modelMessage struct {
	frame
	tells uint64
}

func (m *listModel) pending() (all, droppable int) {
	all = m.writing
	for _, x := range m.list {
		all += x.size
		if x.kind == 'e' {
			droppable += x.size
		}
	}
	return all, droppable
}

func (m *listModel) event(f frame, tells uint64) (d transport.Dropped, err error) {
	limit := m.limit - m.limit/4
	all, droppable := m.pending()
	if stays := all - droppable; stays > 0 && stays+f.size > limit {
		return d, transport.ErrQueueFull
	}
	for i := 0; all > 0 && all+f.size > limit; {
		if m.list[i].kind != 'e' {
			i++
			continue
		}
		all -= m.list[i].size
		d.Messages++
		d.Told += m.list[i].tells
		m.list = append(m.list[:i:i], m.list[i+1:]...)
	}
	m.list = append(m.list, modelMessage{f, tells})
	return d, nil
}

func (m *listModel) reply(f frame) error {
	if all, _ := m.pending(); all > 0 && all+f.size > m.limit {
		return transport.ErrQueueFull
	}
	m.list = append(m.list, modelMessage{f, 0})
	return nil
}

// starts takes whole messages off the front for the write, and returns what it should have been.
func (m *listModel) starts(size int) (want []byte) {
	for len(want) < size && len(m.list) > 0 {
		want = appendFrame(want, m.list[0].frame)
		m.list = m.list[1:]
	}
	m.writing = size
	return want
}

// checkAgainstList does what the seed says to a queue and to the model, and compares everything that comes of it.
func checkAgainstList(t *testing.T, seed uint64) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(seed, 0))
		limit := 1 << (8 + random.IntN(11))
		q, m := newSlowQueue(t, limit), &listModel{limit: limit, writing: 2}
		size := func() int { return 6 + random.IntN(1+min(limit/(2+random.IntN(20)), 40_000)) }
		for n := 1; n < 400; n++ {
			switch random.IntN(10) {
			case 0, 1:
				f := frame{'r', n, size()}
				checkReply(t, q, m, f)
			case 2:
				q.writes(m)
			default:
				f, tells := frame{'e', n, size()}, uint64(random.IntN(3))
				got, err := q.event(f, tells)
				want, wantErr := m.event(f, tells)
				if got != want || !errors.Is(err, wantErr) {
					t.Fatalf("seed %d: event %d: %+v, %v, want %+v, %v", seed, n, got, err, want, wantErr)
				}
			}
			q.Flush()
			if m.writing == 0 {
				q.checkWrite(m)
			}
		}
		for synctest.Wait(); q.conn.writing != nil; synctest.Wait() {
			q.writes(m)
		}
		if len(m.list) != 0 {
			t.Errorf("seed %d: %d messages were never written", seed, len(m.list))
		}
		q.wg.Wait()
	})
}

func checkReply(t *testing.T, q *slowQueue, m *listModel, f frame) {
	t.Helper()
	q.Lock()
	err := q.AppendLocked(f.message())
	all := q.PendingLocked()
	q.Unlock()
	if want := m.reply(f); !errors.Is(err, want) {
		t.Fatalf("reply %d: %v, want %v", f.number, err, want)
	}
	if want, _ := m.pending(); all != want {
		t.Fatalf("reply %d: %d bytes wait, want %d", f.number, all, want)
	}
}

// writes lets the write under way end, if there is one, and compares the next with what the model says.
func (q *slowQueue) writes(m *listModel) {
	q.Helper()
	if q.conn.writing != nil {
		q.conn.permits <- struct{}{}
		q.checkWrite(m)
	}
}

// checkWrite compares a write that has begun, if one has, with what the model says.
func (q *slowQueue) checkWrite(m *listModel) {
	q.Helper()
	synctest.Wait()
	if got := q.conn.writing; !bytes.Equal(got, m.starts(len(got))) {
		q.Fatalf("wrote %d bytes that are not the next messages", len(got))
	}
}

func TestFLW02_DroppingAgainstAList(t *testing.T) {
	for seed := range uint64(60) {
		checkAgainstList(t, seed)
	}
}

func FuzzDropping(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(checkAgainstList)
}

// The bound is one of memory, whatever was dropped and whatever stands between.
func TestFLW01_DroppedEventsHoldNoMemory(t *testing.T) {
	tests := map[string]struct{ event, reply, every, events int }{
		"small events":                {100, 20, 1000, 300_000},
		"small events, many replies":  {100, 20, 10, 300_000},
		"large events, small replies": {20 << 10, 20, 1, 20_000},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				before := heap()
				q := newSlowQueue(t, 0)
				for n := range test.events {
					q.events(test.event, n)
					if n%test.every == 0 {
						q.reply(frame{'r', n, test.reply})
					}
				}
				if held := heap() - before; held > transport.DefaultQueueLimit*5/4 {
					t.Errorf("the queue holds %d KiB", held>>10)
				}
				q.drain()
			})
		})
	}
}

// heap returns how many bytes are in use.
func heap() int {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Frames of the wire's own stand in a buffer that is used again.
func TestQueueCopiesControlFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newSlowQueue(t, 0)
		pong := bytes.Repeat([]byte{'p'}, 20<<10)
		q.Lock()
		if err := q.AppendControlLocked(pong); err != nil {
			t.Fatal(err)
		}
		q.Unlock()
		want := "r0" + string(pong)
		copy(pong, "overwritten")
		if diff := cmp.Diff(want, q.drain()); diff != "" {
			t.Error(diff)
		}
	})
}
