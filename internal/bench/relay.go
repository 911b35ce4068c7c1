package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
)

// Relay joins connections in pairs, in the order in which they come, and forwards RawSocket frames between the two
// of a pair. It accepts every RawSocket handshake. It returns when ctx is done.
func Relay(ctx context.Context, l net.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		a, errA := acceptRaw(l)
		if errA != nil {
			return ended(ctx, errA)
		}
		b, errB := acceptRaw(l)
		if errB != nil {
			_ = a.Close()
			return ended(ctx, errB)
		}
		closeBoth := func() { _, _ = a.Close(), b.Close() }
		context.AfterFunc(ctx, closeBoth)
		wg.Go(func() { forward(b, a); closeBoth() })
		wg.Go(func() { forward(a, b); closeBoth() })
	}
}

func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// acceptRaw accepts a connection and says yes to its handshake.
func acceptRaw(l net.Listener) (net.Conn, error) {
	conn, err := l.Accept()
	if err != nil {
		return nil, err
	}
	var handshake [4]byte
	_, err = io.ReadFull(conn, handshake[:])
	if err == nil {
		_, err = conn.Write(handshake[:])
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
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
		whole, need := wholeFrames(buf[:filled])
		if whole > 0 {
			if _, err := to.Write(buf[:whole]); err != nil {
				return
			}
			filled = copy(buf, buf[whole:filled])
		}
		if need > len(buf) {
			buf = append(make([]byte, 0, need), buf[:filled]...)[:need]
		}
	}
}

// wholeFrames returns the length of the whole frames at the beginning of b, and the length of the frame that follows.
func wholeFrames(b []byte) (whole, need int) {
	for len(b)-whole >= 4 {
		size := 4 + int(binary.BigEndian.Uint32(b[whole:])&0x0fffffff)
		if len(b)-whole < size {
			return whole, size
		}
		whole += size
	}
	return whole, 0
}
