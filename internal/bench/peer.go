package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/url"
	"time"

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

// leave closes the session in order.
func (p *peer) leave(ctx context.Context) error {
	m, err := p.ask(ctx, &wamp.Goodbye{Reason: wamp.CloseRealm})
	if _, ok := m.(*wamp.Goodbye); err == nil && !ok {
		return unexpected(m)
	}
	return err
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
