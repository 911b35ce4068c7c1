package transport

import (
	"net"
	"time"
)

// carrier moves the bytes of one connection.
type carrier interface {
	// fill waits until the peer has sent something and reads it into the inbox, which holds no buffer meanwhile if
	// the carrier can help it.
	fill(in *inbox) error
	// tryWrite writes what can be written without waiting.
	tryWrite(b []byte) (int, error)
	// write writes all of b, and fails when nothing could be written for writeTimeout.
	write(b []byte) (int, error)
	closeWrite() error
	close() error
}

// newCarrier returns the best carrier for the connection: one that waits for readiness where the platform and the
// connection allow it, else one that reads and writes in the plain way.
func newCarrier(conn net.Conn) carrier {
	if c := newSocket(conn); c != nil {
		return c
	}
	return &blocking{conn: conn}
}

// blocking carries a connection that cannot tell whether it is ready, such as TLS.
type blocking struct {
	conn net.Conn
	buf  []byte // owned by the reader
}

// blockingRead is the size of the buffer that a blocking carrier holds all the time.
const blockingRead = 4 << 10

func (c *blocking) fill(in *inbox) error {
	if c.buf == nil {
		c.buf = make([]byte, blockingRead)
	}
	in.park()
	n, err := c.conn.Read(c.buf)
	for unread := c.buf[:n]; len(unread) > 0; {
		k := copy(in.room(), unread)
		in.filled(k)
		unread = unread[k:]
	}
	if n > 0 {
		return nil
	}
	return err
}

// tryWrite writes nothing: any write may wait, and so is left to the flusher.
func (c *blocking) tryWrite([]byte) (int, error) { return 0, nil }

func (c *blocking) write(b []byte) (int, error) { return writeAll(c.conn, b) }

func (c *blocking) closeWrite() error { return closeWrite(c.conn) }

func (c *blocking) close() error { return c.conn.Close() }

// closeWrite closes the sending direction of a TCP, Unix or TLS connection.
func closeWrite(conn net.Conn) error {
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// writeChunk is how much is written under one deadline.
const writeChunk = 64 << 10

func writeAll(conn net.Conn, b []byte) (int, error) {
	written := 0
	for written < len(b) {
		chunk := b[written:min(len(b), written+writeChunk)]
		if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return written, err
		}
		n, err := conn.Write(chunk)
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}
