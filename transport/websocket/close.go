package websocket

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

const (
	codeSize  = 2
	maxReason = maxControl - codeSize // bytes

	closeInternal uint16 = 1011
)

// takeClose returns the frame for a close frame's payload: empty, or a code and a reason.
func takeClose(payload []byte) (transport.Frame, error) {
	if err := checkClose(payload); err != nil {
		return transport.Frame{}, err
	}
	return transport.Frame{Kind: transport.FrameClose, Payload: payload}, nil
}

func checkClose(payload []byte) error {
	switch {
	case len(payload) == 0:
		return nil
	case len(payload) < codeSize:
		return violation("close frame with half a code")
	case !legalCode(binary.BigEndian.Uint16(payload)):
		return violation("close frame with an illegal code")
	case !utf8.Valid(payload[codeSize:]):
		return &transport.FrameError{Code: transport.CloseInvalidData, Text: "close reason is not UTF-8"}
	}
	return nil
}

// legalCode reports whether a close frame may carry the code (RFC 6455 7.4): one that is registered and not reserved
// for what no frame says, such as the loss of the connection, or one of those for libraries and applications.
func legalCode(code uint16) bool {
	switch {
	case code < 1000:
		return false
	case code <= 1003, 1007 <= code && code <= 1014:
		return true
	default:
		return 3000 <= code && code < 5000
	}
}

// AppendClose implements transport.Framing. The text of a FrameError is the reason; other errors have been told in a
// message, or are not for the peer.
func (f *framing) AppendClose(dst []byte, err error) []byte {
	var peer *transport.PeerClosedError
	if errors.As(err, &peer) {
		return f.appendControl(dst, ws.OpClose, peer.Payload)
	}
	code, reason := closeReason(err)
	var payload [maxControl]byte
	binary.BigEndian.PutUint16(payload[:], code)
	n := copy(payload[codeSize:], clip(reason))
	return f.appendControl(dst, ws.OpClose, payload[:codeSize+n])
}

func closeReason(err error) (code uint16, reason string) {
	var frame *transport.FrameError
	switch {
	case err == nil:
		return transport.CloseNormal, ""
	case errors.As(err, &frame):
		return frame.Code, frame.Text
	case errors.Is(err, wamp.ErrProtocolViolation): // WS-05
		return transport.CloseProtocolError, ""
	default:
		return closeInternal, ""
	}
}

// clip cuts a reason to the size that a close frame can hold, between two characters.
func clip(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	end := maxReason
	for end > 0 && !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end]
}
