package server_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// The part of TestChurn that has to do with events: sessions of clients publish, raw peers subscribe and are gone again, and
// a chronicler hears everything from the beginning to the end.

// publication is who published, and the how manieth publication of that session it was.
type publication struct{ publisher, number int64 }

// ledger is what was acknowledged.
type ledger struct {
	mu           sync.Mutex
	acknowledged []publication
}

func (l *ledger) add(p publication) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged = append(l.acknowledged, p)
}

// publisher is a session of a client with the number of its last publication.
type publisher struct {
	*client.Session
	number int64
}

const churnTopics = "com.churn.t"

// publish publishes a few events, some of which are acknowledged.
func (c *churn) publish(r *rand.Rand, s *publisher) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), patience, errLost)
	defer cancel()
	for range 1 + r.IntN(8) {
		s.number++
		p := publication{int64(s.ID()), s.number}
		options := []client.PublishOption{client.Args(p.publisher, p.number)}
		acknowledge := r.IntN(3) == 0
		if acknowledge {
			options = append(options, client.Acknowledge())
		}
		id, err := s.Publish(ctx, fmt.Sprintf("%s.%d", churnTopics, r.IntN(4)), options...)
		switch {
		case err != nil || acknowledge != id.Valid():
			c.t.Errorf("publishing: %d, %v", id, err)
		case acknowledge: // PUB-14
			c.published.Add(1)
			c.ledger.add(p)
		default:
			c.unacknowledged.Add(1)
		}
	}
}

// subscribeAndGo is the life of a raw peer's worker: session after session.
func (c *churn) subscribeAndGo(r *rand.Rand) {
	for c.goesOn() {
		p, err := c.connectRaw(r)
		if err != nil {
			c.t.Errorf("connecting: %v", err)
			return
		}
		for range r.IntN(20) {
			if err == nil {
				err = c.changeSubscriptions(r, p)
			}
		}
		if err = errors.Join(err, p.leave(r)); err != nil {
			c.t.Errorf("session %d: %v", p.id, err)
		}
	}
}

func (c *churn) changeSubscriptions(r *rand.Rand, p *rawPeer) error {
	if r.IntN(2) == 0 {
		for subscription := range p.heard {
			return p.unsubscribe(subscription)
		}
	}
	switch r.IntN(4) {
	case 0:
		return p.subscribe(churnTopics+".", wamp.MatchPrefix)
	case 1:
		return p.subscribe(fmt.Sprintf("com..t.%d", r.IntN(4)), wamp.MatchWildcard)
	default:
		return p.subscribe(fmt.Sprintf("%s.%d", churnTopics, r.IntN(4)), wamp.MatchExact)
	}
}

func (c *churn) goesOn() bool { return time.Now().Before(c.until) && !c.t.Failed() }

// chronicle is what a session has heard that was there all the time.
type chronicle struct {
	peer   *rawPeer
	heard  map[publication]int
	there  map[string]bool // sessions, registrations, subscriptions and who is a member of them
	meta   int
	topics wamp.ID // the subscription to what is published

	writer sync.WaitGroup
	err    error // why it did not come to its end
}

// newChronicle subscribes to everything and begins to write.
func (c *churn) newChronicle() (*chronicle, error) {
	p, err := c.connectRaw(rand.New(rand.NewPCG(0, 0)))
	if err != nil {
		return nil, err
	}
	h := &chronicle{peer: p, heard: map[publication]int{}, there: map[string]bool{}}
	if err := p.subscribe(churnTopics, wamp.MatchPrefix); err != nil {
		return nil, err
	}
	for id := range p.heard {
		h.topics = id
	}
	if err := p.subscribe("wamp.", wamp.MatchPrefix); err != nil {
		return nil, err
	}
	h.writer.Go(func() { h.err = h.write() })
	return h, nil
}

const lastTopic = churnTopics + ".end"

