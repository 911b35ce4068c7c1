package format

import (
	"encoding/binary"
	"math"
)

// The first bytes of MessagePack values, after its specification.
const (
	MsgpackFixMap   = 0x80
	MsgpackFixArray = 0x90
	MsgpackFixStr   = 0xa0
	MsgpackNil      = 0xc0
	MsgpackFalse    = 0xc2
	MsgpackTrue     = 0xc3
	MsgpackBin8     = 0xc4
	MsgpackBin32    = 0xc6
	MsgpackExt8     = 0xc7
	MsgpackExt32    = 0xc9
	MsgpackFloat32  = 0xca
	MsgpackFloat64  = 0xcb
	MsgpackUint8    = 0xcc
	MsgpackUint64   = 0xcf
	MsgpackInt8     = 0xd0
	MsgpackInt64    = 0xd3
	MsgpackFixExt1  = 0xd4
	MsgpackFixExt16 = 0xd8
	MsgpackStr8     = 0xd9
	MsgpackStr32    = 0xdb
	MsgpackArray16  = 0xdc
	MsgpackArray32  = 0xdd
	MsgpackMap16    = 0xde
	MsgpackMap32    = 0xdf
	MsgpackNegFix   = 0xe0
)

// AppendMsgpackUint appends an integer that is not negative, in the shortest form.
func AppendMsgpackUint(dst []byte, n uint64) []byte {
	if n < MsgpackFixMap {
		return append(dst, byte(n))
	}
	return AppendSized(dst, MsgpackUint8, n)
}

// AppendMsgpackTextHead appends what stands before a text of n bytes, of which there may be fewer than 1<<32.
func AppendMsgpackTextHead(dst []byte, n int) []byte {
	if n < 1<<5 {
		return append(dst, MsgpackFixStr|byte(n))
	}
	return AppendSized(dst, MsgpackStr8, uint64(n))
}

// AppendMsgpackListHead appends what stands before the items of a list, of which there may be fewer than 1<<32.
func AppendMsgpackListHead(dst []byte, size int) []byte {
	return appendMsgpackHead(dst, MsgpackFixArray, MsgpackArray16, size)
}

// AppendMsgpackMapHead appends what stands before the pairs of a map, of which there may be fewer than 1<<32.
func AppendMsgpackMapHead(dst []byte, size int) []byte {
	return appendMsgpackHead(dst, MsgpackFixMap, MsgpackMap16, size)
}

func appendMsgpackHead(dst []byte, fix, wide byte, size int) []byte {
	switch {
	case size < 1<<4:
		return append(dst, fix|byte(size))
	case size <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, wide), uint16(size))
	default:
		return binary.BigEndian.AppendUint32(append(dst, wide+1), uint32(size))
	}
}

// MsgpackHeadLen returns how many bytes AppendMsgpackListHead and AppendMsgpackMapHead append.
func MsgpackHeadLen(size int) int {
	switch {
	case size < 1<<4:
		return 1
	case size <= math.MaxUint16:
		return 3
	}
	return 5
}
