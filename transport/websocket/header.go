package websocket

import (
	"encoding/binary"

	"github.com/gobwas/ws"

	"github.com/tandemrouter/tandem/transport"
)

// The first octets of a frame (RFC 6455 5.2).
const (
	finBit      = 0x80
	reservedBit = 0x70
	opMask      = 0x0f
	maskBit     = 0x80
	lengthMask  = 0x7f

	length16 = 126 // the length follows in 2 octets
	length64 = 127 // the length follows in 8 octets
)

const (
	shortHeader = 2
	maskSize    = 4
	maxControl  = 125 // the longest payload of a control frame, and of a short header
)

// header is what stands before the payload of a frame.
type header struct {
	op     ws.OpCode
	fin    bool
	masked bool
	mask   [maskSize]byte
	size   int    // of the header, in bytes
	length uint64 // of the payload, in bytes
}

// parseHeader reads the header at the beginning of in. If in is too short for that, need is how long it must be, as
// far as that is known; else need is 0.
func parseHeader(in []byte) (h header, need int, err error) {
	if len(in) < shortHeader {
		return h, shortHeader, nil
	}
	h = header{op: ws.OpCode(in[0] & opMask), fin: in[0]&finBit != 0, masked: in[1]&maskBit != 0}
	lengthSize := extendedLength(in[1] & lengthMask)
	h.size = shortHeader + lengthSize
	if h.masked {
		h.size += maskSize
	}
	if len(in) < h.size {
		return h, h.size, nil
	}
	if in[0]&reservedBit != 0 {
		return h, 0, violation("reserved bits in a frame header")
	}
	if h.masked {
		h.mask = [maskSize]byte(in[h.size-maskSize:])
	}
	h.length, err = parseLength(in[1:], lengthSize)
	return h, 0, err
}

// extendedLength returns how many octets of length follow the short header.
func extendedLength(short byte) int {
	switch short {
	case length16:
		return 2
	case length64:
		return 8
	}
	return 0
}

// parseLength reads a length of which size octets follow the first. Only the shortest form of a length is legal.
func parseLength(in []byte, size int) (n uint64, err error) {
	least := uint64(0)
	switch size {
	case 0:
		n = uint64(in[0] & lengthMask)
	case 2:
		n, least = uint64(binary.BigEndian.Uint16(in[1:])), maxControl+1
	case 8:
		n, least = binary.BigEndian.Uint64(in[1:]), 1<<16
	}
	if n < least {
		return 0, violation("length not in its shortest form")
	}
	if n>>63 != 0 {
		return 0, violation("length of more than 63 bits")
	}
	return n, nil
}

// appendHeader appends the header of an unfragmented frame. If it says that the payload is masked, the mask is to
// follow.
func appendHeader(dst []byte, op ws.OpCode, masked bool, length int) []byte {
	mask := byte(0)
	if masked {
		mask = maskBit
	}
	dst = append(dst, finBit|byte(op))
	switch {
	case length <= maxControl:
		return append(dst, mask|byte(length))
	case length < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, mask|length16), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(dst, mask|length64), uint64(length))
	}
}

// headerSize returns the size of the header that appendHeader appends, in bytes.
func headerSize(length int) int {
	switch {
	case length <= maxControl:
		return shortHeader
	case length < 1<<16:
		return shortHeader + 2
	default:
		return shortHeader + 8
	}
}

func violation(text string) error {
	return &transport.FrameError{Code: transport.CloseProtocolError, Text: text}
}
