package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/transport/websocket"
	"github.com/tandemrouter/tandem/wamp"
)

func join(ctx context.Context, conn transport.Conn) <-chan outcome[*client.Session] {
	return later(func() (*client.Session, error) { return client.Join(ctx, conn, client.Config{Realm: "realm1"}) })
}

func TestJoinAnnouncesWhatWorks_CLI01_PCR15_SES01(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, r := connected(t)
		joined := join(context.Background(), conn)
		var roles wamp.Roles
		roles.Announce(wamp.RoleCaller, wamp.FeatureProgressiveCallResults, wamp.FeatureProgressiveCallInvocations,
			wamp.FeatureCallTimeout, wamp.FeatureCallCanceling, wamp.FeatureCallerIdentification,
			wamp.FeatureShardedRegistration, wamp.FeaturePayloadPassthruMode)
		roles.Announce(wamp.RoleCallee, wamp.FeatureProgressiveCallResults, wamp.FeatureProgressiveCallInvocations,
			wamp.FeatureCallTimeout, wamp.FeatureCallCanceling, wamp.FeatureCallerIdentification,
			wamp.FeatureCallTrustLevels, wamp.FeaturePatternBasedRegistration, wamp.FeatureSharedRegistration,
			wamp.FeatureShardedRegistration, wamp.FeatureRegistrationRevocation, wamp.FeatureCallReroute,
			wamp.FeaturePayloadPassthruMode)
		roles.Announce(wamp.RolePublisher, wamp.FeatureSubscriberBlackWhiteListing, wamp.FeaturePublisherExclusion,
			wamp.FeaturePublisherIdentification, wamp.FeatureShardedSubscription, wamp.FeaturePayloadPassthruMode)
		roles.Announce(wamp.RoleSubscriber, wamp.FeaturePublisherIdentification, wamp.FeatureShardedSubscription, wamp.FeaturePublicationTrustLevels,
			wamp.FeaturePatternBasedSubscription, wamp.FeatureSubscriptionRevocation, wamp.FeaturePayloadPassthruMode)
		r.expect(&wamp.Hello{Realm: "realm1", Details: wamp.HelloDetails{
			Roles: roles, Agent: "tandem", AuthMethods: []string{"anonymous"},
		}})
		r.send(&wamp.Welcome{Session: 5, Details: wamp.WelcomeDetails{Roles: routerRoles(), AuthID: "me"}})
		s := (<-joined).must(t)
		if s.ID() != 5 || s.Realm() != "realm1" || s.Details().AuthID != "me" {
			t.Errorf("session %d in realm %q as %q", s.ID(), s.Realm(), s.Details().AuthID)
		}
		if s.Err() != nil || isClosed(s.Done()) {
			t.Error("the session is over before it began")
		}
		_ = s.Close()
	})
}

func TestJoinIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, r := connected(t)
		joined := join(context.Background(), conn)
		r.read()
		r.send(&wamp.Abort{Reason: string(wamp.ErrNoSuchRealm), Details: wamp.AbortDetails{Message: "no realm of that name"}})
		r.expectClosed()
		_ = r.conn.Close()
		err := (<-joined).err
		wantErr(t, err, wamp.ErrNoSuchRealm)
		if closed := closedError(t, err); closed.Message != "no realm of that name" {
			t.Errorf("message %q", closed.Message)
		}
	})
}

func TestJoinMeetsViolation_PER01(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, r := connected(t)
		joined := join(context.Background(), conn)
		r.read()
		r.send(&wamp.Event{Subscription: 1, Publication: 2})
		r.expect(&wamp.Abort{
			Reason:  string(wamp.ErrProtocolViolation),
			Details: wamp.AbortDetails{Message: "EVENT before WELCOME"},
		})
		r.expectClosed()
		wantErr(t, (<-joined).err, wamp.ErrProtocolViolation)
	})
}

func TestJoinEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, r := connected(t)
		ctx, cancel := context.WithCancel(context.Background())
		joined := join(ctx, conn)
		r.read()
		cancel()
		wantErr(t, (<-joined).err, context.Canceled)
		r.expectClosed()
	})
}

func TestJoinTakesNoLongerThanOpenTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := connected(t)
		start := time.Now()
		wantErr(t, (<-join(context.Background(), conn)).err, context.DeadlineExceeded)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestJoinLosesConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, r := connected(t)
		joined := join(context.Background(), conn)
		r.read()
		_ = r.conn.Close()
		err := (<-joined).err
		wantClosed(t, err, wamp.CloseTransportLost)
		wantErr(t, err, io.EOF)
	})
}

func TestMessagesRightBehindWelcomeAreHandled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, r := connected(t)
		joined := join(context.Background(), conn)
		r.read()
		r.send(
			&wamp.Welcome{Session: 5, Details: wamp.WelcomeDetails{Roles: routerRoles()}},
			&wamp.Goodbye{Reason: wamp.CloseSystemShutdown},
		)
		s := (<-joined).must(t)
		r.expect(&wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut})
		<-s.Done()
		wantClosed(t, s.Err(), wamp.CloseSystemShutdown)
		_ = s.Close()
	})
}

func TestConfigIsChecked(t *testing.T) {
	conn, r := connected(t)
	_, err := client.Join(context.Background(), conn, client.Config{Realm: "realm1", Handlers: -1})
	if err == nil {
		t.Error("a negative number of handlers was accepted")
	}
	r.expectClosed()
	if _, err := client.Connect(context.Background(), "tcp://127.0.0.1:1", client.Config{OpenTimeout: -1}); err == nil {
		t.Error("a negative timeout was accepted")
	}
}

