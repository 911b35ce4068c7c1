package payload

import "github.com/tandemrouter/tandem/internal/serializer/format"

func (r *reader) readMessagePack(t *token) error {
	c := r.src[r.pos]
	r.pos++
	switch {
	case c < format.MsgpackFixMap:
		t.setUnsigned(uint64(c))
	case c < format.MsgpackFixArray:
		return r.readSize(t, kindMap, uint64(c&0xf))
	case c < format.MsgpackFixStr:
		return r.readSize(t, kindList, uint64(c&0xf))
	case c < format.MsgpackNil:
		return r.readBytes(t, kindText, uint64(c&0x1f))
	case c >= format.MsgpackNegFix:
		t.setSigned(int64(int8(c)))
	case c >= format.MsgpackStr8 || c >= format.MsgpackBin8 && c <= format.MsgpackExt32:
		return r.readMessagePackSized(t, c)
	case c >= format.MsgpackFixExt1:
		return r.readMessagePackExt(t, 1<<(c-format.MsgpackFixExt1))
	case c >= format.MsgpackFloat32:
		return r.readMessagePackNumber(t, c)
	case c == format.MsgpackTrue || c == format.MsgpackFalse:
		t.setBool(c == format.MsgpackTrue)
	case c != format.MsgpackNil:
		return ErrMalformed // 0xc1 has no meaning
	}
	return nil
}

// readMessagePackSized reads a value whose length or size follows its first byte c.
func (r *reader) readMessagePackSized(t *token, c byte) error {
	first, k := byte(format.MsgpackStr8), kindText // of the types that differ in the width of the length only
	switch {
	case c <= format.MsgpackBin32:
		first, k = format.MsgpackBin8, kindBinary
	case c <= format.MsgpackExt32:
		first, k = format.MsgpackExt8, kindExt
	case c >= format.MsgpackMap16:
		first, k = format.MsgpackMap16-1, kindMap // there is no map 8
	case c >= format.MsgpackArray16:
		first, k = format.MsgpackArray16-1, kindList
	}
	size, err := r.takeUint(1 << (c - first))
	if err != nil {
		return err
	}
	switch k {
	case kindExt:
		return r.readMessagePackExt(t, size)
	case kindList, kindMap:
		return r.readSize(t, k, size)
	}
	return r.readBytes(t, k, size)
}

// readMessagePackExt reads an extension value with that many bytes. Type 0 with a single zero byte is how
// JavaScript's undefined is written.
func (r *reader) readMessagePackExt(t *token, size uint64) error {
	extType, err := r.takeUint(1)
	if err != nil {
		return err
	}
	t.ext = int8(extType)
	if err := r.readBytes(t, kindExt, size); err != nil {
		return err
	}
	if t.ext == 0 && len(t.bytes) == 1 && t.bytes[0] == 0 {
		t.kind = kindUndefined
	}
	return nil
}

// readMessagePackNumber reads a float or integer that is written in full behind its first byte c.
func (r *reader) readMessagePackNumber(t *token, c byte) error {
	switch {
	case c <= format.MsgpackFloat64:
		return r.readFloat(t, 32<<(c-format.MsgpackFloat32))
	case c <= format.MsgpackUint64:
		n, err := r.takeUint(1 << (c - format.MsgpackUint8))
		t.setUnsigned(n)
		return err
	}
	width := uint64(1) << (c - format.MsgpackInt8)
	n, err := r.takeUint(width)
	t.setSigned(int64(n<<(64-8*width)) >> (64 - 8*width)) // extends the sign
	return err
}

// readFloat reads a float of that many bits.
func (r *reader) readFloat(t *token, width uint8) (err error) {
	t.kind, t.width = kindFloat, width
	t.num, err = r.takeUint(uint64(width / 8))
	return err
}
