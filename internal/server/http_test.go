package server_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/transport/websocket"
)

// statusOf returns the status of the HTTP response that the answer begins with, 0 if it does not.
func statusOf(answer string) int {
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

const (
	anyHost = " HTTP/1.1\r\nHost: localhost\r\n"
	upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	protocol = "Sec-WebSocket-Protocol: wamp.2.json\r\n"
)

// Each of these is answered, if at all, and its connection closed. A session that is open meanwhile does not notice.
func TestPeersThatDoNotSpeakWAMPAreClosed(t *testing.T) {
	tests := map[string]struct {
		text   string
		status int // of the HTTP response; 0: no response
	}{
		"the front page":          {"GET /" + anyHost + "\r\n", 200},
		"the front page, kept":    {"GET /" + anyHost + "Connection: keep-alive\r\n\r\n", 200},
		"an unknown path":         {"GET /admin" + anyHost + "\r\n", 404},
		"below the path":          {"GET /ws/" + anyHost + "\r\n", 404},
		"an unclean path":         {"GET /../ws/..%2f" + anyHost + "\r\n", 307},
		"no upgrade":              {"GET /ws" + anyHost + "\r\n", 400},
		"an upgrade elsewhere":    {"GET /chat" + anyHost + upgrade + protocol + "\r\n", 404},
		"an upgrade of the front": {"GET /" + anyHost + upgrade + protocol + "\r\n", 200},
		"a subprotocol of others": {"GET /ws" + anyHost + upgrade + "Sec-WebSocket-Protocol: chat\r\n\r\n", 400},
		"a page of others":        {"GET /ws" + anyHost + upgrade + protocol + "Origin: https://evil.example\r\n\r\n", 403},
		"another method":          {"POST /ws" + anyHost + upgrade + protocol + "Content-Length: 0\r\n\r\n", 405},
		"a huge header":           {"GET /ws" + anyHost + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", 431},
		"a request without end":   {"GET /" + strings.Repeat("x", 64<<10), 431},
		"HTTP/2":                  {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
		"HTTP without a host":     {"GET /ws HTTP/1.1\r\n\r\n", 400},
		"two lengths":             {"POST /" + anyHost + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400},
		"garbage":                 {"\x00\x01\x02\x03\r\n\r\n", 400},
		"TLS":                     {"\x16\x03\x01\x02\x00\x01\x00\r\n", 400},
		"SSH":                     {"SSH-2.0-OpenSSH_9.6\r\n", 400},
		"a wrong handshake":       {"\x7f\x00\x00\x00", 0},
		"reserved octets":         {"\x7f\xf3\x00\x01", 0},
	}
	s := start(t, tcp("main"))
	check := healthy(t, s)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer := say(t, s, test.text)
			if status := statusOf(answer); status != test.status {
				t.Errorf("answered %.80q, want status %d", answer, test.status)
			}
			check()
		})
	}
}

func TestWS09_Origins(t *testing.T) {
	listed, everybody := tcp("listed"), tcp("everybody")
	listed.Origins, everybody.Origins = []string{"https://app.example"}, []string{"*"}
	for _, test := range []struct {
		listener config.Listener
		origin   string
		status   int
	}{
		{tcp("main"), "http://localhost", 101},
		{tcp("main"), "https://app.example", 403},
		{listed, "https://app.example", 101},
		{listed, "https://evil.example", 403},
		{everybody, "https://evil.example", 101},
	} {
		answer := say(t, start(t, test.listener), "GET /ws"+anyHost+upgrade+protocol+"Origin: "+test.origin+"\r\n\r\n\x88\x80\x00\x00\x00\x00")
		if status := statusOf(answer); status != test.status {
			t.Errorf("%s at %s: status %d, want %d", test.origin, test.listener.Name, status, test.status)
		}
	}
}

// A refused RawSocket handshake is answered with its reason.
func TestRS03_RS04_RawSocketRefusals(t *testing.T) {
	s := start(t, tcp("main"))
	for request, want := range map[string]string{
		"\x7f\xf0\x00\x00": "\x7f\x10\x00\x00", // no such serializer
		"\x7f\xff\x00\x00": "\x7f\x10\x00\x00",
		"\x7f\xf3\x01\x00": "\x7f\x30\x00\x00", // reserved octets
	} {
		if answer := say(t, s, request); answer != want {
			t.Errorf("%q was answered with %q, want %q", request, answer, want)
		}
	}
}

// A connection serves one request: whoever wants no WebSocket cannot stay.
func TestHTTPConnectionEndsAfterOneRequest(t *testing.T) {
	s := start(t, tcp("main"))
	answer := say(t, s, strings.Repeat("GET /"+anyHost+"\r\n", 2))
	if n := strings.Count(answer, "HTTP/1.1"); n != 1 {
		t.Errorf("%d responses", n)
	}
}

func TestPersonWhoForgetsThePathLearnsIt(t *testing.T) {
	s := start(t, tcp("main"))
	for _, path := range []string{"", "/", "/wss"} {
		_, err := client.Connect(t.Context(), "ws://"+address(s)+path, client.Config{Realm: realm})
		var refused *websocket.HandshakeError
		if !errors.As(err, &refused) || !strings.Contains(refused.Text, "/ws.") {
			t.Errorf("path %q gave %v", path, err)
		}
	}
}

// What follows an upgrade is WebSocket frames, whatever it looks like.
func TestRequestBehindAnUpgradeIsNotServed(t *testing.T) {
	s := start(t, tcp("main"))
	check := healthy(t, s)
	answer := say(t, s, "GET /ws"+anyHost+upgrade+protocol+"\r\nGET /"+anyHost+"\r\n")
	if status := statusOf(answer); status != http.StatusSwitchingProtocols {
		t.Fatalf("answered %.80q", answer)
	}
	_, rest, _ := strings.Cut(answer, "\r\n\r\n")
	if strings.Contains(rest, "HTTP") || strings.Contains(rest, "Tandem router") {
		t.Errorf("the upgraded connection answered %q", rest)
	}
	check()
}

// A frame that comes together with the upgrade request belongs to the connection.
func TestFrameBehindAnUpgradeIsRead(t *testing.T) {
	s := start(t, tcp("main"))
	conn := dial(t, s)
	hello := `[1,"` + realm + `",{"roles":{"caller":{}}}]`
	frame := "\x81" + string([]byte{byte(0x80 | len(hello)), 0, 0, 0, 0}) + hello // masked with zeros
	if _, err := io.WriteString(conn, "GET /ws"+anyHost+upgrade+protocol+"\r\n"+frame); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	welcome := make([]byte, 8)
	if _, err := io.ReadFull(r, welcome); err != nil || welcome[0] != 0x81 || !strings.Contains(string(welcome), "[2,") {
		t.Errorf("got %q, %v", welcome, err)
	}
}

// S6: failed handshakes leave nothing behind.
func TestFailedHandshakesKeepNoDescriptors(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("needs the descriptors of this process in /proc")
	}
	stop(t, launch(t, tcp("first"))) // the runtime opens two when it first waits for a socket
	before := descriptors(t)
	s := launch(t, tcp("main"))
	for range 50 {
		for _, text := range []string{"\x7f\xf0\x00\x00", "GET /ws" + anyHost + "\r\n", "\x00\r\n\r\n"} {
			conn := dial(t, s)
			_, _ = io.WriteString(conn, text)
			_, _ = io.ReadAll(conn)
			_ = conn.Close()
		}
	}
	stop(t, s)
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