func TestConnectRefusesURL(t *testing.T) {
	for _, url := range []string{"http://localhost/ws", "localhost:8080", "", "unix://"} {
		if _, err := client.Connect(context.Background(), url, client.Config{Realm: "realm1"}); err == nil {
			t.Errorf("connected to %q", url)
		} else if !strings.Contains(err.Error(), "connecting to "+url) {
			t.Errorf("error for %q does not name it: %v", url, err)
		}
	}
}

// Errors are logged, and passwords are not.
func TestConnectKeepsSecrets(t *testing.T) {
	for _, url := range []string{"ws://ann:secret@127.0.0.1:1/ws", "tcp://ann:secret@127.0.0.1:1", "ws://ann:secret@[::1", "ws://ann:secret%@x"} {
		_, err := client.Connect(context.Background(), url, client.Config{Realm: "realm1"})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// listen returns a fake router behind a listener.
func listen(t *testing.T, network, address string) (net.Listener, <-chan *fake) {
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l, accept(t, l)
}

func accept(t *testing.T, l net.Listener) <-chan *fake {
	t.Cleanup(func() { _ = l.Close() })
	accepted := make(chan *fake, 1)
	go func() {
		defer close(accepted)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c, err := rawsocket.Accept(conn, &rawsocket.Config{MaxMessageSize: 2048})
		if err != nil {
			return
		}
		accepted <- &fake{t: t, conn: c, log: &logged{}}
	}()
	return accepted
}

// upgrade returns a server that is a fake router for WebSockets, and is not started.
func upgrade(t *testing.T) (*httptest.Server, <-chan *fake) {
	accepted := make(chan *fake, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		c, err := websocket.Upgrade(w, request, nil)
		if err == nil {
			accepted <- &fake{t: t, conn: c, log: &logged{}}
		}
	}))
	t.Cleanup(server.Close)
	return server, accepted
}

// trust returns the client's side of the TLS that the server speaks.
func trust(server *httptest.Server) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return &tls.Config{RootCAs: pool}
}

func webSocketURL(server *httptest.Server) string {
	return "ws" + strings.TrimPrefix(server.URL, "http") + "/ws"
}

// roundTrip joins, calls and leaves.
func roundTrip(t *testing.T, url string, c client.Config, accepted <-chan *fake) {
	ctx := context.Background()
	c.Realm = "realm1"
	connected := later(func() (*client.Session, error) { return client.Connect(ctx, url, c) })
	r := <-accepted
	if r == nil {
		t.Fatal((<-connected).err)
	}
	defer func() { _ = r.conn.Close() }()
	r.read()
	r.send(&wamp.Welcome{Session: 5, Details: wamp.WelcomeDetails{Roles: routerRoles()}})
	s := (<-connected).must(t)
	defer func() { _ = s.Close() }()

	result := call(ctx, s, client.Args("x"))
	r.expect(&wamp.Call{Request: 1, Procedure: "a.b", Payload: values("x")})
	r.send(&wamp.Result{Request: 1, Payload: values("y")})
	wantArgs(t, (<-result).must(t).Args, "y")

	gone := laterErr(func() error { return s.Leave(ctx) })
	r.expect(&wamp.Goodbye{Reason: wamp.CloseRealm})
	r.send(&wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut})
	if err := (<-gone).err; err != nil {
		t.Error(err)
	}
}

func TestConnectOverEveryTransport_CLI15(t *testing.T) {
	t.Run("tcp", func(t *testing.T) {
		l, accepted := listen(t, "tcp", "127.0.0.1:0")
		roundTrip(t, "tcp://"+l.Addr().String(), client.Config{Serializer: wamp.MessagePack}, accepted)
	})
	t.Run("tcps", func(t *testing.T) {
		server, _ := upgrade(t) // for its certificate
		server.StartTLS()
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: server.TLS.Certificates})
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, "tcps://"+l.Addr().String(), client.Config{TLS: trust(server)}, accept(t, l))
	})
	t.Run("unix", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		_, accepted := listen(t, "unix", path)
		roundTrip(t, "unix://"+path, client.Config{}, accepted)
	})
	t.Run("ws", func(t *testing.T) {
		server, accepted := upgrade(t)
		server.Start()
		roundTrip(t, webSocketURL(server), client.Config{Serializer: wamp.JSON}, accepted)
	})
	t.Run("wss", func(t *testing.T) {
		server, accepted := upgrade(t)
		server.StartTLS()
		roundTrip(t, webSocketURL(server), client.Config{TLS: trust(server)}, accepted)
	})
}

func TestPingIsAnswered_RS12(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	joined := later(func() (*client.Session, error) {
		return client.Connect(ctx, "tcp://"+l.Addr().String(), client.Config{Realm: "realm1"})
	})
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	read := func(n int) []byte {
		b := make([]byte, n)
		if _, err := io.ReadFull(conn, b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	read(4)
	_, _ = conn.Write([]byte{0x7f, 0xf3, 0, 0, 1, 0, 0, 1, 'p'}) // the handshake's end, and a ping
	hello := read(4)
	read(int(hello[2])<<8 | int(hello[3]))
	if pong := read(5); string(pong) != "\x02\x00\x00\x01p" {
		t.Errorf("pong % x", pong)
	}
	cancel()
	wantErr(t, (<-joined).err, context.Canceled)
}

func TestConnectToNobody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, err = client.Connect(context.Background(), "tcp://"+address, client.Config{Realm: "realm1"})
	var failure *net.OpError
	if !errors.As(err, &failure) {
		t.Errorf("error %v, want what the network said", err)
	}
}
