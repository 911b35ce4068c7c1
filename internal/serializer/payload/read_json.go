package payload

import (
	"bytes"
	"encoding/base64"
	"math"
	"math/big"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxLargeInteger is the size in bytes of the largest integer that is converted to or from decimal digits, which
// takes time with the square of its size: 32768 bits, 9865 digits.
const (
	maxLargeInteger       = 4096
	maxLargeIntegerDigits = 9865
)

// binaryBase64 is the base64 that binary data in JSON is written in (BJS-01). It is read strictly: another text
// that decodes to the same bytes would not come back the same (BJS-03).
var binaryBase64 = base64.StdEncoding.Strict()

var (
	errLoneSurrogate  = inexpressible("a JSON string has a lone surrogate")
	errFloatRange     = inexpressible("a JSON number is beyond the range of a 64-bit float")
	errIntegerTooLong = inexpressible("an integer is too large to be converted to or from decimal digits")
)

// skipSeparators steps over whitespace, commas and colons, which the parser has found to be where they must be.
func (r *reader) skipSeparators() {
	for r.pos < len(r.src) {
		switch r.src[r.pos] {
		case ',', ':', ' ', '\n', '\r', '\t':
			r.pos++
		default:
			return
		}
	}
}

func (r *reader) readJSON(t *token) error {
	switch c := r.src[r.pos]; {
	case c == '"':
		r.pos++
		return r.readJSONString(t)
	case c == '[':
		t.kind, t.size = kindList, unknownSize
		r.pos++
	case c == '{':
		t.kind, t.size = kindMap, unknownSize
		r.pos++
	case c == '-' || c >= '0' && c <= '9':
		return r.readJSONNumber(t)
	default:
		return r.readJSONWord(t)
	}
	return nil
}

// readJSONWord reads null, true or false.
func (r *reader) readJSONWord(t *token) error {
	rest := r.src[r.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("true")):
		t.setBool(true)
		r.pos += len("true")
	case bytes.HasPrefix(rest, []byte("false")):
		t.setBool(false)
		r.pos += len("false")
	case bytes.HasPrefix(rest, []byte("null")):
		r.pos += len("null")
	default:
		return ErrMalformed
	}
	return nil
}

// readJSONString reads a string whose opening quote has been read. A value that begins with U+0000 and goes on
// in base64 is binary (BJS-02); a key is text (BJS-04).
func (r *reader) readJSONString(t *token) error {
	t.kind = kindText
	rest := r.src[r.pos:]
	quote := bytes.IndexByte(rest, '"')
	if quote < 0 {
		return errTruncated
	}
	if escape := bytes.IndexByte(rest[:quote], '\\'); escape < 0 {
		r.pos += quote + 1
		t.bytes = rest[:quote]
		return nil
	}
	if err := r.unescapeString(); err != nil {
		return err
	}
	t.bytes = r.scratch
	if !t.place.isKey() && len(t.bytes) > 0 && t.bytes[0] == 0 {
		r.readBase64(t)
	}
	return nil
}

// readBase64 makes the text t, which begins with U+0000, binary if the rest is what base64 makes of some bytes.
func (r *reader) readBase64(t *token) {
	text := t.bytes[1:]
	buf, err := binaryBase64.AppendDecode(r.scratch, text)
	if err != nil {
		return
	}
	r.scratch = buf
	data := buf[len(t.bytes):]
	if base64.StdEncoding.EncodedLen(len(data)) == len(text) { // else it has line breaks, which the decoder skips
		t.kind, t.bytes = kindBinary, data
	}
}

// unescapeString reads the rest of a string into scratch.
func (r *reader) unescapeString() error {
	r.scratch = r.scratch[:0]
	quote := 0 // where the next quote is; before pos if it has to be looked for
	for {
		if quote <= r.pos {
			next := bytes.IndexByte(r.src[r.pos:], '"')
			if next < 0 {
				return errTruncated
			}
			quote = r.pos + next
		}
		run := r.src[r.pos:quote]
		escape := bytes.IndexByte(run, '\\')
		if escape < 0 {
			r.scratch = append(r.scratch, run...)
			r.pos = quote + 1
			return nil
		}
		r.scratch = append(r.scratch, run[:escape]...)
		r.pos += escape + 1
		if err := r.unescape(); err != nil {
			return err
		}
	}
}

// unescape reads the rest of an escape sequence. Its backslash has been read, and a quote is known to follow.
func (r *reader) unescape() error {
	c := r.src[r.pos]
	r.pos++
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return r.unescapeUnit()
	default:
		return ErrMalformed
	}
	r.scratch = append(r.scratch, c)
	return nil
}

// unescapeUnit reads the rest of \uXXXX, and the escape that follows if together they make one character.
func (r *reader) unescapeUnit() error {
	char, err := r.hexUnit()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(char) {
		if !bytes.HasPrefix(r.src[r.pos:], []byte(`\u`)) {
			return errLoneSurrogate
		}
		r.pos += len(`\u`)
		low, err := r.hexUnit()
		if err != nil {
			return err
		}
		if char = utf16.DecodeRune(char, low); char == utf8.RuneError {
			return errLoneSurrogate
		}
	}
	r.scratch = utf8.AppendRune(r.scratch, char)
	return nil
}

// hexUnit reads four hexadecimal digits.
func (r *reader) hexUnit() (unit rune, err error) {
	digits, err := r.take(4)
	if err != nil {
		return 0, err
	}
	for _, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, ErrMalformed
		}
		unit = unit<<4 | rune(c)
	}
	return unit, nil
}

// readJSONNumber reads a number. It is an integer unless it has a fraction or an exponent: 1.0 is a float and
// stays one.
func (r *reader) readJSONNumber(t *token) error {
	start, isFloat := r.pos, false
	for ; r.pos < len(r.src); r.pos++ {
		c := r.src[r.pos]
		if c == '.' || c|0x20 == 'e' {
			isFloat = true
		} else if (c < '0' || c > '9') && c != '-' && c != '+' {
			break
		}
	}
	literal := r.src[start:r.pos]
	if isFloat {
		return readFloatLiteral(t, literal)
	}
	t.neg = literal[0] == '-'
	if t.neg {
		literal = literal[1:]
	}
	return readIntegerLiteral(t, literal)
}

func readFloatLiteral(t *token, literal []byte) error {
	f, err := strconv.ParseFloat(string(literal), 64)
	if err != nil {
		return errFloatRange
	}
	t.kind, t.num, t.width = kindFloat, math.Float64bits(f), 64
	return nil
}

// readIntegerLiteral makes t the integer with those digits and the sign that t has.
func readIntegerLiteral(t *token, digits []byte) error {
	const always = 19 // so many digits always fit 64 bits
	if len(digits) == 0 || len(digits) > always {
		return readLargeInteger(t, digits)
	}
	t.kind = kindInteger
	for _, c := range digits {
		if c -= '0'; c > 9 {
			return ErrMalformed
		}
		t.num = t.num*10 + uint64(c)
	}
	switch {
	case !t.neg:
	case t.num == 0:
		t.neg = false // -0
	default:
		t.num--
	}
	return nil
}

func readLargeInteger(t *token, digits []byte) error {
	if len(digits) > maxLargeIntegerDigits {
		return errIntegerTooLong
	}
	n, ok := new(big.Int).SetString(string(digits), 10)
	if !ok || digits[0] == '-' || digits[0] == '+' {
		return ErrMalformed
	}
	if t.neg {
		n.Neg(n)
	}
	if t.setBig(n); len(t.bytes) > maxLargeInteger {
		return errIntegerTooLong
	}
	return nil
}
