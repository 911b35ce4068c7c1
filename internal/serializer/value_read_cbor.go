package serializer

// The major types of CBOR, and what the other five bits of a first byte mean (RFC 8949 section 3).
const (
	cborUnsigned = 0 << 5
	cborNegative = 1 << 5
	cborBytes    = 2 << 5
	cborText     = 3 << 5
	cborArray    = 4 << 5
	cborMap      = 5 << 5
	cborTag      = 6 << 5
	cborSimple   = 7 << 5

	cborInfo       = 1<<5 - 1 // the five bits
	cborUint8      = 24       // below: the argument itself; from here: its width
	cborUint64     = 27
	cborIndefinite = 31

	cborFalse     = cborSimple | 20
	cborTrue      = cborSimple | 21
	cborNull      = cborSimple | 22
	cborUndefined = cborSimple | 23
	cborSimple8   = cborSimple | 24
	cborFloat16   = cborSimple | 25
	cborFloat32   = cborSimple | 26
	cborFloat64   = cborSimple | 27
	cborBreak     = cborSimple | cborIndefinite
)

// The tags that have a meaning here: integers of any size (RFC 8949 section 3.4.3), and bytes that are an array of
// numbers of 8 bits (RFC 8746).
const (
	cborPositiveBignum = 2
	cborNegativeBignum = 3
	cborUint8Array     = 64
)

func (r *valueReader) readCBOR(t *token) error {
	c := r.src[r.pos]
	if c >= cborSimple {
		return r.readCBORSimple(t)
	}
	if c&cborInfo == cborIndefinite {
		return r.readCBORIndefinite(t)
	}
	n, err := r.takeCBORArgument()
	if err != nil {
		return err
	}
	switch c &^ cborInfo {
	case cborUnsigned:
		t.setUnsigned(n)
	case cborNegative:
		t.kind, t.neg, t.num = kindInteger, true, n
	case cborBytes:
		return r.readBytes(t, kindBinary, n)
	case cborText:
		return r.readBytes(t, kindText, n)
	case cborArray:
		return r.readSize(t, kindList, n)
	case cborMap:
		return r.readSize(t, kindMap, n)
	default:
		return r.readCBORTag(t, n)
	}
	return nil
}

// takeCBORArgument reads the first byte of a value and the argument in or behind it.
func (r *valueReader) takeCBORArgument() (uint64, error) {
	info := r.src[r.pos] & cborInfo
	r.pos++
	switch {
	case info < cborUint8:
		return uint64(info), nil
	case info <= cborUint64:
		return r.takeUint(1 << (info - cborUint8))
	}
	return 0, errMalformed
}

// readCBORSimple reads a value of major type 7: a float, null and its like.
func (r *valueReader) readCBORSimple(t *token) error {
	c := r.src[r.pos]
	switch c {
	case cborFalse, cborTrue:
		t.setBool(c == cborTrue)
	case cborNull:
	case cborUndefined:
		t.kind = kindUndefined
	case cborFloat16, cborFloat32, cborFloat64:
		r.pos++
		return r.readFloat(t, 16<<(c-cborFloat16))
	default:
		n, err := r.takeCBORArgument()
		t.kind, t.num = kindSimple, n
		return err
	}
	r.pos++
	return nil
}

// readCBORIndefinite reads the start of a container of unknown size, or all chunks of a text or binary.
func (r *valueReader) readCBORIndefinite(t *token) error {
	major := r.src[r.pos] &^ cborInfo
	r.pos++
	t.size = unknownSize
	switch major {
	case cborArray:
		t.kind = kindList
	case cborMap:
		t.kind = kindMap
	case cborText:
		t.kind = kindText
		return r.readCBORChunks(t, major)
	case cborBytes:
		t.kind = kindBinary
		return r.readCBORChunks(t, major)
	default:
		return errMalformed
	}
	return nil
}

// readCBORChunks makes t the chunks of that major type, joined.
func (r *valueReader) readCBORChunks(t *token, major byte) error {
	r.scratch = r.scratch[:0]
	for {
		if r.pos >= len(r.src) {
			return errTruncated
		}
		c := r.src[r.pos]
		if c == cborBreak {
			break
		}
		if c&^cborInfo != major {
			return errMalformed
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
func (r *valueReader) readCBORTag(t *token, n uint64) error {
	t.kind, t.num = kindTag, n
	bytes := r.pos < len(r.src) && r.src[r.pos]&^cborInfo == cborBytes
	switch {
	case n == cborUint8Array && bytes:
		return r.readCBOR(t)
	case n != cborPositiveBignum && n != cborNegativeBignum:
		return nil
	case r.pos >= len(r.src):
		return errTruncated
	case !bytes:
		return errMalformed
	}
	if err := r.readCBOR(t); err != nil {
		return err
	}
	t.neg = n == cborNegativeBignum
	t.setMagnitude(t.bytes)
	return nil
}
