package payload

import (
	"math"
	"strconv"

	"github.com/tandemrouter/tandem/internal/serializer/format"
)

var (
	errJSONKey   = inexpressible("JSON has no other keys than texts")
	errJSONFloat = inexpressible("JSON has neither NaN nor infinity")
	errJSONType  = inexpressible("JSON has no extension types, tags or simple values")
)

func (w *writer) putJSON(t *token) error {
	if t.place.isKey() && t.kind != kindText {
		return errJSONKey
	}
	w.separateJSON(t.place)
	switch t.kind {
	case kindNull, kindUndefined:
		w.dst = append(w.dst, "null"...)
	case kindBool:
		w.dst = strconv.AppendBool(w.dst, t.num != 0)
	case kindInteger, kindLargeInteger:
		return w.appendJSONInteger(t)
	case kindFloat:
		return w.appendJSONFloat(t.float())
	case kindText:
		w.appendJSONText(t.bytes)
	case kindBinary:
		w.appendJSONBinary(t.bytes)
	case kindList:
		w.dst = append(w.dst, '[')
	case kindMap:
		w.dst = append(w.dst, '{')
	case kindListEnd:
		w.dst = append(w.dst, ']')
	case kindMapEnd:
		w.dst = append(w.dst, '}')
	default:
		return errJSONType
	}
	return nil
}

// separateJSON appends what stands before a value at that place.
func (w *writer) separateJSON(p place) {
	switch p {
	case placeNext, placeNextKey:
		w.dst = append(w.dst, ',')
	case placeValue:
		w.dst = append(w.dst, ':')
	}
}

func (w *writer) appendJSONInteger(t *token) error {
	switch {
	case t.kind == kindInteger && !t.neg:
		w.dst = strconv.AppendUint(w.dst, t.num, 10)
	case t.kind == kindInteger && t.num <= math.MaxInt64:
		w.dst = strconv.AppendInt(w.dst, int64(^t.num), 10)
	case len(t.bytes) > maxLargeInteger:
		return errIntegerTooLong
	default:
		w.dst = t.bigInt().Append(w.dst, 10)
	}
	return nil
}

// appendJSONFloat appends the shortest number that is read as the same float, and as a float: 1.0, not 1.
func (w *writer) appendJSONFloat(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return errJSONFloat
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		w.dst = strconv.AppendFloat(w.dst, f, 'e', -1, 64)
		return nil
	}
	w.dst = strconv.AppendFloat(w.dst, f, 'f', -1, 64)
	if f == math.Trunc(f) {
		w.dst = append(w.dst, ".0"...)
	}
	return nil
}

// appendJSONBinary appends binary data (BJS-01).
func (w *writer) appendJSONBinary(data []byte) {
	w.dst = append(w.dst, `"\u0000`...)
	w.dst = binaryBase64.AppendEncode(w.dst, data)
	w.dst = append(w.dst, '"')
}

// appendJSONText appends a text; one that begins with U+0000 like any other (BJS-05).
func (w *writer) appendJSONText(text []byte) {
	w.dst = append(w.dst, '"')
	for {
		n := format.PlainJSON(text)
		w.dst = append(w.dst, text[:n]...)
		if n == len(text) {
			break
		}
		w.appendJSONEscape(text[n])
		text = text[n+1:]
	}
	w.dst = append(w.dst, '"')
}

func (w *writer) appendJSONEscape(c byte) {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		w.dst = append(w.dst, '\\', c)
	case '\n':
		w.dst = append(w.dst, `\n`...)
	case '\r':
		w.dst = append(w.dst, `\r`...)
	case '\t':
		w.dst = append(w.dst, `\t`...)
	default:
		w.dst = append(w.dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
	}
}
