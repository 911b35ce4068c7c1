package transport

import (
	"io"
	"net"
)

// PeekedConn is a connection whose first octets have been looked at and will be read again. One port can so serve
// several protocols (RS-20).
type PeekedConn struct {
	net.Conn
	plain  net.Conn // the same connection as it came
	peeked []byte
}

// peekSize is how much Peek reads at most: a RawSocket handshake, which then takes one system call and not two.
const peekSize = 4

// Peek waits for the first octet of the connection.
func Peek(conn net.Conn) (first byte, c *PeekedConn, err error) {
	peeked := make([]byte, peekSize)
	fast := newDirect(conn)
	n, err := io.ReadAtLeast(fast, peeked, 1)
	if err != nil {
		return 0, nil, err
	}
	return peeked[0], &PeekedConn{Conn: fast, plain: conn, peeked: peeked[:n]}, nil
}

// Read reads the peeked octets, then from the connection.
func (c *PeekedConn) Read(b []byte) (int, error) {
	if len(c.peeked) == 0 || len(b) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.peeked)
	c.peeked = c.peeked[n:]
	return n, nil
}
