package payload

import "github.com/tandemrouter/tandem/wamp"

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

// maxDepth is how many lists, dictionaries and tags may lie within one another in an element of a payload. With
// the message itself, which is a list, that makes 128 (SER-11).
const maxDepth = 127

// Decode returns the payload as Go values, of the types in the table of the package. A payload of Go
// values is returned as it is; otherwise the result shares no memory with p.Raw. An absent element is nil.
func Decode(p *wamp.Payload) (wamp.List, wamp.Dict, error) {
	if p.Serializer == wamp.NoSerializer {
		return p.Args, p.Kwargs, nil
	}
	room := NoLimit
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

// DecodeValue returns the Go value of b, which is one value in serializer s that a parser has validated, if there is
// room for it. The result shares no memory with b.
func DecodeValue(s wamp.Serializer, b []byte, room *Room) (any, error) {
	elements, err := decodeElements(s, b, 1, room)
	if err != nil {
		return nil, err
	}
	return elements[0], nil
}

// DecodeText returns the bytes of the text that b is, one value in serializer s; in JSON also of one that stands for
// binary data as an argument (BJS-04). They are part of b if they stand there as they are. ok is false if b is no text,
// or one that is not valid UTF-8.
func DecodeText(s wamp.Serializer, b []byte) (text []byte, ok bool) {
	r := reader{from: s, src: b}
	t := token{place: placeFirstKey}
	err := r.read(&t)
	return t.bytes, err == nil && t.kind == kindText
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
	return wamp.Payload{Serializer: s, Elements: uint8(Elements(p)), Raw: raw}, nil
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
	w := writer{to: s, dst: dst}
	if err := w.appendValue(v, placeFirst, 1); err != nil {
		return dst, err
	}
	return w.finish(dst)
}

// Elements returns how many elements Append appends: 0, 1 or 2.
func Elements(p *wamp.Payload) int {
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

// Append appends the payload as the tail of a message in serializer to: the encoded elements, in JSON each
// after a comma. Bytes that are in that serializer already are copied (SER-14), others transcoded. Of Go values
// nothing is appended for an empty payload, and an empty list stands in for arguments that are missing before
// keyword arguments (MSG-03). On an error dst is returned as it was.
func Append(dst []byte, to wamp.Serializer, p *wamp.Payload) ([]byte, error) {
	if Elements(p) == 0 {
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

// appendElements is Append without the comma before the first element.
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
	n := Elements(p)
	if n == 0 {
		return dst, nil
	}
	w := writer{to: to, dst: dst}
	err := w.appendList(p.Args, placeFirst, 1)
	if err == nil && n == 2 {
		err = w.appendDict(p.Kwargs, placeNext, 1)
	}
	if err != nil {
		return dst, err
	}
	return w.finish(dst)
}
