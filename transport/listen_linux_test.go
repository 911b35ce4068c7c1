//go:build !386

package transport_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/transport"
)

func listenOn(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := transport.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// linked returns both ends of a connection to the listener.
func linked(t *testing.T, l net.Listener) (near, far net.Conn) {
	t.Helper()
	far, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	if near, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	return near, far
}

// socketOptions returns the options that decide how long a dead peer goes unnoticed and when small writes go out.
func socketOptions(t *testing.T, conn net.Conn) map[string]int {
	t.Helper()
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]int)
	read := func(fd uintptr, name string, level, option int) {
		if values[name], err = syscall.GetsockoptInt(int(fd), level, option); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_ = raw.Control(func(fd uintptr) {
		read(fd, "keepalive", syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
		read(fd, "idle", syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE)
		read(fd, "interval", syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL)
		read(fd, "count", syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT)
		read(fd, "nodelay", syscall.IPPROTO_TCP, syscall.TCP_NODELAY)
	})
	return values
}

func TestConnectionsHaveTheOptionsThatPackageNetSets(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Close() })
	theirs, _ := linked(t, plain)
	ours, _ := linked(t, listenOn(t, "tcp", "127.0.0.1:0"))
	want := socketOptions(t, theirs)
	if got := socketOptions(t, ours); !cmp.Equal(got, want) || got["keepalive"] != 1 {
		t.Errorf("options %v, want those that package net sets, %v", got, want)
	}
}

func TestAcceptedConnectionsCarryBytes(t *testing.T) {
	for network, address := range map[string]string{
		"tcp4": "127.0.0.1:0",
		"tcp6": "[::1]:0",
		"unix": filepath.Join(t.TempDir(), "s"),
	} {
		t.Run(network, func(t *testing.T) {
			l := listenOn(t, network, address)
			near, far := linked(t, l)
			if got, want := near.RemoteAddr().String(), far.LocalAddr().String(); network != "unix" && got != want {
				t.Errorf("remote address %s, want %s", got, want)
			}
			if got, want := near.LocalAddr().String(), far.RemoteAddr().String(); got != want {
				t.Errorf("local address %s, want %s", got, want)
			}
			echo(t, near, far)
			echo(t, far, near)
		})
	}
}

// echo sends a few bytes from one end to the other.
func echo(t *testing.T, from, to net.Conn) {
	t.Helper()
	if _, err := io.WriteString(from, "hello"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(to, got); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestPeerLearnsAtOnceThatAConnectionIsClosed(t *testing.T) {
	l := listenOn(t, "tcp", "127.0.0.1:0")
	near, far := linked(t, l)
	begin := time.Now()
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := far.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read %d, %v", n, err)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("the peer learned it after %s", took)
	}
	if err := near.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closing again: %v", err)
	}
	if _, err := near.Write([]byte{1}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("writing after that: %v", err)
	}
}

func TestClosingEndsAReadUnderWay(t *testing.T) {
	near, _ := linked(t, listenOn(t, "tcp", "127.0.0.1:0"))
	ended := make(chan error)
	go func() {
		_, err := near.Read(make([]byte, 1))
		ended <- err
	}()
	_ = near.Close()
	if err := <-ended; err == nil {
		t.Error("the read ended without an error")
	}
}

func TestHalfClosedConnectionStillReads(t *testing.T) {
	near, far := linked(t, listenOn(t, "tcp", "127.0.0.1:0"))
	if err := near.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the peer read %v", err)
	}
	echo(t, far, near)
}

func TestDeadlinesAreTimeoutsOfPackageNet(t *testing.T) {
	near, _ := linked(t, listenOn(t, "tcp", "127.0.0.1:0"))
	if err := near.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	_, err := near.Read(make([]byte, 1))
	timeout, ok := err.(net.Error) //nolint:errorlint // as package tls looks at it
	if !ok || !timeout.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestClosedListenerAcceptsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l := listenOn(t, "unix", path)
	ended := make(chan error)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepting: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// Descriptors are given back late, but they are given back.
func TestDescriptorsAreGivenBack(t *testing.T) {
	l := listenOn(t, "tcp", "127.0.0.1:0")
	held := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := held()
	for range 1000 {
		near, far := linked(t, l)
		_ = near.Close()
		_ = far.Close()
	}
	if now := held(); now > before+300 {
		t.Errorf("%d descriptors are held back", now-before)
	}
	for patience := time.Now().Add(10 * time.Second); held() > before; {
		if time.Now().After(patience) {
			t.Fatalf("%d descriptors, want %d", held(), before)
		}
	}
}

func TestClosedListenerHoldsNoDescriptorsBack(t *testing.T) {
	l := listenOn(t, "tcp", "127.0.0.1:0")
	early, _ := linked(t, l)
	late, _ := linked(t, l)
	open := func(conn net.Conn) bool {
		raw, err := conn.(syscall.Conn).SyscallConn()
		return err == nil && raw.Control(func(uintptr) {}) == nil
	}
	_ = early.Close()
	_ = l.Close()
	_ = late.Close()
	if open(early) || open(late) {
		t.Error("a descriptor is still there")
	}
}
