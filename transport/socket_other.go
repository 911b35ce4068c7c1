//go:build !unix

package transport

import "net"

// newSocket returns nil: on this platform a connection is read and written in the plain way.
func newSocket(net.Conn) carrier { return nil }

// newDirect returns the connection itself.
func newDirect(conn net.Conn) net.Conn { return conn }
