package rawsocket_test

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemrouter/tandem/internal/wamptest"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/wamp"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// The handshakes of requirements 6.2, from the router's side.
func TestAccept(t *testing.T) {
	for _, tt := range []struct {
		name           string
		cfg            rawsocket.Config
		request, reply string // hexadecimal
		serializer     wamp.Serializer
		maxSend        int
		code           rawsocket.Code
	}{
		{"JSON, 16M", rawsocket.Config{}, "7ff10000", "7fb10000", wamp.JSON, 16 * mib, 0},
		{"CBOR, 1 KiB", rawsocket.Config{}, "7f130000", "7fb30000", wamp.CBOR, kib, 0},
		{"router accepts MessagePack, 64 KiB", rawsocket.Config{MaxMessageSize: 64 * kib}, "7ff20000", "7f720000",
			wamp.MessagePack, 16 * mib, 0},
		{"the next power of two is declared", rawsocket.Config{MaxMessageSize: 64*kib + 1}, "7ff20000", "7f820000",
			wamp.MessagePack, 16 * mib, 0},
		{"512 bytes are the least", rawsocket.Config{MaxMessageSize: 1}, "7f010000", "7f010000", wamp.JSON, 512, 0},
		{"16 MiB are the most", rawsocket.Config{MaxMessageSize: 17 * mib}, "7f010000", "7ff10000", wamp.JSON, 512, 0},
		{"RS-17 just large enough", rawsocket.Config{MinPeerMessageSize: kib}, "7f110000", "7fb10000", wamp.JSON, kib, 0},

		{"RS-02 first octet", rawsocket.Config{}, "47455420", "", 0, 0, rawsocket.NoCode},
		{"RS-03 reserved bits used", rawsocket.Config{}, "7ff10001", "7f300000", 0, 0, rawsocket.ReservedBitsUsed},
		{"RS-03 in octet 3", rawsocket.Config{}, "7ff18000", "7f300000", 0, 0, rawsocket.ReservedBitsUsed},
		{"RS-04 serializer unsupported", rawsocket.Config{}, "7ff40000", "7f100000", 0, 0, rawsocket.SerializerUnsupported},
		{"RS-04 serializer not wanted", rawsocket.Config{Serializers: []wamp.Serializer{wamp.CBOR}}, "7ff10000", "7f100000",
			0, 0, rawsocket.SerializerUnsupported},
		{"RS-05 serializer 0", rawsocket.Config{}, "7ff00000", "7f100000", 0, 0, rawsocket.SerializerUnsupported},
		{"RS-17 maximum length unacceptable", rawsocket.Config{MinPeerMessageSize: kib + 1}, "7f110000", "7f200000", 0, 0,
			rawsocket.LengthUnacceptable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, accepted := accept(t, &tt.cfg)
			if reply := exchange(t, client, tt.request, len(tt.reply)/2); reply != tt.reply {
				t.Errorf("reply %s, want %s", reply, tt.reply)
			}
			got := <-accepted
			if tt.serializer == wamp.NoSerializer {
				wantCode(t, got.err, tt.code)
				wantClosed(t, client)
				return
			}
			if got.err != nil {
				t.Fatal(got.err)
			}
			info := got.conn.Info()
			if info.Transport != "rawsocket" || info.Serializer != tt.serializer || info.MaxSend != tt.maxSend {
				t.Errorf("info: %+v", info)
			}
		})
	}
}

func TestRefuseRS17(t *testing.T) {
	for request, reply := range map[string]string{"7ff10000": "7f400000", "47455420": ""} {
		client, server := net.Pipe()
		refused := make(chan error, 1)
		go func() { refused <- rawsocket.Refuse(server, nil) }()
		if got := exchange(t, client, request, len(reply)/2); got != reply {
			t.Errorf("reply to %s: %q, want %q", request, got, reply)
		}
		var handshake *rawsocket.HandshakeError
		if err := <-refused; !errors.As(err, &handshake) {
			t.Errorf("Refuse returned %v", err)
		}
		wantClosed(t, client)
	}
}

func TestAcceptOctetByOctet(t *testing.T) {
	client, accepted := accept(t, nil)
	for _, octet := range []byte{0x7f, 0x71, 0, 0} {
		if _, err := client.Write([]byte{octet}); err != nil {
			t.Fatal(err)
		}
	}
	if reply := exchange(t, client, "", 4); reply != "7fb10000" {
		t.Errorf("reply %s", reply)
	}
	if got := <-accepted; got.err != nil {
		t.Error(got.err)
	}
}

// The deadline is of the whole handshake: octets that keep coming do not move it.
func TestHandshakeTimeoutRS15(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		client, accepted := accept(t, nil)
		for _, octet := range []byte{0x7f, 0x71, 0} {
			if _, err := client.Write([]byte{octet}); err != nil {
				t.Fatal(err)
			}
			<-time.After(1500 * time.Millisecond)
		}
		got := <-accepted
		if !errors.Is(got.err, os.ErrDeadlineExceeded) {
			t.Errorf("Accept: %v", got.err)
		}
		if after := time.Since(start); after != 5*time.Second {
			t.Errorf("after %v", after)
		}
		wantClosed(t, client)
	})
}

