package format_test

import (
	"math"
	"testing"

	"github.com/tandemrouter/tandem/internal/serializer/format"
)

// The sizes at which a head becomes longer, and their neighbours.
var edges = []int{0, 1, 15, 16, 23, 24, 31, 32, math.MaxUint8, math.MaxUint8 + 1, math.MaxUint16, math.MaxUint16 + 1, math.MaxUint32}

func TestHeadsAreAsLongAsTold(t *testing.T) {
	for _, size := range edges {
		if got, want := len(format.AppendCBORHead(nil, format.CBORArray, uint64(size))), format.CBORHeadLen(uint64(size)); got != want {
			t.Errorf("CBOR: the head of %d has %d bytes, CBORHeadLen says %d", size, got, want)
		}
		list, dict := len(format.AppendMsgpackListHead(nil, size)), len(format.AppendMsgpackMapHead(nil, size))
		if want := format.MsgpackHeadLen(size); list != want || dict != want {
			t.Errorf("MessagePack: the heads of %d have %d and %d bytes, MsgpackHeadLen says %d", size, list, dict, want)
		}
	}
}

// SER-12: no head is longer than it must be.
func TestSER12ShortestHeads(t *testing.T) {
	for _, test := range []struct {
		n    uint64
		want int
	}{
		{23, 1}, {24, 2}, {math.MaxUint8, 2}, {math.MaxUint8 + 1, 3}, {math.MaxUint16, 3}, {math.MaxUint16 + 1, 5},
		{math.MaxUint32, 5}, {math.MaxUint32 + 1, 9}, {math.MaxUint64, 9},
	} {
		if got := len(format.AppendCBORHead(nil, format.CBORUnsigned, test.n)); got != test.want {
			t.Errorf("%d takes %d bytes, want %d", test.n, got, test.want)
		}
	}
}

// Whatever stands behind or before a character that has to be escaped, it is found where it is.
func TestPlainJSONStopsAtTheFirstSpecialCharacter(t *testing.T) {
	for _, special := range []byte{0, '\n', ' ' - 1, '"', '\\'} {
		for at := range 20 {
			text := []byte("aé ÿ/\x7f~!#[]^aé ÿ/\x7f~!#[]^")
			text[at] = special
			if got := format.PlainJSON(text); got != at {
				t.Errorf("%q: %d bytes are plain, want %d", text, got, at)
			}
		}
	}
	if text := []byte("nothing here has to be escaped: é\x7f/"); format.PlainJSON(text) != len(text) {
		t.Errorf("%q is not plain", text)
	}
}
