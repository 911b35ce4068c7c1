package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/internal/server"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/wamp"
)

const realm = "realm1"

func tcp(name string) config.Listener {
	return config.Listener{Name: name, Network: "tcp", Address: "127.0.0.1:0", WebSocket: true, RawSocket: true}
}

func unix(path string) config.Listener {
	return config.Listener{Name: "local", Network: "unix", Address: path, WebSocket: true, RawSocket: true}
}

func newServer(t *testing.T, listeners ...config.Listener) *server.Server {
	t.Helper()
	c := config.Development("", "", realm)
	c.Listeners = listeners
	s, err := server.New(c, "tandem/test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// launch starts a server that the test stops itself.
func launch(t *testing.T, listeners ...config.Listener) *server.Server {
	t.Helper()
	s := newServer(t, listeners...)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs a server until the test ends.
func start(t *testing.T, listeners ...config.Listener) *server.Server {
	t.Helper()
	s := launch(t, listeners...)
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *server.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func address(s *server.Server) string { return s.Addrs()[0].String() }

// join opens a session that lasts until the test ends.
func join(t *testing.T, url string, c client.Config) *client.Session {
	t.Helper()
	c.Realm = realm
	s, err := client.Connect(t.Context(), url, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func echo(_ context.Context, inv *client.Invocation) (*client.Result, error) {
	return &client.Result{Payload: inv.Payload}, nil
}

func register(t *testing.T, s *client.Session, procedure string) {
	t.Helper()
	if _, err := s.Register(t.Context(), procedure, echo); err != nil {
		t.Fatal(err)
	}
}

func call(t *testing.T, s *client.Session, procedure string) {
	t.Helper()
	result, err := s.Call(t.Context(), procedure, client.Args("there and back"))
	if err != nil || len(result.Args) != 1 || result.Args[0] != "there and back" {
		t.Errorf("calling %s gave %v, %v", procedure, result, err)
	}
}

// healthy opens a session that calls itself, and returns a function that checks that it still does.
func healthy(t *testing.T, s *server.Server) (check func()) {
	t.Helper()
	session := join(t, "tcp://"+address(s), client.Config{})
	register(t, session, "com.example.healthy")
	check = func() { t.Helper(); call(t, session, "com.example.healthy") }
	check()
	return check
}

func dial(t *testing.T, s *server.Server) net.Conn {
	t.Helper()
	addr := s.Addrs()[0]
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// say sends text on a new connection and returns all that the server answers until it closes the connection.
func say(t *testing.T, s *server.Server, text string) string {
	t.Helper()
	conn := dial(t, s)
	_, _ = io.WriteString(conn, text) // the server may close before it has read all
	answer, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection stays open after %.40q", text)
	}
	return string(answer)
}

func TestRS20_OnePortServesWebSocketAndRawSocket(t *testing.T) {
	s := start(t, tcp("main"))
	urls := []string{"ws://" + address(s) + "/ws", "tcp://" + address(s)}
	serializers := []wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR}
	caller := join(t, urls[0], client.Config{})
	for _, url := range urls {
		for _, serializer := range serializers {
			callee := join(t, url, client.Config{Serializer: serializer})
			procedure := "com.example." + url[:2] + "." + serializer.String()
			register(t, callee, procedure)
			call(t, caller, procedure)
		}
	}
}

func TestPortServesNoOtherProtocol(t *testing.T) {
	web, raw := tcp("web"), tcp("raw")
	web.RawSocket, raw.WebSocket = false, false
	tests := map[string]struct {
		listener config.Listener
		text     string
		status   int // of the HTTP response; 0: no response
	}{
		"RawSocket where WebSocket is served": {web, "\x7f\xf3\x00\x00", 0},
		"WebSocket where RawSocket is served": {raw, "GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n", http.StatusBadRequest},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer := say(t, start(t, test.listener), test.text)
			if status := statusOf(answer); status != test.status || status == 0 && answer != "" {
				t.Errorf("answered %q", answer)
			}
		})
	}
}

func TestUnixSocketServesBoth(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	s := start(t, unix(path))
	callee := join(t, "unix://"+path, client.Config{})
	register(t, callee, "com.example.local")
	call(t, callee, "com.example.local")
	if status := statusOf(say(t, s, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")); status != 200 {
		t.Errorf("HTTP status %d", status)
	}
}

func TestUnixSocketIsRemovedInTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	stop(t, launch(t, unix(path)))
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func listenUnix(t *testing.T, path string) *net.UnixListener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestUnixSocketLeftBehindIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	dead := listenUnix(t, path)
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	start(t, unix(path))
	join(t, "unix://"+path, client.Config{})
}

func TestUnixSocketInUseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	alive := listenUnix(t, path)
	if err := newServer(t, unix(path)).Start(); err == nil {
		t.Error("the server listens on another process's socket")
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal("the socket is gone:", err)
	}
	_ = conn.Close()
	accepted, err := alive.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = accepted.Close()
}

func TestFileThatIsNoSocketIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := newServer(t, unix(path)).Start(); err == nil {
		t.Error("the server listens on a file")
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "data" {
		t.Errorf("the file holds %q, %v", content, err)
	}
}

func TestStartListensEverywhereOrNowhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	second := tcp("second")
	second.Address = taken.Addr().String()
	err = newServer(t, unix(path), second).Start()
	var operation *net.OpError
	if !errors.As(err, &operation) || operation.Op != "listen" {
		t.Errorf("got %v", err)
	}
	if _, err := net.Dial("unix", path); err == nil {
		t.Error("the first listener still listens")
	}
}

func TestSES25_StopSaysGoodbyeToEverySession(t *testing.T) {
	s := launch(t, tcp("main"))
	addr := address(s)
	sessions := []*client.Session{
		join(t, "ws://"+addr+"/ws", client.Config{}),
		join(t, "tcp://"+addr, client.Config{}),
	}
	stop(t, s)
	for _, session := range sessions {
		<-session.Done()
		var closed *client.ClosedError
		if err := session.Err(); !errors.As(err, &closed) || closed.Reason != wamp.CloseSystemShutdown {
			t.Errorf("the session ended with %v", err)
		}
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("the port is still open")
	}
}

// joinSilently opens a session whose peer never answers anything. The channel is closed when it has got GOODBYE.
func joinSilently(t *testing.T, addr string) (goodbye <-chan struct{}) {
	t.Helper()
	conn, err := rawsocket.Dial(t.Context(), "tcp", addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	hello := &wamp.Hello{Realm: realm}
	hello.Details.Roles.Announce(wamp.RoleCaller)
	frame, err := conn.Append(nil, hello)
	if err == nil {
		_, err = conn.Write(frame)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := receive(conn).(*wamp.Welcome); !ok {
		t.Fatal("no WELCOME")
	}
	received := make(chan struct{})
	go func() {
		defer close(received)
		if _, ok := receive(conn).(*wamp.Goodbye); !ok {
			t.Error("no GOODBYE")
		}
	}()
	return received
}

func receive(conn transport.Conn) wamp.Message {
	var run transport.Run
	for len(run.Messages) == 0 {
		if conn.Wait() != nil || conn.Receive(&run) != nil {
			return nil
		}
	}
	return run.Messages[0]
}

func TestSES25_StopCutsPeersThatDoNotAnswer(t *testing.T) {
	s := launch(t, tcp("main"))
	goodbye := joinSilently(t, address(s))
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-goodbye
		cancel()
	}()
	if err := s.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Stop returned %v", err)
	}
}

// What has connected and says nothing, or not enough, does not keep the server from stopping.
func TestStopClosesConnectionsWithoutSession(t *testing.T) {
	s := launch(t, tcp("main"))
	var conns []net.Conn
	for _, text := range []string{"", "\x7f", "G", "GET /ws HTTP/1.1\r\nHo"} {
		conn := dial(t, s)
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	healthy(t, s) // so those before it have been accepted
	stop(t, s)
	for _, conn := range conns {
		if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a connection is still open")
		}
	}
}

func TestStopWithoutSessions(t *testing.T) { stop(t, launch(t, tcp("main"))) }

func TestNewNamesWhatIsWrong(t *testing.T) {
	secure := tcp("public")
	secure.TLS = &config.TLS{CertFile: "no-such-cert.pem", KeyFile: "no-such-key.pem"}
	for name, change := range map[string]func(*config.Config){
		"certificate": func(c *config.Config) { c.Listeners = []config.Listener{secure} },
		"realm":       func(c *config.Config) { c.Realms[0].Name = "not a realm" },
		"limit":       func(c *config.Config) { c.Limits.MaxMessageSize = 1 << 30 },
	} {
		t.Run(name, func(t *testing.T) {
			c := config.Development("127.0.0.1:0", "", realm)
			change(c)
			if _, err := server.New(c, "tandem/test", slog.New(slog.DiscardHandler)); err == nil {
				t.Error("no error")
			}
		})
	}
}
