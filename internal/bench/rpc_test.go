package bench

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/internal/server"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/wamp"
)

// startRouter runs a router until the test ends and returns its URLs.
func startRouter(t *testing.T) (urls map[string]string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "socket")
	s, err := server.New(config.Development("127.0.0.1:0", socket, "realm1"), "tandem/test", slog.New(slog.DiscardHandler))
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	address := s.Addrs()[0].String()
	return map[string]string{"ws": "ws://" + address + "/ws", "tcp": "tcp://" + address, "unix": "unix://" + socket}
}

func target(url string) Target { return Target{URL: url, Realm: "realm1", Serializer: wamp.CBOR} }

var briefly = Timing{Warmup: 10 * time.Millisecond, Duration: 60 * time.Millisecond}

// quick is a short measurement of the router at the URL.
func quick(url string) RPC {
	return RPC{Target: target(url), Timing: briefly, Pairs: 2, Depth: 8, Size: 256}
}

// measure runs the measurement and checks what it found. On a busy machine it may need longer to find anything.
func measure(t *testing.T, load RPC) *RPCReport {
	t.Helper()
	r, err := load.Run(t.Context())
	for err == nil && r.Calls == 0 && load.Duration < patience/4 {
		load.Duration *= 2
		r, err = load.Run(t.Context())
	}
	switch {
	case err != nil:
		t.Error(err)
	case r.Calls == 0 || r.Errors != 0:
		t.Errorf("%d calls, %d errors", r.Calls, r.Errors)
	case !inOrder(r.Latency):
		t.Errorf("latencies %+v", r.Latency)
	case r.CallsPerSec != float64(r.Calls)/r.Elapsed.Seconds():
		t.Errorf("%v calls/s", r.CallsPerSec)
	}
	return r
}

func inOrder(l Latency) bool {
	return l.P50 > 0 && l.P50 <= l.P90 && l.P90 <= l.P99 && l.P99 <= l.P999 && l.P999 <= l.Max
}

func TestRPCOverEveryWire(t *testing.T) {
	for scheme, url := range startRouter(t) {
		for _, s := range []wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR} {
			t.Run(scheme+" "+s.String(), func(t *testing.T) {
				load := quick(url)
				load.Serializer = s
				measure(t, load)
			})
		}
	}
}

func TestRPCSharedCallees(t *testing.T) {
	load := quick(startRouter(t)["tcp"])
	load.Callees, load.Pairs = 3, 4
	measure(t, load)
}

func TestRPCLargeArguments(t *testing.T) {
	load := quick(startRouter(t)["tcp"])
	load.Size, load.Depth = 200_000, 2
	measure(t, load)
}

func TestRPCThroughARelay(t *testing.T) {
	load := quick("tcp://" + startRelay(t))
	load.Relay = true
	for range 2 { // the second finds a relay that has served before
		measure(t, load)
	}
}

// No call is lost however many are under way.
func TestRPCNoCallIsLostAtDepth1024(t *testing.T) {
	load := quick(startRouter(t)["tcp"])
	load.Pairs, load.Depth, load.Duration = 4, 1024, 700*time.Millisecond
	measure(t, load)
}

func TestRPCAccountsForTheRouter(t *testing.T) {
	if _, err := os.Stat("/proc/self/io"); err != nil {
		t.Skip("needs Linux's /proc")
	}
	load := quick(startRouter(t)["tcp"])
	load.RouterPID = os.Getpid()
	if r := measure(t, load); r != nil && (r.Router.Syscalls <= 0 || r.Router.RSS == 0) {
		t.Errorf("%v system calls a call, %d bytes", r.Router.Syscalls, r.Router.RSS)
	}
	load.RouterPID = 1 << 30
	if _, err := load.Run(t.Context()); err == nil {
		t.Error("nobody was accounted for")
	}
}

