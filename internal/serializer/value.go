package serializer

import (
	"github.com/tandemrouter/tandem/wamp"
)

// The Go values that a payload consists of after [Decode], and that [Encode] and [AppendValue] take back:
//
//	Go value     JSON                          MessagePack                  CBOR
//	nil          null                          nil; ext 0 of one zero byte  null; undefined
//	bool         true, false                   bool                         simple 20, 21
//	int64        integer that fits             int, uint that fits          integer that fits
//	uint64       integer above int64           uint above int64             integer above int64
//	*big.Int     integer beyond                -                            integer beyond, tags 2 and 3
//	float64      number with fraction or exp.  float 32, float 64           float16, float32, float64
//	string       string                        str                          text string
//	[]byte       string U+0000 base64 (BJS)    bin                          byte string
//	wamp.List    array                         array                        array
//	wamp.Dict    object                        map with str keys            map with text keys
//	Ext          -                             ext                          -
//	Tag          -                             -                            any other tag
//
// Of a key that occurs twice in a dictionary the last value is kept. Maps with other keys than texts have no Go
// value, nor have simple values of CBOR other than those above.

// Ext is a MessagePack extension value. Type -1 is the timestamp of the MessagePack specification; it too is
// kept as the bytes that the sender wrote. No other serializer can express an Ext (SER-13).
type Ext struct {
	Type int8
	Data []byte
}

// Tag is a CBOR value with a tag. Tags 2 and 3 around a byte string never appear as a Tag: they are integers.
// No other serializer can express a Tag.
type Tag struct {
	Number uint64
	Value  any
}

// InexpressibleError says that a value cannot be expressed in a serializer (FLW-06), or that bytes are not what
// their serializer demands. It is the only kind of error that the conversions of this package return; it
// matches wamp.ErrInvalidPayload, the URI that the peer gets to see.
type InexpressibleError struct {
	Text string // what cannot be expressed where, for a person
}

// Error returns the text behind the URI.
func (e *InexpressibleError) Error() string { return string(wamp.ErrInvalidPayload) + ": " + e.Text }

// Is reports whether target is wamp.ErrInvalidPayload.
func (e *InexpressibleError) Is(target error) bool { return target == error(wamp.ErrInvalidPayload) }

func inexpressible(text string) error { return &InexpressibleError{Text: text} }

// maxValueDepth is how many lists, dictionaries and tags may lie within one another in an element of a payload. With
// the message itself, which is a list, that makes 128 (SER-11).
const maxValueDepth = 127

var (
	errTooDeep      = inexpressible("a value is nested too deeply or contains itself")
	errTruncated    = inexpressible("a value ends too early")
	errMalformed    = inexpressible("a value is malformed")
	errTrailing     = inexpressible("bytes follow the last value")
	errNotText      = inexpressible("a text is not valid UTF-8")
	errNotArgs      = inexpressible("arguments are not a list, or keyword arguments not a dictionary")
	errTooLarge     = inexpressible("a value is too large for MessagePack")
	errNoSerializer = inexpressible("unknown serializer")
)

// Decode returns the payload as Go values, of the types in the table at the top of this file. A payload of Go
// values is returned as it is; otherwise the result shares no memory with p.Raw. An absent element is nil.
func Decode(p *wamp.Payload) (wamp.List, wamp.Dict, error) {
	if p.Serializer == wamp.NoSerializer {
		return p.Args, p.Kwargs, nil
	}
	room := noLimit
	elements, err := decodeElements(p.Serializer, p.Raw, int(p.Elements), &room)
	if err != nil {
		return nil, nil, err
	}
	return argsAndKwargs(elements)
}

func argsAndKwargs(elements wamp.List) (args wamp.List, kwargs wamp.Dict, err error) {
	ok := true
	if len(elements) > 0 {
		args, ok = elements[0].(wamp.List)
	}
	if ok && len(elements) > 1 {
		kwargs, ok = elements[1].(wamp.Dict)
	}
	if !ok {
		return nil, nil, errNotArgs
	}
	return args, kwargs, nil
}

