package payload

import (
	"unicode/utf8"

	"github.com/tandemrouter/tandem/internal/serializer/format"
	"github.com/tandemrouter/tandem/wamp"
)

// A reader takes encoded values apart into tokens. It expects bytes that a parser has validated and makes use
// of that: it does not look at the commas of JSON, for instance. Other bytes give wrong tokens or an error, but
// never a panic, and never more work or memory than their number allows.
type reader struct {
	from    wamp.Serializer
	src     []byte
	pos     int
	open    []container // the containers that pos is in; the first stands for the elements of the payload
	scratch []byte      // holds the text of the current token if it does not stand in src as it is
}

// container is a list or map that a reader is in.
type container struct {
	isMap bool
	items int // how many items have been read; a key counts as one, its value as another
	left  int // how many are to come, unknownSize if only the end will tell
}

// start makes the reader begin with src, which has the given number of values.
func (r *reader) start(from wamp.Serializer, src []byte, values int) {
	r.from, r.src, r.pos = from, src, 0
	r.open = append(r.open[:0], container{left: values})
}

// next reads the next token into t. After the last value comes the end of a list that has no beginning: a
// kindListEnd for which atEnd is true.
func (r *reader) next(t *token) error {
	*t = token{}
	top := &r.open[len(r.open)-1]
	if r.from == wamp.JSON {
		r.skipSeparators()
	}
	if top.left == 0 || top.left == unknownSize && r.skipEnd(top.isMap) {
		return r.end(t)
	}
	if top.isMap {
		t.place = pairPlace(top.items)
	} else {
		t.place = itemPlace(top.items)
	}
	if err := r.read(t); err != nil || t.kind == kindTag {
		return err // the value that a tag belongs to is still to come
	}
	top.items++
	if top.left > 0 {
		top.left--
	}
	if t.kind == kindList || t.kind == kindMap {
		return r.push(t)
	}
	return nil
}

// read reads the token that starts at pos.
func (r *reader) read(t *token) error {
	if r.pos >= len(r.src) {
		return errTruncated
	}
	switch r.from {
	case wamp.JSON:
		return r.readJSON(t)
	case wamp.MessagePack:
		return r.readMessagePack(t)
	case wamp.CBOR:
		return r.readCBOR(t)
	}
	return errNoSerializer
}

// atEnd reports whether the last value has been read completely.
func (r *reader) atEnd() bool { return len(r.open) == 0 }

// finish returns an error if bytes follow the last value.
func (r *reader) finish() error {
	if r.pos < len(r.src) {
		return errTrailing
	}
	return nil
}

// push enters the list or map t.
func (r *reader) push(t *token) error {
	if len(r.open) > maxDepth {
		return errTooDeep
	}
	c := container{isMap: t.kind == kindMap, left: t.size}
	if c.isMap && c.left != unknownSize {
		c.left *= 2
	}
	r.open = append(r.open, c)
	return nil
}

// skipEnd skips the mark at pos that ends a container of unknown size, if there is one.
func (r *reader) skipEnd(isMap bool) bool {
	end := byte(format.CBORBreak)
	switch {
	case r.from == wamp.JSON && isMap:
		end = '}'
	case r.from == wamp.JSON:
		end = ']'
	}
	if r.pos < len(r.src) && r.src[r.pos] == end {
		r.pos++
		return true
	}
	return false
}

// end leaves the innermost container and makes t its end.
func (r *reader) end(t *token) error {
	c := r.open[len(r.open)-1]
	r.open = r.open[:len(r.open)-1]
	t.kind, t.size, t.exact = kindListEnd, c.items, c.left != unknownSize
	if !c.isMap {
		return nil
	}
	t.kind, t.size = kindMapEnd, c.items/2
	if c.items%2 != 0 {
		return ErrMalformed
	}
	return nil
}

// take returns the next n bytes and steps over them.
func (r *reader) take(n uint64) ([]byte, error) {
	if n > uint64(len(r.src)-r.pos) {
		return nil, errTruncated
	}
	b := r.src[r.pos : r.pos+int(n)]
	r.pos += int(n)
	return b, nil
}

// takeUint reads an unsigned integer of 1, 2, 4 or 8 bytes, big-endian.
func (r *reader) takeUint(width uint64) (n uint64, err error) {
	b, err := r.take(width)
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n, err
}

// readBytes makes t a text or binary of the next n bytes.
func (r *reader) readBytes(t *token, k kind, n uint64) (err error) {
	t.kind = k
	t.bytes, err = r.take(n)
	if err == nil && k == kindText && !utf8.Valid(t.bytes) {
		return ErrNotText
	}
	return err
}

// readSize makes t a list or map with that many items, each of which takes a byte at least.
func (r *reader) readSize(t *token, k kind, size uint64) error {
	if size > uint64(len(r.src)-r.pos) {
		return errTruncated
	}
	t.kind, t.size = k, int(size)
	return nil
}
