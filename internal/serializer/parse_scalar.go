package serializer

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/tandemrouter/tandem/internal/serializer/format"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// headKind is what a value in the head of a message is, as far as the protocol cares.
type headKind uint8

const (
	isOther headKind = iota // a negative or fractional number, bytes, an extension
	isNull                  // null or undefined: as if it were not there (MSG-06)
	isFalse
	isTrue
	isText
	isList
	isDict
	isNumber // a whole number that is not negative

	// What a first byte cannot decide, beside isNumber.

	mayBeNull // a MessagePack extension of one byte
	isTagged
)

// kindAt returns what the value is, and the number if it is one. Numbers written as floats count if they are whole
// and in the range of IDs (SER-04).
func (m *scanned) kindAt(e span) (headKind, uint64) {
	b := m.at(e)
	switch m.serializer {
	case wamp.JSON:
		if kind := jsonKinds[b[0]]; kind != isNumber {
			return kind, 0
		}
		return numberJSON(b)
	case wamp.MessagePack:
		return kindMessagePack(b)
	default:
		return kindCBOR(b)
	}
}

// jsonKinds has the kind of a JSON value by its first byte.
var jsonKinds = makeJSONKinds()

func makeJSONKinds() (t [256]headKind) {
	t['"'], t['['], t['{'] = isText, isList, isDict
	t['n'], t['f'], t['t'] = isNull, isFalse, isTrue
	for _, c := range "-0123456789" {
		t[c] = isNumber
	}
	return t
}

func numberJSON(b []byte) (headKind, uint64) {
	n := uint64(0)
	for _, c := range b {
		digit := uint64(c - '0')
		if digit > 9 || n > (math.MaxUint64-digit)/10 {
			return numberFromText(b)
		}
		n = 10*n + digit
	}
	return isNumber, n
}

// numberFromText reads a JSON number that has a sign, a fraction or an exponent, or is too large.
func numberFromText(b []byte) (headKind, uint64) {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return isOther, 0
	}
	return numberFromFloat(f)
}

func numberFromFloat(f float64) (headKind, uint64) {
	if f >= 0 && f <= float64(wamp.MaxID) && f == math.Trunc(f) { // never of a NaN
		return isNumber, uint64(f)
	}
	return isOther, 0
}

func kindMessagePack(b []byte) (headKind, uint64) {
	switch kind := messagePackSyntax.shapes[b[0]].kind; kind {
	case isNumber:
		return numberMessagePack(b)
	case mayBeNull: // some JavaScript encoders write undefined so
		if b[1] == 0 && b[2] == 0 {
			return isNull, 0
		}
		return isOther, 0
	default:
		return kind, 0
	}
}

func numberMessagePack(b []byte) (headKind, uint64) {
	c := b[0]
	switch {
	case c < format.MsgpackFixMap:
		return isNumber, uint64(c)
	case c == format.MsgpackFloat32:
		return numberFromFloat(float64(math.Float32frombits(binary.BigEndian.Uint32(b[1:]))))
	case c == format.MsgpackFloat64:
		return numberFromFloat(math.Float64frombits(binary.BigEndian.Uint64(b[1:])))
	}
	n, _, _ := bigEndian(b, 1, len(b)-1)
	if c >= format.MsgpackInt8 && b[1] >= 0x80 {
		return isOther, 0 // negative
	}
	return isNumber, n
}

func kindCBOR(b []byte) (headKind, uint64) {
	switch kind := cborSyntax.shapes[b[0]].kind; kind {
	case isNumber:
		return numberCBOR(b)
	case isTagged:
		return kindCBOR(untagged(b))
	default:
		return kind, 0
	}
}

func numberCBOR(b []byte) (headKind, uint64) {
	if b[0] < format.CBORUint8 {
		return isNumber, uint64(b[0])
	}
	n, _, _ := bigEndian(b, 1, len(b)-1)
	switch b[0] {
	case format.CBORFloat16:
		return numberFromFloat(float64(math.Float32frombits(format.WidenHalf(uint16(n)))))
	case format.CBORFloat32:
		return numberFromFloat(float64(math.Float32frombits(uint32(n))))
	case format.CBORFloat64:
		return numberFromFloat(math.Float64frombits(n))
	default:
		return isNumber, n
	}
}

// untagged returns the value behind its tags, which mean nothing in the head of a message (SER-12).
func untagged(b []byte) []byte {
	for cborSyntax.shapes[b[0]].class == tagged {
		b = b[cborSyntax.shapes[b[0]].n:]
	}
	return b
}

// textAt returns the bytes of a text. They are part of the input unless the text is written in pieces or with
// escapes. ok is false if the value is not a text, or not valid UTF-8 (SER-08).
func (m *scanned) textAt(e span) (text []byte, ok bool) {
	b := m.at(e)
	switch m.serializer {
	case wamp.JSON:
		return textJSON(b)
	case wamp.CBOR:
		b = untagged(b)
	}
	s := m.syntax.shapes[b[0]]
	switch {
	case s.kind != isText:
		return nil, false
	case s.class == leaf:
		text = b[1:]
	case s.class == sized:
		text = b[1+s.n:]
	default:
		return payload.DecodeText(wamp.CBOR, b) // in pieces, each of which must be valid
	}
	return text, utf8.Valid(text)
}

// textJSON returns the text between the quotes; the scanner has checked its UTF-8. In the head of a message a text
// is never binary data (BJS-04).
func textJSON(b []byte) (text []byte, ok bool) {
	if b[0] != '"' {
		return nil, false
	}
	plain := b[1 : len(b)-1]
	if bytes.IndexByte(plain, '\\') < 0 {
		return plain, true
	}
	return payload.DecodeText(wamp.JSON, b)
}
