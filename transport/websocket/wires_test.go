package websocket_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/transport/websocket"
	"github.com/tandemrouter/tandem/wamp"
)

// wires are all ways to connect to an echoing router.
var wires = map[string]func(t *testing.T, s wamp.Serializer) transport.Conn{
	"websocket": func(t *testing.T, s wamp.Serializer) transport.Conn {
		router := newRouter(t, nil, echo)
		return dialWeb(t, router.url(), &websocket.DialConfig{Serializers: []wamp.Serializer{s}})
	},
	"websocket over TLS": func(t *testing.T, s wamp.Serializer) transport.Conn { // WS-12
		router := newUnstartedRouter(t, nil, echo)
		router.StartTLS()
		return dialWeb(t, router.url(), &websocket.DialConfig{Serializers: []wamp.Serializer{s}, TLS: router.trusting()})
	},
	"rawsocket over TCP": func(t *testing.T, s wamp.Serializer) transport.Conn {
		listener := listen(t, "tcp", "127.0.0.1:0")
		return dialRaw(t, listener, "tcp", &rawsocket.DialConfig{Serializer: s})
	},
	"rawsocket over a Unix socket": func(t *testing.T, s wamp.Serializer) transport.Conn { // RS-16
		listener := listen(t, "unix", filepath.Join(t.TempDir(), "s"))
		return dialRaw(t, listener, "unix", &rawsocket.DialConfig{Serializer: s})
	},
	"rawsocket over TLS": func(t *testing.T, s wamp.Serializer) transport.Conn { // RS-16
		lender := newUnstartedRouter(t, nil, echo) // of a certificate
		lender.StartTLS()
		listener := tls.NewListener(listen(t, "tcp", "127.0.0.1:0"), lender.TLS)
		return dialRaw(t, listener, "tls", &rawsocket.DialConfig{Serializer: s, TLS: lender.trusting()})
	},
}

func dialWeb(t *testing.T, url string, cfg *websocket.DialConfig) transport.Conn {
	t.Helper()
	conn, err := websocket.Dial(t.Context(), url, cfg)
	return connected(t, conn, err)
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// dialRaw connects to a router that accepts one connection.
func dialRaw(t *testing.T, listener net.Listener, network string, cfg *rawsocket.DialConfig) transport.Conn {
	t.Helper()
	var router sync.WaitGroup
	router.Go(func() {
		socket, err := listener.Accept()
		if err != nil {
			return
		}
		conn, err := rawsocket.Accept(socket, nil)
		if err != nil {
			t.Error(err)
			return
		}
		echo(conn)
	})
	t.Cleanup(func() {
		listener.Close()
		router.Wait()
	})
	conn, err := rawsocket.Dial(t.Context(), network, listener.Addr().String(), cfg)
	return connected(t, conn, err)
}

func connected(t *testing.T, conn transport.Conn, err error) transport.Conn {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestWiresCarryMessages(t *testing.T) {
	for name, dial := range wires {
		for _, s := range everySerializer {
			t.Run(name+", "+s.String(), func(t *testing.T) {
				conn := dial(t, s)
				exchangeMessages(t, conn, 0, 1, 50, 100, 125, 126, 1000, 65500, 65536, 1000000)
				endOrderly(t, conn)
			})
		}
	}
}

// Many messages on their way at once arrive in order.
func TestWiresKeepOrder(t *testing.T) {
	const n = 5000
	for name, dial := range wires {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, wamp.CBOR)
			var sender sync.WaitGroup
			queue := transport.NewQueue(conn, 0, &sender)
			sender.Go(func() { sendNumbered(queue, n) })
			wantNumbered(t, conn, n)
			sender.Wait()
			endOrderly(t, conn)
		})
	}
}

// sendNumbered sends n messages whose request IDs count up from 1, and waits whenever the queue is full.
func sendNumbered(queue *transport.Queue, n int) {
	for i := range n {
		m := &wamp.Unsubscribe{Request: wamp.ID(i + 1), Subscription: 1}
		for errors.Is(queue.Put(m), transport.ErrQueueFull) {
			<-queue.Drained()
		}
	}
}

// wantNumbered receives what sendNumbered has sent.
func wantNumbered(t *testing.T, conn transport.Conn, n int) {
	t.Helper()
	var run transport.Run
	for next := wamp.ID(1); next <= wamp.ID(n); {
		if err := receive(t, conn, &run); err != nil {
			t.Fatal(err)
		}
		for _, m := range run.Messages {
			if got := m.(*wamp.Unsubscribe).Request; got != next {
				t.Fatalf("request %d, want %d", got, next)
			}
			next++
		}
	}
}

// A message that is too large for the router ends the connection, and so does one that it cannot decode.
func TestWiresRefuseLargeMessages(t *testing.T) {
	for name, dial := range wires {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, wamp.JSON)
			var flusher sync.WaitGroup
			queue := transport.NewQueue(conn, 0, &flusher)
			err := queue.Put(publication(t, wamp.JSON, 1, 2<<20))
			if conn.Info().MaxSend > 0 {
				if !errors.Is(err, transport.ErrTooLarge) { // RS-09
					t.Errorf("Put: %v", err)
				}
				return
			}
			var run transport.Run
			if err := receive(t, conn, &run); !errors.Is(err, io.EOF) {
				t.Errorf("Receive: %v", err)
			}
			_ = conn.Close()
			flusher.Wait()
		})
	}
}

// exchangeMessages sends a message of each size and wants it back.
func exchangeMessages(t *testing.T, conn transport.Conn, sizes ...int) {
	t.Helper()
	var flushers sync.WaitGroup
	queue := transport.NewQueue(conn, 0, &flushers)
	var run transport.Run
	for i, size := range sizes {
		sent := publication(t, conn.Info().Serializer, wamp.ID(i+1), size)
		if err := queue.Put(sent); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if err := receive(t, conn, &run); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		got := run.Messages[0].(*wamp.Publish)
		if len(run.Messages) != 1 || got.Request != sent.Request || !bytes.Equal(got.Payload.Raw, sent.Payload.Raw) {
			t.Fatalf("%d bytes: request %d came back with %d bytes", size, got.Request, len(got.Payload.Raw))
		}
	}
	flushers.Wait()
}

// publication returns a message with a text of the given size.
func publication(t *testing.T, s wamp.Serializer, request wamp.ID, size int) *wamp.Publish {
	t.Helper()
	text := strings.Repeat("tandem.", size/7+1)[:size]
	payload, err := payload.Encode(s, &wamp.Payload{Args: wamp.List{text}})
	if err != nil {
		t.Fatal(err)
	}
	return &wamp.Publish{Request: request, Topic: "com.example.topic", Payload: payload}
}

// endOrderly closes as a client does, and wants the other side to close as well.
func endOrderly(t *testing.T, conn transport.Conn) {
	t.Helper()
	var flushers sync.WaitGroup
	transport.NewQueue(conn, 0, &flushers).Close(nil, nil)
	var run transport.Run
	if err := receive(t, conn, &run); !errors.Is(err, io.EOF) {
		t.Errorf("after closing: %v", err)
	}
	conn.Linger(5 * time.Second)
	flushers.Wait()
}
