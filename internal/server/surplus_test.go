package server

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	halfRequest = "GET /ws HTTP/1.1\r\nHo"
	frontPage   = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	toUpgrade   = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: wamp.2.json\r\n\r\n"
)

// statusLine sends the request and returns the first line of the answer.
func statusLine(l *script, request string) string {
	conn := l.connect()
	defer conn.Close()
	_, _ = io.WriteString(conn, request)
	answer, _ := io.ReadAll(conn)
	line, _, _ := strings.Cut(string(answer), "\r\n")
	return line
}

// crowd opens as many connections as may be with the HTTP server, which waits for the rest of their requests.
func crowd(l *script) (waiting []net.Conn) {
	for range maxUpgrading {
		conn := l.connect()
		_, _ = io.WriteString(conn, halfRequest)
		waiting = append(waiting, conn)
	}
	synctest.Wait()
	return waiting
}

// Connections that speak HTTP and have not become WebSockets are bounded in number, not only in time.
func TestHTTPConnectionsAreBounded(t *testing.T) {
	scripted(t, func(t *testing.T, l *script, log *bytes.Buffer) {
		waiting := crowd(l)
		begin := time.Now()
		for _, request := range []string{frontPage, toUpgrade, "GET\r\n\r\n"} {
			if line := statusLine(l, request); line != "HTTP/1.1 503 Service Unavailable" {
				t.Errorf("the surplus request %.20q got %q", request, line)
			}
		}
		rawSocketWorks(t, l)
		_ = waiting[0].Close()
		synctest.Wait()
		if line := statusLine(l, frontPage); line != "HTTP/1.1 200 OK" {
			t.Errorf("with one less, a request got %q", line)
		}
		if took := time.Since(begin); took > 0 {
			t.Errorf("the answers took %s", took)
		}
		for _, conn := range waiting {
			_ = conn.Close()
		}
		if log.Len() > 0 {
			t.Errorf("anybody can write to the log:\n%s", log)
		}
	})
}

func rawSocketWorks(t *testing.T, l *script) {
	t.Helper()
	conn := l.connect()
	defer conn.Close()
	answer := make([]byte, 4)
	_, _ = io.WriteString(conn, "\x7f\xf1\x00\x00")
	if _, err := io.ReadFull(conn, answer); err != nil || answer[1]&0xf != 1 {
		t.Errorf("a RawSocket handshake got %q, %v", answer, err)
	}
}

// What has become a WebSocket, or ended, is not counted any more.
func TestHTTPConnectionsGiveTheirPlacesBack(t *testing.T) {
	scripted(t, func(t *testing.T, l *script, _ *bytes.Buffer) {
		for i := range maxUpgrading + 1 {
			conn := l.connect()
			defer conn.Close()
			_, _ = io.WriteString(conn, toUpgrade)
			answer := make([]byte, len("HTTP/1.1 101"))
			if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 101" {
				t.Fatalf("WebSocket %d got %q, %v", i, answer, err)
			}
			if i%2 == 0 {
				continue // of half of them the rest of the answer is never read
			}
			_ = conn.Close()
		}
		if line := statusLine(l, frontPage); line != "HTTP/1.1 200 OK" {
			t.Errorf("a request got %q", line)
		}
	})
}

// Whoever is too many and does not say what they want cannot stay either.
func TestSurplusThatSaysNothingMore(t *testing.T) {
	scripted(t, func(_ *testing.T, l *script, _ *bytes.Buffer) {
		waiting := crowd(l)
		begin := time.Now()
		surplus := l.connect()
		_, _ = io.WriteString(surplus, "G")
		_, _ = io.ReadAll(surplus)
		if took := time.Since(begin); took > handshakeTimeout {
			t.Errorf("it stayed for %s", took)
		}
		for _, conn := range append(waiting, surplus) {
			_ = conn.Close()
		}
	})
}
