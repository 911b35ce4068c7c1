package websocket

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/wamptest"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

const kib = 1 << 10

func found(kind transport.FrameKind, payload string) wamptest.Frame {
	return wamptest.Frame{Kind: kind, Payload: payload}
}

func message(payload string) wamptest.Frame { return found(transport.FrameMessage, payload) }

// What a client receives, which is not masked. The messages are text of at most 1 KiB in at most 4 fragments.
func TestNext(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   string // hexadecimal
		want []wamptest.Frame
		code uint16 // of the error; 0 if there is none
		err  string
	}{
		{name: "message", in: "8105 48656c6c6f", want: []wamptest.Frame{message("Hello")}},
		{name: "empty message", in: "8100", want: []wamptest.Frame{message("")}},
		{name: "two messages", in: "810161 810162", want: []wamptest.Frame{message("a"), message("b")}},
		{name: "nothing"},
		{name: "half a header", in: "81"},
		{name: "header without all of its length", in: "817e00"},
		{name: "half a payload", in: "8105 4865"},
		{name: "ping", in: "890161", want: []wamptest.Frame{found(transport.FramePing, "a")}},
		{name: "empty ping", in: "8900", want: []wamptest.Frame{found(transport.FramePing, "")}},
		{name: "pong", in: "8a0161", want: []wamptest.Frame{found(transport.FramePong, "a")}},
		{name: "close", in: "8800", want: []wamptest.Frame{found(transport.FrameClose, "")}},
		{name: "close with code and reason", in: "8805 03e8 627965", want: []wamptest.Frame{found(transport.FrameClose, "\x03\xe8bye")}},

		{name: "fragments", in: "010361 6263 000164 800165", want: []wamptest.Frame{message("abcde")}},
		{name: "empty fragments", in: "0100 0000 8000", want: []wamptest.Frame{message("")}},
		{name: "control frames between fragments", in: "010161 890170 800162 8a00",
			want: []wamptest.Frame{found(transport.FramePing, "p"), message("ab"), found(transport.FramePong, "")}},
		{name: "messages after fragments", in: "010161 800162 010163 800164 810165",
			want: []wamptest.Frame{message("ab"), message("cd"), message("e")}},
		{name: "as many fragments as accepted", in: "010161 000162 000163 800164", want: []wamptest.Frame{message("abcd")}},
		{name: "too many fragments", in: "010161 000162 000163 000164 8000", code: 1008, err: "too many fragments"},
		{name: "continuation of nothing", in: "800161", code: 1002, err: "continuation of no message"},
		{name: "continuation after the end", in: "010161 800162 800163", want: []wamptest.Frame{message("ab")}, code: 1002,
			err: "continuation of no message"},
		{name: "message within a message", in: "010161 810162", code: 1002, err: "within a fragmented one"},

		{name: "RSV1", in: "c100", code: 1002, err: "reserved bits"},
		{name: "RSV2", in: "a100", code: 1002, err: "reserved bits"},
		{name: "RSV3", in: "9100", code: 1002, err: "reserved bits"},
		{name: "RSV1 on a control frame", in: "c900", code: 1002, err: "reserved bits"},
		{name: "masked", in: "8181 00000000 61", code: 1002, err: "masked by the wrong side"},
		{name: "opcode 3", in: "8300", code: 1002, err: "reserved opcode"},
		{name: "opcode 7", in: "8700", code: 1002, err: "reserved opcode"},
		{name: "opcode 11", in: "8b00", code: 1002, err: "reserved opcode"},
		{name: "opcode 15", in: "8f00", code: 1002, err: "reserved opcode"},
		{name: "WS-04 binary where text is due", in: "820161", code: 1002, err: "text or binary"},
		{name: "WS-04 in fragments", in: "020161", code: 1002, err: "text or binary"},

		{name: "fragmented ping", in: "0900", code: 1002, err: "fragmented control frame"},
		{name: "fragmented close", in: "0800", code: 1002, err: "fragmented control frame"},
		{name: "ping of 125 bytes", in: "897d" + strings.Repeat("61", 125),
			want: []wamptest.Frame{found(transport.FramePing, strings.Repeat("a", 125))}},
		{name: "ping of 126 bytes", in: "897e007e", code: 1002, err: "longer than 125 bytes"},
		{name: "close of 2^32 bytes", in: "887f0000000100000000", code: 1002, err: "longer than 125 bytes"},

		{name: "126 bytes", in: "817e007e" + strings.Repeat("61", 126), want: []wamptest.Frame{message(strings.Repeat("a", 126))}},
		{name: "125 bytes in a long header", in: "817e007d", code: 1002, err: "shortest form"},
		{name: "0 bytes in a long header", in: "817e0000", code: 1002, err: "shortest form"},
		{name: "65535 bytes in the longest header", in: "817f000000000000ffff", code: 1002, err: "shortest form"},
		{name: "5 bytes in the longest header", in: "817f0000000000000005", code: 1002, err: "shortest form"},
		{name: "length with the top bit", in: "817f8000000000000000", code: 1002, err: "more than 63 bits"},
		{name: "length of all ones", in: "817fffffffffffffffff", code: 1002, err: "more than 63 bits"},
		{name: "WS-08 largest legal length", in: "817f7fffffffffffffff", code: 1009, err: "longer than accepted"},
		{name: "WS-08 as long as accepted", in: "817e0400"},
		{name: "WS-08 longer than accepted", in: "817e0401", code: 1009, err: "longer than accepted"},
		{name: "WS-08 fragments as long as accepted", in: "010161 807e03ff"},
		{name: "WS-08 fragments longer than accepted", in: "010161 807e0400", code: 1009, err: "longer than accepted"},
		{name: "WS-08 fragments that overflow", in: "010161 807f7fffffffffffffff", code: 1009, err: "longer than accepted"},

		{name: "close with half a code", in: "880103", code: 1002, err: "half a code"},
		{name: "close with an illegal code", in: "880203e7", code: 1002, err: "illegal code"},
		{name: "close reason is not UTF-8", in: "8804 03e8 c328", code: 1007, err: "not UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, piece := range []int{1, 3, 1 << 20} {
				out, err := wamptest.Frames(t, newFraming(wamp.JSON, true, kib, 4), wamptest.Unhex(t, tt.in), piece)
				if diff := cmp.Diff(tt.want, out); diff != "" {
					t.Errorf("in pieces of %d: -want +got\n%s", piece, diff)
				}
				if got := wamptest.ErrorText(err); !strings.Contains(got, tt.err) || code(err) != tt.code {
					t.Errorf("in pieces of %d: error %q with code %d, want %q with %d", piece, got, code(err), tt.err, tt.code)
				}
			}
		})
	}
}

