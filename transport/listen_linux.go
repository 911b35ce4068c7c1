//go:build !386

package transport

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Listen listens as net.Listen does. Where the platform allows it, connections that are accepted cost less: they have
// the options of the listening socket, and accepting and closing them does not wake the scheduler's monitor (ADR 0011).
// TCP connections are kept alive and do not delay small writes, as those of package net.
func Listen(network, address string) (net.Listener, error) {
	c := net.ListenConfig{Control: setOptions}
	c.SetMultipathTCP(false) // whose sockets know these options only in recent kernels
	l, err := c.Listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	file, err := l.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close(), l.Close())
	}
	return &listener{Listener: l, file: file, raw: raw}, nil
}

// The values that package net sets for each connection that it accepts.
const (
	keepAliveIdle     = 15 // seconds
	keepAliveInterval = 15 // seconds
	keepAliveCount    = 9
)

// setOptions sets what the connections of a TCP listener take over from it. Without keep-alive nothing would find out
// about RawSocket peers that are gone, because they are not pinged (RS-13).
func setOptions(network, _ string, socket syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var failed error
	err := socket.Control(func(fd uintptr) { failed = setTCPOptions(int(fd)) })
	return errors.Join(err, os.NewSyscallError("setsockopt", failed))
}

func setTCPOptions(fd int) error {
	for _, o := range []struct{ level, name, value int }{
		{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
		{syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, keepAliveIdle},
		{syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, keepAliveInterval},
		{syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, keepAliveCount},
		{syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1},
	} {
		if err := syscall.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return err
		}
	}
	return nil
}

// listener accepts from a second descriptor of its socket, because package net does not let anybody wait for the first.
type listener struct {
	net.Listener

	file   *os.File
	raw    syscall.RawConn // of file
	closer closer
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	var socket uintptr
	var errno syscall.Errno
	err := l.raw.Read(func(fd uintptr) bool {
		for errno = syscall.EINTR; errno == syscall.EINTR || errno == syscall.ECONNABORTED; { // the peer has gone already
			socket, errno = acceptNow(fd)
		}
		return errno != syscall.EAGAIN
	})
	switch {
	case err != nil:
		return nil, net.ErrClosed // nothing else ends the waiting
	case errno != 0:
		l.closer.closeAll() // there may be no descriptors left
		return nil, os.NewSyscallError("accept4", errno)
	}
	return l.accepted(os.NewFile(socket, "socket"))
}

func (l *listener) accepted(file *os.File) (net.Conn, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &accepted{file: file, raw: raw, listener: l}, nil
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.closer.end()
	return errors.Join(l.file.Close(), l.Listener.Close())
}

// accepted is a connection that a listener has accepted.
type accepted struct {
	// immutable

	file     *os.File
	raw      syscall.RawConn // of file
	listener *listener

	// atomic

	closed atomic.Bool
}

// SyscallConn implements syscall.Conn.
func (c *accepted) SyscallConn() (syscall.RawConn, error) { return c.raw, nil }

// Read implements net.Conn.
func (c *accepted) Read(b []byte) (int, error) {
	n, err := c.file.Read(b)
	return n, c.cause(err)
}

// Write implements net.Conn.
func (c *accepted) Write(b []byte) (int, error) {
	n, err := c.file.Write(b)
	return n, c.cause(err)
}

// cause returns the error as callers of package net know it, without the name of a file.
func (c *accepted) cause(err error) error {
	var named *fs.PathError
	switch {
	case err != nil && c.closed.Load():
		return net.ErrClosed
	case errors.As(err, &named):
		return named.Err
	default:
		return err
	}
}

// CloseWrite tells the peer that nothing more will come.
func (c *accepted) CloseWrite() error { return c.shutDown(syscall.SHUT_WR) }

// Close implements net.Conn. The peer is told at once; the descriptor is given back a little later, with others.
func (c *accepted) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	_ = c.shutDown(syscall.SHUT_RDWR) // fails if the peer has broken the connection
	c.listener.closer.close(c.file)
	return nil
}

func (c *accepted) shutDown(how int) error {
	var errno syscall.Errno
	if err := c.raw.Control(func(fd uintptr) { errno = shutdownNow(fd, how) }); err != nil || errno == 0 {
		return err
	}
	return os.NewSyscallError("shutdown", errno)
}

// LocalAddr implements net.Conn.
func (c *accepted) LocalAddr() net.Addr { return c.addr(syscall.Getsockname) }

// RemoteAddr implements net.Conn.
func (c *accepted) RemoteAddr() net.Addr { return c.addr(syscall.Getpeername) }

func (c *accepted) addr(ask func(fd int) (syscall.Sockaddr, error)) net.Addr {
	var answer syscall.Sockaddr
	_ = c.raw.Control(func(fd uintptr) { answer, _ = ask(int(fd)) })
	switch a := answer.(type) {
	case *syscall.SockaddrInet4:
		return &net.TCPAddr{IP: a.Addr[:], Port: a.Port}
	case *syscall.SockaddrInet6:
		return &net.TCPAddr{IP: a.Addr[:], Port: a.Port, Zone: zone(a.ZoneId)}
	case *syscall.SockaddrUnix:
		return &net.UnixAddr{Name: a.Name, Net: "unix"}
	default:
		return &net.UnixAddr{} // there is no address any more
	}
}

func zone(id uint32) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(id), 10)
}

// SetDeadline implements net.Conn.
func (c *accepted) SetDeadline(t time.Time) error { return c.cause(c.file.SetDeadline(t)) }

// SetReadDeadline implements net.Conn.
func (c *accepted) SetReadDeadline(t time.Time) error { return c.cause(c.file.SetReadDeadline(t)) }

// SetWriteDeadline implements net.Conn.
func (c *accepted) SetWriteDeadline(t time.Time) error { return c.cause(c.file.SetWriteDeadline(t)) }

// acceptNow and shutdownNow call the kernel as readNow and writeNow do, for the same reason and under the same condition.

func acceptNow(fd uintptr) (uintptr, syscall.Errno) {
	const flags = syscall.SOCK_NONBLOCK | syscall.SOCK_CLOEXEC
	socket, _, errno := syscall.RawSyscall6(syscall.SYS_ACCEPT4, fd, 0, 0, flags, 0, 0)
	return socket, errno
}

func shutdownNow(fd uintptr, how int) syscall.Errno {
	_, _, errno := syscall.RawSyscall(syscall.SYS_SHUTDOWN, fd, uintptr(how), 0)
	return errno
}
