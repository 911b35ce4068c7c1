//go:build unix

package transport

import (
	"io"
	"net"
	"syscall"
)

// direct reads and writes a socket with the system calls of a stream, for the handshake before there is one.
type direct struct {
	net.Conn

	raw syscall.RawConn
}

// newDirect returns the connection itself if it is not a plain socket.
func newDirect(conn net.Conn) net.Conn {
	if raw := rawConn(conn); raw != nil {
		return &direct{conn, raw}
	}
	return conn
}

// Read implements net.Conn.
func (d *direct) Read(b []byte) (n int, err error) {
	var errno syscall.Errno
	err = d.raw.Read(func(fd uintptr) bool {
		for errno = syscall.EINTR; errno == syscall.EINTR; {
			n, errno = readNow(fd, b)
		}
		return errno != syscall.EAGAIN
	})
	switch {
	case err != nil:
		return 0, err
	case errno != 0:
		return 0, errno
	case n == 0 && len(b) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements net.Conn.
func (d *direct) Write(b []byte) (written int, err error) {
	var errno syscall.Errno
	err = d.raw.Write(func(fd uintptr) bool {
		for written < len(b) {
			var n int
			switch n, errno = writeNow(fd, b[written:]); errno {
			case 0:
				written += n
			case syscall.EINTR:
			default:
				return errno != syscall.EAGAIN
			}
		}
		return true
	})
	if err == nil && written < len(b) {
		err = errno
	}
	return written, err
}