// decodeValue returns the Go value of b, which is one value in serializer s that a parser has validated, if there is
// room for it. The result shares no memory with b.
func decodeValue(s wamp.Serializer, b []byte, room *room) (any, error) {
	elements, err := decodeElements(s, b, 1, room)
	if err != nil {
		return nil, err
	}
	return elements[0], nil
}

// Encode returns the payload in serializer s, which must be one of the three. A payload that is in s already is
// returned as it is and shares its bytes with p; the bytes of any other result are new.
//
// Nothing is changed on the way, only expressed differently; what s cannot express is an error. Binary data
// becomes a text in JSON as requirements 2.2 say, and undefined becomes null there.
func Encode(s wamp.Serializer, p *wamp.Payload) (wamp.Payload, error) {
	if p.Serializer == s {
		return *p, nil
	}
	raw, err := appendElements(nil, s, p)
	if err != nil {
		return wamp.Payload{}, err
	}
	return wamp.Payload{Serializer: s, Elements: uint8(payloadElements(p)), Raw: raw}, nil
}

// AppendValue appends the Go value v in serializer s to dst and returns the longer slice; on an error it returns
// dst as it was. Beside the types that [Decode] returns it takes every integer and floating point type, types
// derived from them, pointers, slices, arrays, maps with keys of a string type, structs, and whatever implements
// encoding.TextMarshaler, which becomes a text. Of a struct it takes the exported fields in their order, with the
// names, omitempty and omitzero of their json tags. An []byte is binary data. A nil pointer is null, a nil slice or
// map is an empty one.
//
// The keys of a map are written in sorted order, so that equal values have equal bytes.
func AppendValue(dst []byte, s wamp.Serializer, v any) ([]byte, error) {
	w := valueWriter{to: s, dst: dst}
	if err := w.appendValue(v, placeFirst, 1); err != nil {
		return dst, err
	}
	return w.finish(dst)
}

// payloadElements returns how many elements appendPayload appends: 0, 1 or 2.
func payloadElements(p *wamp.Payload) int {
	switch {
	case p.Serializer != wamp.NoSerializer:
		return int(p.Elements)
	case len(p.Kwargs) > 0:
		return 2
	case len(p.Args) > 0:
		return 1
	}
	return 0
}

// appendPayload appends the payload as the tail of a message in serializer to: the encoded elements, in JSON each
// after a comma. Bytes that are in that serializer already are copied (SER-14), others transcoded. Of Go values
// nothing is appended for an empty payload, and an empty list stands in for arguments that are missing before
// keyword arguments (MSG-03). On an error dst is returned as it was.
func appendPayload(dst []byte, to wamp.Serializer, p *wamp.Payload) ([]byte, error) {
	if payloadElements(p) == 0 {
		return dst, nil
	}
	tail := dst
	if to == wamp.JSON {
		tail = append(tail, ',')
	}
	tail, err := appendElements(tail, to, p)
	if err != nil {
		return dst, err
	}
	return tail, nil
}

// appendElements is appendPayload without the comma before the first element.
func appendElements(dst []byte, to wamp.Serializer, p *wamp.Payload) ([]byte, error) {
	switch p.Serializer {
	case to:
		return append(dst, p.Raw...), nil
	case wamp.NoSerializer:
		return appendGoElements(dst, to, p)
	}
	return transcode(dst, to, p.Serializer, p.Raw, int(p.Elements))
}

func appendGoElements(dst []byte, to wamp.Serializer, p *wamp.Payload) ([]byte, error) {
	n := payloadElements(p)
	if n == 0 {
		return dst, nil
	}
	w := valueWriter{to: to, dst: dst}
	err := w.appendList(p.Args, placeFirst, 1)
	if err == nil && n == 2 {
		err = w.appendDict(p.Kwargs, placeNext, 1)
	}
	if err != nil {
		return dst, err
	}
	return w.finish(dst)
}
