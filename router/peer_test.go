package router_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// house is a router under test, in a bubble of its own time.
type house struct {
	*testing.T
	router *router.Router
	log    *strings.Builder
}

// in runs the test with a router whose realm "r" is open to everybody.
func in(t *testing.T, c router.Config, test func(*house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{T: t, log: new(strings.Builder)}
		if len(c.Realms) == 0 {
			c.Realms = []router.RealmConfig{{Name: "r", AnonymousRole: "guest", Authorizer: auth.AllowAll{}}}
		}
		c.Logger = slog.New(slog.NewTextHandler(h.log, nil))
		var err error
		if h.router, err = router.New(c); err != nil {
			t.Fatal(err)
		}
		test(h)
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // whoever is left is cut off
		if err := h.router.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// peer is a scripted client: it says what the test tells it to, legal or not, and keeps what it hears.
type peer struct {
	house *house
	conn  transport.Conn
	queue *transport.Queue
	id    wamp.ID

	authID string

	mu    sync.Mutex
	heard []wamp.Message
	ended bool
}

// connect opens a connection without saying anything. A peer that reads nothing has to be told to listen.
func (h *house) connect() *peer {
	return h.over(h.router.Connect())
}

func (h *house) over(conn transport.Conn) *peer {
	p := &peer{house: h, conn: conn}
	p.queue = transport.NewQueue(conn, 64<<20, new(sync.WaitGroup))
	return p
}

// listen reads in the background until the connection ends.
func (p *peer) listen() *peer {
	go func() {
		for {
			var run transport.Run // one for each read, so that what it brought can be kept
			err := p.conn.Wait()
			if err == nil {
				err = p.conn.Receive(&run)
			}
			p.mu.Lock()
			for _, m := range run.Messages {
				p.heard = append(p.heard, detached(m))
			}
			p.ended = err != nil
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return p
}

// detached gives the payload memory of its own, because the connection uses its buffer again.
func detached(m wamp.Message) wamp.Message {
	switch m := m.(type) {
	case *wamp.Invocation:
		m.Payload = m.Payload.Clone()
	case *wamp.Result:
		m.Payload = m.Payload.Clone()
	case *wamp.Error:
		m.Payload = m.Payload.Clone()
	case *wamp.Event:
		m.Payload = m.Payload.Clone()
	}
	return m
}

// say sends the messages, all of them with one write, and waits until the router has nothing more to do.
func (p *peer) say(messages ...wamp.Message) {
	p.house.Helper()
	p.queue.Lock()
	for _, m := range messages {
		if err := p.queue.AppendLocked(m); err != nil {
			p.house.Fatalf("%s cannot be sent: %v", m.Type(), err)
		}
	}
	p.queue.Unlock()
	p.queue.Flush()
	synctest.Wait()
}

// hears returns what has come since it was last asked.
func (p *peer) hears() []wamp.Message {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	heard := p.heard
	p.heard = nil
	return heard
}

// hears1 returns the one message of type M that has come since the peer was last asked.
func hears1[M wamp.Message](p *peer) M {
	p.house.Helper()
	heard := p.hears()
	if len(heard) != 1 {
		p.house.Fatalf("heard %d messages %v, want one", len(heard), types(heard))
	}
	m, ok := heard[0].(M)
	if !ok {
		p.house.Fatalf("heard %s %+v, want %T", heard[0].Type(), heard[0], m)
	}
	return m
}

func (p *peer) hearsNothing() {
	p.house.Helper()
	if heard := p.hears(); len(heard) > 0 {
		p.house.Errorf("heard %v, want nothing", types(heard))
	}
}

func types(messages []wamp.Message) []wamp.MessageType {
	list := make([]wamp.MessageType, len(messages))
	for i, m := range messages {
		list[i] = m.Type()
	}
	return list
}

// hasEnded reports whether the router has closed the connection.
func (p *peer) hasEnded() bool {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// hello is a HELLO that announces all roles.
func hello(realm string, features ...wamp.Feature) *wamp.Hello {
	var roles wamp.Roles
	for _, role := range []wamp.Role{wamp.RoleCaller, wamp.RoleCallee, wamp.RolePublisher, wamp.RoleSubscriber} {
		roles.Announce(role, features...)
	}
	return &wamp.Hello{Realm: realm, Details: wamp.HelloDetails{Roles: roles}}
}

// join opens a session and listens.
func (h *house) join(features ...wamp.Feature) *peer {
	h.Helper()
	p := h.connect().listen()
	p.say(hello("r", features...))
	welcome := hears1[*wamp.Welcome](p)
	p.id, p.authID = welcome.Session, welcome.Details.AuthID
	return p
}

func (p *peer) registers(procedure string) wamp.ID {
	p.house.Helper()
	p.say(&wamp.Register{Request: 1, Procedure: procedure})
	return hears1[*wamp.Registered](p).Registration
}

func (p *peer) subscribes(topic string) wamp.ID {
	p.house.Helper()
	p.say(&wamp.Subscribe{Request: 1, Topic: topic})
	return hears1[*wamp.Subscribed](p).Subscription
}

// hearsAbort checks that the last that came was an ABORT with the reason, and that the connection is closed (PER-02).
func (p *peer) hearsAbort(reason wamp.ErrorURI) {
	p.house.Helper()
	m := hears1[*wamp.Abort](p)
	if m.Reason != string(reason) || m.Details.Message == "" {
		p.house.Errorf("ABORT %+v, want reason %s with a message", m, reason)
	}
	if !p.hasEnded() {
		p.house.Error("the connection is still open")
	}
}

func (p *peer) hearsError(t wamp.MessageType, request wamp.ID, uri wamp.ErrorURI) {
	p.house.Helper()
	m := hears1[*wamp.Error](p)
	if m.RequestType != t || m.Request != request || m.URI != uri {
		p.house.Errorf("ERROR %s %d %s, want %s %d %s", m.RequestType, m.Request, m.URI, t, request, uri)
	}
}

// drop cuts the connection without a word.
func (p *peer) drop() {
	_ = p.conn.Close()
	synctest.Wait()
}
