package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/transport/websocket"
	"github.com/tandemrouter/tandem/wamp"
)

// peer is one connection of the load generator.
type peer struct {
	conn  transport.Conn
	queue *transport.Queue
	run   transport.Run
}

// queueLimit lets every call that may be under way wait at once: the generator is bounded by depth.
const queueLimit = 1 << 30

func dial(ctx context.Context, c *RPC, wg *sync.WaitGroup) (*peer, error) {
	conn, err := dialURL(ctx, c)
	if err != nil {
		return nil, err
	}
	p := &peer{conn: conn, queue: transport.NewQueue(conn, queueLimit, wg)}
	if c.Relay {
		return p, nil
	}
	if err := p.join(c.Realm); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func dialURL(ctx context.Context, c *RPC) (transport.Conn, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(u.Scheme, "ws") {
		return websocket.Dial(ctx, c.URL, &websocket.DialConfig{
			Serializers: []wamp.Serializer{c.Serializer}, MaxMessageSize: maxSize + 1<<20})
	}
	network, address := u.Scheme, u.Host
	if network == "unix" {
		address = u.Host + u.Path
	}
	return rawsocket.Dial(ctx, network, address, &rawsocket.DialConfig{
		Serializer: c.Serializer, MaxMessageSize: maxSize + 1<<20})
}

func (p *peer) join(realm string) error {
	var roles wamp.Roles
	roles.Announce(wamp.RoleCaller)
	roles.Announce(wamp.RoleCallee, wamp.FeatureSharedRegistration)
	answer, err := p.ask(&wamp.Hello{Realm: realm, Details: wamp.HelloDetails{Roles: roles}})
	if err != nil {
		return err
	}
	if refusal, ok := answer.(*wamp.Abort); ok {
		return fmt.Errorf("bench: %s: %s", refusal.Reason, refusal.Details.Message)
	}
	return nil
}

// ask sends a message and returns the one message that answers it. It is valid until the peer receives again.
func (p *peer) ask(m wamp.Message) (wamp.Message, error) {
	if err := p.queue.Put(m); err != nil {
		return nil, err
	}
	for {
		if err := p.receive(); err != nil {
			return nil, err
		}
		if len(p.run.Messages) > 0 {
			return p.run.Messages[0], nil
		}
	}
}

func (p *peer) receive() error {
	if err := p.conn.Wait(); err != nil {
		return err
	}
	return p.conn.Receive(&p.run)
}

func (p *peer) close() { p.queue.Abandon(io.ErrClosedPipe) }

// callee answers every invocation with its own arguments.
type callee struct {
	*peer
	yield  wamp.Yield
	result wamp.Result
}

func (c *callee) register(procedure string, invoke wamp.InvocationPolicy) error {
	answer, err := c.ask(&wamp.Register{Request: 1, Procedure: procedure, Options: wamp.RegisterOptions{Invoke: invoke}})
	if refusal, ok := answer.(*wamp.Error); ok {
		return fmt.Errorf("bench: registering %s: %w", procedure, refusal.URI)
	}
	return err
}

func (c *callee) serve() {
	for c.receive() == nil {
		c.queue.Lock()
		for _, m := range c.run.Messages {
			if c.answer(m) != nil {
				break
			}
		}
		c.queue.Unlock()
		c.queue.Flush()
	}
}

// answer answers an INVOCATION with YIELD. Behind a relay, which does not route, it answers a CALL with RESULT.
func (c *callee) answer(m wamp.Message) error {
	switch m := m.(type) {
	case *wamp.Invocation:
		c.yield.Request, c.yield.Payload = m.Request, m.Payload
		return c.queue.AppendLocked(&c.yield)
	case *wamp.Call:
		c.result.Request, c.result.Payload = m.Request, m.Payload
		return c.queue.AppendLocked(&c.result)
	default:
		return nil
	}
}

// caller keeps calls under way.
type caller struct {
	*peer
	call    wamp.Call
	depth   int
	sent    []time.Time // when the call with the request ID that leads here was sent
	pending int

	latency histogram
	errors  uint64
	err     error
}

func newCaller(p *peer, procedure string, arguments wamp.Payload, depth int) *caller {
	return &caller{
		peer:  p,
		call:  wamp.Call{Procedure: procedure, Payload: arguments},
		depth: depth,
		sent:  make([]time.Time, 4*depth+64),
	}
}

// run calls until the time is over, and waits for the last answers. What is answered from the first time on counts.
func (c *caller) run(from, until time.Time) {
	c.err = c.start(time.Now(), c.depth)
	for c.err == nil && c.pending > 0 {
		if c.err = c.receive(); c.err != nil {
			break
		}
		now := time.Now()
		answered := c.count(now, !now.Before(from) && now.Before(until))
		if now.Before(until) {
			c.err = c.start(now, answered)
		}
	}
	if c.err != nil {
		c.err = fmt.Errorf("%d calls not answered: %w", c.pending, c.err)
	}
}

func (c *caller) start(now time.Time, calls int) error {
	c.queue.Lock()
	for range calls {
		c.call.Request++
		if err := c.queue.AppendLocked(&c.call); err != nil {
			c.queue.Unlock()
			return err
		}
		c.sent[int(c.call.Request)%len(c.sent)] = now
		c.pending++
	}
	c.queue.Unlock()
	c.queue.Flush()
	return nil
}

// count takes the answers that have come, and returns how many.
func (c *caller) count(now time.Time, counting bool) (answered int) {
	for _, m := range c.peer.run.Messages {
		request, failed := wamp.ID(0), false
		switch m := m.(type) {
		case *wamp.Result:
			request = m.Request
		case *wamp.Error:
			request, failed = m.Request, true
		default:
			continue
		}
		answered++
		if counting {
			c.latency.add(now.Sub(c.sent[int(request)%len(c.sent)]))
			if failed {
				c.errors++
			}
		}
	}
	c.pending -= answered
	return answered
}

// minSize is the least size of the arguments.
const minSize = 64

var errSize = errors.New("bench: cannot make arguments of that size")

// arguments returns a list of mixed values that takes about size bytes in the serializer.
func arguments(s wamp.Serializer, size int) (wamp.Payload, error) {
	values := wamp.List{int64(7814135), "com.example.item", true, 19.99, wamp.Dict{"name": "Ann", "count": int64(3)}}
	for pad := size; pad >= 0; {
		p, err := serializer.Encode(s, &wamp.Payload{Args: append(values, strings.Repeat("x", pad))})
		if err != nil {
			return wamp.Payload{}, err
		}
		excess := len(p.Raw) - size
		if excess <= 0 {
			return p, nil
		}
		pad -= excess
	}
	return wamp.Payload{}, errSize
}
