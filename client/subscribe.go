package client

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/tandemrouter/tandem/wamp"
)

// EventHandler takes the events of a subscription, one after the other in the order in which they came (PUB-19). The
// context is done when the session was closed by Close; when it ends otherwise, what was received is still delivered.
type EventHandler func(ctx context.Context, e *Event)

// Subscription is a handler for the events of a topic.
type Subscription struct {
	// immutable once the reader has installed it

	session *Session
	topic   *topic
	handler EventHandler
	events  *workers
	replay  bool // retained events were asked for
	id      wamp.ID

	// guarded by the session's mu

	unwanted bool // nobody waits for SUBSCRIBED any more
	leaving  bool // UNSUBSCRIBE was sent
	over     over

	// atomic

	dropped atomic.Uint64
}

// topicKey is what makes two subscriptions the same for a router (PUB-02).
type topicKey struct {
	uri   string
	match wamp.MatchPolicy
}

// topic is a subscription of the router, which handlers share (PUB-20).
type topic struct {
	key      topicKey
	id       wamp.ID         // 0 as long as the router has not accepted it
	wanted   int             // handlers that are installed or will be when the router has answered
	handlers []*Subscription // those that are installed; a list that was read stays as it was
	asked    *Subscription   // the last that asked for retained events: they follow its SUBSCRIBED (RET-13)
}

