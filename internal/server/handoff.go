package server

import (
	"net"
	"sync"
)

// handoff is a net.Listener whose connections are passed to it by somebody else. The HTTP server accepts from it.
type handoff struct {
	addr  net.Addr
	conns chan net.Conn // unbuffered: who passes a connection waits until it is accepted, or the handoff closed
	done  chan struct{}
	once  sync.Once
}

func newHandoff(addr net.Addr) *handoff {
	return &handoff{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

// pass closes the connection, and reports false, if the handoff is closed.
func (h *handoff) pass(conn net.Conn) bool {
	select {
	case h.conns <- conn:
		return true
	case <-h.done:
		_ = conn.Close()
		return false
	}
}

func (h *handoff) close() { h.once.Do(func() { close(h.done) }) }

// Accept implements net.Listener.
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handoff) Close() error {
	h.close()
	return nil
}

// Addr implements net.Listener.
func (h *handoff) Addr() net.Addr { return h.addr }
