package payload

import "github.com/tandemrouter/tandem/internal/serializer/format"

func (r *reader) readCBOR(t *token) error {
	c := r.src[r.pos]
	if c >= format.CBORSimple {
		return r.readCBORSimple(t)
	}
	if c&format.CBORInfo == format.CBORIndefinite {
		return r.readCBORIndefinite(t)
	}
	n, err := r.takeCBORArgument()
	if err != nil {
		return err
	}
	switch c &^ format.CBORInfo {
	case format.CBORUnsigned:
		t.setUnsigned(n)
	case format.CBORNegative:
		t.kind, t.neg, t.num = kindInteger, true, n
	case format.CBORBytes:
		return r.readBytes(t, kindBinary, n)
	case format.CBORText:
		return r.readBytes(t, kindText, n)
	case format.CBORArray:
		return r.readSize(t, kindList, n)
	case format.CBORMap:
		return r.readSize(t, kindMap, n)
	default:
		return r.readCBORTag(t, n)
	}
	return nil
}

// takeCBORArgument reads the first byte of a value and the argument in or behind it.
func (r *reader) takeCBORArgument() (uint64, error) {
	info := r.src[r.pos] & format.CBORInfo
	r.pos++
	switch {
	case info < format.CBORUint8:
		return uint64(info), nil
	case info <= format.CBORUint64:
		return r.takeUint(1 << (info - format.CBORUint8))
	}
	return 0, ErrMalformed
}

// readCBORSimple reads a value of major type 7: a float, null and its like.
func (r *reader) readCBORSimple(t *token) error {
	c := r.src[r.pos]
	switch c {
	case format.CBORFalse, format.CBORTrue:
		t.setBool(c == format.CBORTrue)
	case format.CBORNull:
	case format.CBORUndefined:
		t.kind = kindUndefined
	case format.CBORFloat16, format.CBORFloat32, format.CBORFloat64:
		r.pos++
		return r.readFloat(t, 16<<(c-format.CBORFloat16))
	default:
		n, err := r.takeCBORArgument()
		t.kind, t.num = kindSimple, n
		return err
	}
	r.pos++
	return nil
}

// readCBORIndefinite reads the start of a container of unknown size, or all chunks of a text or binary.
func (r *reader) readCBORIndefinite(t *token) error {
	major := r.src[r.pos] &^ format.CBORInfo
	r.pos++
	t.size = unknownSize
	switch major {
	case format.CBORArray:
		t.kind = kindList
	case format.CBORMap:
		t.kind = kindMap
	case format.CBORText:
		t.kind = kindText
		return r.readCBORChunks(t, major)
	case format.CBORBytes:
		t.kind = kindBinary
		return r.readCBORChunks(t, major)
	default:
		return ErrMalformed
	}
	return nil
}

// readCBORChunks makes t the chunks of that major type, joined.
func (r *reader) readCBORChunks(t *token, major byte) error {
	r.scratch = r.scratch[:0]
	for {
		if r.pos >= len(r.src) {
			return errTruncated
		}
		c := r.src[r.pos]
		if c == format.CBORBreak {
			break
		}
		if c&^format.CBORInfo != major {
			return ErrMalformed
		}
		n, err := r.takeCBORArgument()
		if err != nil {
			return err
		}
		if err := r.readBytes(t, t.kind, n); err != nil { // each chunk of a text is a text
			return err
		}
		r.scratch = append(r.scratch, t.bytes...)
	}
	r.pos++
	t.bytes = r.scratch
	return nil
}

// readCBORTag reads what follows the tag number n: all of the value if the tag makes it an integer, or says of bytes
// no more than that they are bytes, as JavaScript's encoders do with a Uint8Array (SER-12).
func (r *reader) readCBORTag(t *token, n uint64) error {
	t.kind, t.num = kindTag, n
	bytes := r.pos < len(r.src) && r.src[r.pos]&^format.CBORInfo == format.CBORBytes
	switch {
	case n == format.CBORUint8Array && bytes:
		return r.readCBOR(t)
	case n != format.CBORPositiveBignum && n != format.CBORNegativeBignum:
		return nil
	case r.pos >= len(r.src):
		return errTruncated
	case !bytes:
		return ErrMalformed
	}
	if err := r.readCBOR(t); err != nil {
		return err
	}
	t.neg = n == format.CBORNegativeBignum
	t.setMagnitude(t.bytes)
	return nil
}
