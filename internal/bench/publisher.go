package bench

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// publisher keeps publications under way: those that not all subscribers have received yet.
type publisher struct {
	*peer
	stream  *stream
	message wamp.Publish
	stamp   stamp

	sent    uint64        // owned by run
	settled atomic.Uint64 // events that came, or were found to be lost
	awaited atomic.Uint64 // how many the publisher waits for
	wake    chan struct{}
}

func newPublisher(s *stream, p *peer, index int) *publisher {
	message := wamp.Publish{Topic: s.topic, Payload: s.event.Clone()}
	return &publisher{peer: p, stream: s, message: message, stamp: stamp{publisher: uint64(index)}, wake: make(chan struct{}, 1)}
}

// under returns how many events are under way.
func (p *publisher) under() uint64 { return p.sent*uint64(p.stream.subscribers) - p.settled.Load() }

// run publishes until the window is over. It sends again when half of what may be under way has arrived.
func (p *publisher) run(ctx context.Context, w window) error {
	most := uint64(p.stream.depth * p.stream.subscribers)
	for now := w.begin; now.Before(w.until) && ctx.Err() == nil; now = time.Now() {
		room := int(most-min(most, p.under())) / p.stream.subscribers
		if err := p.send(room, now.Sub(w.begin)); err != nil {
			return err
		}
		p.sleep(ctx, max(most/2, 1))
	}
	return nil
}

func (p *publisher) send(publications int, at time.Duration) error {
	p.queue.Lock()
	var err error
	for i := 0; i < publications && err == nil; i++ {
		p.message.Request++
		p.stamp.number, p.stamp.at = p.sent, at
		p.stamp.put(p.message.Payload.Raw[p.stream.place:])
		err = p.queue.AppendLocked(&p.message)
		p.sent++
	}
	p.queue.Unlock()
	p.queue.Flush()
	return err
}

// longestSleep is how long a publisher waits for events that may have been lost before it looks at the time.
const longestSleep = 50 * time.Millisecond

// sleep waits until fewer events than that are under way.
func (p *publisher) sleep(ctx context.Context, under uint64) {
	p.awaited.Store(p.sent*uint64(p.stream.subscribers) - under + 1)
	timer := time.NewTimer(longestSleep)
	defer timer.Stop()
	for p.under() >= under {
		select {
		case <-p.wake:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// settle notes that events came or were lost.
func (p *publisher) settle(events uint64) {
	before := p.settled.Add(events) - events
	if awaited := p.awaited.Load(); before < awaited && before+events >= awaited {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}
