package client

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/tandemrouter/tandem/wamp"
)

// Event is a publication that a handler receives. It belongs to the handler; the payload's bytes may only be read.
type Event struct {
	// Topic is what was published to. It differs from what was subscribed to if that is a pattern.
	Topic       string
	Publication wamp.ID
	Args        wamp.List
	Kwargs      wamp.Dict
	// Details tells who published if that was disclosed.
	Details wamp.EventDetails
	// Payload is the payload as it was received, encoded.
	Payload wamp.Payload
}

// event takes an EVENT and has it delivered to the handlers. There may be none any more (PER-08).
func (s *Session) event(ctx context.Context, m *wamp.Event) {
	handlers := s.handlersOf(m.Subscription)
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

func (s *Session) handlersOf(id wamp.ID) []*Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.subscriptions[id]; t != nil {
		return t.handlers
	}
	return nil
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
	e, err := newEvent(b, m)
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

// newEvent decodes the event for one handler, so that no two of them share values.
func newEvent(b *Subscription, m *wamp.Event) (*Event, error) {
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
		e.Topic = b.Topic()
	}
	return e, nil
}
