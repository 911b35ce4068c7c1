package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Conn is a two-way stream of WAMP messages between two peers.
//
// Wait, Receive, SetMaxReceive and Linger are called by one goroutine, the reader. Append, AppendHead, AppendClose,
// AppendPing, TryWrite, Write and CloseWrite are called by the connection's Queue. Close and Info may be called by anybody.
type Conn interface {
	// Wait waits until the peer has sent something that Receive has not taken yet. While it waits the connection
	// holds no buffer. An error is final: io.EOF if the peer closed the connection, else what the network said.
	Wait() error
	// Receive fills run with what Wait brought, at most MaxRun messages, and does not wait: there may be no message
	// at all. What the connection put into this or another run before is no longer valid. An error is final: io.EOF
	// if the peer closed in order, *FrameError or *wamp.ViolationError if it broke the rules. What came before the
	// error is in run.
	Receive(run *Run) error

	// Append appends the encoded and framed message to dst. If the message cannot be sent it returns dst unchanged
	// and an error that is wamp.ErrInvalidPayload. It does not look at Info.MaxSend; the Queue does.
	Append(dst []byte, m wamp.Message) ([]byte, error)
	// AppendHead appends what Append does, but for the message's payload. That is to follow in rest bytes, as
	// serializer.AppendTail encodes it. Frames of ShapeUnique cannot be sent in this way.
	AppendHead(dst []byte, m wamp.Message, rest int) ([]byte, error)
	// AppendClose appends what the wire format sends last; err is nil for an orderly close.
	AppendClose(dst []byte, err error) []byte
	// AppendPing appends a ping, or nothing if the wire format has none or pings are not wanted.
	AppendPing(dst []byte) []byte

	// TryWrite writes as much of b as can be written without waiting, which may be nothing.
	TryWrite(b []byte) (int, error)
	// Write writes all of b and may wait; it fails when nothing could be written for the write timeout.
	Write(b []byte) (int, error)
	// CloseWrite tells the peer that nothing more will come. The peer can still send.
	CloseWrite() error
	// Linger is the reader's last call: it throws away what the peer still sends until the peer closes or the timeout
	// is over, and closes the connection. Closing at once, with unread bytes, could make the peer lose what was sent
	// to it last.
	Linger(timeout time.Duration)
	// Close closes the connection at once. Wait and Write return with an error. It can be called again.
	Close() error

	// SetMaxReceive sets the size of the largest message that is accepted, in bytes.
	SetMaxReceive(n int)
	// Info describes the connection.
	Info() Info
}

// Info describes a connection. It does not change.
type Info struct {
	Transport  string // "websocket", "rawsocket" or "pipe"
	Serializer wamp.Serializer
	Shape      Shape  // of the frames that are sent
	MaxSend    int    // the largest message that the peer accepts, in bytes; 0: no bound
	Remote     string // the peer's address, for the log
	Secure     bool   // TLS
}

// InfoOf describes what is known of a connection before its handshake: where it comes from, and whether TLS carries it.
func InfoOf(transport string, conn net.Conn) Info {
	info := Info{Transport: transport, Remote: conn.RemoteAddr().String()}
	if peeked, ok := conn.(*PeekedConn); ok {
		conn = peeked.plain
	}
	_, info.Secure = conn.(*tls.Conn)
	return info
}

// ErrTooLarge says that a message is larger than what the peer accepts (RS-09).
var ErrTooLarge = errors.New("transport: message larger than the peer accepts")
