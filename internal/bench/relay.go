package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Relay joins connections in pairs, in the order in which they come, and forwards RawSocket frames between the two
// of a pair. It accepts every RawSocket handshake. It returns when ctx is done, and closes the listener and all
// connections.
func Relay(ctx context.Context, l net.Listener) error {
	var pairs sync.WaitGroup
	defer pairs.Wait()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		a, errA := acceptRaw(ctx, l)
		if errA != nil {
			return ended(ctx, errA)
		}
		b, errB := acceptRaw(ctx, l)
		if errB != nil {
			_ = a.Close()
			return ended(ctx, errB)
		}
		join(ctx, &pairs, a, b)
	}
}

// ChildRelay is Relay as a child of a Suite: it listens on a free port, and runs until the suite closes in.
func ChildRelay(ctx context.Context, in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var relay sync.WaitGroup
	relay.Go(func() { _ = Relay(ctx, l) }) // if it fails, the suite's measurement does
	err = Answer(in, out, Addresses{RawSocket: "tcp://" + l.Addr().String()})
	cancel()
	relay.Wait()
	return err
}

func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// greetTimeout is how long a peer may take for its handshake.
const greetTimeout = 5 * time.Second

// acceptRaw accepts a connection and says yes to its handshake. Connections that do not begin with one are closed.
func acceptRaw(ctx context.Context, l net.Listener) (net.Conn, error) {
	for {
		conn, err := l.Accept()
		if err != nil || greet(ctx, conn) == nil {
			return conn, err
		}
		_ = conn.Close()
	}
}

func greet(ctx context.Context, conn net.Conn) error {
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_ = conn.SetDeadline(time.Now().Add(greetTimeout))
	var handshake [4]byte
	if _, err := io.ReadFull(conn, handshake[:]); err != nil {
		return err
	}
	if _, err := conn.Write(handshake[:]); err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}

// join forwards both ways until one of the two connections ends, or ctx is done.
func join(ctx context.Context, pairs *sync.WaitGroup, a, b net.Conn) {
	closeBoth := func() { _, _ = a.Close(), b.Close() }
	stop := context.AfterFunc(ctx, closeBoth)
	end := func() { stop(); closeBoth() }
	pairs.Go(func() { forward(b, a); end() })
	pairs.Go(func() { forward(a, b); end() })
}

// forward passes whole frames on: as many with one write as one read has brought.
func forward(to, from net.Conn) {
	buf := make([]byte, 64<<10)
	filled := 0
	for {
		n, err := from.Read(buf[filled:])
		if err != nil {
			return
		}
		filled += n
		if whole := wholeFrames(buf[:filled]); whole > 0 {
			if _, err := to.Write(buf[:whole]); err != nil {
				return
			}
			filled = copy(buf, buf[whole:filled])
		}
		if filled == len(buf) { // a frame that is larger: the room grows with what really comes
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}

// wholeFrames returns the length of the whole frames at the beginning of b.
func wholeFrames(b []byte) (whole int) {
	const header = 4
	for len(b)-whole >= header {
		size := header + frameLength(binary.BigEndian.Uint32(b[whole:]))
		if len(b)-whole < size {
			break
		}
		whole += size
	}
	return whole
}

// frameLength returns the length that a frame's header states: 24 bits, or one bit for exactly 16 MiB (RS-10).
func frameLength(header uint32) int {
	const exactly16MiB = 1 << 27
	if header&exactly16MiB != 0 {
		return 1 << 24
	}
	return int(header & (1<<24 - 1))
}
