package serializer

import "encoding/binary"

// mpClass says how the length of a MessagePack value is found.
type mpClass uint8

const (
	mpFixed      mpClass = iota // arg bytes follow
	mpLength                    // a length of arg bytes follows, and so many bytes
	mpExt                       // a length of arg bytes follows, a type byte, and so many bytes
	mpArray                     // a length of arg bytes follows, and so many values
	mpMap                       // a length of arg bytes follows, and twice so many values
	mpSmallArray                // arg values follow
	mpSmallMap                  // arg values follow
	mpReserved
)

type mpShape struct {
	class mpClass
	arg   uint8
}

// mpShapes has the shape of a value by its first byte.
var mpShapes = makeMPShapes()

func makeMPShapes() (t [256]mpShape) {
	for c := range 256 {
		t[c] = mpShapeOf(byte(c))
	}
	return t
}

func mpShapeOf(c byte) mpShape {
	switch {
	case c <= 0x7f || c >= 0xe0: // small integers
		return mpShape{mpFixed, 0}
	case c <= 0x8f:
		return mpShape{mpSmallMap, 2 * (c & 0x0f)}
	case c <= 0x9f:
		return mpShape{mpSmallArray, c & 0x0f}
	case c <= 0xbf: // short texts
		return mpShape{mpFixed, c & 0x1f}
	}
	return mpLongShapes[c-0xc0]
}

var mpLongShapes = [0x20]mpShape{
	{mpFixed, 0}, {mpReserved, 0}, {mpFixed, 0}, {mpFixed, 0}, // nil, never used, false, true
	{mpLength, 1}, {mpLength, 2}, {mpLength, 4}, // bin
	{mpExt, 1}, {mpExt, 2}, {mpExt, 4}, // ext
	{mpFixed, 4}, {mpFixed, 8}, // float
	{mpFixed, 1}, {mpFixed, 2}, {mpFixed, 4}, {mpFixed, 8}, // uint
	{mpFixed, 1}, {mpFixed, 2}, {mpFixed, 4}, {mpFixed, 8}, // int
	{mpFixed, 2}, {mpFixed, 3}, {mpFixed, 5}, {mpFixed, 9}, {mpFixed, 17}, // fixext with its type byte
	{mpLength, 1}, {mpLength, 2}, {mpLength, 4}, // str
	{mpArray, 2}, {mpArray, 4}, {mpMap, 2}, {mpMap, 4},
}

// scanMessagePack checks the message and finds its elements.
func (m *scanned) scanMessagePack() error {
	b := m.input
	if len(b) == 0 {
		return badEnd
	}
	shape := mpShapes[b[0]]
	pos, n := 1, uint64(shape.arg)
	switch shape.class {
	case mpSmallArray:
	case mpArray:
		var ok bool
		if n, pos, ok = bigEndian(b, 1, int(shape.arg)); !ok {
			return badEnd
		}
	default:
		return badNoList
	}
	for range n {
		end, err := skipMessagePack(b, pos)
		if err != nil {
			return err
		}
		if !m.add(span{pos, end}) {
			return badLength
		}
		pos = end
	}
	if pos != len(b) {
		return badTrailing
	}
	return nil
}

// skipMessagePack returns the end of the value at pos.
func skipMessagePack(b []byte, pos int) (end int, err error) {
	var outer [maxDepth]uint64 // how many values the surrounding containers still want
	depth := 0
	left := uint64(1)
	for {
		for left == 0 {
			if depth == 0 {
				return pos, nil
			}
			depth--
			left = outer[depth]
		}
		if pos >= len(b) {
			return pos, badEnd
		}
		left--
		shape := mpShapes[b[pos]]
		pos++
		if shape.class == mpFixed {
			pos += int(shape.arg)
			continue
		}
		size, next, ok := mpSize(b, pos, shape)
		if !ok {
			return pos, badEnd
		}
		pos = next
		switch shape.class {
		case mpLength, mpExt:
			if size > uint64(len(b)-pos) {
				return pos, badEnd
			}
			pos += int(size)
		case mpReserved:
			return pos, badByte
		default:
			if depth == maxDepth-1 {
				return pos, badDepth
			}
			outer[depth] = left
			depth++
			left = size
		}
	}
}

// mpSize returns how many bytes or values follow the head of a value of which the first byte has been read.
func mpSize(b []byte, pos int, shape mpShape) (size uint64, next int, ok bool) {
	switch shape.class {
	case mpSmallArray, mpSmallMap, mpReserved:
		return uint64(shape.arg), pos, true
	}
	size, next, ok = bigEndian(b, pos, int(shape.arg))
	switch shape.class {
	case mpMap:
		size *= 2
	case mpExt:
		size++ // the type byte
	}
	return size, next, ok
}

// bigEndian reads an unsigned number of 1, 2, 4 or 8 bytes.
func bigEndian(b []byte, pos, width int) (v uint64, next int, ok bool) {
	next = pos + width
	if next > len(b) {
		return 0, pos, false
	}
	switch width {
	case 1:
		return uint64(b[pos]), next, true
	case 2:
		return uint64(binary.BigEndian.Uint16(b[pos:])), next, true
	case 4:
		return uint64(binary.BigEndian.Uint32(b[pos:])), next, true
	default:
		return binary.BigEndian.Uint64(b[pos:]), next, true
	}
}
