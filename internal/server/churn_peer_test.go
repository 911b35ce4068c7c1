package server_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/transport/websocket"
	"github.com/tandemrouter/tandem/wamp"
)

// rawPeer is a session without a client library: it sees every message in the order in which the router sent it.
type rawPeer struct {
	churn    *churn
	conn     transport.Conn
	queue    *transport.Queue
	flushers sync.WaitGroup
	run      transport.Run
	ready    []wamp.Message
	id       wamp.ID
	request  wamp.ID
	heard    map[wamp.ID]map[int64]int64 // by subscription and publisher: the number of the last event
	latest   map[int64]int64             // by publisher
}

// connectRaw opens a session on any of the wires.
func (c *churn) connectRaw(r *rand.Rand) (*rawPeer, error) {
	u, err := url.Parse(c.urls[r.IntN(len(c.urls))])
	if err != nil {
		return nil, err
	}
	p := &rawPeer{churn: c, heard: map[wamp.ID]map[int64]int64{}, latest: map[int64]int64{}}
	switch u.Scheme {
	case "ws":
		p.conn, err = websocket.Dial(context.Background(), u.String(), nil)
	case "tcp":
		p.conn, err = rawsocket.Dial(context.Background(), "tcp", u.Host, nil)
	default:
		p.conn, err = rawsocket.Dial(context.Background(), "unix", u.Path, nil)
	}
	if err != nil {
		return nil, err
	}
	p.queue = transport.NewQueue(p.conn, 1<<20, &p.flushers)
	var roles wamp.Roles
	roles.Announce(wamp.RoleSubscriber)
	roles.Announce(wamp.RolePublisher)
	p.say(&wamp.Hello{Realm: "realm1", Details: wamp.HelloDetails{Roles: roles}})
	answer, err := p.next()
	if err != nil {
		return nil, err
	}
	welcome, ok := answer.(*wamp.Welcome)
	if !ok {
		return nil, fmt.Errorf("%s instead of WELCOME", answer.Type())
	}
	p.id = welcome.Session
	c.sessions.Add(1)
	return p, nil
}

func (p *rawPeer) say(m wamp.Message) {
	p.queue.Lock()
	_ = p.queue.AppendLocked(m) // if it fails, no answer comes
	p.queue.Unlock()
	p.queue.Flush()
}

// next returns the next message. It is good until next is called again.
func (p *rawPeer) next() (wamp.Message, error) {
	for len(p.ready) == 0 {
		if err := p.conn.Wait(); err != nil {
			return nil, err
		}
		p.run.Reset()
		err := p.conn.Receive(&p.run)
		p.ready = p.run.Messages
		if err != nil && len(p.ready) == 0 {
			return nil, err
		}
	}
	m := p.ready[0]
	p.ready = p.ready[1:]
	return m, nil
}

// answer returns the next message that is no EVENT, and checks the events before it.
func (p *rawPeer) answer() (wamp.Message, error) {
	for {
		m, err := p.next()
		if err != nil {
			return nil, err
		}
		event, ok := m.(*wamp.Event)
		if !ok {
			return m, nil
		}
		if err := p.event(event); err != nil {
			return nil, err
		}
	}
}

// event checks that the subscription is held (PUB-11, PUB-12) and that what a session publishes comes in the order in
// which it published it: each once for a subscription, and over all topics (PUB-13).
func (p *rawPeer) event(m *wamp.Event) error {
	feed := p.heard[m.Subscription]
	if feed == nil {
		return fmt.Errorf("EVENT of subscription %d, which session %d does not hold", m.Subscription, p.id)
	}
	publisher, number, err := publicationIn(m)
	if err != nil {
		return err
	}
	if number <= feed[publisher] || number < p.latest[publisher] {
		return fmt.Errorf("EVENT %d of publisher %d after its %d", number, publisher, max(feed[publisher], p.latest[publisher]))
	}
	feed[publisher], p.latest[publisher] = number, number
	p.churn.events.Add(1)
	return nil
}

// publicationIn returns who published, and the how manieth publication of that session it was.
func publicationIn(m *wamp.Event) (publisher, number int64, err error) {
	args, _, err := payload.Decode(&m.Payload)
	if err != nil || len(args) != 2 {
		return 0, 0, fmt.Errorf("EVENT with %v: %w", args, err)
	}
	return args[0].(int64), args[1].(int64), nil
}

func (p *rawPeer) subscribe(topic string, match wamp.MatchPolicy) error {
	p.request++
	p.say(&wamp.Subscribe{Request: p.request, Topic: topic, Options: wamp.SubscribeOptions{Match: match}})
	m, err := p.answer()
	if err != nil {
		return err
	}
	answer, ok := m.(*wamp.Subscribed)
	if !ok {
		return fmt.Errorf("%s instead of SUBSCRIBED", m.Type())
	}
	if p.heard[answer.Subscription] == nil {
		p.heard[answer.Subscription] = map[int64]int64{}
	}
	return nil
}

func (p *rawPeer) unsubscribe(subscription wamp.ID) error {
	p.request++
	p.say(&wamp.Unsubscribe{Request: p.request, Subscription: subscription})
	m, err := p.answer()
	if err != nil {
		return err
	}
	if m.Type() != wamp.TypeUnsubscribed {
		return fmt.Errorf("%s instead of UNSUBSCRIBED", m.Type())
	}
	delete(p.heard, subscription)
	return nil
}

// leave ends the session: in order, or in the middle of everything.
func (p *rawPeer) leave(r *rand.Rand) error {
	defer p.flushers.Wait()
	defer func() { _ = p.conn.Close() }()
	if r.IntN(2) == 0 {
		return nil
	}
	p.say(&wamp.Goodbye{Reason: wamp.CloseRealm})
	m, err := p.answer()
	if err == nil && m.Type() != wamp.TypeGoodbye {
		err = fmt.Errorf("%s instead of GOODBYE", m.Type())
	}
	return err
}
