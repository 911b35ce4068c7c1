package serializer

import (
	"encoding/binary"
	"math"
	"math/bits"
)

var (
	errMessagePackInteger = inexpressible("MessagePack has no integers beyond 64 bits")
	errMessagePackType    = inexpressible("MessagePack has no tags or simple values")
)

func (w *valueWriter) putMessagePack(t *token) error {
	switch t.kind {
	case kindNull:
		w.dst = append(w.dst, msgpackNil)
	case kindUndefined:
		w.dst = append(w.dst, msgpackFixExt1, 0, 0)
	case kindBool:
		w.dst = append(w.dst, msgpackFalse+byte(t.num))
	case kindInteger:
		return w.appendMessagePackInteger(t)
	case kindLargeInteger:
		return errMessagePackInteger
	case kindFloat:
		w.appendMessagePackFloat(t)
	case kindText:
		w.appendMessagePackText(t.bytes)
	case kindBinary:
		w.appendMessagePackLength(msgpackBin8, len(t.bytes))
		w.dst = append(w.dst, t.bytes...)
	case kindExt:
		w.appendMessagePackExt(t)
	case kindList, kindMap:
		w.putHead(t)
	case kindListEnd, kindMapEnd:
		w.putEnd(t)
	default:
		return errMessagePackType
	}
	return nil
}

func (w *valueWriter) appendMessagePackInteger(t *token) error {
	switch {
	case t.neg && t.num > math.MaxInt64:
		return errMessagePackInteger
	case t.neg && t.num < 1<<5:
		w.dst = append(w.dst, byte(^t.num))
	case t.neg: // one bit more than that of num says that it is negative
		w.appendMessagePackUint(msgpackInt8, uintLog2(t.num<<1), ^t.num)
	case t.num < msgpackFixMap:
		w.dst = append(w.dst, byte(t.num))
	default:
		w.appendMessagePackUint(msgpackUint8, uintLog2(t.num), t.num)
	}
	return nil
}

// uintLog2 returns the logarithm of the number of bytes that n needs, of which there can be 1, 2, 4 or 8.
func uintLog2(n uint64) byte {
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

// appendMessagePackUint appends the lowest 1<<log2 bytes of n behind the first byte that says so, which is the one
// for a single byte plus log2.
func (w *valueWriter) appendMessagePackUint(first, log2 byte, n uint64) {
	w.dst = append(w.dst, first+log2)
	w.appendUint(log2, n)
}

// appendUint appends the lowest 1<<log2 bytes of n, big-endian.
func (w *valueWriter) appendUint(log2 byte, n uint64) {
	switch log2 {
	case 0:
		w.dst = append(w.dst, byte(n))
	case 1:
		w.dst = binary.BigEndian.AppendUint16(w.dst, uint16(n))
	case 2:
		w.dst = binary.BigEndian.AppendUint32(w.dst, uint32(n))
	default:
		w.dst = binary.BigEndian.AppendUint64(w.dst, n)
	}
}

// appendMessagePackFloat appends a float in its width; a 16-bit one, which there is none of, as one of 32 bits.
func (w *valueWriter) appendMessagePackFloat(t *token) {
	switch t.width {
	case 16:
		w.dst = append(w.dst, msgpackFloat32)
		w.appendUint(2, uint64(widenHalf(uint16(t.num))))
	case 32:
		w.dst = append(w.dst, msgpackFloat32)
		w.appendUint(2, t.num)
	default:
		w.dst = append(w.dst, msgpackFloat64)
		w.appendUint(3, t.num)
	}
}

// appendMessagePackLength appends the length of a value that has types with lengths of 1, 2 and 4 bytes, of which
// first is the first.
func (w *valueWriter) appendMessagePackLength(first byte, n int) {
	w.appendMessagePackUint(first, uintLog2(uint64(n)), uint64(n))
}

func (w *valueWriter) appendMessagePackText(text []byte) {
	if len(text) < 1<<5 {
		w.dst = append(w.dst, msgpackFixStr|byte(len(text)))
	} else {
		w.appendMessagePackLength(msgpackStr8, len(text))
	}
	w.dst = append(w.dst, text...)
}

func (w *valueWriter) appendMessagePackExt(t *token) {
	n := len(t.bytes)
	if n > 0 && n <= 16 && n&(n-1) == 0 {
		w.dst = append(w.dst, msgpackFixExt1+byte(bits.TrailingZeros(uint(n))))
	} else {
		w.appendMessagePackLength(msgpackExt8, n)
	}
	w.dst = append(w.dst, byte(t.ext))
	w.dst = append(w.dst, t.bytes...)
}

// appendMessagePackHead appends the head of a list or map.
func (w *valueWriter) appendMessagePackHead(k kind, size int) {
	fix, wide := byte(msgpackFixArray), byte(msgpackArray16)
	if k == kindMap {
		fix, wide = msgpackFixMap, msgpackMap16
	}
	switch messagePackHeadLen(size) {
	case 1:
		w.dst = append(w.dst, fix|byte(size))
	case 3:
		w.dst = append(w.dst, wide)
		w.appendUint(1, uint64(size))
	default:
		w.dst = append(w.dst, wide+1)
		w.appendUint(2, uint64(size))
	}
}

// messagePackHeadLen returns how long the head of a list or map of that size is.
func messagePackHeadLen(size int) int {
	switch {
	case size < 1<<4:
		return 1
	case size <= math.MaxUint16:
		return 3
	}
	return 5
}
