package rawsocket

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/wamptest"
	"github.com/tandemrouter/tandem/transport"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// The frames of requirements 6.2, and what surrounds them.
func TestNext(t *testing.T) {
	for _, tt := range []struct {
		name       string
		in         string // hexadecimal
		maxReceive int
		maxSend    int
		kind       transport.FrameKind
		payload    string
		need       int
		err        string
	}{
		{name: "message of 5 octets", in: "00000005 68656c6c6f", kind: transport.FrameMessage, payload: "hello"},
		{name: "only the first frame", in: "00000001 61 00000001 62", kind: transport.FrameMessage, payload: "a"},
		{name: "RS-12 ping", in: "01000001 ab", kind: transport.FramePing, payload: "\xab"},
		{name: "RS-12 empty ping", in: "01000000", kind: transport.FramePing},
		{name: "RS-14 pong", in: "02000001 ab", kind: transport.FramePong, payload: "\xab"},

		{name: "nothing yet", in: "", need: 4},
		{name: "half a header", in: "0000", need: 4},
		{name: "half a payload", in: "00000005 6865", need: 9},
		{name: "as long as accepted", in: "00000400", maxReceive: kib, need: 4 + kib},
		{name: "message of 2^24-1 octets", in: "00ffffff", maxReceive: 16 * mib, need: 3 + 16*mib},
		{name: "RS-10 message of 2^24 octets", in: "08000000", maxReceive: 16 * mib, need: 4 + 16*mib},
		{name: "RS-10 ping of 2^24 octets", in: "09000000", maxReceive: 16 * mib, need: 4 + 16*mib},

		{name: "RS-10 2^24 octets where LENGTH is 14", in: "08000000", maxReceive: 8 * mib, err: "longer than accepted"},
		{name: "RS-10 X and a length", in: "08000001", maxReceive: 16 * mib, err: "extra length bit"},
		{name: "RS-11 reserved bit", in: "10000005", err: "reserved bits"},
		{name: "RS-11 all reserved bits", in: "f0000005", err: "reserved bits"},
		{name: "RS-11 type 3", in: "03000000", err: "reserved type"},
		{name: "RS-11 type 7", in: "07000000", err: "reserved type"},
		{name: "RS-18 empty message", in: "00000000", err: "empty message"},
		{name: "RS-08 message too long", in: "00000401", maxReceive: kib, err: "longer than accepted"},
		{name: "RS-12 ping too long", in: "01000401", maxReceive: kib, err: "longer than accepted"},
		{name: "RS-12 pong too long", in: "02000401", maxReceive: kib, err: "longer than accepted"},
		{name: "RS-12 ping that its sender would not take back", in: "01000201", maxSend: 512, err: "its sender accepts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFraming(orElse(tt.maxReceive, 64*kib), orElse(tt.maxSend, 16*mib), false)
			in := wamptest.Unhex(t, tt.in)
			frame, n, err := f.Next(in)
			if text := wamptest.ErrorText(err); !strings.Contains(text, tt.err) || (err != nil) != (tt.err != "") {
				t.Fatalf("error %q, want %q", text, tt.err)
			}
			want := transport.Frame{Kind: tt.kind, Need: tt.need}
			wantN := 0
			if tt.kind != transport.FrameNone {
				want.Payload = []byte(tt.payload)
				wantN = headerSize + len(tt.payload)
			}
			if diff := cmp.Diff(want, frame); diff != "" || n != wantN {
				t.Errorf("took %d bytes, want %d; frame: -want +got\n%s", n, wantN, diff)
			}
		})
	}
}

func TestTooLongIsToldApart(t *testing.T) {
	f := newFraming(kib, kib, false)
	for in, code := range map[string]uint16{"00000401": transport.CloseTooBig, "10000005": transport.CloseProtocolError} {
		_, _, err := f.Next(wamptest.Unhex(t, in))
		var frame *transport.FrameError
		if !errors.As(err, &frame) || frame.Code != code {
			t.Errorf("Next(%s): %v, want a FrameError with code %d", in, err, code)
		}
	}
}

