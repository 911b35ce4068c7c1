package serializer

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/tandemrouter/tandem/internal/serializer/format"
)

// scanJSON checks the message and finds its elements.
func (m *scanned) scanJSON() error {
	b := m.input
	pos := skipSpace(b, 0)
	if pos == len(b) || b[pos] != '[' {
		return badNoList
	}
	pos = skipSpace(b, pos+1)
	if pos < len(b) && b[pos] == ']' {
		return m.endJSON(pos)
	}
	for {
		end, err := m.add(pos)
		if err != nil {
			return err
		}
		pos = skipSpace(b, end)
		if pos == len(b) || b[pos] != ',' {
			return m.endJSON(pos)
		}
		pos = skipSpace(b, pos+1)
	}
}

// endJSON checks that the message ends with a bracket at pos.
func (m *scanned) endJSON(pos int) error {
	switch {
	case pos == len(m.input):
		return badEnd
	case m.input[pos] != ']':
		return badJSON
	case skipSpace(m.input, pos+1) != len(m.input):
		return badTrailing
	default:
		return nil
	}
}

func skipSpace(b []byte, pos int) int {
	for pos < len(b) && (b[pos] == ' ' || b[pos] == '\n' || b[pos] == '\r' || b[pos] == '\t') {
		pos++
	}
	return pos
}

// skipSeparators steps over what may stand between two values, in JSON that has been checked.
func skipSeparators(b []byte, pos int) int {
	for pos < len(b) && (b[pos] <= ' ' || b[pos] == ',' || b[pos] == ':') {
		pos++
	}
	return pos
}

// nesting is the containers around a place in JSON: a bit for each, 1 if it is an object, the innermost lowest.
type nesting struct {
	depth     int
	high, low uint64
}

func (n *nesting) push(object bool) {
	n.depth++
	n.high = n.high<<1 | n.low>>63
	n.low <<= 1
	if object {
		n.low |= 1
	}
}

func (n *nesting) pop() {
	n.depth--
	n.low = n.low>>1 | n.high<<63
	n.high >>= 1
}

func (n *nesting) inObject() bool { return n.low&1 != 0 }

// closing returns the bracket that closes the innermost container.
func (n *nesting) closing() byte { return ']' + byte(n.low&1)*('}'-']') }

// skipJSON returns the end of the value at pos, where no white space stands.
func skipJSON(b []byte, pos int) (end int, err error) {
	var around nesting
	for {
		if pos, err = openJSON(b, pos, &around); err != nil {
			return pos, err
		}
		if pos, err = closeJSON(b, pos, &around); err != nil || around.depth == 0 {
			return pos, err
		}
	}
}

// openJSON goes to the end of the first scalar, or to where an empty container is to be closed.
func openJSON(b []byte, pos int, around *nesting) (int, error) {
	for {
		if pos >= len(b) {
			return pos, badEnd
		}
		c := b[pos]
		if c != '[' && c != '{' {
			return skipJSONScalar(b, pos)
		}
		if around.depth == maxDepth-1 {
			return pos, badDepth
		}
		around.push(c == '{')
		pos = skipSpace(b, pos+1)
		if pos < len(b) && b[pos] == around.closing() {
			return pos, nil
		}
		var err error
		if pos, err = skipJSONKey(b, pos, around); err != nil {
			return pos, err
		}
	}
}

// closeJSON closes the containers that end behind a value. It stops where the next value begins, or behind the end of
// the outermost container.
func closeJSON(b []byte, pos int, around *nesting) (int, error) {
	for around.depth > 0 {
		pos = skipSpace(b, pos)
		switch {
		case pos >= len(b):
			return pos, badEnd
		case b[pos] == ',':
			return skipJSONKey(b, skipSpace(b, pos+1), around)
		case b[pos] != around.closing():
			return pos, badJSON
		}
		around.pop()
		pos++
	}
	return pos, nil
}

