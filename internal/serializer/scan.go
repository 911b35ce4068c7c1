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
}

// scan checks the whole input and finds the message's elements.
func (m *scanned) scan(s wamp.Serializer, input []byte) error {
	m.serializer, m.input, m.n = s, input, 0
	switch s {
	case wamp.JSON:
		return m.scanJSON()
	case wamp.MessagePack:
		return m.scanMessagePack()
	case wamp.CBOR:
		return m.scanCBOR()
	default:
		return wamp.Violation("no serializer")
	}
}

// add notes an element. It returns false if the message has too many.
func (m *scanned) add(e span) bool {
	if m.n == maxElements {
		return false
	}
	m.elements[m.n] = e
	m.n++
	return true
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
