package format

import "math"

// The major types of CBOR, and what the other five bits of a first byte mean (RFC 8949 section 3).
const (
	CBORUnsigned = 0 << 5
	CBORNegative = 1 << 5
	CBORBytes    = 2 << 5
	CBORText     = 3 << 5
	CBORArray    = 4 << 5
	CBORMap      = 5 << 5
	CBORTag      = 6 << 5
	CBORSimple   = 7 << 5

	CBORInfo       = 1<<5 - 1 // the five bits
	CBORUint8      = 24       // below: the argument itself; from here: its width
	CBORUint64     = 27
	CBORIndefinite = 31

	CBORFalse     = CBORSimple | 20
	CBORTrue      = CBORSimple | 21
	CBORNull      = CBORSimple | 22
	CBORUndefined = CBORSimple | 23
	CBORSimple8   = CBORSimple | 24
	CBORFloat16   = CBORSimple | 25
	CBORFloat32   = CBORSimple | 26
	CBORFloat64   = CBORSimple | 27
	CBORBreak     = CBORSimple | CBORIndefinite
)

// The tags that have a meaning here: integers of any size (RFC 8949 section 3.4.3), and bytes that are an array of
// numbers of 8 bits (RFC 8746).
const (
	CBORPositiveBignum = 2
	CBORNegativeBignum = 3
	CBORUint8Array     = 64
)

// AppendCBORHead appends the first byte of a value of that major type with its argument, in the shortest form (SER-12).
func AppendCBORHead(dst []byte, major byte, n uint64) []byte {
	if n < CBORUint8 {
		return append(dst, major|byte(n))
	}
	return AppendSized(dst, major|CBORUint8, n)
}

// CBORHeadLen returns how many bytes AppendCBORHead appends.
func CBORHeadLen(n uint64) int {
	if n < CBORUint8 {
		return 1
	}
	return 1 + 1<<UintLog2(n)
}

// WidenHalf returns the bits of the 32-bit float that equals a 16-bit float. A NaN keeps its payload.
func WidenHalf(half uint16) uint32 {
	const infinity, fraction = 0x1f, 0x3ff
	sign := uint32(half>>15) << 31
	exponent, mantissa := uint32(half>>10)&infinity, uint32(half)&fraction
	switch exponent {
	case 0: // zero and subnormal: mantissa * 2^-24
		return sign | math.Float32bits(float32(mantissa)/(1<<24))
	case infinity:
		return sign | 0xff<<23 | mantissa<<13
	}
	return sign | (exponent+127-15)<<23 | mantissa<<13
}
