//go:build unix

package transport

import (
	"io"
	"net"
	"syscall"
)

// socket carries a TCP or Unix connection. It waits for readiness without a buffer and reads and writes without
// waiting, directly on the descriptor.
type socket struct {
	// immutable after newSocket

	conn    net.Conn
	raw     syscall.RawConn
	readFn  func(fd uintptr) bool // made once, because a closure for each read would be garbage for each read
	writeFn func(fd uintptr) bool

	// owned by the reader

	in      *inbox
	readErr error

	// owned by the holder of the queue

	out      []byte
	written  int
	writeErr error
}

// newSocket returns nil if the connection is not a plain socket.
func newSocket(conn net.Conn) carrier {
	raw := rawConn(conn)
	if raw == nil {
		return nil
	}
	s := &socket{conn: conn, raw: raw}
	s.readFn, s.writeFn = s.readReady, s.writeReady
	return s
}

// rawConn returns nil if the connection is not a plain socket: others do not show their descriptor.
func rawConn(conn net.Conn) syscall.RawConn {
	plain, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := plain.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

func (s *socket) fill(in *inbox) error {
	s.in = in
	if err := s.raw.Read(s.readFn); err != nil {
		return err
	}
	return s.readErr
}

// readReady reads once. It returns false if there is nothing to read, so that the runtime waits for readiness.
func (s *socket) readReady(fd uintptr) bool {
	n, errno := readNow(fd, s.in.room())
	switch {
	case errno == syscall.EAGAIN:
		s.in.park()
		return false
	case errno == syscall.EINTR:
		return s.readReady(fd)
	case errno != 0:
		s.end(errno)
	case n == 0:
		s.end(io.EOF)
	default:
		s.readErr = nil
		s.in.filled(n)
	}
	return true
}

// end says that nothing more will be read. The buffer goes back: else each connection that ends would cost the next
// one a new buffer.
func (s *socket) end(err error) {
	s.readErr = err
	s.in.park()
}

func (s *socket) tryWrite(b []byte) (int, error) {
	s.out, s.written, s.writeErr = b, 0, nil
	err := s.raw.Write(s.writeFn)
	s.out = nil
	if err == nil {
		err = s.writeErr
	}
	return s.written, err
}

// writeReady writes once and never asks the runtime to wait.
func (s *socket) writeReady(fd uintptr) bool {
	n, errno := writeNow(fd, s.out)
	switch errno {
	case 0:
		s.written = n
	case syscall.EAGAIN:
	case syscall.EINTR:
		return s.writeReady(fd)
	default:
		s.writeErr = errno
	}
	return true
}

func (s *socket) write(b []byte) (int, error) { return writeAll(s.conn, b) }

func (s *socket) closeWrite() error { return closeWrite(s.conn) }

func (s *socket) close() error { return s.conn.Close() }
