package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(withRouter{m}) }

// fake is a router that says what the test tells it to.
type fake struct {
	t      testing.TB
	conn   transport.Conn
	run    transport.Run
	unread []wamp.Message
	log    *logged
}

// routerRoles announce what the client makes use of.
func routerRoles() (r wamp.Roles) {
	r.Announce(wamp.RoleBroker, wamp.FeaturePayloadPassthruMode, wamp.FeatureSubscriberBlackWhiteListing)
	r.Announce(wamp.RoleDealer, wamp.FeatureProgressiveCallResults, wamp.FeatureProgressiveCallInvocations,
		wamp.FeatureCallCanceling, wamp.FeatureCallTimeout, wamp.FeatureShardedRegistration,
		wamp.FeaturePayloadPassthruMode)
	return r
}

// inBubble runs a test with a session and the fake router on the other end.
func inBubble(t *testing.T, test func(t *testing.T, s *client.Session, r *fake)) {
	t.Helper()
	bubble(t, client.Config{}, routerRoles(), test)
}

func bubble(t *testing.T, c client.Config, roles wamp.Roles, test func(t *testing.T, s *client.Session, r *fake)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		conn, r := connected(t)
		c.Realm = "realm1"
		c.Logger = slog.New(slog.NewTextHandler(r.log, nil))
		joined := later(func() (*client.Session, error) { return client.Join(context.Background(), conn, c) })
		r.read()
		r.send(&wamp.Welcome{Session: 42, Details: wamp.WelcomeDetails{Roles: roles}})
		s := <-joined
		if s.err != nil {
			t.Fatal(s.err)
		}
		t.Cleanup(func() { _ = s.value.Close() })
		test(t, s.value, r)
	})
}

// connected returns a connection and the fake router on its other end.
func connected(t testing.TB) (transport.Conn, *fake) {
	ours, theirs := transport.Pipe(wamp.CBOR)
	r := &fake{t: t, conn: theirs, log: &logged{}}
	t.Cleanup(func() { _ = theirs.Close() })
	return ours, r
}

// read returns the next message from the client, valid until the next read. It waits for it.
func (r *fake) read() wamp.Message {
	r.t.Helper()
	m, err := r.next()
	if err != nil {
		r.t.Fatalf("reading from the client: %v", err)
	}
	return m
}

func (r *fake) next() (wamp.Message, error) {
	for len(r.unread) == 0 {
		if err := r.conn.Wait(); err != nil {
			return nil, err
		}
		if err := r.conn.Receive(&r.run); err != nil && len(r.run.Messages) == 0 {
			return nil, err
		}
		r.unread = r.run.Messages
	}
	m := r.unread[0]
	r.unread = r.unread[1:]
	return m, nil
}

// expect reads the client's next messages and compares them.
func (r *fake) expect(want ...wamp.Message) {
	r.t.Helper()
	for _, w := range want {
		got := decoded(r.t, r.read())
		if diff := cmp.Diff(w, got, cmpopts.EquateEmpty(), cmp.AllowUnexported(wamp.Roles{})); diff != "" {
			r.t.Fatalf("client sent %s, want %s (-want +got):\n%s", got.Type(), w.Type(), diff)
		}
	}
}

// expectNothing fails if the client has sent anything that was not read.
func (r *fake) expectNothing() {
	r.t.Helper()
	synctest.Wait()
	r.send(&wamp.Invocation{Request: 999_999, Registration: 999_999}) // what it sends next is the answer to this
	r.expect(refusal(999_999, wamp.ErrNoSuchProcedure, "no such registration here"))
}

// expectClosed reads the end of the connection.
func (r *fake) expectClosed() {
	r.t.Helper()
	if m, err := r.next(); !errors.Is(err, io.EOF) {
		r.t.Fatalf("got %v, %v; want the client to close the connection", m, err)
	}
}

// decoded returns the message with a payload of values.
func decoded(t testing.TB, m wamp.Message) wamp.Message {
	p := payloadOf(m)
	if p == nil {
		return m
	}
	args, kwargs, err := payload.Decode(p)
	if err != nil {
		t.Fatal(err)
	}
	*p = wamp.Payload{Args: args, Kwargs: kwargs}
	return m
}

