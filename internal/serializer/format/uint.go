package format

import (
	"encoding/binary"
	"math"
)

// UintLog2 returns the logarithm of the number of bytes that n needs, of which there can be 1, 2, 4 or 8.
func UintLog2(n uint64) byte {
	switch {
	case n <= math.MaxUint8:
		return 0
	case n <= math.MaxUint16:
		return 1
	case n <= math.MaxUint32:
		return 2
	}
	return 3
}

// AppendUint appends the lowest 1<<log2 bytes of n, big-endian.
func AppendUint(dst []byte, log2 byte, n uint64) []byte {
	switch log2 {
	case 0:
		return append(dst, byte(n))
	case 1:
		return binary.BigEndian.AppendUint16(dst, uint16(n))
	case 2:
		return binary.BigEndian.AppendUint32(dst, uint32(n))
	default:
		return binary.BigEndian.AppendUint64(dst, n)
	}
}

// AppendSized appends n in as few bytes as it needs, behind a first byte that tells how many: first for one byte, and
// those that follow it for two, four and eight.
func AppendSized(dst []byte, first byte, n uint64) []byte {
	switch {
	case n <= math.MaxUint8:
		return append(dst, first, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, first+1), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, first+2), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first+3), n)
	}
}
