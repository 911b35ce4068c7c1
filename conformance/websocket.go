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
	opClose        = 0x8

	finBit    = 0x80
	maskBit   = 0x80
	opMask    = 0x0f
	length16  = 126
	length64  = 127
	subprefix = "wamp.2."
)

func (w *webSocket) handshake(c *conn) error {
	name := subprefix + c.serializer.String()
	status, chosen, err := w.upgrade(c, name)
	if err == nil && (status != http.StatusSwitchingProtocols || chosen != name) { // WS-01
		err = fmt.Errorf("handshake answered with status %d, subprotocol %q", status, chosen)
	}
	return err
}

// upgrade asks for a WebSocket connection with one of the subprotocols, a comma between them.
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

// opcode returns the type of frame that carries messages (WS-04).
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

func (*webSocket) next(in *bufio.Reader, s wamp.Serializer) ([]byte, error) {
	head, payload, err := readFrame(in)
	if err != nil {
		return nil, err
	}
	switch head {
	case finBit | opcode(s):
		return payload, nil
	case opcode(s):
		return readFragments(in, payload)
	case finBit | opClose:
		return nil, closedWith(payload)
	}
	if head&^opMask != finBit || head&opMask < opClose {
		return nil, fmt.Errorf("frame of type %#x", head) // WS-04
	}
	return nil, nil
}

func closedWith(payload []byte) error {
	if len(payload) < 2 {
		return endError{}
	}
	return endError{code: int(binary.BigEndian.Uint16(payload))}
}

// readFragments reads what follows the first frame of a message.
func readFragments(in *bufio.Reader, message []byte) ([]byte, error) {
	for {
		head, payload, err := readFrame(in)
		if err != nil {
			return nil, err
		}
		if head&^finBit != opContinuation {
			return nil, fmt.Errorf("frame of type %#x within a message", head)
		}
		message = append(message, payload...)
		if head&finBit != 0 {
			return message, nil
		}
	}
}

// readFrame reads one frame, which a server does not mask.
func readFrame(in *bufio.Reader) (head byte, payload []byte, err error) {
	b, err := readAll(in, 2)
	if err != nil {
		return 0, nil, err
	}
	if b[1]&maskBit != 0 {
		return 0, nil, errors.New("the router masks")
	}
	n := int(b[1])
	if extra := map[int]int{length16: 2, length64: 8}[n]; extra > 0 {
		length, err := readAll(in, extra)
		if err != nil {
			return 0, nil, err
		}
		n = int(binary.BigEndian.Uint64(append(make([]byte, 8-extra), length...)))
	}
	payload, err = readAll(in, n)
	return b[0], payload, err
}