// Subscribe has the handler called for every event of the topic, and returns when the router has accepted that. If it
// refuses, the error is a *wamp.Error. Several handlers of one topic share a subscription of the router (PUB-20); a
// retained event goes only to the one for which it was asked with GetRetained.
//
// Events wait for a handler that is busy. When 4,096 of them or 16 MiB wait, further ones are dropped, counted and
// logged; see Dropped.
func (s *Session) Subscribe(
	ctx context.Context, topic string, h EventHandler, opts ...SubscribeOption,
) (*Subscription, error) {
	m := wamp.Subscribe{Topic: topic}
	for _, o := range opts {
		o.applySubscribe(&m.Options)
	}
	key := topicKey{topic, m.Options.Match}
	b := &Subscription{session: s, handler: h, events: newWorkers(1, &s.background), over: newOver()}
	b.replay = m.Options.GetRetained
	r := newRequest(wamp.TypeSubscribe, 0)
	r.settle = func(a answer) error { return s.subscribedLocked(b, a) }
	r.giveUp = func(error) error {
		b.unwanted = true
		return nil
	}
	build := func(id wamp.ID) wamp.Message {
		m.Request = id
		return &m
	}
	err := s.do(ctx, func() error {
		if err := s.requestLocked(r, build); err != nil {
			return err
		}
		b.topic = s.wantLocked(key)
		return nil
	})
	if err == nil {
		err = s.await(ctx, r).err
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// wantLocked counts a handler in that will be installed. The count decides which handler is a topic's last, also
// while the answer to a SUBSCRIBE is on its way.
func (s *Session) wantLocked(key topicKey) *topic {
	t := s.topics[key]
	if t == nil {
		t = &topic{key: key}
		s.topics[key] = t
	}
	t.wanted++
	return t
}

// unwantLocked counts a handler out, and forgets a topic that has no other.
func (s *Session) unwantLocked(t *topic) {
	t.wanted--
	if t.wanted == 0 && s.topics[t.key] == t {
		delete(s.topics, t.key)
	}
}

// subscribedLocked installs the handler, before the reader can see the first EVENT (CLI-04).
func (s *Session) subscribedLocked(b *Subscription, a answer) error {
	t := b.topic
	if a.err == nil {
		t.id = a.id
	}
	if a.err != nil || b.unwanted {
		s.unwantLocked(t)
		return s.withdrawLocked(t)
	}
	b.id = t.id
	t.handlers = append(t.handlers, b)
	if b.replay {
		t.asked = b
	}
	s.subscriptions[t.id] = t
	return nil
}

// withdrawLocked ends the router's subscription if it has one that nobody wants any more.
func (s *Session) withdrawLocked(t *topic) error {
	if t.id == 0 || t.wanted > 0 {
		return nil
	}
	delete(s.subscriptions, t.id)
	return s.retractLocked(t.unsubscribe)
}

func (t *topic) unsubscribe(request wamp.ID) wamp.Message {
	return &wamp.Unsubscribe{Request: request, Subscription: t.id}
}

// ID returns the subscription ID. Handlers of the same topic have the same.
func (b *Subscription) ID() wamp.ID { return b.id }

// Topic returns the URI or pattern that was subscribed to.
func (b *Subscription) Topic() string { return b.topic.key.uri }

// Dropped returns how many events were dropped because the handler was too slow.
func (b *Subscription) Dropped() uint64 { return b.dropped.Load() }

// Done returns a channel that is closed when the subscription is over: unsubscribed, revoked by the router (SRV-06), or
// gone with the session. Events that were received before may still be delivered then.
func (b *Subscription) Done() <-chan struct{} { return b.over.done }

// Err returns nil as long as the subscription lasts, and after Unsubscribe. If it was revoked or the session is over
// it returns a *ClosedError.
func (b *Subscription) Err() error { return b.over.reason() }

// Unsubscribe ends the subscription. If no other handler shares it, it returns when the router has confirmed that, and
// the handler gets what comes until then (CLI-05). If the subscription is over already, Unsubscribe returns Err.
func (b *Subscription) Unsubscribe(ctx context.Context) error {
	s := b.session
	r := newRequest(wamp.TypeUnsubscribe, 0)
	r.settle = func(answer) error { // if the router refused, it does not know the subscription any more
		s.removeTopicLocked(b.topic, nil)
		return nil
	}
	asked := false
	err := s.do(ctx, func() (err error) {
		asked, err = s.unsubscribeLocked(b, r)
		return err
	})
	switch {
	case err != nil:
		return err
	case asked:
		return s.await(ctx, r).err
	}
	select { // until whoever asked before has the answer
	case <-b.over.done:
		return b.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unsubscribeLocked removes the handler, or sends the request if it is the last of its topic. It reports whether it
// has done that.
func (s *Session) unsubscribeLocked(b *Subscription, r *request) (bool, error) {
	t := b.topic
	switch {
	case b.leaving || b.over.hasEnded():
		return false, nil
	case t.wanted > 1:
		s.unwantLocked(t)
		t.remove(b)
		b.over.end(nil)
		return false, nil
	}
	if err := s.requestLocked(r, t.unsubscribe); err != nil {
		return false, err
	}
	b.leaving = true
	s.unwantLocked(t)
	return true, nil
}

// remove removes one handler.
func (t *topic) remove(b *Subscription) {
	t.handlers = slices.DeleteFunc(slices.Clone(t.handlers), func(other *Subscription) bool { return other == b })
}

// unsubscribed takes the router's confirmation, or its revocation of a subscription (SRV-06).
func (s *Session) unsubscribed(m *wamp.Unsubscribed) error {
	if m.Request != 0 {
		return s.answered(wamp.TypeUnsubscribe, m.Request, answer{})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.subscriptions[m.Details.Subscription]; t != nil {
		s.removeTopicLocked(t, revoked(m.Details.Reason))
	}
	return nil
}

// removeTopicLocked removes the topic's handlers, but not those that will be installed when the router has answered.
func (s *Session) removeTopicLocked(t *topic, why error) {
	if s.subscriptions[t.id] == t {
		delete(s.subscriptions, t.id)
	}
	for _, b := range t.handlers {
		if !b.leaving {
			s.unwantLocked(t)
		}
	}
	t.end(why)
}

// end ends the topic's handlers.
func (t *topic) end(why error) {
	for _, b := range t.handlers {
		b.over.end(why)
	}
	t.id, t.handlers, t.asked = 0, nil, nil
}
