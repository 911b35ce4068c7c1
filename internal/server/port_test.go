package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemrouter/tandem/internal/config"
)

// script is a listener that brings what the test puts into it. Together with pipes for connections it lets the clock
// of synctest run, which real sockets do not.
type script struct {
	steps chan func() (net.Conn, error)
	done  chan struct{}
}

func (s *script) Accept() (net.Conn, error) {
	select {
	case step := <-s.steps:
		return step()
	case <-s.done:
		return nil, net.ErrClosed
	}
}

func (s *script) Close() error {
	close(s.done)
	return nil
}

func (s *script) Addr() net.Addr { return &net.UnixAddr{Name: "script", Net: "unix"} }

// fail makes Accept fail as it does when the process has no descriptors left.
func (s *script) fail() {
	s.steps <- func() (net.Conn, error) {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
}

// connect returns the peer's end of a new connection.
func (s *script) connect() net.Conn {
	local, remote := net.Pipe()
	s.steps <- func() (net.Conn, error) { return remote, nil }
	return local
}

// scripted runs the test with a server on a script. The log is what the server wrote, above debug.
func scripted(t *testing.T, test func(t *testing.T, l *script, log *bytes.Buffer)) {
	t.Helper()
	limited(t, config.Limits{}, test)
}

// limited is scripted for a server with limits.
func limited(t *testing.T, limits config.Limits, test func(t *testing.T, l *script, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := config.Development("", "", "realm1")
		c.Limits = limits
		s, err := New(c, "tandem/test", slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		l := &script{steps: make(chan func() (net.Conn, error), 100), done: make(chan struct{})}
		s.listen = func(*config.Listener) (net.Listener, error) { return l, nil }
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		test(t, l, &log)
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// S7: running out of descriptors is a pause, not the end of the port.
func TestAcceptErrorsPass(t *testing.T) {
	scripted(t, func(t *testing.T, l *script, log *bytes.Buffer) {
		begin := time.Now()
		for range 15 {
			l.fail()
		}
		conn := l.connect()
		defer conn.Close()
		if _, err := io.WriteString(conn, "\x7f\xf3\x00\x00"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took == 0 || took > time.Second {
			t.Errorf("accepted again after %s", took)
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "too many open files"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, log)
		}
	})
}

func TestStopWhileAcceptingFails(t *testing.T) {
	scripted(t, func(t *testing.T, l *script, _ *bytes.Buffer) {
		for range 100 {
			l.fail()
		}
		synctest.Wait()
		begin := time.Now()
		t.Cleanup(func() { // when the server has stopped
			if took := time.Since(begin); took > 0 {
				t.Errorf("stopping took %s", took)
			}
		})
	})
}

// drip writes the text with a pause behind each octet, until the connection is closed.
func drip(conn net.Conn, text string, pause time.Duration) {
	ticks := time.NewTicker(pause)
	defer ticks.Stop()
	for i := range len(text) {
		if _, err := io.WriteString(conn, text[i:i+1]); err != nil {
			return
		}
		<-ticks.C
	}
}

// S9: a peer has a few seconds to say what it wants, however it wastes them.
func TestRS15_SlowPeersAreClosed(t *testing.T) {
	const fast = time.Microsecond
	tests := map[string]struct {
		text  string
		pause time.Duration // between two octets
	}{
		"silent":                       {"", fast},
		"half a RawSocket handshake":   {"\x7f\xf3", fast},
		"half an HTTP header":          {"GET /ws HTTP/1.1\r\nHo", fast},
		"a header, octet by octet":     {"GET /ws HTTP/1.1\r\nHost: localhost\r\nX: x", time.Second},
		"a body that never comes":      {"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", fast},
		"a chunk that never comes":     {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n", fast},
		"a handshake and then nothing": {"\x7f\xf3\x00\x00", fast}, // the router waits as long for HELLO
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			scripted(t, func(t *testing.T, l *script, log *bytes.Buffer) {
				conn := l.connect()
				var writer sync.WaitGroup
				writer.Go(func() { drip(conn, test.text, test.pause) })
				begin := time.Now()
				_, _ = io.ReadAll(conn)
				if took := time.Since(begin); took < handshakeTimeout || took > handshakeTimeout+2*time.Second {
					t.Errorf("closed after %s, want about %s", took, handshakeTimeout)
				}
				_ = conn.Close()
				writer.Wait()
				if log.Len() > 0 {
					t.Errorf("anybody can write to the log:\n%s", log)
				}
			})
		})
	}
}

// S9: slow is not too slow.
func TestRawSocketHandshakeMayComeInPieces(t *testing.T) {
	scripted(t, func(t *testing.T, l *script, _ *bytes.Buffer) {
		conn := l.connect()
		defer conn.Close()
		drip(conn, "\x7f\xf3\x00", time.Second)
		if _, err := conn.Write([]byte{0}); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 4)
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "\x7f\xb3\x00\x00" {
			t.Errorf("answered %q, %v", answer, err)
		}
	})
}

// Surplus connections are told why they are not served.
func TestRS17_TooManyConnections(t *testing.T) {
	limited(t, config.Limits{Connections: 1}, func(t *testing.T, l *script, log *bytes.Buffer) {
		first := l.connect()
		defer first.Close()
		answer := make([]byte, 4)
		_, _ = io.WriteString(first, "\x7f\xf3\x00\x00")
		if _, err := io.ReadFull(first, answer); err != nil || string(answer) != "\x7f\xb3\x00\x00" {
			t.Fatalf("the first got %q, %v", answer, err)
		}
		synctest.Wait()
		for request, want := range map[string]string{
			"\x7f\xf3\x00\x00": "\x7f\x40\x00\x00",
			"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n": "HTTP/1.1 503 Service Unavailable",
		} {
			surplus := l.connect()
			_, _ = io.WriteString(surplus, request)
			if text, err := io.ReadAll(surplus); err != nil || !strings.HasPrefix(string(text), want) {
				t.Errorf("to %q: %q, %v", request, text, err)
			}
			_ = surplus.Close()
		}
		if log.Len() > 0 {
			t.Errorf("anybody can write to the log:\n%s", log)
		}
	})
}

// Connections that say nothing yet are bounded in number, not only in time: a new one takes the place of another.
func TestSilentConnectionsAreBounded(t *testing.T) {
	scripted(t, func(t *testing.T, l *script, _ *bytes.Buffer) {
		var silent []net.Conn
		for range maxSorting {
			silent = append(silent, l.connect())
			synctest.Wait()
		}
		healthy := l.connect()
		defer healthy.Close()
		if _, err := io.WriteString(healthy, "\x7f\xf3\x00\x00"); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadFull(healthy, make([]byte, 4)); err != nil {
			t.Error(err)
		}
		closed := 0
		for _, conn := range silent {
			_ = conn.SetReadDeadline(time.Now().Add(time.Nanosecond))
			if _, err := conn.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
				closed++
			}
			_ = conn.Close()
		}
		if closed != 1 {
			t.Errorf("%d made room for one", closed)
		}
	})
}

// A peer that does not read its response cannot stay either.
func TestResponseThatNobodyReads(t *testing.T) {
	scripted(t, func(t *testing.T, l *script, _ *bytes.Buffer) {
		conn := l.connect()
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * handshakeTimeout)
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d octets of the response came after the deadline", n)
		}
	})
}