func TestRPCCanBeCanceled(t *testing.T) {
	load := quick(startRouter(t)["tcp"])
	load.Warmup, load.Duration = time.Minute, time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := load.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestRPCRefusesWhatItMustNotMeasure(t *testing.T) {
	tests := map[string]struct {
		change func(*RPC)
		text   string
	}{
		"another machine":   {func(c *RPC) { c.URL = "tcp://192.0.2.1:8080" }, "not on this machine"},
		"another's name":    {func(c *RPC) { c.URL = "ws://example.com/ws" }, "not on this machine"},
		"looks like it":     {func(c *RPC) { c.URL = "ws://localhost.example.com/ws" }, "not on this machine"},
		"looks local":       {func(c *RPC) { c.URL = "ws://127.0.0.1@example.com/ws" }, "not on this machine"},
		"every address":     {func(c *RPC) { c.URL = "tcp://0.0.0.0:8080" }, "not on this machine"},
		"TLS":               {func(c *RPC) { c.URL = "wss://127.0.0.1/ws" }, "write ws://, tcp:// or unix://"},
		"no scheme":         {func(c *RPC) { c.URL = "127.0.0.1" }, "write ws://, tcp:// or unix://"},
		"no URL":            {func(c *RPC) { c.URL = "tcp://127.0.0.1:%" }, "parse"},
		"no pairs":          {func(c *RPC) { c.Pairs = 0 }, "pairs"},
		"too many pairs":    {func(c *RPC) { c.Pairs = maxPeers + 1 }, "pairs"},
		"negative callees":  {func(c *RPC) { c.Callees = -1 }, "callees"},
		"no depth":          {func(c *RPC) { c.Depth = 0 }, "depth"},
		"too deep":          {func(c *RPC) { c.Depth = maxInFlight }, "depth"},
		"too small":         {func(c *RPC) { c.Size = minSize - 1 }, "size"},
		"too large":         {func(c *RPC) { c.Size = maxSize + 1 }, "size"},
		"too much":          {func(c *RPC) { c.Size, c.Depth = 1<<20, 513 }, "size"},
		"no time":           {func(c *RPC) { c.Duration = 0 }, "duration"},
		"negative warm-up":  {func(c *RPC) { c.Warmup = -1 }, "duration"},
		"too long":          {func(c *RPC) { c.Warmup = maxDuration }, "duration"},
		"overflow":          {func(c *RPC) { c.Warmup, c.Duration = 1<<63-1, 1<<63-1 }, "duration"},
		"relay and callees": {func(c *RPC) { c.Relay, c.Callees = true, 2 }, "shared callees"},
		"relay and ws":      {func(c *RPC) { c.Relay, c.URL = true, "ws://127.0.0.1/ws" }, "write tcp://"},
		"no serializer":     {func(c *RPC) { c.Serializer = wamp.NoSerializer }, "serializer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			load := quick("tcp://127.0.0.1:1")
			test.change(&load)
			if _, err := load.Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, url := range []string{"ws://localhost:1/ws", "ws://[::1]:1/ws", "tcp://127.9.9.9:1", "unix:///x"} {
		load := quick(url)
		if err := load.Validate(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestRPCSaysWhyTheRouterRefuses(t *testing.T) {
	load := quick(startRouter(t)["tcp"])
	load.Realm = "nowhere"
	if _, err := load.Run(t.Context()); !errors.Is(err, wamp.ErrNoSuchRealm) {
		t.Errorf("got %v", err)
	}
	load = quick(startRouter(t)["tcp"])
	load.Size = 2 << 20 // more than the router takes
	if _, err := load.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("got %v", err)
	}
}

// fakeRouter answers messages as the test wants, until the test ends. A nil answer is none; an *wamp.Abort is the
// last message of its connection.
func fakeRouter(t *testing.T, answer func(wamp.Message) wamp.Message) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			conns.Go(func() { answerAll(conn, answer) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		conns.Wait()
	})
	return "tcp://" + l.Addr().String()
}

func answerAll(conn net.Conn, answer func(wamp.Message) wamp.Message) {
	c, err := rawsocket.Accept(conn, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	var run transport.Run
	for c.Wait() == nil && c.Receive(&run) == nil {
		for _, m := range run.Messages {
			reply := answer(m)
			if reply == nil {
				continue
			}
			frame, err := c.Append(nil, reply)
			if err == nil {
				_, err = c.Write(frame)
			}
			if _, last := reply.(*wamp.Abort); last || err != nil {
				return
			}
		}
	}
}

// polite answers all but calls.
func polite(m wamp.Message) wamp.Message {
	switch m := m.(type) {
	case *wamp.Hello:
		return &wamp.Welcome{Session: 1}
	case *wamp.Register:
		return &wamp.Registered{Request: m.Request, Registration: 1}
	default:
		return nil
	}
}

func TestRPCEndsWhenTheRouterDoesNotAnswer(t *testing.T) {
	silent := func(wamp.Message) wamp.Message { return nil }
	loses := polite
	twice := func(m wamp.Message) wamp.Message {
		if _, ok := m.(*wamp.Call); ok {
			return &wamp.Result{Request: 1}
		}
		return polite(m)
	}
	ends := func(m wamp.Message) wamp.Message {
		if _, ok := m.(*wamp.Call); ok {
			return &wamp.Abort{Reason: "com.example.tired", Details: wamp.AbortDetails{Message: "enough"}}
		}
		return polite(m)
	}
	refuses := func(m wamp.Message) wamp.Message {
		if r, ok := m.(*wamp.Register); ok {
			return &wamp.Error{RequestType: wamp.TypeRegister, Request: r.Request, URI: wamp.ErrNotAuthorized}
		}
		return polite(m)
	}
	for name, test := range map[string]struct {
		answer func(wamp.Message) wamp.Message
		text   string
	}{
		"to HELLO":         {silent, errSilent.Error()},
		"to a call":        {loses, errOverdue.Error()},
		"only once":        {twice, "request 1, which is not under way, was answered"},
		"but ends":         {ends, "calls under way: com.example.tired: enough"},
		"well to REGISTER": {refuses, "procedure0: wamp.error.not_authorized"},
		"in order": {func(wamp.Message) wamp.Message { return &wamp.Goodbye{Reason: "com.example.bye"} },
			"com.example.bye"},
		"in words of ours": {func(wamp.Message) wamp.Message { return &wamp.Published{Request: 1, Publication: 1} }, "the router sent *wamp.Published"},
	} {
		t.Run(name, func(t *testing.T) {
			load := quick(fakeRouter(t, test.answer))
			load.patience = 50 * time.Millisecond
			if _, err := load.Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// An ERROR is an answer: it is counted, and the measurement goes on.
func TestRPCCountsErrors(t *testing.T) {
	load := quick(fakeRouter(t, func(m wamp.Message) wamp.Message {
		if c, ok := m.(*wamp.Call); ok {
			return &wamp.Error{RequestType: wamp.TypeCall, Request: c.Request, URI: wamp.ErrUnavailable}
		}
		return polite(m)
	}))
	r, err := load.Run(t.Context())
	if err != nil || r.Calls == 0 || r.Errors != r.Calls {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestRPCNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	var refused *net.OpError
	if _, err := quick("tcp://" + l.Addr().String()).Run(t.Context()); !errors.As(err, &refused) || refused.Op != "dial" {
		t.Errorf("got %v", err)
	}
}
