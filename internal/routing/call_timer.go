package routing

import (
	"cmp"
	"container/heap"
	"math"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// timer is the timeout of a call. The zero value is that of a call without one.
type timer struct {
	timeout  time.Duration // 0: the call has no timer
	deadline time.Time
	started  uint64 // among timers with the same deadline, the one that was started first is the first
	place    int    // in the heap
}

// timers holds the calls that can time out, the next one first. Calls without a timer cost nothing.
type timers struct {
	heap    callHeap
	started uint64
}

// milliseconds converts a timeout from the wire. One of centuries never passes.
func milliseconds(n uint64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/uint64(time.Millisecond))) * time.Millisecond
}

// timeoutOf returns how many milliseconds the call may take (TMO-11); 0 means that no time is too long.
func (d *Dealer) timeoutOf(m *wamp.Call) uint64 {
	timeout := cmp.Or(m.Options.Timeout, uint64(d.config.DefaultTimeout/time.Millisecond))
	if most := uint64(d.config.MaxTimeout / time.Millisecond); most > 0 && (timeout == 0 || timeout > most) {
		return most
	}
	return timeout
}

// start gives the call a timer that has been running for a while.
func (ts *timers) start(c *call, since time.Time, timeout time.Duration) {
	c.timer.timeout = timeout
	ts.set(c, since)
	heap.Push(&ts.heap, c)
}

// restart lets the timer of the call begin anew if it has one.
func (ts *timers) restart(c *call, now time.Time) {
	if c.timer.timeout > 0 {
		ts.set(c, now)
		heap.Fix(&ts.heap, c.timer.place)
	}
}

// stop takes away the timer of the call if it has one.
func (ts *timers) stop(c *call) {
	if c.timer.timeout > 0 {
		ts.remove(c)
	}
}

func (ts *timers) remove(c *call) {
	heap.Remove(&ts.heap, c.timer.place)
	c.timer = timer{}
}

func (ts *timers) set(c *call, since time.Time) {
	ts.started++
	c.timer.deadline, c.timer.started = since.Add(c.timer.timeout), ts.started
}

func (ts *timers) next() (deadline time.Time, ok bool) {
	if len(ts.heap) == 0 {
		return time.Time{}, false
	}
	return ts.heap[0].timer.deadline, true
}

// due returns the call that times out next, or nil if its time has not come (ROU-51).
func (ts *timers) due(now time.Time) *call {
	if deadline, ok := ts.next(); !ok || deadline.After(now) {
		return nil
	}
	return ts.heap[0]
}

// callHeap implements heap.Interface.
type callHeap []*call

func (h callHeap) Len() int { return len(h) }

func (h callHeap) Less(i, j int) bool {
	a, b := &h[i].timer, &h[j].timer
	if a.deadline.Equal(b.deadline) {
		return a.started < b.started
	}
	return a.deadline.Before(b.deadline)
}

func (h callHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].timer.place, h[j].timer.place = i, j
}

func (h *callHeap) Push(x any) {
	c := x.(*call)
	c.timer.place = len(*h)
	*h = append(*h, c)
}

func (h *callHeap) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return c
}
