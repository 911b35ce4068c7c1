package payload

import (
	"bytes"
	"math"
	"math/big"

	"github.com/tandemrouter/tandem/internal/serializer/format"
)

// A token is one step through an encoded value, the same for all serializers. A reader makes tokens of bytes,
// a writer makes bytes of tokens, a builder makes Go values of them.
type token struct {
	kind  kind
	place place

	width uint8  // of a float: how many bits it has
	exact bool   // of the end of a container: its size was known at the start
	ext   int8   // of an ext: its type
	size  int    // of a container: its items (of a map: pairs), unknownSize if only the end will tell
	neg   bool   // of an integer: its value is -1-num
	num   uint64 // of an integer or bool its value, of a float its bits, of a tag or simple value its number
	bytes []byte // of a text, binary or ext its content; of a large integer, what num would be, big-endian
}

// unknownSize is the size of a container that only its end will tell.
const unknownSize = -1

// kind is what a token is.
type kind uint8

// The kinds of tokens. A tag is followed by the value that it belongs to.
const (
	kindNull kind = iota
	kindUndefined
	kindBool
	kindInteger
	kindLargeInteger
	kindFloat
	kindText
	kindBinary
	kindExt
	kindSimple
	kindTag
	kindList
	kindMap
	kindListEnd
	kindMapEnd
)

// place is where a token stands among its neighbours. It tells keys from values, and what JSON puts before them.
type place uint8

// The places: the first item of a list or a later one, the first key of a map or a later one, a value after its key.
// The end of a list or map has no place, which is the same as placeFirst.
const (
	placeFirst place = iota
	placeNext
	placeFirstKey
	placeNextKey
	placeValue
)

// isKey reports whether it is the place of a key.
func (p place) isKey() bool { return p == placeFirstKey || p == placeNextKey }

// itemPlace returns the place of the item with that index in a list.
func itemPlace(index int) place {
	if index == 0 {
		return placeFirst
	}
	return placeNext
}

// pairPlace returns the place of the item with that index in a map, whose even items are keys.
func pairPlace(index int) place {
	switch {
	case index%2 == 1:
		return placeValue
	case index == 0:
		return placeFirstKey
	}
	return placeNextKey
}

// setUnsigned makes the token the integer n.
func (t *token) setUnsigned(n uint64) { t.kind, t.neg, t.num = kindInteger, false, n }

// setSigned makes the token the integer n.
func (t *token) setSigned(n int64) {
	t.kind, t.neg, t.num = kindInteger, n < 0, uint64(n)
	if t.neg {
		t.num = ^t.num // -1-n
	}
}

// setBool makes the token true or false.
func (t *token) setBool(b bool) {
	t.kind = kindBool
	if b {
		t.num = 1
	}
}

// setBig makes the token the integer n.
func (t *token) setBig(n *big.Int) {
	t.neg = n.Sign() < 0
	if t.neg {
		n = new(big.Int).Not(n) // -1-n
	}
	t.setMagnitude(n.Bytes())
}

// setMagnitude makes the token the integer with the sign that it has and that num, big-endian, of any length.
func (t *token) setMagnitude(b []byte) {
	b = bytes.TrimLeft(b, "\x00")
	t.kind, t.num, t.bytes = kindLargeInteger, 0, b
	if len(b) > 8 {
		return
	}
	t.kind, t.bytes = kindInteger, nil
	for _, c := range b {
		t.num = t.num<<8 | uint64(c)
	}
}

// bigInt returns the integer that the token is.
func (t *token) bigInt() *big.Int {
	n := new(big.Int)
	if t.kind == kindLargeInteger {
		n.SetBytes(t.bytes)
	} else {
		n.SetUint64(t.num)
	}
	if t.neg {
		n.Not(n)
	}
	return n
}

// float returns the float that the token is.
func (t *token) float() float64 {
	switch t.width {
	case 16:
		return float64(math.Float32frombits(format.WidenHalf(uint16(t.num))))
	case 32:
		return float64(math.Float32frombits(uint32(t.num)))
	}
	return math.Float64frombits(t.num)
}
