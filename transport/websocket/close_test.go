package websocket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

func TestCloseCodes(t *testing.T) {
	for _, tt := range []struct {
		from, to uint16
		legal    bool
	}{
		{0, 999, false}, {1000, 1003, true}, {1004, 1006, false}, {1007, 1014, true}, {1015, 2999, false},
		{3000, 4999, true}, {5000, 65535, false},
	} {
		for code := tt.from; code <= tt.to && code >= tt.from; code++ {
			in := binary.BigEndian.AppendUint16([]byte{0x88, 2}, code)
			frame, _, err := newFraming(wamp.CBOR, true, kib, 4).Next(in)
			if legal := err == nil && frame.Kind == transport.FrameClose; legal != tt.legal {
				t.Errorf("code %d: legal %v, want %v", code, legal, tt.legal)
			}
		}
	}
}

func TestAppendClose(t *testing.T) {
	for _, tt := range []struct {
		err    error
		code   uint16
		reason string
	}{
		{nil, 1000, ""},
		{&transport.FrameError{Code: transport.CloseTooBig, Text: "too big"}, 1009, "too big"},
		{fmt.Errorf("wrapped: %w", &transport.FrameError{Code: transport.CloseGoingAway, Text: "bye"}), 1001, "bye"},
		{wamp.Violation("not for the close frame"), 1002, ""}, // WS-05
		{errors.New("a secret"), 1011, ""},
	} {
		router, client := newFraming(wamp.CBOR, false, kib, 4), newFraming(wamp.CBOR, true, kib, 4)
		for _, ends := range [][2]*framing{{router, client}, {client, router}} {
			frame, _, err := ends[1].Next(ends[0].AppendClose(nil, tt.err))
			if err != nil || frame.Kind != transport.FrameClose {
				t.Fatalf("%v: %+v, %v", tt.err, frame, err)
			}
			code, reason := binary.BigEndian.Uint16(frame.Payload), string(frame.Payload[2:])
			if code != tt.code || reason != tt.reason {
				t.Errorf("%v: code %d, reason %q; want %d, %q", tt.err, code, reason, tt.code, tt.reason)
			}
		}
	}
}

func TestCloseIsAnsweredWithItself(t *testing.T) {
	for _, payload := range []string{"", "\x03\xe9", "\x0f\xa0bye"} {
		in := append([]byte{0x88, byte(len(payload))}, payload...)
		f := newFraming(wamp.CBOR, true, kib, 4)
		frame, _, err := f.Next(in)
		if err != nil {
			t.Fatal(err)
		}
		router := newFraming(wamp.CBOR, false, kib, 4)
		out := router.AppendClose(nil, &transport.PeerClosedError{Payload: frame.Payload})
		if string(out) != string(in) {
			t.Errorf("%x is answered with %x", in, out)
		}
	}
}

func TestLongReasonsAreCutBetweenCharacters(t *testing.T) {
	for _, text := range []string{strings.Repeat("a", 200), strings.Repeat("ä", 100), "a" + strings.Repeat("€", 100)} {
		err := &transport.FrameError{Code: transport.CloseProtocolError, Text: text}
		out := newFraming(wamp.CBOR, false, kib, 4).AppendClose(nil, err)
		reason := string(out[4:])
		if !utf8.ValidString(reason) || !strings.HasPrefix(text, reason) || len(reason) > 123 || len(reason) < 120 {
			t.Errorf("reason of %d bytes: %q", len(reason), reason)
		}
	}
}