// What a router receives is masked.
func TestNextUnmasks(t *testing.T) {
	router := newFraming(wamp.JSON, false, kib, 4)
	in := "8185 37fa213d 7f9f4d5158" + // Hello
		"0183 37fa213d 7f9f4d" + "8982 01020304 6160" + "8082 37fa213d 5b95" // Hel, ping, lo
	out, err := wamptest.Frames(t, router, wamptest.Unhex(t, in), 5)
	want := []wamptest.Frame{message("Hello"), found(transport.FramePing, "`b"), message("Hello")}
	if diff := cmp.Diff(want, out); diff != "" || err != nil {
		t.Errorf("error %v, frames: -want +got\n%s", err, diff)
	}
	if _, _, err := router.Next(wamptest.Unhex(t, "810161")); code(err) != 1002 {
		t.Errorf("frame without a mask: %v", err)
	}
}

func TestNextBinary(t *testing.T) {
	for _, s := range []wamp.Serializer{wamp.MessagePack, wamp.CBOR} {
		f := newFraming(s, true, kib, 4)
		if frame, _, err := f.Next(wamptest.Unhex(t, "8201ff")); err != nil || string(frame.Payload) != "\xff" {
			t.Errorf("%v: binary message: %+v, %v", s, frame, err)
		}
		if _, _, err := f.Next(wamptest.Unhex(t, "810161")); code(err) != 1002 {
			t.Errorf("%v: WS-04 text message: %v", s, err)
		}
	}
}

// Nothing is asked for beyond what the header says, so that a reader knows how much to wait for.
func TestNextSaysWhatItNeeds(t *testing.T) {
	for in, need := range map[string]int{
		"":               2,
		"81":             2,
		"817e":           4,
		"817e03":         4,
		"817f0000000000": 10,
		"8105":           7,
		"817e0400":       4 + kib,
	} {
		frame, n, err := newFraming(wamp.JSON, true, kib, 4).Next(wamptest.Unhex(t, in))
		if n != 0 || err != nil || frame.Need != need {
			t.Errorf("Next(%s) = %+v, %d, %v; want a need of %d", in, frame, n, err, need)
		}
	}
}

func TestSetMaxReceiveWS08(t *testing.T) {
	f := newFraming(wamp.JSON, true, kib, 4)
	f.SetMaxReceive(4)
	if _, _, err := f.Next(wamptest.Unhex(t, "8105")); code(err) != 1009 {
		t.Errorf("5 bytes: %v", err)
	}
	if frame, _, err := f.Next(wamptest.Unhex(t, "0104 61626364")); err != nil {
		t.Errorf("4 bytes: %+v, %v", frame, err)
	}
	f.SetMaxReceive(2)
	if _, _, err := f.Next(wamptest.Unhex(t, "8000")); code(err) != 1009 {
		t.Errorf("limit lowered below what has come of a message: %v", err)
	}
}

// A message that was given away stays as it was.
func TestAssembledMessagesAreNotWrittenAgain(t *testing.T) {
	f := newFraming(wamp.JSON, true, kib, 4)
	take := func(in string) []byte {
		frame, _, err := f.Next(wamptest.Unhex(t, in))
		if err != nil {
			t.Fatal(err)
		}
		return frame.Payload
	}
	take("010161")
	first := take("800162")
	take("010163")
	take("800164")
	if string(first) != "ab" {
		t.Errorf("the first message is now %q", first)
	}
}

