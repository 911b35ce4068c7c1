package serializer

import "github.com/tandemrouter/tandem/wamp"

// maxDepth is how deep lists and dictionaries may be nested, the message itself included (SER-11).
const maxDepth = 128

// maxElements is the length of the longest message.
const maxElements = 7

// span is a piece of the input.
type span struct{ from, to int }

// scanned is a message whose bytes have been checked: a list, and where its elements stand.
type scanned struct {
	serializer wamp.Serializer
	input      []byte
	n          int
	elements   [maxElements]span

	// For MessagePack and CBOR: what first bytes mean, and how many values the containers around the current place
	// still want. The latter stands here because to clear it for each value takes longer than to use it.
	syntax *syntax
	outer  [maxDepth]uint64
}

// scan checks the whole input and finds the message's elements.
func (m *scanned) scan(s wamp.Serializer, input []byte) error {
	m.serializer, m.input, m.n = s, input, 0
	switch s {
	case wamp.JSON:
		return m.scanJSON()
	case wamp.MessagePack:
		m.syntax = messagePackSyntax
		return m.scanBinary()
	case wamp.CBOR:
		m.syntax = cborSyntax
		return m.scanBinary()
	default:
		return wamp.Violation("no serializer")
	}
}

// add notes the element at pos and returns where it ends.
func (m *scanned) add(pos int) (end int, err error) {
	if m.n == maxElements {
		return pos, badLength
	}
	end, err = m.skip(pos)
	m.elements[m.n] = span{pos, end}
	m.n++
	return end, err
}

// skip returns the end of the value at pos, or what is wrong with it.
func (m *scanned) skip(pos int) (end int, err error) {
	if m.serializer == wamp.JSON {
		return skipJSON(m.input, pos)
	}
	return m.skipBinary(pos)
}

// at returns the bytes of a piece.
func (m *scanned) at(e span) []byte { return m.input[e.from:e.to] }

// The errors of scanning. They are values, because a flood of broken messages must not cost more than good ones.
var (
	badEnd      = wamp.Violation("the message ends too early")
	badTrailing = wamp.Violation("bytes follow the message")
	badNoList   = wamp.Violation("the message is not a list")
	badLength   = wamp.Violation("the list has too many elements")
	badDepth    = wamp.Violation("lists and dictionaries are nested too deep")
	badByte     = wamp.Violation("a byte has no meaning at its place")
	badUTF8     = wamp.Violation("a text is not valid UTF-8")
	badJSON     = wamp.Violation("the message is not valid JSON")
)