func TestStopClosesWhatIsBeingSorted(t *testing.T) {
	scripted(t, func(t *testing.T, l *script, _ *bytes.Buffer) {
		var conns []net.Conn
		for _, text := range []string{"", "\x7f", "\x7f\xf3\x00", "GET /"} {
			conn := l.connect()
			_, _ = io.WriteString(conn, text)
			conns = append(conns, conn)
		}
		synctest.Wait()
		t.Cleanup(func() { // when the server has stopped
			for _, conn := range conns {
				if _, err := conn.Write([]byte{0}); err == nil {
					t.Error("a connection is still open")
				}
			}
		})
	})
}

// A connection that waits for the HTTP server when the port closes is closed.
func TestHandoffClosesWhatNobodyAccepts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHandoff(&net.UnixAddr{})
		local, remote := net.Pipe()
		go h.pass(remote)
		synctest.Wait()
		_ = h.Close()
		_ = h.Close() // again does no harm
		if _, err := io.ReadAll(local); err != nil {
			t.Error(err)
		}
		if _, err := h.Accept(); err == nil {
			t.Error("a closed handoff accepts")
		}
	})
}

// A connection that has been passed on is not the port's to close any more, however soon the port closes then.
func TestPortClosesOnlyWhatIsItsOwn(t *testing.T) {
	s, err := New(config.Development("", "", "realm1"), "tandem/test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		p := newPort(s, &s.config.Listeners[0], &script{done: make(chan struct{})})
		peer, conn := net.Pipe()
		s.wg.Go(func() { p.sort(conn) })
		s.wg.Go(func() { _, _ = io.WriteString(peer, "GET ") })
		passed, err := p.web.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.close(); err != nil {
			t.Fatal(err)
		}
		if err := passed.SetDeadline(time.Time{}); err != nil {
			t.Fatalf("the connection was closed: %v", err)
		}
		_ = passed.Close()
	}
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}
