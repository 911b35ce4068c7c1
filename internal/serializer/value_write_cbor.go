package serializer

var (
	errCBORExt = inexpressible("CBOR has no extension types of MessagePack, such as its timestamp")
)

func (w *valueWriter) putCBOR(t *token) error {
	switch t.kind {
	case kindNull:
		w.dst = append(w.dst, cborNull)
	case kindUndefined:
		w.dst = append(w.dst, cborUndefined)
	case kindBool:
		w.dst = append(w.dst, cborFalse+byte(t.num))
	case kindInteger:
		w.appendCBORHead(cborInteger(t.neg), t.num)
	case kindLargeInteger:
		w.appendCBORBignum(t)
	case kindFloat:
		w.appendCBORFloat(t)
	case kindText:
		w.appendCBORHead(cborText, uint64(len(t.bytes)))
		w.dst = append(w.dst, t.bytes...)
	case kindBinary:
		w.appendCBORHead(cborBytes, uint64(len(t.bytes)))
		w.dst = append(w.dst, t.bytes...)
	case kindTag:
		w.appendCBORHead(cborTag, t.num)
	case kindList, kindMap:
		w.putHead(t)
	case kindListEnd, kindMapEnd:
		w.putEnd(t)
	default:
		return errCBORExt
	}
	return nil
}

func cborInteger(neg bool) byte {
	if neg {
		return cborNegative
	}
	return cborUnsigned
}

func (w *valueWriter) appendCBORBignum(t *token) {
	tag := uint64(cborPositiveBignum)
	if t.neg {
		tag = cborNegativeBignum
	}
	w.appendCBORHead(cborTag, tag)
	w.appendCBORHead(cborBytes, uint64(len(t.bytes)))
	w.dst = append(w.dst, t.bytes...)
}

// appendCBORFloat appends a float in its width.
func (w *valueWriter) appendCBORFloat(t *token) {
	log2 := t.width / 32 // 16, 32, 64 bits: 0, 1, 2
	w.dst = append(w.dst, cborFloat16+log2)
	w.appendUint(log2+1, t.num)
}

// appendCBORHead appends the first byte of a value of that major type with its argument, in the shortest form.
func (w *valueWriter) appendCBORHead(major byte, n uint64) {
	if n < cborUint8 {
		w.dst = append(w.dst, major|byte(n))
		return
	}
	log2 := uintLog2(n)
	w.dst = append(w.dst, major|cborUint8+log2)
	w.appendUint(log2, n)
}

// cborHeadLen returns how many bytes appendCBORHead appends.
func cborHeadLen(n uint64) int {
	if n < cborUint8 {
		return 1
	}
	return 1 + 1<<uintLog2(n)
}
