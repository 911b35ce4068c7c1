package bench

import (
	"fmt"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// caller keeps calls under way.
type caller struct {
	*peer
	call    wamp.Call
	depth   int
	sent    []sending             // by request ID, modulo its length
	late    map[wamp.ID]time.Time // of what had to make room there
	pending int

	latency histogram
	errors  uint64
}

// sending is when the call with a request ID was sent.
type sending struct {
	request wamp.ID
	at      time.Time
}

func newCaller(p *peer, procedure string, arguments wamp.Payload, depth int) *caller {
	return &caller{
		peer:  p,
		call:  wamp.Call{Procedure: procedure, Payload: arguments},
		depth: depth,
		sent:  make([]sending, 4*depth),
		late:  make(map[wamp.ID]time.Time),
	}
}

// run calls until the time is over, and waits for the last answers. What is answered from the first time on counts.
func (c *caller) run(from, until time.Time) error {
	if err := c.start(time.Now(), c.depth); err != nil {
		return err
	}
	for c.pending > 0 {
		if err := c.receive(); err != nil {
			return err
		}
		now := time.Now()
		answered, err := c.count(now, !now.Before(from) && now.Before(until))
		if err == nil && now.Before(until) {
			err = c.start(now, answered)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *caller) start(now time.Time, calls int) error {
	c.queue.Lock()
	for range calls {
		c.call.Request++
		if err := c.queue.AppendLocked(&c.call); err != nil {
			c.queue.Unlock()
			return err
		}
		c.note(c.call.Request, now)
	}
	c.queue.Unlock()
	c.queue.Flush()
	return nil
}

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

// count takes the answers that have come, and returns how many.
func (c *caller) count(now time.Time, counting bool) (answered int, err error) {
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
		if counting {
			c.latency.add(now.Sub(at))
			if failed {
				c.errors++
			}
		}
	}
	return answered, nil
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
