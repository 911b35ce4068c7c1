package serializer

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/tandemrouter/tandem/wamp"
)

// headKind is what a value in the head of a message is, as far as the protocol cares.
type headKind uint8

const (
	isOther headKind = iota // a negative or fractional number, bytes, an extension, a tag
	isNull                  // null or undefined: as if it were not there (MSG-06)
	isFalse
	isTrue
	isNumber // a whole number that is not negative
	isText
	isList
	isDict
)

// kindAt returns what the value is, and the number if it is one. Numbers written as floats count if they are whole
// and in the range of IDs (SER-04).
func (m *scanned) kindAt(e span) (headKind, uint64) {
	b := m.at(e)
	switch m.serializer {
	case wamp.JSON:
		return kindJSON(b)
	case wamp.MessagePack:
		return kindMessagePack(b)
	default:
		return kindCBOR(b)
	}
}

func kindJSON(b []byte) (headKind, uint64) {
	switch b[0] {
	case '"':
		return isText, 0
	case '[':
		return isList, 0
	case '{':
		return isDict, 0
	case 'n':
		return isNull, 0
	case 'f':
		return isFalse, 0
	case 't':
		return isTrue, 0
	}
	n := uint64(0)
	for _, c := range b {
		if c < '0' || c > '9' || n > math.MaxUint64/10-1 {
			return numberFromText(b)
		}
		n = 10*n + uint64(c-'0')
	}
	return isNumber, n
}

// numberFromText reads a JSON number that is not a plain row of few digits.
func numberFromText(b []byte) (headKind, uint64) {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return isOther, 0
	}
	return numberFromFloat(f)
}

func numberFromFloat(f float64) (headKind, uint64) {
	if f < 0 || f > float64(wamp.MaxID) || f != math.Trunc(f) { // false for NaN only in the last
		return isOther, 0
	}
	return isNumber, uint64(f)
}

func kindMessagePack(b []byte) (headKind, uint64) {
	c := b[0]
	switch {
	case c <= 0x7f:
		return isNumber, uint64(c)
	case c <= 0x8f:
		return isDict, 0
	case c <= 0x9f:
		return isList, 0
	case c <= 0xbf:
		return isText, 0
	}
	switch c {
	case 0xc0:
		return isNull, 0
	case 0xc2:
		return isFalse, 0
	case 0xc3:
		return isTrue, 0
	case 0xca:
		return numberFromFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(b[1:]))))
	case 0xcb:
		return numberFromFloat(math.Float64frombits(binary.BigEndian.Uint64(b[1:])))
	case 0xcc, 0xcd, 0xce, 0xcf:
		n, _, _ := bigEndian(b, 1, 1<<(c-0xcc))
		return isNumber, n
	case 0xd0, 0xd1, 0xd2, 0xd3:
		return signedMessagePack(b)
	case 0xd4:
		if b[1] == 0 && b[2] == 0 { // how some JavaScript encoders write undefined
			return isNull, 0
		}
	case 0xd9, 0xda, 0xdb:
		return isText, 0
	case 0xdc, 0xdd:
		return isList, 0
	case 0xde, 0xdf:
		return isDict, 0
	}
	return isOther, 0
}

func signedMessagePack(b []byte) (headKind, uint64) {
	width := 1 << (b[0] - 0xd0)
	n, _, _ := bigEndian(b, 1, width)
	if n>>(8*width-1) != 0 {
		return isOther, 0 // negative
	}
	return isNumber, n
}

func kindCBOR(b []byte) (headKind, uint64) {
	switch b[0] &^ cborInfo {
	case cborUnsigned:
		n, _, _ := cborArgument(b, 0)
		return isNumber, n
	case cborText:
		return isText, 0
	case cborArray:
		return isList, 0
	case cborMap:
		return isDict, 0
	case cborTag:
		return kindCBOR(untagged(b))
	}
	switch b[0] {
	case 0xf4:
		return isFalse, 0
	case 0xf5:
		return isTrue, 0
	case 0xf6, 0xf7:
		return isNull, 0
	case 0xf9:
		return numberFromFloat(halfFloat(binary.BigEndian.Uint16(b[1:])))
	case 0xfa:
		return numberFromFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(b[1:]))))
	case 0xfb:
		return numberFromFloat(math.Float64frombits(binary.BigEndian.Uint64(b[1:])))
	}
	return isOther, 0
}

// untagged returns the value behind its tags, which mean nothing in the head of a message (SER-12).
func untagged(b []byte) []byte {
	for b[0]&^cborInfo == cborTag {
		_, next, _ := cborArgument(b, 0)
		b = b[next:]
	}
	return b
}

// halfFloat returns the value of a float of 16 bits.
func halfFloat(h uint16) float64 {
	exponent, fraction := int(h>>10&0x1f), float64(h&0x3ff)
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, -24)
	case 0x1f:
		f = math.Inf(1)
		if fraction != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(fraction+1024, exponent-25)
	}
	if h>>15 != 0 {
		return -f
	}
	return f
}

// textAt returns the bytes of a text. They are part of the input unless the text is written in pieces or with
// escapes. ok is false if it is not valid UTF-8 (SER-08).
func (m *scanned) textAt(e span) (text []byte, ok bool) {
	b := m.at(e)
	switch m.serializer {
	case wamp.JSON:
		return textJSON(b)
	case wamp.MessagePack:
		text = textMessagePack(b)
	default:
		text = textCBOR(untagged(b))
	}
	return text, utf8.Valid(text)
}

// textJSON returns the text between the quotes; the scanner has checked its UTF-8.
func textJSON(b []byte) ([]byte, bool) {
	plain := b[1 : len(b)-1]
	for _, c := range plain {
		if c == '\\' {
			return unescaped(b)
		}
	}
	return plain, true
}

func unescaped(b []byte) ([]byte, bool) {
	v, err := decodeValue(wamp.JSON, b)
	if err != nil {
		return nil, false
	}
	switch v := v.(type) {
	case string:
		return []byte(v), true
	default: // bytes, in the way that JSON carries them: not a text
		return nil, false
	}
}

func textMessagePack(b []byte) []byte {
	if b[0] <= 0xbf {
		return b[1:]
	}
	return b[1+1<<(b[0]-0xd9):]
}

func textCBOR(b []byte) []byte {
	if b[0]&cborInfo == cborIndefinite {
		return joinedChunks(b[1:])
	}
	_, next, _ := cborArgument(b, 0)
	return b[next:]
}

// joinedChunks returns a text of indefinite length in one piece.
func joinedChunks(b []byte) []byte {
	var text []byte
	for b[0] != cborBreak {
		n, next, _ := cborArgument(b, 0)
		text = append(text, b[next:next+int(n)]...)
		b = b[next+int(n):]
	}
	return text
}
