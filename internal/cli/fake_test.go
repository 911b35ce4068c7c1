package cli

import (
	"net"
	"testing"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/wamp"
)

// fake is a router for one session that says what a test's script tells it to.
type fake struct {
	t      *testing.T
	conn   transport.Conn
	run    transport.Run
	unread []wamp.Message
}

// startFake starts a fake router and returns its URL. When the script is done, the fake lets the client
// unsubscribe and leave, and discards everything else.
func startFake(t *testing.T, script func(r *fake)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		serveOne(t, l, script)
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return "tcp://" + l.Addr().String()
}

func serveOne(t *testing.T, l net.Listener, script func(r *fake)) {
	c, err := l.Accept()
	if err != nil {
		t.Error(err)
		return
	}
	conn, err := rawsocket.Accept(c, nil)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = conn.Close() }()
	r := &fake{t: t, conn: conn}
	r.read()
	var roles wamp.Roles
	roles.Announce(wamp.RoleBroker, wamp.FeatureSubscriberBlackWhiteListing)
	r.send(&wamp.Welcome{Session: 1, Details: wamp.WelcomeDetails{Roles: roles}})
	script(r)
	for m := r.read(); m != nil; m = r.read() {
		switch m := m.(type) {
		case *wamp.Unsubscribe:
			r.send(&wamp.Unsubscribed{Request: m.Request})
		case *wamp.Goodbye:
			r.send(&wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut})
			return
		}
	}
}

// read returns the next message from the client, valid until the next read, or nil if there is none any more.
func (r *fake) read() wamp.Message {
	for len(r.unread) == 0 {
		if r.conn.Wait() != nil {
			return nil
		}
		if err := r.conn.Receive(&r.run); err != nil && len(r.run.Messages) == 0 {
			return nil
		}
		r.unread = r.run.Messages
	}
	m := r.unread[0]
	r.unread = r.unread[1:]
	return m
}

// send sends the messages in one write.
func (r *fake) send(messages ...wamp.Message) {
	var b []byte
	for _, m := range messages {
		var err error
		if b, err = r.conn.Append(b, m); err != nil {
			r.t.Error(err)
			return
		}
	}
	if _, err := r.conn.Write(b); err != nil {
		r.t.Error(err)
	}
}

// subscribed answers a SUBSCRIBE with the subscription ID 5, and returns its options.
func (r *fake) subscribed() wamp.SubscribeOptions {
	m, ok := r.read().(*wamp.Subscribe)
	if !ok {
		r.t.Error("no SUBSCRIBE")
		return wamp.SubscribeOptions{}
	}
	r.send(&wamp.Subscribed{Request: m.Request, Subscription: 5})
	return m.Options
}

// asked takes a CALL and returns its request ID and arguments.
func (r *fake) asked(procedure string) (request wamp.ID, args wamp.List, kwargs wamp.Dict) {
	m, ok := r.read().(*wamp.Call)
	if !ok || m.Procedure != procedure {
		r.t.Errorf("no CALL of %s", procedure)
		return 0, nil, nil
	}
	args, kwargs, err := payload.Decode(&m.Payload)
	if err != nil {
		r.t.Error(err)
	}
	return m.Request, args, kwargs
}

func event(publication wamp.ID, args ...any) *wamp.Event {
	return &wamp.Event{Subscription: 5, Publication: publication, Payload: wamp.Payload{Args: args}}
}
