package serializer

import (
	"fmt"

	"github.com/tandemrouter/tandem/internal/serializer/format"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// fields takes the elements of a message one after the other. The first thing that is wrong is kept in err; from
// then on every field is zero.
type fields struct {
	p   *Parser
	m   *scanned
	t   wamp.MessageType
	i   int // of the next element
	err error

	room payload.Room // what decoded values may still take
}

func (f *fields) fail(where, what string) {
	if f.err == nil {
		f.err = wamp.Violation("%s: %s: %s", f.t, where, what)
	}
}

// take returns the next element.
func (f *fields) take() (e span, ok bool) {
	if f.err != nil || f.i >= f.m.n {
		return span{}, false
	}
	f.i++
	return f.m.elements[f.i-1], true
}

// rest returns how many elements are left.
func (f *fields) rest() int { return f.m.n - f.i }

// length checks how many elements the message has, its type included.
func (f *fields) length(least, most int) {
	if f.m.n < least || f.m.n > most {
		f.fail("length", fmt.Sprintf("%d elements, want %d to %d", f.m.n, least, most))
	}
}

// number takes a whole number.
func (f *fields) number(name string) uint64 {
	e, ok := f.take()
	if !ok {
		return 0
	}
	kind, n := f.m.kindAt(e)
	if kind != isNumber {
		f.fail(name, "want a whole number that is not negative")
	}
	return n
}

// id takes an ID (IDS-01, SER-05).
func (f *fields) id(name string) wamp.ID {
	id := wamp.ID(f.number(name))
	if f.err == nil && !id.Valid() {
		f.fail(name, "not between 1 and 2^53")
	}
	return id
}

// requestOrZero takes a request ID that is 0 in a revocation.
func (f *fields) requestOrZero(name string) wamp.ID {
	id := wamp.ID(f.number(name))
	if f.err == nil && id > wamp.MaxID {
		f.fail(name, "more than 2^53")
	}
	return id
}

// text takes a text.
func (f *fields) text(name string) string {
	e, ok := f.take()
	if !ok {
		return ""
	}
	text, ok := f.m.textAt(e)
	if !ok {
		f.fail(name, "want a text in valid UTF-8")
	}
	return f.p.names.intern(text)
}

// textOrNull takes a text that may also be null, which is the same as empty.
func (f *fields) textOrNull(name string) string {
	if f.err == nil && f.i < f.m.n {
		if kind, _ := f.m.kindAt(f.m.elements[f.i]); kind == isNull {
			f.i++
			return ""
		}
	}
	return f.text(name)
}

// options takes a dictionary to walk over.
func (f *fields) options(name string) (d dict) {
	d.f, d.name = f, name
	if e, ok := f.take(); ok && !f.m.isEmptyDict(e) {
		kind, _ := f.m.kindAt(e)
		d.open(e, kind)
	}
	return d
}

// isEmptyDict reports whether the piece is a dictionary without entries, in the way that it is written nearly always.
func (m *scanned) isEmptyDict(e span) bool {
	first := m.input[e.from]
	switch m.serializer {
	case wamp.JSON:
		return first == '{' && e.to-e.from == 2
	case wamp.MessagePack:
		return first == format.MsgpackFixMap
	default:
		return first == format.CBORMap
	}
}

// extra takes a dictionary of values that the protocol leaves open.
func (f *fields) extra(name string) wamp.Dict {
	e, ok := f.take()
	if !ok {
		return nil
	}
	if kind, _ := f.m.kindAt(e); kind != isDict {
		f.fail(name, "want a dictionary")
		return nil
	}
	v, err := f.decodeDict(e)
	if err != nil {
		f.fail(name, err.Error())
	}
	return v
}

// decodeDict decodes a dictionary of values that the protocol leaves open.
func (f *fields) decodeDict(e span) (wamp.Dict, error) {
	b := f.m.at(e)
	if f.m.serializer == wamp.CBOR {
		b = untagged(b)
	}
	v, err := payload.DecodeValue(f.m.serializer, b, &f.room)
	if err != nil {
		return nil, err
	}
	return v.(wamp.Dict), nil
}

// payload takes what is left as the payload: nothing, a list, or a list and a dictionary (MSG-11). That it is not more
// has been seen to by length.
func (f *fields) payload() wamp.Payload {
	n := f.rest()
	if f.err != nil || n == 0 {
		return wamp.Payload{}
	}
	first, last := f.m.elements[f.i], f.m.elements[f.m.n-1]
	if kind, _ := f.m.kindAt(first); kind != isList {
		f.fail("Arguments", "want a list")
	}
	if n == 2 {
		if kind, _ := f.m.kindAt(last); kind != isDict {
			f.fail("ArgumentsKw", "want a dictionary")
		}
	}
	f.i = f.m.n
	return wamp.Payload{
		Serializer: f.m.serializer,
		Elements:   uint8(n),
		Raw:        f.m.input[first.from:last.to],
	}
}
