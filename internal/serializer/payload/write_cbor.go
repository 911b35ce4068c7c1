package payload

import "github.com/tandemrouter/tandem/internal/serializer/format"

var (
	errCBORExt = inexpressible("CBOR has no extension types of MessagePack, such as its timestamp")
)

func (w *writer) putCBOR(t *token) error {
	switch t.kind {
	case kindNull:
		w.dst = append(w.dst, format.CBORNull)
	case kindUndefined:
		w.dst = append(w.dst, format.CBORUndefined)
	case kindBool:
		w.dst = append(w.dst, format.CBORFalse+byte(t.num))
	case kindInteger:
		w.dst = format.AppendCBORHead(w.dst, cborInteger(t.neg), t.num)
	case kindLargeInteger:
		w.appendCBORBignum(t)
	case kindFloat:
		w.appendCBORFloat(t)
	case kindText:
		w.dst = append(format.AppendCBORHead(w.dst, format.CBORText, uint64(len(t.bytes))), t.bytes...)
	case kindBinary:
		w.dst = append(format.AppendCBORHead(w.dst, format.CBORBytes, uint64(len(t.bytes))), t.bytes...)
	case kindTag:
		w.dst = format.AppendCBORHead(w.dst, format.CBORTag, t.num)
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
		return format.CBORNegative
	}
	return format.CBORUnsigned
}

func (w *writer) appendCBORBignum(t *token) {
	tag := uint64(format.CBORPositiveBignum)
	if t.neg {
		tag = format.CBORNegativeBignum
	}
	w.dst = format.AppendCBORHead(w.dst, format.CBORTag, tag)
	w.dst = append(format.AppendCBORHead(w.dst, format.CBORBytes, uint64(len(t.bytes))), t.bytes...)
}

// appendCBORFloat appends a float in its width.
func (w *writer) appendCBORFloat(t *token) {
	log2 := t.width / 32 // 16, 32, 64 bits: 0, 1, 2
	w.dst = append(w.dst, format.CBORFloat16+log2)
	w.dst = format.AppendUint(w.dst, log2+1, t.num)
}