func TestNextTakesThe16MiBMessageRS10(t *testing.T) {
	in := append(wamptest.Unhex(t, "08000000"), make([]byte, 16*mib)...)
	in[len(in)-1] = 'z'
	frame, n, err := newFraming(16*mib, 16*mib, false).Next(in)
	if err != nil || n != len(in) || len(frame.Payload) != 16*mib || frame.Payload[16*mib-1] != 'z' {
		t.Errorf("took %d of %d bytes as a payload of %d, %v", n, len(in), len(frame.Payload), err)
	}
}

func TestSealRS10(t *testing.T) {
	f := newFraming(16*mib, 16*mib, false)
	for size, header := range map[int]string{
		5:          "00000005",
		16*mib - 1: "00ffffff",
		16 * mib:   "08000000",
	} {
		dst := f.Open([]byte("before"))
		dst = f.Seal(append(dst, make([]byte, size)...), len("before"), 0)
		if got := hex.EncodeToString(dst[6:10]); got != header || len(dst) != 6+4+size || string(dst[:6]) != "before" {
			t.Errorf("%d bytes: header %s in %d bytes, want %s in %d", size, got, len(dst), header, 6+4+size)
		}
		begun := f.Seal(append(f.Open([]byte("before")), 0, 0), len("before"), size-2)
		if !bytes.Equal(begun, dst[:len(begun)]) {
			t.Errorf("%d bytes, of which 2 are there: %x", size, begun)
		}
	}
}

func TestSetMaxReceiveRS08(t *testing.T) {
	f := newFraming(1000, kib, false)
	accepted := func(header string) bool {
		_, _, err := f.Next(wamptest.Unhex(t, header))
		return err == nil
	}
	if !accepted("000003e8") || accepted("000003e9") {
		t.Error("the limit is not 1000 bytes, though only 1024 could be declared")
	}
	if f.SetMaxReceive(100); !accepted("00000064") || accepted("00000065") {
		t.Error("the limit is not 100 bytes")
	}
	if f.SetMaxReceive(16 * mib); !accepted("00000400") || accepted("00000401") {
		t.Error("the limit is not what was declared to the peer")
	}
}

func TestPings(t *testing.T) {
	quiet, wanted := newFraming(kib, kib, false), newFraming(kib, kib, true)
	if got := quiet.AppendPing([]byte("x"), []byte{0xab}); string(got) != "x" {
		t.Errorf("RS-13: ping without being configured: %x", got)
	}
	if got := hex.EncodeToString(wanted.AppendPing(nil, []byte{0xab})); got != "01000001ab" {
		t.Errorf("ping: %s", got)
	}
	if got := hex.EncodeToString(quiet.AppendPong(nil, []byte{0xab})); got != "02000001ab" {
		t.Errorf("RS-12 pong: %s", got)
	}
}

func TestCloseSaysNothing(t *testing.T) {
	if got := newFraming(kib, kib, false).AppendClose([]byte("x"), errors.New("why")); string(got) != "x" {
		t.Errorf("AppendClose: %q", got)
	}
}

func TestFramesAllocateNothing(t *testing.T) {
	f := newFraming(mib, mib, false)
	in := wamptest.Unhex(t, "00000005 68656c6c6f")
	out := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		_, _, _ = f.Next(in)
		out = f.Seal(append(f.Open(out[:0]), "hello"...), 0, 0)
	}); n != 0 {
		t.Errorf("%v allocations for a frame in and a frame out", n)
	}
}

// FuzzNext: never panics, always gets on, allocates no more than promised, and finds the same frames whatever the
// pieces are in which the bytes come.
func FuzzNext(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x05hello\x01\x00\x00\x01a\x02\x00\x00\x00"), uint16(3), uint8(1))
	f.Add([]byte("\x00\x00\x00\x01a\x08\x00\x00\x00"), uint16(1), uint8(15))
	f.Add([]byte("\x00\x00\x02\x01a"), uint16(2), uint8(0))
	f.Fuzz(func(t *testing.T, in []byte, piece uint16, length uint8) {
		limit := size(length % 16)
		fresh := func() transport.Framing { return newFraming(limit, limit, false) }
		wamptest.CheckFraming(t, fresh, in, int(piece))
	})
}

func orElse(n, other int) int {
	if n == 0 {
		return other
	}
	return n
}