// skipJSONKey goes over the key and the colon that stand before a value if that is in an object.
func skipJSONKey(b []byte, pos int, around *nesting) (int, error) {
	if !around.inObject() {
		return pos, nil
	}
	pos, err := skipByte(b, pos, '"')
	if err != nil {
		return pos, err
	}
	if pos, err = skipJSONString(b, pos); err != nil {
		return pos, err
	}
	if pos, err = skipByte(b, skipSpace(b, pos), ':'); err != nil {
		return pos, err
	}
	return skipSpace(b, pos), nil
}

func skipByte(b []byte, pos int, want byte) (int, error) {
	switch {
	case pos >= len(b):
		return pos, badEnd
	case b[pos] != want:
		return pos, badJSON
	default:
		return pos + 1, nil
	}
}

func skipJSONScalar(b []byte, pos int) (int, error) {
	switch b[pos] {
	case '"':
		return skipJSONString(b, pos+1)
	case 't':
		return skipWord(b, pos, "true")
	case 'f':
		return skipWord(b, pos, "false")
	case 'n':
		return skipWord(b, pos, "null")
	default:
		return skipNumber(b, pos)
	}
}

// skipJSONString returns the end of the string whose opening quote stands before pos.
func skipJSONString(b []byte, pos int) (end int, err error) {
	const highest = 0x8080808080808080
	for pos < len(b) {
		if pos+8 <= len(b) {
			eight := binary.LittleEndian.Uint64(b[pos:])
			special := format.SpecialJSON(eight) | eight&highest // what is not ASCII is special too
			if special == 0 {
				pos += 8
				continue
			}
			pos += bits.TrailingZeros64(special) / 8
		}
		switch c := b[pos]; {
		case c == '"':
			return pos + 1, nil
		case c == '\\':
			pos, err = skipEscape(b, pos)
		case c < ' ':
			err = badJSON
		case c < utf8.RuneSelf:
			pos++
		default:
			pos, err = skipRunes(b, pos)
		}
		if err != nil {
			return pos, err
		}
	}
	return pos, badEnd
}

// skipRunes goes over characters that are not ASCII.
func skipRunes(b []byte, pos int) (int, error) {
	for pos < len(b) && b[pos] >= utf8.RuneSelf {
		r, size := utf8.DecodeRune(b[pos:])
		if r == utf8.RuneError && size == 1 {
			return pos, badUTF8
		}
		pos += size
	}
	return pos, nil
}

func skipEscape(b []byte, pos int) (int, error) {
	if pos+1 >= len(b) {
		return pos, badEnd
	}
	switch b[pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return pos + 2, nil
	case 'u':
		if pos+6 > len(b) {
			return pos, badEnd
		}
		for _, c := range b[pos+2 : pos+6] {
			if !isHex(c) {
				return pos, badJSON
			}
		}
		return pos + 6, nil
	default:
		return pos, badJSON
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func skipWord(b []byte, pos int, word string) (int, error) {
	if len(b)-pos < len(word) || string(b[pos:pos+len(word)]) != word {
		return pos, badJSON
	}
	return pos + len(word), nil
}

func skipNumber(b []byte, pos int) (int, error) {
	if b[pos] == '-' {
		pos++
	}
	start := pos
	pos = skipDigits(b, pos)
	if pos == start || b[start] == '0' && pos > start+1 {
		return pos, badJSON
	}
	if pos < len(b) && b[pos] == '.' {
		start = pos + 1
		if pos = skipDigits(b, start); pos == start {
			return pos, badJSON
		}
	}
	if pos < len(b) && b[pos]|0x20 == 'e' {
		start = pos + 1
		if start < len(b) && (b[start] == '+' || b[start] == '-') {
			start++
		}
		if pos = skipDigits(b, start); pos == start {
			return pos, badJSON
		}
	}
	return pos, nil
}

func skipDigits(b []byte, pos int) int {
	for pos < len(b) && b[pos] >= '0' && b[pos] <= '9' {
		pos++
	}
	return pos
}
