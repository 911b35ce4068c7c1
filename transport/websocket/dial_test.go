package websocket_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/tandemrouter/tandem/internal/wamptest"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/websocket"
	"github.com/tandemrouter/tandem/wamp"
)

func TestDial(t *testing.T) {
	for _, tt := range []struct {
		name   string
		spoken []wamp.Serializer // by the router
		cfg    *websocket.DialConfig
		want   wamp.Serializer
	}{
		{"default", nil, nil, wamp.CBOR},
		{"the client's order", nil, &websocket.DialConfig{Serializers: []wamp.Serializer{wamp.MessagePack, wamp.CBOR}},
			wamp.MessagePack},
		{"what the router speaks", []wamp.Serializer{wamp.JSON}, nil, wamp.JSON},
	} {
		t.Run(tt.name, func(t *testing.T) {
			router := newRouter(t, &websocket.Config{Serializers: tt.spoken}, func(transport.Conn) {})
			info := dialWeb(t, router.url(), tt.cfg).Info()
			if info.Transport != "websocket" || info.Serializer != tt.want || info.Shape != transport.ShapeUnique || info.Secure {
				t.Errorf("info: %+v", info)
			}
		})
	}
}

func TestDialTLS(t *testing.T) {
	secure := make(chan bool, 1)
	r := newUnstartedRouter(t, nil, func(conn transport.Conn) { secure <- conn.Info().Secure })
	r.Config.ErrorLog = log.New(io.Discard, "", 0) // the client refuses the certificate, and that is logged
	r.StartTLS()
	conn := dialWeb(t, r.url(), &websocket.DialConfig{TLS: r.trusting()})
	if !conn.Info().Secure || !<-secure {
		t.Error("WS-12: the connection is not marked as secure")
	}
	if _, err := websocket.Dial(t.Context(), r.url(), nil); err == nil {
		t.Error("the certificate of an unknown authority was accepted")
	}
}

func TestDialSendsHeader(t *testing.T) {
	cookies := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies <- r.Header.Get("Cookie")
	}))
	defer server.Close()
	cfg := &websocket.DialConfig{Header: http.Header{"Cookie": {"a=b"}}}
	if _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), cfg); err == nil {
		t.Error("Dial took the answer of a server that does not know WebSocket")
	}
	if cookie := <-cookies; cookie != "a=b" {
		t.Errorf("cookie %q", cookie)
	}
}

// What servers answer that do not open the connection as they should.
func TestDialRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		status int
		text   string
	}{
		{"refused", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "not today", http.StatusForbidden) }, 403, "not today"},
		{"refused without a word", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, 503, "Service Unavailable"},
		{"not WebSocket", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }, 200, "hi"},
		{"WS-06 no subprotocol", func(w http.ResponseWriter, r *http.Request) { _, _, _, _ = ws.UpgradeHTTP(r, w) }, 101,
			"chose no subprotocol"},
		{"WS-06 subprotocol not offered", choosing("wamp.2.json.batched"), 101, "Sec-WebSocket-Protocol"},
		{"WS-06 another serializer", choosing("wamp.2.json"), 101, "Sec-WebSocket-Protocol"},
		{"not HTTP", raw("SSH-2.0-sshd\r\n"), 101, "malformed"},
		{"HTTP without WebSocket's fields", raw("HTTP/1.1 101 Switching Protocols\r\n\r\n"), 101, "Upgrade"},
		{"extension not asked for", extending("permessage-deflate"), 101, "Sec-WebSocket-Protocol"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.answer)
			defer server.Close()
			cfg := &websocket.DialConfig{Serializers: []wamp.Serializer{wamp.CBOR}}
			_, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), cfg)
			var refusal *websocket.HandshakeError
			if !errors.As(err, &refusal) || refusal.Status != tt.status || !strings.Contains(refusal.Text, tt.text) {
				t.Errorf("Dial: %v; want a HandshakeError with status %d and %q", err, tt.status, tt.text)
			}
		})
	}
}

// choosing answers with the subprotocol, whatever was offered.
func choosing(subprotocol string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		upgrader := ws.HTTPUpgrader{Header: http.Header{"Sec-Websocket-Protocol": {subprotocol}}}
		_, _, _, _ = upgrader.Upgrade(r, w)
	}
}

func extending(extension string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		upgrader := ws.HTTPUpgrader{
			Header:   http.Header{"Sec-Websocket-Extensions": {extension}},
			Protocol: func(string) bool { return true },
		}
		_, _, _, _ = upgrader.Upgrade(r, w)
	}
}

// raw answers with just this text.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, text)
	}
}

// A server that talks without end is left soon.
func TestDialBoundsTheResponse(t *testing.T) {
	const chunk = 16 << 10
	sent := make(chan int, 1)
	address := wamptest.Answer(t, func(conn net.Conn) {
		n, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nX: ")
		for err == nil && n < 64<<20 {
			var k int
			k, err = io.WriteString(conn, strings.Repeat("x", chunk))
			n += k
		}
		sent <- n
	})
	if _, err := websocket.Dial(t.Context(), "ws://"+address, nil); err == nil {
		t.Error("Dial succeeded")
	}
	if n := <-sent; n >= 64<<20 {
		t.Errorf("the server could send %d bytes", n)
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address := wamptest.Answer(t, func(conn net.Conn) {
		cancel()
		_, _ = io.Copy(io.Discard, conn)
	})
	if _, err := websocket.Dial(ctx, "ws://"+address, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Dial: %v", err)
	}
}

func TestDialTimesOut(t *testing.T) {
	address := wamptest.Answer(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	_, err := websocket.Dial(t.Context(), "ws://"+address, &websocket.DialConfig{Timeout: 20 * time.Millisecond})
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Dial: %v", err)
	}
}

func TestDialWrongURL(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1", "127.0.0.1:8080", "ws://%zz", ""} {
		if _, err := websocket.Dial(t.Context(), url, nil); err == nil {
			t.Errorf("Dial(%q) succeeded", url)
		}
	}
}
