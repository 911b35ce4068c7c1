package serializer

import (
	"encoding/binary"

	"github.com/tandemrouter/tandem/internal/serializer/format"
)

// class says how the end of a value in MessagePack or CBOR is found.
type class uint8

const (
	leaf     class = iota // the value has n bytes in all
	sized                 // a length of n bytes follows, then so many bytes, and m more
	chunked               // pieces of a text or byte string follow until a break
	simple                // a byte follows that must say what one byte cannot
	few                   // a container: n values follow
	counted               // a container: a number of n bytes follows, then m times so many values
	tagged                // one value follows after n bytes
	endless               // a container: values follow until a break; m is what it wants
	stop                  // a break
	reserved              // the byte has no meaning
)

// shape is what the first byte of a value in MessagePack or CBOR tells.
type shape struct {
	class class
	n, m  uint8 // what they mean depends on the class
	kind  headKind
}

// syntax is what the first bytes of values in MessagePack or CBOR tell.
type syntax struct {
	shapes [256]shape
	sizes  [256]uint8 // those of leaves once more, 0 for what is none
}

func makeSyntax(shapeOf func(byte) shape) *syntax {
	var t syntax
	for c := range 256 {
		s := shapeOf(byte(c))
		t.shapes[c] = s
		if s.class == leaf {
			t.sizes[c] = s.n
		}
	}
	return &t
}

// What a container of indefinite length wants, shifted by endlessShift. It counts down as others do, but never to the
// end. Both are even, so that the lowest bit tells whether a key has come without its value.
const (
	endlessList  = 2
	endlessMap   = 4
	endlessShift = 60
)

// mayStop reports whether a break may stand where a container still wants that many values.
func mayStop(left uint64) bool {
	return isEndless(left) && (left <= endlessList<<endlessShift || left%2 == 0)
}

// isEndless reports whether a container that still wants that many values is of indefinite length. Others cannot want
// so many: each value is a byte at least.
func isEndless(left uint64) bool { return left > 1<<endlessShift }

// scanBinary checks a message in MessagePack or CBOR and finds its elements.
func (m *scanned) scanBinary() error {
	pos := m.behindTags()
	if pos >= len(m.input) {
		return badEnd
	}
	list := m.syntax.shapes[m.input[pos]]
	if list.kind != isList {
		return badNoList
	}
	left, pos, err := list.open(m.input, pos)
	for ; err == nil && left > 0; left-- {
		if mayStop(left) && pos < len(m.input) && m.input[pos] == format.CBORBreak {
			pos++
			break
		}
		pos, err = m.add(pos)
	}
	if err == nil && pos != len(m.input) {
		return badTrailing
	}
	return err
}

// behindTags returns where the message begins that may have tags before it, such as the one that says that it is CBOR
// (SER-12). Like other tags they count as depth.
func (m *scanned) behindTags() int {
	pos := 0
	for n := 0; n < maxDepth && pos < len(m.input) && m.syntax.shapes[m.input[pos]].class == tagged; n++ {
		pos += int(m.syntax.shapes[m.input[pos]].n)
	}
	return pos
}

// skipBinary returns the end of the value at pos.
func (m *scanned) skipBinary(pos int) (end int, err error) {
	b, sizes := m.input, &m.syntax.sizes
	depth, left := 0, uint64(1) // left is how many values the innermost container still wants
	for {
		for left > 0 && pos < len(b) && sizes[b[pos]] > 0 {
			if size := sizes[b[pos]]; size == 1 {
				pos++ // a processor guesses this, and goes on without waiting for the table
			} else {
				pos += int(size)
			}
			left--
		}
		switch {
		case left == 0 && depth == 0:
			return within(b, pos)
		case left == 0:
			depth--
			left = m.outer[depth]
			continue
		case pos >= len(b):
			return pos, badEnd
		}
		s := m.syntax.shapes[b[pos]]
		switch {
		case s.class == few && depth < maxDepth-1: // as below, but without a call
			m.outer[depth] = left - 1
			depth++
			left = uint64(s.n)
			pos++
		case s.class < few:
			if pos, err = s.skip(b, pos); err != nil {
				return pos, err
			}
			left--
		case s.class == stop && mayStop(left):
			pos++
			left = 0
		case depth == maxDepth-1:
			return pos, badDepth
		default:
			m.outer[depth] = left - 1
			depth++
			if left, pos, err = s.open(b, pos); err != nil {
				return pos, err
			}
		}
	}
}

// within returns pos, which must not be beyond the end.
func within(b []byte, pos int) (int, error) {
	if pos > len(b) {
		return len(b), badEnd
	}
	return pos, nil
}

// skip returns the end of the text, the bytes or the like at pos.
func (s shape) skip(b []byte, pos int) (end int, err error) {
	switch s.class {
	case sized:
		n, next, ok := bigEndian(b, pos+1, int(s.n))
		if !ok || n > uint64(len(b)-next) {
			return pos, badEnd
		}
		return within(b, next+int(n)+int(s.m))
	case chunked:
		return skipChunks(b, pos)
	default:
		return skipSimple(b, pos)
	}
}

// open returns how many values the container at pos has, and where they begin.
func (s shape) open(b []byte, pos int) (values uint64, first int, err error) {
	switch s.class {
	case few:
		return uint64(s.n), pos + 1, nil
	case counted:
		n, next, ok := bigEndian(b, pos+1, int(s.n))
		if !ok || n > uint64(len(b)-next) {
			return 0, pos, badEnd
		}
		return n * uint64(s.m), next, nil
	case tagged:
		return 1, pos + int(s.n), nil
	case endless:
		return uint64(s.m) << endlessShift, pos + 1, nil
	default:
		return 0, pos, badByte
	}
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
