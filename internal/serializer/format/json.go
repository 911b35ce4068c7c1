package format

import (
	"encoding/binary"
	"math/bits"
)

// PlainJSON returns how many bytes at the start of a text a JSON string has as they are.
func PlainJSON(text []byte) int {
	n := 0
	for ; n+8 <= len(text); n += 8 {
		if special := SpecialJSON(binary.LittleEndian.Uint64(text[n:])); special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
	}
	for ; n < len(text); n++ {
		if c := text[n]; c < ' ' || c == '"' || c == '\\' {
			break
		}
	}
	return n
}

// SpecialJSON looks at eight bytes at once, of which the lowest comes first. Of the first of them that has to be escaped
// it sets the highest bit; what it says of later ones may be wrong.
func SpecialJSON(x uint64) uint64 {
	const ones, highest = 0x0101010101010101, 0x8080808080808080
	quote, backslash := x^ones*'"', x^ones*'\\'
	control := (x - ones*' ') &^ x
	return (control | (quote-ones)&^quote | (backslash-ones)&^backslash) & highest
}
