package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/transport/websocket"
	"github.com/tandemrouter/tandem/wamp"
)

// peer is one connection of the load generator.
type peer struct {
	conn     transport.Conn
	queue    *transport.Queue
	received transport.Run
	broken   error // why nothing more will be received than what is in received now
	patience time.Duration
}

// queueLimit lets every call that may be under way wait at once: the generator is bounded by what is in flight.
const queueLimit = math.MaxInt32

func dialURL(ctx context.Context, rawURL string, s wamp.Serializer) (transport.Conn, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	const room = 1 << 20 // for what stands around the arguments
	if u.Scheme == "ws" {
		return websocket.Dial(ctx, rawURL, &websocket.DialConfig{
			Serializers: []wamp.Serializer{s}, MaxMessageSize: maxSize + room})
	}
	return rawsocket.Dial(ctx, u.Scheme, u.Host+u.Path, &rawsocket.DialConfig{
		Serializer: s, MaxMessageSize: maxSize + room})
}

func (p *peer) join(ctx context.Context, realm string) error {
	var roles wamp.Roles
	roles.Announce(wamp.RoleCaller)
	roles.Announce(wamp.RoleCallee, wamp.FeatureSharedRegistration, wamp.FeaturePatternBasedRegistration)
	roles.Announce(wamp.RolePublisher)
	roles.Announce(wamp.RoleSubscriber)
	answer, err := p.ask(ctx, &wamp.Hello{Realm: realm, Details: wamp.HelloDetails{Roles: roles}})
	if err != nil {
		return err
	}
	if _, ok := answer.(*wamp.Welcome); !ok {
		return unexpected(answer)
	}
	return nil
}

// unexpected says what another message than the awaited one means.
func unexpected(m wamp.Message) error {
	switch m := m.(type) {
	case *wamp.Error:
		return m
	case *wamp.Abort:
		return fmt.Errorf("%w: %s", wamp.ErrorURI(m.Reason), m.Details.Message)
	case *wamp.Goodbye:
		return fmt.Errorf("%w: %s", wamp.ErrorURI(m.Reason), m.Details.Message)
	default:
		return fmt.Errorf("the router sent %T", m)
	}
}

// ask sends a message and returns the one message that answers it. It is valid until the peer receives again.
func (p *peer) ask(ctx context.Context, m wamp.Message) (wamp.Message, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.patience, errSilent)
	defer cancel()
	defer context.AfterFunc(ctx, p.close)()
	err := p.queue.Put(m)
	for err == nil {
		if err = p.receive(); err == nil && len(p.received.Messages) > 0 {
			return p.received.Messages[0], nil
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, err
}

// receive waits until something comes. There may be no message in it.
func (p *peer) receive() error {
	if p.broken != nil {
		return p.broken
	}
	if err := p.conn.Wait(); err != nil {
		return err
	}
	p.broken = p.conn.Receive(&p.received)
	if p.broken != nil && len(p.received.Messages) == 0 {
		return p.broken
	}
	if len(p.received.Control) == 0 {
		return nil
	}
	p.queue.Lock()
	err := p.queue.AppendControlLocked(p.received.Control)
	p.queue.Unlock()
	p.queue.Flush()
	return err
}

// close may be called by any goroutine, and again.
func (p *peer) close() { p.queue.Abandon(io.ErrClosedPipe) }

// callee answers every invocation with its own arguments.
type callee struct {
	*peer
	requests wamp.ID // the last one
	yield    wamp.Yield
	result   wamp.Result
}

func (c *callee) nextRequest() wamp.ID {
	c.requests++
	return c.requests
}

func (c *callee) register(ctx context.Context, procedure string, options wamp.RegisterOptions) error {
	answer, err := c.ask(ctx, &wamp.Register{Request: c.nextRequest(), Procedure: procedure, Options: options})
	if err != nil {
		return err
	}
	if _, ok := answer.(*wamp.Registered); !ok {
		return unexpected(answer)
	}
	return nil
}

// serve answers until the connection ends, and says why.
func (c *callee) serve() error {
	for {
		if err := c.receive(); err != nil {
			return err
		}
		c.queue.Lock()
		err := c.answerAll()
		c.queue.Unlock()
		c.queue.Flush()
		if err != nil {
			return err
		}
	}
}

func (c *callee) answerAll() error {
	for _, m := range c.received.Messages {
		if err := c.answer(m); err != nil {
			return err
		}
	}
	return nil
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
		return unexpected(m)
	}
}

// minSize is the least size of the arguments: what they are in JSON without padding.
const minSize = 80

// padding fills the arguments up to the size that is wanted.
const padding = "x"

var errSize = errors.New("bench: cannot make arguments of that size")

// arguments returns a list of mixed values that takes at most size bytes in the serializer, and no fewer than it must.
func arguments(s wamp.Serializer, size int) (wamp.Payload, error) {
	values := wamp.List{int64(7814135), "com.example.item", true, 19.99, wamp.Dict{"name": "Ann", "count": int64(3)}}
	for pad := size; pad >= 0; {
		p, err := payload.Encode(s, &wamp.Payload{Args: append(values, strings.Repeat(padding, pad))})
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
