package conformance

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// webSocket is the wire format of requirements 2.5.
type webSocket struct{ host, path string }

const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8 // and the control frames behind it

	finBit   = 0x80
	maskBit  = 0x80
	opMask   = 0x0f
	length16 = 126 // the length follows in 2 octets
	length64 = 127 // the length follows in 8 octets
)

func (w *webSocket) handshake(c *conn) error {
	name := "wamp.2." + c.serializer.String()
	status, chosen, err := w.upgrade(c, name)
	if err == nil && (status != http.StatusSwitchingProtocols || chosen != name) { // WS-01
		err = fmt.Errorf("handshake answered with status %d and subprotocol %q", status, chosen)
	}
	return err
}

// upgrade asks for a connection with one of the subprotocols, between which there are commas.
func (w *webSocket) upgrade(c *conn, offered string) (status int, chosen string, err error) {
	request := "GET " + w.path + " HTTP/1.1\r\nHost: " + w.host +
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13" +
		"\r\nSec-WebSocket-Key: dGFuZGVtIGNvbmZvcm1hbmNl\r\n"
	if offered != "" {
		request += "Sec-WebSocket-Protocol: " + offered + "\r\n"
	}
	if err := c.write([]byte(request + "\r\n")); err != nil {
		return 0, "", err
	}
	_ = c.SetDeadline(time.Now().Add(c.timeout))
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, "", asEnd(err)
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header.Get("Sec-WebSocket-Protocol"), nil
}

// opcode returns the type of the frames that carry messages (WS-04).
func opcode(s wamp.Serializer) byte {
	if s == wamp.JSON {
		return opText
	}
	return opBinary
}

// frame masks the message with zeros, which leave it as it is.
func (*webSocket) frame(s wamp.Serializer, message []byte) []byte {
	b := []byte{finBit | opcode(s)}
	switch n := len(message); {
	case n < length16:
		b = append(b, maskBit|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, maskBit|length16), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, maskBit|length64), uint64(n))
	}
	b = append(b, 0, 0, 0, 0)
	return append(b, message...)
}

func (*webSocket) next(in *bufio.Reader, s wamp.Serializer) (message []byte, err error) {
	for op := opcode(s); ; {
		head, payload, err := readFrame(in)
		switch {
		case err != nil:
			return nil, err
		case head == finBit|opClose:
			return nil, closedWith(payload)
		case head == finBit|op:
			return append(message, payload...), nil
		case head == op:
			message, op = append(message, payload...), opContinuation
		case head&opMask < opClose: // WS-04
			return nil, fmt.Errorf("frame of type %#x", head)
		}
	}
}

func closedWith(payload []byte) error {
	if len(payload) < 2 {
		return endError{}
	}
	return endError{code: int(binary.BigEndian.Uint16(payload))}
}

// readFrame reads one frame, which a server does not mask.
func readFrame(in *bufio.Reader) (head byte, payload []byte, err error) {
	b, err := readAll(in, 2)
	switch {
	case err != nil:
		return 0, nil, err
	case b[1]&maskBit != 0:
		return 0, nil, errors.New("the router masks")
	case b[1] == length16:
		payload, err = readSized(in, 2)
	case b[1] == length64:
		payload, err = readSized(in, 8)
	default:
		payload, err = readAll(in, int(b[1]))
	}
	return b[0], payload, err
}

// readSized reads a length of so many octets, and then as much.
func readSized(in *bufio.Reader, octets int) ([]byte, error) {
	b, err := readAll(in, octets)
	if err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint64(append(make([]byte, 8-octets), b...))
	if n > maxFrame {
		return nil, fmt.Errorf("frame of %d bytes", n)
	}
	return readAll(in, int(n))
}

// maxFrame is more than any case asks for.
const maxFrame = 64 << 20
