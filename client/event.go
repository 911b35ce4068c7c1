package client

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/tandemrouter/tandem/wamp"
)

// Event is a publication that a handler receives. It belongs to the handler; the payload's bytes may only be read.
type Event struct {
	// Topic is what was published to. It differs from what was subscribed to if that is a pattern.
	Topic       string
	Publication wamp.ID
	Args        wamp.List
	Kwargs      wamp.Dict
	// Details tells who published if that was disclosed (PID-01), how far the router trusts the publisher, whether the
	// event was retained (RET-03), and how many events were lost on the way before this one because the client did not
	// read them in time.
	Details wamp.EventDetails
	// Payload is the payload as it was received, encoded.
	Payload wamp.Payload
}

// event takes an EVENT and has it delivered to the handlers. There may be none any more (PER-08).
func (s *Session) event(ctx context.Context, m *wamp.Event) {
	handlers := s.handlersOf(m)
	if len(handlers) == 0 {
		return
	}
	m = keepEvent(m)
	for _, b := range handlers {
		if !b.events.submit(job{run: func() { b.deliver(ctx, m) }, size: len(m.Payload.Raw)}) {
			b.drop()
		}
	}
}

// handlersOf returns those for whom the event is. A retained one is for whom it was asked for, not for others that have
// had it or did not ask (PUB-20, RET-08).
func (s *Session) handlersOf(m *wamp.Event) []*Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.subscriptions[m.Subscription]
	switch {
	case t == nil:
		return nil
	case !m.Details.Retained || t.asked == nil:
		return t.handlers
	case slices.Contains(t.handlers, t.asked):
		return []*Subscription{t.asked}
	default:
		return nil
	}
}

// drop counts an event that found no room. It logs the first one and then whenever the number has doubled.
func (b *Subscription) drop() {
	if n := b.dropped.Add(1); n&(n-1) == 0 {
		b.session.logger.Warn("events dropped: the handler is too slow", "uri", b.Topic(), "dropped", n)
	}
}

// deliver calls the handler. After a panic the next event is delivered all the same.
func (b *Subscription) deliver(ctx context.Context, m *wamp.Event) {
	if ctx.Err() != nil {
		return
	}
	e, err := newEvent(b.Topic(), m)
	if err != nil {
		b.failed(m, err)
		return
	}
	defer func() {
		if p := recover(); p != nil {
			b.failed(m, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	b.handler(ctx, e)
}

func (b *Subscription) failed(m *wamp.Event, err error) {
	b.session.logger.Error("event not handled", "uri", b.Topic(), "publication", m.Publication, "err", err)
}

// newEvent decodes the event for one handler, so that no two of them share values. The topic is what was subscribed to.
func newEvent(topic string, m *wamp.Event) (*Event, error) {
	args, kwargs, err := values(&m.Payload, m.Details.PPT)
	if err != nil {
		return nil, err
	}
	e := &Event{
		Topic:       m.Details.Topic,
		Publication: m.Publication,
		Args:        args,
		Kwargs:      kwargs,
		Details:     m.Details,
		Payload:     m.Payload,
	}
	if e.Topic == "" {
		e.Topic = topic
	}
	return e, nil
}
