package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// stream is a topic with those who publish to it and those whose reading sets the pace.
type stream struct {
	// immutable after newStream

	crew        *crew
	topic       string
	event       wamp.Payload
	place       int // of the stamp
	depth       int // publications of each publisher that are under way
	subscribers int
	publishers  []*publisher

	tallies [8]tally
}

// tally is what some of the subscribers have counted. There are fewer tallies than subscribers, because a histogram is large.
type tally struct {
	mu sync.Mutex

	// guarded by mu

	window  window
	latency histogram // of the events that came in the window
	lost    uint64    // in the window
}

// open begins to count anew.
func (t *tally) open(w window) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.window, t.latency, t.lost = w, histogram{}, 0
}

// newStream connects publishers and subscribers.
func newStream(ctx context.Context, c *crew, publishers, subscribers, size, depth int) (*stream, error) {
	event, err := arguments(c.Serializer, size)
	if err != nil {
		return nil, err
	}
	s := &stream{crew: c, topic: c.prefix + "topic", event: event, place: stampPlace(&event), depth: depth, subscribers: subscribers}
	for i := range publishers {
		p, err := c.join(ctx, c.Serializer)
		if err != nil {
			return nil, fmt.Errorf("bench: connecting a publisher: %w", err)
		}
		s.publishers = append(s.publishers, newPublisher(s, p, i))
	}
	for i := range subscribers {
		p, err := s.subscribe(ctx)
		if err != nil {
			return nil, err
		}
		sub := &subscriber{peer: p, stream: s, tally: &s.tallies[i%len(s.tallies)], next: make([]uint64, publishers)}
		c.background("a subscriber", sub.read)
		c.progress("connecting subscribers", float64(i)/float64(subscribers))
	}
	return s, nil
}

// subscribe connects a subscriber.
func (s *stream) subscribe(ctx context.Context) (*peer, error) {
	p, err := s.crew.join(ctx, s.crew.Serializer)
	if err != nil {
		return nil, fmt.Errorf("bench: connecting a subscriber: %w", err)
	}
	answer, err := p.ask(ctx, &wamp.Subscribe{Request: 1, Topic: s.topic})
	if err != nil {
		return nil, fmt.Errorf("bench: subscribing: %w", err)
	}
	if _, ok := answer.(*wamp.Subscribed); !ok {
		return nil, fmt.Errorf("bench: subscribing: %w", unexpected(answer))
	}
	return p, nil
}

// publish starts the publishers, which stop at the end of the window. wait waits for them, and then for the last events.
func (s *stream) publish(ctx context.Context, w window) (wait func()) {
	for i := range s.tallies {
		s.tallies[i].open(w)
	}
	published := s.crew.together(len(s.publishers), func(i int) error {
		if err := s.publishers[i].run(ctx, w); err != nil {
			return fmt.Errorf("bench: publisher %d: %w", i, err)
		}
		return nil
	})
	return func() {
		published()
		s.awaitLast(ctx)
	}
}

// awaitLast waits until the last events have come. That events are lost is for the report to say.
func (s *stream) awaitLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.crew.patience)
	defer cancel()
	for _, p := range s.publishers {
		for p.under() > 0 && ctx.Err() == nil {
			p.sleep(ctx, 1)
		}
	}
}

// sum returns what all subscribers have counted. Events that never came and were followed by none are lost too.
func (s *stream) sum() (latency *histogram, lost uint64) {
	latency = new(histogram)
	for i := range s.tallies {
		t := &s.tallies[i]
		t.mu.Lock()
		latency.merge(&t.latency)
		lost += t.lost
		t.mu.Unlock()
	}
	for _, p := range s.publishers {
		lost += p.under()
	}
	return latency, lost
}

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

// subscriber counts what it receives.
type subscriber struct {
	*peer
	stream *stream
	tally  *tally
	next   []uint64 // number of the next event, by publisher
}

// read reads until the connection ends, and says why.
func (s *subscriber) read() error {
	for {
		if err := s.receive(); err != nil {
			return err
		}
		if err := s.count(time.Now()); err != nil {
			return err
		}
	}
}

func (s *subscriber) count(now time.Time) error {
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	for _, m := range s.received.Messages {
		event, ok := m.(*wamp.Event)
		if !ok {
			return unexpected(m)
		}
		stamp, err := readStamp(&event.Payload, s.stream.place)
		if err != nil {
			return err
		}
		if err := s.note(stamp, now); err != nil {
			return err
		}
	}
	return nil
}

var errDisorder = errors.New("an event came twice, or after a later one")

// note counts an event, and as lost those of the same publisher that should have come before it.
func (s *subscriber) note(st stamp, now time.Time) error {
	if st.publisher >= uint64(len(s.next)) || st.number < s.next[st.publisher] {
		return errDisorder
	}
	lost := st.number - s.next[st.publisher]
	s.next[st.publisher] = st.number + 1
	if w := &s.tally.window; w.holds(now) {
		s.tally.latency.add(now.Sub(w.begin) - st.at)
		s.tally.lost += lost
	}
	s.stream.publishers[st.publisher].settle(lost + 1)
	return nil
}
