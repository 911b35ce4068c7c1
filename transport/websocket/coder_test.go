package websocket_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	coder "github.com/coder/websocket"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/transport/websocket"
	"github.com/tandemrouter/tandem/wamp"
)

// These tests talk to another implementation of WebSocket, so that a mistake made on both of our sides shows.

var everySerializer = []wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR}

func TestCoderClient(t *testing.T) {
	for _, s := range everySerializer {
		t.Run(s.String(), func(t *testing.T) {
			client := dialCoder(t, newRouter(t, nil, echo), s)
			for _, size := range []int{1, 100, 126, 5000, 70000, 900000} {
				message := encoded(t, s, size)
				writeFragments(t, client, s, message)
				kind, back, err := client.Read(t.Context())
				if err != nil || kind != frameType(s) || !bytes.Equal(back, message) {
					t.Fatalf("%d bytes came back as %d of type %v, %v", len(message), len(back), kind, err)
				}
			}
			if err := client.Close(coder.StatusNormalClosure, "done"); err != nil {
				t.Errorf("the closing handshake: %v", err)
			}
		})
	}
}

func writeFragments(t *testing.T, client *coder.Conn, s wamp.Serializer, message []byte) {
	t.Helper()
	w, err := client.Writer(t.Context(), frameType(s))
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(message, 1000) {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCoderClientIsPonged(t *testing.T) {
	client := dialCoder(t, newRouter(t, nil, echo), wamp.JSON)
	ctx := client.CloseRead(t.Context())
	if err := client.Ping(ctx); err != nil {
		t.Errorf("WS-07: %v", err)
	}
}

// What the peer learns from the close frame.
func TestCoderClientIsToldWhy(t *testing.T) {
	for _, tt := range []struct {
		name    string
		kind    coder.MessageType
		message string
		code    coder.StatusCode
	}{
		{"WS-08 too large", coder.MessageText, strings.Repeat("x", 2<<20), coder.StatusMessageTooBig},
		{"WS-04 binary", coder.MessageBinary, "[]", coder.StatusProtocolError},
		{"WS-05 undecodable", coder.MessageText, "[", coder.StatusProtocolError},
		{"WS-05 empty", coder.MessageText, "", coder.StatusProtocolError},
		{"SER-08 not UTF-8", coder.MessageText, "[1,\"\xc3\x28\",{}]", coder.StatusProtocolError},
		{"SER-08 arguments not UTF-8", coder.MessageText, "[16,1,{},\"com.example\",[\"\xc3\x28\"]]", coder.StatusProtocolError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := dialCoder(t, newRouter(t, nil, echo), wamp.JSON)
			_ = client.Write(t.Context(), tt.kind, []byte(tt.message)) // may fail before all is written
			_, _, err := client.Read(t.Context())
			if got := coder.CloseStatus(err); got != tt.code {
				t.Errorf("close code %d, want %d: %v", got, tt.code, err)
			}
		})
	}
}

func TestCoderServer(t *testing.T) {
	for _, s := range everySerializer {
		t.Run(s.String(), func(t *testing.T) {
			closed := make(chan error, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				closed <- echoCoder(w, r, "wamp.2."+s.String())
			}))
			defer server.Close()
			conn, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := conn.Info().Serializer; got != s {
				t.Fatalf("serializer %v", got)
			}
			exchangeMessages(t, conn, 1, 100, 126, 5000, 70000, 900000)
			endOrderly(t, conn)
			if err := <-closed; coder.CloseStatus(err) != coder.StatusNormalClosure {
				t.Errorf("the closing handshake: %v", err)
			}
		})
	}
}

// dialCoder connects the other implementation's client.
func dialCoder(t *testing.T, router *router, s wamp.Serializer) *coder.Conn {
	t.Helper()
	client, response, err := coder.Dial(t.Context(), router.url(), &coder.DialOptions{Subprotocols: []string{"wamp.2." + s.String()}})
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		response.Body.Close()
	}
	client.SetReadLimit(-1)
	t.Cleanup(func() { _ = client.CloseNow() })
	return client
}

// echoCoder sends every message back until the client closes, and returns how it did.
func echoCoder(w http.ResponseWriter, r *http.Request, subprotocol string) error {
	conn, err := coder.Accept(w, r, &coder.AcceptOptions{Subprotocols: []string{subprotocol}})
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(-1)
	ctx := context.WithoutCancel(r.Context())
	for {
		kind, message, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		if err := conn.Write(ctx, kind, message); err != nil {
			return err
		}
	}
}

func frameType(s wamp.Serializer) coder.MessageType {
	if s == wamp.JSON {
		return coder.MessageText
	}
	return coder.MessageBinary
}

// encoded returns the bytes of a message with a text of the given size.
func encoded(t *testing.T, s wamp.Serializer, size int) []byte {
	t.Helper()
	b, err := serializer.Append(nil, s, publication(t, s, 1, size))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
