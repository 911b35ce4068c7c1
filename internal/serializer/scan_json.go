package serializer

import (
	"encoding/binary"
	"unicode/utf8"
)

// scanJSON checks the message and finds its elements.
func (m *scanned) scanJSON() error {
	b := m.input
	pos := skipSpace(b, 0)
	if pos == len(b) || b[pos] != '[' {
		return badNoList
	}
	pos = skipSpace(b, pos+1)
	for first := true; ; first = false {
		if pos == len(b) {
			return badEnd
		}
		if b[pos] == ']' && first {
			break
		}
		end, err := skipJSON(b, pos)
		if err != nil {
			return err
		}
		if !m.add(span{pos, end}) {
			return badLength
		}
		pos = skipSpace(b, end)
		if pos == len(b) {
			return badEnd
		}
		if b[pos] == ']' {
			break
		}
		if b[pos] != ',' {
			return badJSON
		}
		pos = skipSpace(b, pos+1)
	}
	if skipSpace(b, pos+1) != len(b) {
		return badTrailing
	}
	return nil
}

func skipSpace(b []byte, pos int) int {
	for pos < len(b) && (b[pos] == ' ' || b[pos] == '\n' || b[pos] == '\r' || b[pos] == '\t') {
		pos++
	}
	return pos
}

// skipJSON returns the end of the value at pos, where no white space stands.
func skipJSON(b []byte, pos int) (end int, err error) {
	var objects [maxDepth]bool // which of the open containers are objects
	depth := 0
	for {
		// a value begins at pos
		opened := false
		if pos >= len(b) {
			return pos, badEnd
		}
		switch c := b[pos]; c {
		case '"':
			pos, err = skipJSONString(b, pos+1)
		case '{', '[':
			if depth == maxDepth-1 {
				return pos, badDepth
			}
			objects[depth] = c == '{'
			depth++
			pos = skipSpace(b, pos+1)
			opened = pos < len(b) && b[pos] != '}' && b[pos] != ']'
		default:
			pos, err = skipJSONScalar(b, pos)
		}
		if err != nil {
			return pos, err
		}
		if !opened {
			// a value, or an opening bracket with nothing behind it, ends at pos: close what ends here
			if pos, depth, err = closeJSON(b, pos, depth, &objects); err != nil || depth == 0 {
				return pos, err
			}
		}
		if objects[depth-1] {
			if pos, err = skipJSONKey(b, pos); err != nil {
				return pos, err
			}
		}
	}
}

// closeJSON closes the containers that end at pos. It stops behind a comma, where the next member begins, or behind
// the end of the outermost container; depth is 0 then.
func closeJSON(b []byte, pos, depth int, objects *[maxDepth]bool) (int, int, error) {
	for depth > 0 {
		pos = skipSpace(b, pos)
		if pos >= len(b) {
			return pos, depth, badEnd
		}
		closing := byte(']')
		if objects[depth-1] {
			closing = '}'
		}
		switch b[pos] {
		case closing:
			depth--
			pos++
		case ',':
			return skipSpace(b, pos+1), depth, nil
		default:
			return pos, depth, badJSON
		}
	}
	return pos, depth, nil
}

// skipJSONKey walks over a key and its colon.
func skipJSONKey(b []byte, pos int) (int, error) {
	if pos >= len(b) {
		return pos, badEnd
	}
	if b[pos] != '"' {
		return pos, badJSON
	}
	pos, err := skipJSONString(b, pos+1)
	if err != nil {
		return pos, err
	}
	pos = skipSpace(b, pos)
	if pos >= len(b) {
		return pos, badEnd
	}
	if b[pos] != ':' {
		return pos, badJSON
	}
	return skipSpace(b, pos+1), nil
}

const (
	everyByte = 0x0101010101010101
	highBits  = 0x8080808080808080
)

// special reports whether one of the eight bytes ends the plain part of a string: a quote, a backslash, a control
// character, or a byte that is not ASCII.
func special(w uint64) bool {
	quote := w ^ '"'*everyByte
	backslash := w ^ '\\'*everyByte
	return ((quote-everyByte)&^quote|(backslash-everyByte)&^backslash|(w-' '*everyByte)|w)&highBits != 0
}

// skipJSONString returns the end of the string whose opening quote stands before pos.
func skipJSONString(b []byte, pos int) (end int, err error) {
	for {
		for pos+8 <= len(b) && !special(binary.LittleEndian.Uint64(b[pos:])) {
			pos += 8
		}
		if pos >= len(b) {
			return pos, badEnd
		}
		switch c := b[pos]; {
		case c == '"':
			return pos + 1, nil
		case c == '\\':
			if pos, err = skipEscape(b, pos); err != nil {
				return pos, err
			}
		case c < ' ':
			return pos, badJSON
		case c < utf8.RuneSelf:
			pos++
		default:
			if pos, err = skipRunes(b, pos); err != nil {
				return pos, err
			}
		}
	}
}

// skipRunes walks over characters that are not ASCII.
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

func skipJSONScalar(b []byte, pos int) (int, error) {
	switch b[pos] {
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
