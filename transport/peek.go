package transport

import (
	"io"
	"net"
)

// PeekedConn is a connection whose first octet has been looked at and will be read again. One port can so serve
// several protocols (RS-20).
type PeekedConn struct {
	net.Conn
	peeked []byte
}

// Peek waits for the first octet of the connection.
func Peek(conn net.Conn) (first byte, c *PeekedConn, err error) {
	c = &PeekedConn{Conn: conn, peeked: make([]byte, 1)}
	if _, err := io.ReadFull(conn, c.peeked); err != nil {
		return 0, nil, err
	}
	return c.peeked[0], c, nil
}

// Read reads the peeked octet, then from the connection.
func (c *PeekedConn) Read(b []byte) (int, error) {
	if len(c.peeked) == 0 || len(b) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.peeked)
	c.peeked = c.peeked[n:]
	return n, nil
}