// write writes down what comes, until the last event.
func (h *chronicle) write() error {
	for {
		m, err := h.peer.next()
		if err != nil {
			return err
		}
		event, ok := m.(*wamp.Event)
		switch {
		case !ok:
			return fmt.Errorf("%s to the chronicler", m.Type())
		case event.Details.Topic == lastTopic:
			return nil
		case event.Subscription == h.topics:
			err = h.publication(event)
		default:
			err = h.ofRouter(event)
		}
		if err != nil {
			return err
		}
	}
}

func (h *chronicle) publication(m *wamp.Event) error {
	if err := h.peer.event(m); err != nil {
		return err
	}
	publisher, number, err := publicationIn(m)
	h.heard[publication{publisher, number}]++
	return err
}

// ofRouter enters an event of the router itself, which must be possible after those before it.
func (h *chronicle) ofRouter(m *wamp.Event) error {
	args, _, err := payload.Decode(&m.Payload)
	if err != nil {
		return err
	}
	h.meta++
	what := strings.TrimPrefix(m.Details.Topic, "wamp.")
	api, what, _ := strings.Cut(what, ".")
	switch what {
	case "on_join":
		return h.enter(true, "session", args[0].(wamp.Dict)["session"])
	case "on_leave":
		return h.enter(false, "session", args[0])
	case "on_create":
		return h.enter(true, api, args[1].(wamp.Dict)["id"])
	case "on_delete":
		return h.enter(false, api, args[1])
	}
	if !h.there[fmt.Sprintf("%v", []any{api, args[1]})] {
		return fmt.Errorf("%s of %s %v, which is not there", what, api, args[1])
	}
	return h.enter(what == "on_register" || what == "on_subscribe", api, args[1], args[0])
}

func (h *chronicle) enter(comes bool, what ...any) error {
	key := fmt.Sprintf("%v", what)
	if h.there[key] == comes {
		return fmt.Errorf("%s comes or goes twice: %v", key, comes)
	}
	h.there[key] = comes
	return nil
}

// end ends the chronicle when all is quiet, and checks it.
func (c *churn) end(h *chronicle) {
	last, err := c.quieten()
	if err != nil {
		_ = h.peer.conn.Close()
	}
	h.writer.Wait()
	if err = errors.Join(err, h.err); err != nil {
		c.t.Errorf("the chronicle: %v", err)
		return
	}
	_ = h.peer.conn.Close()
	h.check(c, last)
}

// check compares the chronicle with what publishers know, when everybody has gone but the session that says so.
func (h *chronicle) check(c *churn, last wamp.ID) {
	delete(h.there, fmt.Sprintf("%v", []any{"session", int64(last)}))
	for key, there := range h.there {
		if there {
			c.t.Errorf("%s never ended", key)
		}
	}
	for _, p := range c.ledger.acknowledged {
		if h.heard[p] != 1 {
			c.t.Errorf("publication %d of session %d was acknowledged and heard %d times", p.number, p.publisher, h.heard[p])
		}
	}
	all := int(c.published.Load() + c.unacknowledged.Load())
	c.t.Logf("%d publications acknowledged, %d not, %d heard; %d events to others, %d of the router itself",
		c.published.Load(), c.unacknowledged.Load(), len(h.heard), int(c.events.Load())-len(h.heard), h.meta)
	if len(h.heard) > all || len(h.heard) == 0 || h.meta == 0 {
		c.t.Errorf("%d publications were heard of %d", len(h.heard), all)
	}
}

// quieten waits until all sessions have gone but the chronicler's and its own, and then publishes the last event. It returns
// its session ID.
func (c *churn) quieten() (wamp.ID, error) {
	s := c.connect(rand.New(rand.NewPCG(0, 0)))
	if s == nil {
		return 0, errors.New("no connection")
	}
	defer func() { _ = s.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for others := int64(-1); others != 2; {
		result, err := s.Call(ctx, "wamp.session.count")
		if err != nil {
			return 0, fmt.Errorf("%d sessions are left: %w", others, err)
		}
		others = result.Args[0].(int64)
	}
	_, err := s.Publish(ctx, lastTopic, client.Acknowledge())
	return s.ID(), err
}