func payloadOf(m wamp.Message) *wamp.Payload {
	switch m := m.(type) {
	case *wamp.Call:
		return &m.Payload
	case *wamp.Publish:
		return &m.Payload
	case *wamp.Yield:
		return &m.Payload
	case *wamp.Error:
		return &m.Payload
	default:
		return nil
	}
}

// send sends messages to the client, all in one write.
func (r *fake) send(messages ...wamp.Message) {
	r.t.Helper()
	var b []byte
	for _, m := range messages {
		var err error
		if b, err = r.conn.Append(b, m); err != nil {
			r.t.Fatal(err)
		}
	}
	if _, err := r.conn.Write(b); err != nil {
		r.t.Fatalf("writing to the client: %v", err)
	}
}

// register has the client register the procedure with the registration ID 7, as its request with the given ID.
func (r *fake) register(
	s *client.Session, request wamp.ID, procedure string, h client.InvocationHandler,
) *client.Registration {
	r.t.Helper()
	g := later(func() (*client.Registration, error) { return s.Register(context.Background(), procedure, h) })
	r.expect(&wamp.Register{Request: request, Procedure: procedure})
	r.send(&wamp.Registered{Request: request, Registration: 7})
	return (<-g).must(r.t)
}

// subscribe has the client subscribe to the topic with the given IDs.
func (r *fake) subscribe(
	s *client.Session, request, subscription wamp.ID, topic string, h client.EventHandler,
) *client.Subscription {
	r.t.Helper()
	b := later(func() (*client.Subscription, error) { return s.Subscribe(context.Background(), topic, h) })
	r.expect(&wamp.Subscribe{Request: request, Topic: topic})
	r.send(&wamp.Subscribed{Request: request, Subscription: subscription})
	return (<-b).must(r.t)
}

// outcome is what a function returned.
type outcome[T any] struct {
	value T
	err   error
}

func (o outcome[T]) must(t testing.TB) T {
	t.Helper()
	if o.err != nil {
		t.Fatal(o.err)
	}
	return o.value
}

// later calls f in a goroutine.
func later[T any](f func() (T, error)) <-chan outcome[T] {
	c := make(chan outcome[T], 1)
	go func() {
		v, err := f()
		c <- outcome[T]{v, err}
	}()
	return c
}

// laterErr is later for functions that return only an error.
func laterErr(f func() error) <-chan outcome[struct{}] {
	return later(func() (struct{}, error) { return struct{}{}, f() })
}

func call(ctx context.Context, s *client.Session, opts ...client.CallOption) <-chan outcome[*client.Result] {
	return later(func() (*client.Result, error) { return s.Call(ctx, "a.b", opts...) })
}

func values(args ...any) wamp.Payload { return wamp.Payload{Args: args} }

func refusal(request wamp.ID, uri wamp.ErrorURI, args ...any) *wamp.Error {
	return &wamp.Error{RequestType: wamp.TypeInvocation, Request: request, URI: uri, Payload: values(args...)}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// wantClosed checks that the error is a *ClosedError with that reason.
func wantClosed(t testing.TB, err error, reason string) {
	t.Helper()
	if closed := closedError(t, err); closed.Reason != reason {
		t.Fatalf("error %v, want the reason %s", err, reason)
	}
}

func closedError(t testing.TB, err error) *client.ClosedError {
	t.Helper()
	var closed *client.ClosedError
	if !errors.As(err, &closed) {
		t.Fatalf("error %v, want a ClosedError", err)
	}
	return closed
}

func wantErr(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error %v, want %v", got, want)
	}
}

func wantArgs(t testing.TB, got wamp.List, want ...any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("arguments (-want +got):\n%s", diff)
	}
}

// advance lets time pass in the bubble.
func advance(d time.Duration) { <-time.After(d) }

// logged is what was logged.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// has reports how many lines contain the text.
func (l *logged) has(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.b.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}
