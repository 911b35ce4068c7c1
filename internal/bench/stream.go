package bench

import (
	"context"
	"fmt"
	"sync"

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
