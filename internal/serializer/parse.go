package serializer

import (
	"bytes"
	"hash/maphash"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/internal/slab"
	"github.com/tandemrouter/tandem/wamp"
)

// Parser turns the messages of one connection or one read from bytes into structs. It reuses the memory of the types
// that come often, and remembers names that come again. The zero value is ready. It is not for concurrent use.
type Parser struct {
	scanned scanned
	fields  fields
	names   names
	once    bool // each message gets memory of its own

	calls       slab.Slab[wamp.Call]
	results     slab.Slab[wamp.Result]
	invocations slab.Slab[wamp.Invocation]
	yields      slab.Slab[wamp.Yield]
	errors      slab.Slab[wamp.Error]
	publishes   slab.Slab[wamp.Publish]
	events      slab.Slab[wamp.Event]
	registers   slab.Slab[wamp.Register]
}

// Parse returns the message that the whole of b is, in the given serializer. Its payload stays encoded and is part of
// b. The message is valid until Reset; its texts are not part of b and may be kept. Messages of both directions are
// parsed; whether one may come from this peer is for the caller to know.
//
// An error is always a *wamp.ViolationError: b is not one well-formed message, or the message is not laid out as the
// protocol says (MSG-01, MSG-02, MSG-07).
func (p *Parser) Parse(s wamp.Serializer, b []byte) (wamp.Message, error) {
	if err := p.scanned.scan(s, b); err != nil {
		return nil, err
	}
	p.fields = fields{p: p, m: &p.scanned, room: roomFor(b)}
	m := p.fields.message()
	if err := p.fields.err; err != nil {
		return nil, err
	}
	return m, nil
}

// roomFor returns how much memory the values that the protocol leaves open in a message may take. It is plenty for what
// is sent in earnest, and leaves as much for the rest of the message in what a message may take in all (P16).
func roomFor(message []byte) payload.Room { return payload.Room(32<<10 + 16*len(message)) }

// Reset takes back the memory of all messages that were parsed since the last Reset.
func (p *Parser) Reset() {
	p.scanned.input = nil
	p.calls.Reset()
	p.results.Reset()
	p.invocations.Reset()
	p.yields.Reset()
	p.errors.Reset()
	p.publishes.Reset()
	p.events.Reset()
	p.registers.Reset()
}

// Parse returns the message that the whole of b is, as Parser.Parse does, in memory of its own. The payload is part
// of b. It may be called by many goroutines at once.
func Parse(s wamp.Serializer, b []byte) (wamp.Message, error) {
	p := Parser{once: true}
	return p.Parse(s, b)
}

// ParseValue returns the Go value that the whole of b is. b may come from a stranger: it is checked as messages are. An
// error is always one that is wamp.ErrInvalidPayload to errors.Is. It may be called by many goroutines at once.
func ParseValue(s wamp.Serializer, b []byte) (any, error) {
	if !isOneValue(s, b) {
		return nil, payload.ErrMalformed
	}
	room := payload.NoLimit
	return payload.DecodeValue(s, b, &room)
}

// isOneValue reports whether the whole of b is one well-formed value.
func isOneValue(s wamp.Serializer, b []byte) bool {
	m := scanned{serializer: s, input: b}
	switch s {
	case wamp.JSON:
		m.input = bytes.Trim(b, " \t\r\n")
	case wamp.MessagePack:
		m.syntax = messagePackSyntax
	case wamp.CBOR:
		m.syntax = cborSyntax
	default:
		return false
	}
	end, err := m.skip(0)
	return err == nil && end == len(m.input)
}

// next returns a zeroed message, of a type that comes often.
func next[T any](p *Parser, s *slab.Slab[T]) *T {
	if p.once {
		return new(T)
	}
	return s.Next()
}

// names remembers texts that come again and again, such as URIs, so that they need not be allocated each time. What
// it remembers is bounded, and the seed keeps peers from choosing what pushes what out.
type names struct{ entries [nameEntries]string }

const (
	nameEntries = 128
	nameLength  = 128 // longer texts are not remembered
)

var nameSeed = maphash.MakeSeed()

// intern returns the text as a string that may be kept.
func (n *names) intern(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	if len(text) > nameLength {
		return string(text)
	}
	entry := &n.entries[maphash.Bytes(nameSeed, text)%nameEntries]
	if *entry != string(text) {
		*entry = string(text)
	}
	return *entry
}
