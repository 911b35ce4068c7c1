package serializer

// The first bytes of MessagePack values, after its specification.
const (
	msgpackFixMap   = 0x80
	msgpackFixArray = 0x90
	msgpackFixStr   = 0xa0
	msgpackNil      = 0xc0
	msgpackFalse    = 0xc2
	msgpackTrue     = 0xc3
	msgpackBin8     = 0xc4
	msgpackBin32    = 0xc6
	msgpackExt8     = 0xc7
	msgpackExt32    = 0xc9
	msgpackFloat32  = 0xca
	msgpackFloat64  = 0xcb
	msgpackUint8    = 0xcc
	msgpackUint64   = 0xcf
	msgpackInt8     = 0xd0
	msgpackInt64    = 0xd3
	msgpackFixExt1  = 0xd4
	msgpackFixExt16 = 0xd8
	msgpackStr8     = 0xd9
	msgpackStr32    = 0xdb
	msgpackArray16  = 0xdc
	msgpackArray32  = 0xdd
	msgpackMap16    = 0xde
	msgpackMap32    = 0xdf
	msgpackNegFix   = 0xe0
)

func (r *valueReader) readMessagePack(t *token) error {
	c := r.src[r.pos]
	r.pos++
	switch {
	case c < msgpackFixMap:
		t.setUnsigned(uint64(c))
	case c < msgpackFixArray:
		return r.readSize(t, kindMap, uint64(c&0xf))
	case c < msgpackFixStr:
		return r.readSize(t, kindList, uint64(c&0xf))
	case c < msgpackNil:
		return r.readBytes(t, kindText, uint64(c&0x1f))
	case c >= msgpackNegFix:
		t.setSigned(int64(int8(c)))
	case c >= msgpackStr8 || c >= msgpackBin8 && c <= msgpackExt32:
		return r.readMessagePackSized(t, c)
	case c >= msgpackFixExt1:
		return r.readMessagePackExt(t, 1<<(c-msgpackFixExt1))
	case c >= msgpackFloat32:
		return r.readMessagePackNumber(t, c)
	case c == msgpackTrue || c == msgpackFalse:
		t.setBool(c == msgpackTrue)
	case c != msgpackNil:
		return errMalformed // 0xc1 has no meaning
	}
	return nil
}

// readMessagePackSized reads a value whose length or size follows its first byte c.
func (r *valueReader) readMessagePackSized(t *token, c byte) error {
	first, k := byte(msgpackStr8), kindText // of the types that differ in the width of the length only
	switch {
	case c <= msgpackBin32:
		first, k = msgpackBin8, kindBinary
	case c <= msgpackExt32:
		first, k = msgpackExt8, kindExt
	case c >= msgpackMap16:
		first, k = msgpackMap16-1, kindMap // there is no map 8
	case c >= msgpackArray16:
		first, k = msgpackArray16-1, kindList
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
func (r *valueReader) readMessagePackExt(t *token, size uint64) error {
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
func (r *valueReader) readMessagePackNumber(t *token, c byte) error {
	switch {
	case c <= msgpackFloat64:
		return r.readFloat(t, 32<<(c-msgpackFloat32))
	case c <= msgpackUint64:
		n, err := r.takeUint(1 << (c - msgpackUint8))
		t.setUnsigned(n)
		return err
	}
	width := uint64(1) << (c - msgpackInt8)
	n, err := r.takeUint(width)
	t.setSigned(int64(n<<(64-8*width)) >> (64 - 8*width)) // extends the sign
	return err
}

// readFloat reads a float of that many bits.
func (r *valueReader) readFloat(t *token, width uint8) (err error) {
	t.kind, t.width = kindFloat, width
	t.num, err = r.takeUint(uint64(width / 8))
	return err
}
