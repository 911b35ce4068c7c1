package wamptest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/transport"
)

// Frame is what a transport.Framing found.
type Frame struct {
	Kind    transport.FrameKind
	Payload string
}

// Frames feeds the bytes to the framing, so many at a time, and returns the frames that it found until it needed more
// bytes than there are, or found something wrong.
func Frames(t testing.TB, f transport.Framing, in []byte, piece int) (found []Frame, err error) {
	t.Helper()
	in = bytes.Clone(in) // a framing may unmask in place
	buf := make([]byte, 0, len(in))
	for {
		frame, n, err := f.Next(buf)
		switch {
		case err != nil:
			return found, err
		case n > 0:
			buf = buf[n:]
			if frame.Kind != transport.FrameNone {
				found = append(found, Frame{frame.Kind, string(frame.Payload)})
			}
			continue
		case frame.Need <= len(buf):
			t.Fatalf("no frame in %d bytes, but only %d are needed", len(buf), frame.Need)
		case len(in) == 0:
			return found, nil
		}
		k := min(max(piece, 1), len(in))
		buf, in = append(buf, in[:k]...), in[k:]
	}
}

// CheckFraming gives hostile bytes to a framing, for fuzz tests. It must find the same frames and the same error in
// whatever pieces the bytes come, and allocate in proportion to what came, not to what is declared.
func CheckFraming(t testing.TB, fresh func() transport.Framing, in []byte, piece int) {
	t.Helper()
	whole, wholeErr := Frames(t, fresh(), in, len(in))
	pieces, piecesErr := Frames(t, fresh(), in, piece)
	if diff := cmp.Diff(whole, pieces); diff != "" || fmt.Sprint(wholeErr) != fmt.Sprint(piecesErr) {
		t.Errorf("errors %v and %v; frames: -whole +pieces\n%s", wholeErr, piecesErr, diff)
	}
	if got := AllocatedFor(fresh(), in); got > 64<<10+32*uint64(len(in)) {
		t.Errorf("%d bytes allocated for %d", got, len(in))
	}
}

// AllocatedFor returns how many bytes the framing allocates for the frames in in.
func AllocatedFor(f transport.Framing, in []byte) uint64 {
	in = bytes.Clone(in)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for n, err := 1, error(nil); n > 0 && err == nil; in = in[n:] {
		_, n, err = f.Next(in)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Unhex returns the bytes that a table shows in hexadecimal, with blanks where the reader wants them.
func Unhex(t testing.TB, shown string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(shown, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ErrorText returns what the error says, and nothing of none.
func ErrorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
