package wamp

import "slices"

// Serializer names one of the encodings. The numbers are those of the RawSocket handshake.
type Serializer uint8

// The serializers. NoSerializer marks a payload that consists of Go values.
const (
	NoSerializer Serializer = 0
	JSON         Serializer = 1
	MessagePack  Serializer = 2
	CBOR         Serializer = 3
)

var serializerNames = [...]string{"none", "json", "msgpack", "cbor"}

// String returns the name that WebSocket subprotocols use: "json", "msgpack" or "cbor".
func (s Serializer) String() string { return serializerNames[s] }

// ParseSerializer returns the serializer with the given name.
func ParseSerializer(name string) (s Serializer, ok bool) {
	i := slices.Index(serializerNames[1:], name)
	return Serializer(i + 1), i >= 0
}

// Payload is what an application sends: Arguments and ArgumentsKw.
//
// It has one of two forms. If Serializer is NoSerializer, the payload is the Go values in Args and Kwargs.
// Otherwise it is the encoded elements exactly as the sender wrote them, in Raw; a router forwards those bytes
// without looking into them (SER-14). Only internal/serializer/payload converts between the two forms.
type Payload struct {
	Args   List
	Kwargs Dict

	Serializer Serializer // what Raw is encoded in; NoSerializer if the payload is Args and Kwargs
	Elements   uint8      // how many of Arguments and ArgumentsKw Raw has: 0, 1 or 2
	Raw        []byte     // the encoded elements as they follow one another in the message
}

// Empty reports whether the payload has neither arguments nor keyword arguments.
func (p *Payload) Empty() bool {
	if p.Serializer != NoSerializer {
		return p.Elements == 0
	}
	return len(p.Args) == 0 && len(p.Kwargs) == 0
}

// Clone returns a payload whose Raw shares no memory with p. Args and Kwargs are shared.
func (p Payload) Clone() Payload {
	p.Raw = append([]byte(nil), p.Raw...)
	return p
}

// PayloadOf returns the payload of a message of a type that has one, else nil. It is part of the message.
func PayloadOf(m Message) *Payload {
	switch m := m.(type) {
	case *Call:
		return &m.Payload
	case *Invocation:
		return &m.Payload
	case *Yield:
		return &m.Payload
	case *Result:
		return &m.Payload
	case *Publish:
		return &m.Payload
	case *Event:
		return &m.Payload
	case *Error:
		return &m.Payload
	default:
		return nil
	}
}
