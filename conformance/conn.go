package conformance

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// framing is one of the wire formats, on a client's side. It is written here once more, apart from package transport,
// so that a router and its judge do not share their mistakes; and so that a script can break every rule of it.
type framing interface {
	// handshake opens the connection.
	handshake(c *conn) error
	// frame returns the message as it is sent.
	frame(s wamp.Serializer, message []byte) []byte
	// next reads the next message, and passes over pings and pongs.
	next(in *bufio.Reader, s wamp.Serializer) (message []byte, err error)
}

// conn is one connection to the router.
type conn struct {
	net.Conn
	in         *bufio.Reader
	framing    framing
	serializer wamp.Serializer
	parser     serializer.Parser
	timeout    time.Duration // of every single read and write
}

func newConn(c net.Conn, f framing, s wamp.Serializer, timeout time.Duration) *conn {
	return &conn{Conn: c, in: bufio.NewReader(c), framing: f, serializer: s, timeout: timeout}
}

// endError says that the router has ended the connection.
type endError struct{ code int } // of a WebSocket close frame; 0: there was none

func (e endError) Error() string {
	return fmt.Sprintf("the router closed the connection (code %d)", e.code)
}

// asEnd tells the end of a connection, be it closed or reset, from what else can go wrong.
func asEnd(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("nothing came in time")
	case errors.As(err, new(*net.OpError)):
		return endError{}
	}
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe} {
		if errors.Is(err, end) {
			return endError{}
		}
	}
	return err
}

// write sends raw bytes. That the router does not take them is not an error: what it sends tells why.
func (c *conn) write(b []byte) error {
	_ = c.SetDeadline(time.Now().Add(c.timeout))
	if _, err := c.Write(b); errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("the router does not read")
	}
	return nil
}

// readBytes reads as many raw bytes as are wanted.
func (c *conn) readBytes(n int) ([]byte, error) {
	_ = c.SetDeadline(time.Now().Add(c.timeout))
	b, err := readAll(c.in, n)
	return b, asEnd(err)
}

// send sends messages, which can be any values.
func (c *conn) send(messages ...any) error {
	var frames []byte
	for _, m := range messages {
		b, err := encode(c.serializer, m)
		if err != nil {
			return err
		}
		frames = append(frames, c.framing.frame(c.serializer, b)...)
	}
	return c.write(frames)
}

// receive waits for the next message. The error is an endError if there is none any more.
func (c *conn) receive() (wamp.List, error) {
	_ = c.SetDeadline(time.Now().Add(c.timeout))
	frame, err := c.framing.next(c.in, c.serializer)
	if err != nil {
		return nil, asEnd(err)
	}
	return c.decode(frame)
}

// decode returns the elements of a message that a router may send (MSG-01).
func (c *conn) decode(frame []byte) (wamp.List, error) {
	defer c.parser.Reset()
	m, err := c.parser.Parse(c.serializer, frame)
	if err != nil {
		return nil, fmt.Errorf("illegal message %q: %w", shorten(string(frame)), err)
	}
	if !m.Type().FromRouter() {
		return nil, fmt.Errorf("%s is not for a client", m.Type())
	}
	list, _, err := payload.Decode(&wamp.Payload{Serializer: c.serializer, Elements: 1, Raw: frame})
	return list, err
}

// undefinedIn is what undefined is in each serializer.
var undefinedIn = map[wamp.Serializer][]byte{
	wamp.JSON: []byte("null"), wamp.MessagePack: {0xd4, 0, 0}, wamp.CBOR: {0xf7},
}

// placeholder stands for undefined, which no Go value is encoded to.
const placeholder = "placeholder of undefined"

func encode(s wamp.Serializer, message any) ([]byte, error) {
	b, err := payload.AppendValue(nil, s, message)
	if err != nil || !bytes.Contains(b, []byte(placeholder)) {
		return b, err
	}
	mark, err := payload.AppendValue(nil, s, placeholder)
	return bytes.ReplaceAll(b, mark, undefinedIn[s]), err
}

// closeWrite tells the router that nothing more comes, as the loss of a connection does.
func (c *conn) closeWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// reset breaks the connection at once. It leaves no port behind in a state of waiting.
func (c *conn) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// readAll reads n bytes. If they are many, memory grows with what comes and not with what was announced.
func readAll(in io.Reader, n int) ([]byte, error) {
	b := make([]byte, min(n, readSize))
	got, err := io.ReadFull(in, b)
	if err == nil && n > readSize {
		all := bytes.NewBuffer(b)
		_, err = io.CopyN(all, in, int64(n-readSize))
		b = all.Bytes()
	}
	if got > 0 && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		err = errors.New("the connection ends within a frame")
	}
	return b, err
}

const readSize = 4 << 10
