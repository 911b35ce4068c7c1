package payload

import (
	"math"
	"math/bits"

	"github.com/tandemrouter/tandem/internal/serializer/format"
)

var (
	errMessagePackInteger = inexpressible("MessagePack has no integers beyond 64 bits")
	errMessagePackType    = inexpressible("MessagePack has no tags or simple values")
)

func (w *writer) putMessagePack(t *token) error {
	switch t.kind {
	case kindNull:
		w.dst = append(w.dst, format.MsgpackNil)
	case kindUndefined:
		w.dst = append(w.dst, format.MsgpackFixExt1, 0, 0)
	case kindBool:
		w.dst = append(w.dst, format.MsgpackFalse+byte(t.num))
	case kindInteger:
		return w.appendMessagePackInteger(t)
	case kindLargeInteger:
		return errMessagePackInteger
	case kindFloat:
		w.appendMessagePackFloat(t)
	case kindText:
		w.dst = append(format.AppendMsgpackTextHead(w.dst, len(t.bytes)), t.bytes...)
	case kindBinary:
		w.dst = append(format.AppendSized(w.dst, format.MsgpackBin8, uint64(len(t.bytes))), t.bytes...)
	case kindExt:
		w.appendMessagePackExt(t)
	case kindList, kindMap:
		w.putHead(t)
	case kindListEnd, kindMapEnd:
		w.putEnd(t)
	default:
		return errMessagePackType
	}
	return nil
}

func (w *writer) appendMessagePackInteger(t *token) error {
	switch {
	case t.neg && t.num > math.MaxInt64:
		return errMessagePackInteger
	case t.neg && t.num < 1<<5:
		w.dst = append(w.dst, byte(^t.num))
	case t.neg: // one bit more than that of num says that it is negative
		log2 := format.UintLog2(t.num << 1)
		w.dst = format.AppendUint(append(w.dst, format.MsgpackInt8+log2), log2, ^t.num)
	default:
		w.dst = format.AppendMsgpackUint(w.dst, t.num)
	}
	return nil
}

// appendMessagePackFloat appends a float in its width; a 16-bit one, which there is none of, as one of 32 bits.
func (w *writer) appendMessagePackFloat(t *token) {
	switch t.width {
	case 16:
		w.dst = format.AppendUint(append(w.dst, format.MsgpackFloat32), 2, uint64(format.WidenHalf(uint16(t.num))))
	case 32:
		w.dst = format.AppendUint(append(w.dst, format.MsgpackFloat32), 2, t.num)
	default:
		w.dst = format.AppendUint(append(w.dst, format.MsgpackFloat64), 3, t.num)
	}
}

func (w *writer) appendMessagePackExt(t *token) {
	n := len(t.bytes)
	if n > 0 && n <= 16 && n&(n-1) == 0 {
		w.dst = append(w.dst, format.MsgpackFixExt1+byte(bits.TrailingZeros(uint(n))))
	} else {
		w.dst = format.AppendSized(w.dst, format.MsgpackExt8, uint64(n))
	}
	w.dst = append(w.dst, byte(t.ext))
	w.dst = append(w.dst, t.bytes...)
}
