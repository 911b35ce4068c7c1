package payload

import (
	"math"
	"slices"

	"github.com/tandemrouter/tandem/internal/serializer/format"
	"github.com/tandemrouter/tandem/wamp"
)

// A writer appends tokens to dst in a serializer. Commas come from the places of the tokens.
type writer struct {
	to  wamp.Serializer
	dst []byte

	// A container in MessagePack and CBOR begins with its size. While that is unknown a single byte is kept free
	// for it, which is enough for most; for the others finish makes room, for all of them at once. So every byte
	// is moved at most once, however containers lie within one another.
	heads []containerHead // in the order of their places in dst; none at the end that one byte is enough for
	open  []int           // which of heads belong to the containers that are not complete
}

// containerHead is the head of a container of once unknown size, for which there is one byte at dst[at].
type containerHead struct {
	at   int
	size int
	kind kind // kindList or kindMap
}

// start makes the writer append to dst.
func (w *writer) start(to wamp.Serializer, dst []byte) {
	w.to, w.dst, w.heads, w.open = to, dst, w.heads[:0], w.open[:0]
}

// put appends a token.
func (w *writer) put(t *token) error {
	switch w.to {
	case wamp.JSON:
		return w.putJSON(t)
	case wamp.MessagePack:
		return w.putMessagePack(t)
	case wamp.CBOR:
		return w.putCBOR(t)
	}
	return errNoSerializer
}

// putText appends a text, which must be valid UTF-8. It exists beside put because a string that is passed as an
// argument need not be copied to become bytes.
func (w *writer) putText(text []byte, p place) error {
	switch w.to {
	case wamp.JSON:
		w.separateJSON(p)
		w.appendJSONText(text)
	case wamp.MessagePack:
		w.dst = append(format.AppendMsgpackTextHead(w.dst, len(text)), text...)
	case wamp.CBOR:
		w.dst = append(format.AppendCBORHead(w.dst, format.CBORText, uint64(len(text))), text...)
	default:
		return errNoSerializer
	}
	return nil
}

// putHead appends the head of a list or map in one of the binary formats.
func (w *writer) putHead(t *token) {
	if t.size != unknownSize {
		w.appendHead(t.kind, t.size)
		return
	}
	w.open = append(w.open, len(w.heads))
	w.heads = append(w.heads, containerHead{at: len(w.dst), kind: t.kind})
	w.dst = append(w.dst, 0)
}

// putEnd ends a list or map in one of the binary formats.
func (w *writer) putEnd(t *token) {
	if t.exact {
		return
	}
	last := len(w.open) - 1
	index := w.open[last]
	w.open = w.open[:last]
	h := &w.heads[index]
	h.size = t.size
	if index == len(w.heads)-1 && w.headLen(h.size) == 1 {
		w.setHead(h.at, *h)
		w.heads = w.heads[:index]
	}
}

// setHead writes the head h at the place at, over what is there.
func (w *writer) setHead(at int, h containerHead) {
	all := w.dst
	w.dst = all[:at]
	w.appendHead(h.kind, h.size)
	w.dst = all
}

// appendHead appends the head of a list or map of known size.
func (w *writer) appendHead(k kind, size int) {
	switch {
	case w.to == wamp.CBOR && k == kindMap:
		w.dst = format.AppendCBORHead(w.dst, format.CBORMap, uint64(size))
	case w.to == wamp.CBOR:
		w.dst = format.AppendCBORHead(w.dst, format.CBORArray, uint64(size))
	case k == kindMap:
		w.dst = format.AppendMsgpackMapHead(w.dst, size)
	default:
		w.dst = format.AppendMsgpackListHead(w.dst, size)
	}
}

// headLen returns how many bytes appendHead appends.
func (w *writer) headLen(size int) int {
	if w.to == wamp.MessagePack {
		return format.MsgpackHeadLen(size)
	}
	return format.CBORHeadLen(uint64(size))
}

// finish returns what has been written, or before and an error if that is too large. before is what dst was when
// the writing began.
func (w *writer) finish(before []byte) ([]byte, error) {
	if len(w.heads) > 0 {
		w.widenHeads()
	}
	if w.to == wamp.MessagePack && uint64(len(w.dst)-len(before)) > math.MaxUint32 {
		return before, errTooLarge // some length in it may be
	}
	return w.dst, nil
}

// widenHeads makes room for the heads that need it and writes them, from the last to the first.
func (w *writer) widenHeads() {
	shift, end := 0, len(w.dst)
	for _, h := range w.heads {
		shift += w.headLen(h.size) - 1
	}
	w.dst = append(w.dst, make([]byte, shift)...)
	for _, h := range slices.Backward(w.heads) {
		next := h.at + 1 // behind the byte that is there for the head
		copy(w.dst[next+shift:], w.dst[next:end])
		n := w.headLen(h.size)
		w.setHead(next+shift-n, h)
		shift -= n - 1
		end = h.at
	}
}