// The deadline is of the handshake only.
func TestAcceptedConnectionHasNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, accepted := accept(t, nil)
		exchange(t, client, "7f710000", 4)
		got := <-accepted
		if got.err != nil {
			t.Fatal(got.err)
		}
		go func() {
			<-time.After(time.Minute)
			_, _ = client.Write([]byte{0})
		}()
		if err := got.conn.Wait(); err != nil {
			t.Errorf("Wait: %v", err)
		}
	})
}

func TestPartialHandshakeRS15(t *testing.T) {
	client, accepted := accept(t, nil)
	exchange(t, client, "7f71", 0)
	client.Close()
	if got := <-accepted; !errors.Is(got.err, io.ErrUnexpectedEOF) {
		t.Errorf("Accept: %v", got.err)
	}
}

// The handshakes from the client's side.
func TestDial(t *testing.T) {
	for _, tt := range []struct {
		name           string
		cfg            rawsocket.DialConfig
		request, reply string // hexadecimal
		maxSend        int
		code           rawsocket.Code
		err            string
	}{
		{"default", rawsocket.DialConfig{}, "7fb30000", "7f730000", 64 * kib, 0, ""},
		{"JSON, 16M", rawsocket.DialConfig{Serializer: wamp.JSON, MaxMessageSize: 16 * mib}, "7ff10000", "7ff10000", 16 * mib, 0, ""},
		{"RS-07 error 1", rawsocket.DialConfig{}, "7fb30000", "7f100000", 0, rawsocket.SerializerUnsupported, "serializer unsupported"},
		{"RS-07 error 2", rawsocket.DialConfig{}, "7fb30000", "7f200000", 0, rawsocket.LengthUnacceptable, "length unacceptable"},
		{"RS-07 error 3", rawsocket.DialConfig{}, "7fb30000", "7f300000", 0, rawsocket.ReservedBitsUsed, "reserved bits used"},
		{"RS-07 error 4", rawsocket.DialConfig{}, "7fb30000", "7f400000", 0, rawsocket.TooManyConnections, "too many connections"},
		{"RS-19 reserved error", rawsocket.DialConfig{}, "7fb30000", "7fe00000", 0, 14, "reserved error code 14"},
		{"RS-07 another serializer", rawsocket.DialConfig{}, "7fb30000", "7f710000", 0, rawsocket.NoCode, "chose serializer 1"},
		{"first octet", rawsocket.DialConfig{}, "7fb30000", "48545450", 0, rawsocket.NoCode, "first octet is 0x48"},
		{"reserved octets", rawsocket.DialConfig{}, "7fb30000", "7f730001", 0, rawsocket.NoCode, "reserved octets"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address := wamptest.Answer(t, func(router net.Conn) {
				if request := exchange(t, router, "", 4); request != tt.request {
					t.Errorf("request %s, want %s", request, tt.request)
				}
				exchange(t, router, tt.reply, 0)
			})
			conn, err := rawsocket.Dial(t.Context(), "tcp", address, &tt.cfg)
			if tt.err != "" {
				wantCode(t, err, tt.code)
				if !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %q does not say %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if got := conn.Info().MaxSend; got != tt.maxSend {
				t.Errorf("MaxSend %d, want %d", got, tt.maxSend)
			}
		})
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address := wamptest.Answer(t, func(router net.Conn) {
		exchange(t, router, "", 4)
		cancel()
		wantClosed(t, router)
	})
	if _, err := rawsocket.Dial(ctx, "tcp", address, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Dial: %v", err)
	}
}

func TestDialTimesOut(t *testing.T) {
	address := wamptest.Answer(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	_, err := rawsocket.Dial(t.Context(), "tcp", address, &rawsocket.DialConfig{Timeout: 20 * time.Millisecond})
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Dial: %v", err)
	}
}

func TestDialUnknownNetwork(t *testing.T) {
	if _, err := rawsocket.Dial(t.Context(), "carrier pigeon", "loft", nil); err == nil {
		t.Error("Dial succeeded")
	}
}

// ---- the other end ----

type accepted struct {
	conn transport.Conn
	err  error
}

// accept lets a router accept one end of a pipe and returns the other end.
func accept(t *testing.T, cfg *rawsocket.Config) (client net.Conn, done <-chan accepted) {
	client, server := net.Pipe()
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	result := make(chan accepted, 1)
	go func() {
		conn, err := rawsocket.Accept(server, cfg)
		result <- accepted{conn, err}
	}()
	return client, result
}

// exchange writes what is given in hexadecimal and reads so many octets.
func exchange(t *testing.T, conn net.Conn, write string, read int) string {
	t.Helper()
	octets, err := hex.DecodeString(write)
	if err != nil {
		t.Fatal(err)
	}
	if len(octets) > 0 {
		if _, err := conn.Write(octets); err != nil {
			t.Error(err)
		}
	}
	buf := make([]byte, read)
	if _, err := io.ReadFull(conn, buf); err != nil {
		t.Error(err)
	}
	return hex.EncodeToString(buf)
}

func wantClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes, %v; the connection should be closed", n, err)
	}
}

func wantCode(t *testing.T, err error, code rawsocket.Code) {
	t.Helper()
	var handshake *rawsocket.HandshakeError
	if !errors.As(err, &handshake) || handshake.Code != code {
		t.Fatalf("error %v, want a HandshakeError with code %d", err, code)
	}
}
