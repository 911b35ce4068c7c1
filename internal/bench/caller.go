package bench

import (
	"fmt"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// caller keeps calls under way.
type caller struct {
	*peer
	call  wamp.Call
	next  func() string // the procedure of the next call; nil: always the same
	depth int

	// guarded by the queue's lock

	sent    []sending             // by request ID, modulo its length
	late    map[wamp.ID]time.Time // of what had to make room there
	pending int
	ending  bool          // no more calls will be sent
	settled chan struct{} // closed when all have been answered after that

	latency histogram
	errors  uint64
}

// sending is when the call with a request ID was sent, or should have been.
type sending struct {
	request wamp.ID
	at      time.Time
}

func newCaller(p *peer, procedure string, arguments wamp.Payload, depth int) *caller {
	return &caller{
		peer:    p,
		call:    wamp.Call{Procedure: procedure, Payload: arguments},
		depth:   depth,
		sent:    make([]sending, 4*min(depth, maxSent)),
		late:    make(map[wamp.ID]time.Time),
		settled: make(chan struct{}),
	}
}

// maxSent bounds the memory of a caller that may have very many calls under way.
const maxSent = 1 << 12

// run calls until the window is over, and waits for the last answers. What is answered in the window counts.
func (c *caller) run(w window) error {
	if err := c.start(time.Now(), c.depth); err != nil {
		return err
	}
	for c.pending > 0 {
		if err := c.receive(); err != nil {
			return err
		}
		now := time.Now()
		answered, err := c.count(now, func(time.Time) bool { return w.holds(now) })
		if err == nil && now.Before(w.until) {
			err = c.start(now, answered)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// answers takes the answers to calls that a pacer sends, until the connection ends. What was due in the window counts.
func (c *caller) answers(w window) error {
	for {
		if err := c.receive(); err != nil {
			return err
		}
		if _, err := c.count(time.Now(), w.holds); err != nil {
			return err
		}
	}
}

// named says whose error it is.
func (c *caller) named(i int, err error) error {
	if err == nil {
		return nil
	}
	c.queue.Lock()
	defer c.queue.Unlock()
	return fmt.Errorf("bench: caller %d, with %d calls under way: %w", i, c.pending, err)
}

func (c *caller) start(now time.Time, calls int) error {
	c.queue.Lock()
	var err error
	for i := 0; i < calls && err == nil; i++ {
		err = c.sendLocked(now)
	}
	c.queue.Unlock()
	c.queue.Flush()
	return err
}

// sendLocked puts a call into the queue, which was or is to be sent at the time.
func (c *caller) sendLocked(at time.Time) error {
	c.call.Request++
	if c.next != nil {
		c.call.Procedure = c.next()
	}
	err := c.queue.AppendLocked(&c.call)
	if err == nil {
		c.note(c.call.Request, at)
	}
	return err
}

// forget begins to count anew. Nobody may be calling.
func (c *caller) forget() { c.latency, c.errors = histogram{}, 0 }

// note remembers when the call was sent. A call that shared callees answer very late makes room for the new one.
func (c *caller) note(request wamp.ID, now time.Time) {
	s := &c.sent[int(request)%len(c.sent)]
	if s.request != 0 {
		c.late[s.request] = s.at
	}
	*s = sending{request, now}
	c.pending++
}

// settle returns when the call that has now been answered was sent. Only a call that is under way can be answered.
func (c *caller) settle(request wamp.ID) (at time.Time, ok bool) {
	if s := &c.sent[int(request)%len(c.sent)]; s.request == request && request != 0 {
		at, ok = s.at, true
		*s = sending{}
	} else if at, ok = c.late[request]; ok {
		delete(c.late, request)
	}
	if ok {
		c.pending--
	}
	return at, ok
}

// count takes the answers that have come, and returns how many. Those count of which counts says so, given the time
// since which they were awaited.
func (c *caller) count(now time.Time, counts func(sent time.Time) bool) (answered int, err error) {
	c.queue.Lock()
	defer c.queue.Unlock()
	for _, m := range c.received.Messages {
		request, failed, err := answerTo(m)
		if err != nil {
			return answered, err
		}
		at, ok := c.settle(request)
		if !ok {
			return answered, fmt.Errorf("request %d, which is not under way, was answered", request)
		}
		answered++
		if counts(at) {
			c.latency.add(now.Sub(at))
			if failed {
				c.errors++
			}
		}
	}
	c.noteSettled()
	return answered, nil
}

// put puts a call that is due at the time into the queue, unless too many are under way.
func (c *caller) put(due time.Time) (ok bool, err error) {
	c.queue.Lock()
	defer c.queue.Unlock()
	if c.pending >= c.depth {
		return false, nil
	}
	return true, c.sendLocked(due)
}

// end says that no more calls will be sent.
func (c *caller) end() {
	c.queue.Lock()
	defer c.queue.Unlock()
	c.ending = true
	c.noteSettled()
}

// noteSettled tells who waits for it that all calls have been answered.
func (c *caller) noteSettled() {
	if c.ending && c.pending == 0 {
		close(c.settled)
		c.ending = false
	}
}

// answerTo returns the request that the message answers, and whether with an error.
func answerTo(m wamp.Message) (request wamp.ID, failed bool, err error) {
	switch m := m.(type) {
	case *wamp.Result:
		return m.Request, false, nil
	case *wamp.Error:
		return m.Request, true, nil
	default:
		return 0, false, unexpected(m)
	}
}