// Sealed frames are read by the library, which knows nothing of how they were made.
func TestSeal(t *testing.T) {
	for _, client := range []bool{false, true} {
		for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20} {
			f := newFraming(wamp.CBOR, client, kib, 4)
			body := bytes.Repeat([]byte("wamp."), size/5+1)[:size]
			out := f.Seal(append(f.Open([]byte("before")), body...), len("before"), 0)
			if n := size / 2; !client {
				begun := f.Seal(append(f.Open([]byte("before")), body[:n]...), len("before"), size-n)
				if !bytes.Equal(begun, out[:len(out)-size+n]) {
					t.Errorf("%d bytes, of which half are there: begins with %x", size, begun[:min(len(begun), 20)])
				}
			}
			out = f.AppendPing(out, []byte("ping"))
			if string(out[:6]) != "before" {
				t.Fatalf("client %v, %d bytes: what stood before is now %q", client, size, out[:6])
			}
			rest := bytes.NewReader(out[6:])
			wantFrame(t, rest, client, ws.OpBinary, string(body))
			wantFrame(t, rest, client, ws.OpPing, "ping")
			if rest.Len() != 0 {
				t.Errorf("client %v, %d bytes: %d more follow", client, size, rest.Len())
			}
		}
	}
}

func wantFrame(t *testing.T, in *bytes.Reader, masked bool, op ws.OpCode, payload string) {
	t.Helper()
	h, err := ws.ReadHeader(in)
	if err != nil {
		t.Fatal(err)
	}
	if h.Masked != masked || !h.Fin || h.OpCode != op || h.Length != int64(len(payload)) {
		t.Fatalf("header %+v of a payload of %d bytes", h, len(payload))
	}
	got := make([]byte, h.Length)
	if _, err := io.ReadFull(in, got); err != nil {
		t.Fatal(err)
	}
	if masked {
		ws.Cipher(got, h.Mask, 0)
	}
	if string(got) != payload {
		t.Errorf("another payload of %d bytes", len(got))
	}
}

func TestMasksDiffer(t *testing.T) {
	f := newFraming(wamp.CBOR, true, kib, 4)
	masks := map[string]bool{}
	for range 100 {
		masks[string(f.AppendPong(nil, nil)[2:])] = true
	}
	if len(masks) < 90 {
		t.Errorf("%d masks in 100 frames", len(masks))
	}
}

func TestShape(t *testing.T) {
	for _, tt := range []struct {
		s      wamp.Serializer
		client bool
		want   transport.Shape
	}{
		{wamp.JSON, false, transport.ShapeWebSocketText},
		{wamp.CBOR, false, transport.ShapeWebSocketBinary},
		{wamp.MessagePack, false, transport.ShapeWebSocketBinary},
		{wamp.JSON, true, transport.ShapeUnique},
		{wamp.CBOR, true, transport.ShapeUnique},
	} {
		if got := newFraming(tt.s, tt.client, kib, 4).Shape(); got != tt.want {
			t.Errorf("%v, client %v: shape %d, want %d", tt.s, tt.client, got, tt.want)
		}
	}
}

func TestFramesAllocateNothing(t *testing.T) {
	router, client := newFraming(wamp.CBOR, false, kib, 4), newFraming(wamp.CBOR, true, kib, 4)
	in := wamptest.Unhex(t, "8285 37fa213d 7f9f4d5158")
	out := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		_, _, _ = router.Next(in)
		out = client.Seal(append(client.Open(out[:0]), "hello"...), 0, 0)
		out = router.Seal(append(router.Open(out[:0]), "hello"...), 0, 0)
	}); n != 0 {
		t.Errorf("%v allocations for a frame in and two out", n)
	}
}

// FuzzNext: never panics, always gets on, allocates no more than promised, and finds the same frames whatever the
// pieces are in which the bytes come.
func FuzzNext(f *testing.F) {
	for _, in := range []string{
		"810548656c6c6f 890161 8802 03e8", "0103616263 890170 000164 800165 8100", "817e007e", "820161", "817f8000000000000000",
		"8185 37fa213d 7f9f4d5158 0183 37fa213d 7f9f4d 8082 37fa213d 5b95",
	} {
		b, _ := hex.DecodeString(strings.ReplaceAll(in, " ", ""))
		f.Add(b, uint16(3), false)
		f.Add(b, uint16(1), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, piece uint16, client bool) {
		fresh := func() transport.Framing { return newFraming(wamp.JSON, client, 4*kib, 64) }
		wamptest.CheckFraming(t, fresh, in, int(piece))
	})
}

// code returns the code of a FrameError, or 0.
func code(err error) uint16 {
	var frame *transport.FrameError
	if errors.As(err, &frame) {
		return frame.Code
	}
	return 0
}
