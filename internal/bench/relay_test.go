package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

const patience = 20 * time.Second

func TestWholeFrames(t *testing.T) {
	frame := func(n int) string { return "\x00\x00\x00" + string([]byte{byte(n)}) + strings.Repeat("x", n) }
	tests := []struct {
		in   string
		want int
	}{
		{"", 0},
		{"\x00\x00\x00", 0},
		{"\x00\x00\x00\x01", 0},
		{frame(0), 4},
		{frame(1), 5},
		{frame(3) + frame(2), 13},
		{frame(3) + frame(2)[:5], 7},
		{frame(3) + "\x00\x00", 7},
		{"\x01\x00\x00\x02pp" + frame(1), 11}, // RS-12: a ping
		{"\x00\xff\xff\xff" + strings.Repeat("x", 9), 0}, // a declared length allocates nothing
	}
	for _, test := range tests {
		if got := wholeFrames([]byte(test.in)); got != test.want {
			t.Errorf("%q: %d, want %d", test.in, got, test.want)
		}
	}
	if got := frameLength(0x08000000); got != 1<<24 { // RS-10
		t.Errorf("the frame of 16 MiB has %d bytes", got)
	}
}

// watched is a listener that tells of every connection.
type watched struct {
	net.Listener
	accepted chan struct{}
}

func (w watched) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	w.accepted <- struct{}{}
	return conn, err
}

// startRelay runs a relay until the test ends.
func startRelay(t *testing.T) (address string) {
	l, _ := watchRelay(t)
	return l.Addr().String()
}

func watchRelay(t *testing.T) (l watched, stop func()) {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = watched{socket, make(chan struct{}, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Relay(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the relay ended with %v", err)
			}
		case <-time.After(greetTimeout * 4 / 5): // it does not wait for who is silent
			t.Error("the relay does not end")
		}
	})
	t.Cleanup(stop)
	return l, stop
}

func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

func greeted(t *testing.T, address string) net.Conn {
	t.Helper()
	conn := connect(t, address)
	greeting := []byte{0x7f, 0xf3, 0, 0}
	if _, err := conn.Write(greeting); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4)
	if _, err := io.ReadFull(conn, answer); err != nil || !bytes.Equal(answer, greeting) {
		t.Fatalf("answered %x, %v", answer, err)
	}
	return conn
}

func message(size int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(size))
	return append(b, bytes.Repeat([]byte("message "), size/8+1)[:size]...)
}

func TestRelayForwardsBothWays(t *testing.T) {
	address := startRelay(t)
	a, b := greeted(t, address), greeted(t, address)
	for _, size := range []int{0, 1, 1000, 64 << 10, 64<<10 - 4, 1 << 20, 5} {
		for _, way := range []struct{ from, to net.Conn }{{a, b}, {b, a}} {
			sent, got := message(size), make([]byte, 4+size)
			var writing sync.WaitGroup
			writing.Go(func() { _, _ = way.from.Write(sent) })
			if _, err := io.ReadFull(way.to, got); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%d bytes did not come through: %v", size, err)
			}
			writing.Wait()
		}
	}
	_ = a.Close()
	if _, err := io.ReadAll(b); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the other connection of the pair stays open")
	}
}

func TestRelayHoldsPartsBack(t *testing.T) {
	address := startRelay(t)
	a, b := greeted(t, address), greeted(t, address)
	_, _ = a.Write(append(message(3), 0, 0))
	_, _ = a.Write([]byte{0, 2, 'o'})
	_, _ = a.Write([]byte{'k'})
	want := append(message(3), 0, 0, 0, 2, 'o', 'k')
	got := make([]byte, len(want))
	if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
}

// Who does not greet, or hangs up before, takes nobody's place.
func TestRelayIgnoresStrangers(t *testing.T) {
	address := startRelay(t)
	for _, text := range []string{"", "\x7f", "GE"} {
		stranger := connect(t, address)
		_, _ = io.WriteString(stranger, text)
		_ = stranger.Close()
	}
	a, b := greeted(t, address), greeted(t, address)
	_, _ = a.Write(message(3))
	if _, err := io.ReadFull(b, make([]byte, 7)); err != nil {
		t.Error(err)
	}
}

// The relay ends although a peer is silent, one waits for its partner and two are joined.
func TestRelayEnds(t *testing.T) {
	l, stop := watchRelay(t)
	address := l.Addr().String()
	greeted(t, address)
	greeted(t, address)
	greeted(t, address)
	connect(t, address)
	for range 4 {
		<-l.accepted
	}
	stop()
}

func TestRelayReportsABrokenListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := Relay(t.Context(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
