package transport

import (
	"slices"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/wamp"
)

// Payloads are the payloads of large messages in the serializers of those who will probably get them. Whoever encodes a
// message under a lock need then neither convert its payload nor copy it. A payload is known by its bytes, which must not
// change before Reset, whatever message they are in. The zero value is ready. It is not for concurrent use.
type Payloads struct {
	tails  []tail
	at     int    // the tail that was found last: the next that is looked for is often that or the one behind it
	memory []byte // of tails that need not last
}

// tail is the end of a message: a payload in one serializer and what stands behind it.
type tail struct {
	first *byte // of the payload
	to    wamp.Serializer
	bytes []byte
	lasts bool  // queues may refer to the bytes; otherwise their memory is used again after Reset
	err   error // why the serializer cannot express the payload
}

// LargePayload is the size from which it is not small work to convert a payload. Of numbers that are made to be slow that
// many bytes cost half a millisecond.
const LargePayload = 8 << 10

const (
	// wholePayload is the size up to which a payload is copied into a queue. Below it the queue's buffers are used again.
	wholePayload = outBufferKeep
	// repeatedPayload is the size from which the converted payload is kept for other events with it: a subscriber may have
	// thousands of patterns that match one topic.
	repeatedPayload = 256
	// payloadsMemory is how much memory is kept for tails that need not last.
	payloadsMemory = 2 * wholePayload
)

// Large reports whether it is more than a little work to convert or copy the payload for a receiver with the serializer.
func Large(p *wamp.Payload, to wamp.Serializer) bool {
	return p != nil && len(p.Raw) >= worthwhile(p, to, wholePayload, LargePayload)
}

// worthwhile returns from which size on a payload is prepared for the serializer in which it is, or else for another.
func worthwhile(p *wamp.Payload, to wamp.Serializer, same, other int) int {
	if p.Serializer == to {
		return same
	}
	return other
}

// Has reports whether the payload, which may be nil, was prepared for the serializer.
func (p *Payloads) Has(payload *wamp.Payload, to wamp.Serializer) bool {
	return p.find(payload, to) != nil
}

// Empty reports whether nothing was prepared.
func (p *Payloads) Empty() bool { return len(p.tails) == 0 }

// Prepare converts or copies the payload, which must be encoded and not empty, for receivers with the serializer. If that
// cannot express it, they get the error when the message is encoded for them.
func (p *Payloads) Prepare(payload *wamp.Payload, to wamp.Serializer) { p.prepare(payload, to) }

func (p *Payloads) prepare(payload *wamp.Payload, to wamp.Serializer) *tail {
	t := tail{first: &payload.Raw[0], to: to}
	if len(payload.Raw) < wholePayload {
		p.convert(&t, payload)
	} else {
		t.convert(payload)
	}
	p.tails = append(p.tails, t)
	return &p.tails[len(p.tails)-1]
}

// convert makes the bytes of a tail in memory that is used again, unless they have become too large for that.
func (p *Payloads) convert(t *tail, payload *wamp.Payload) {
	before := len(p.memory)
	var b []byte
	if b, t.err = serializer.AppendTail(p.memory, t.to, payload); t.err != nil {
		return
	}
	if t.bytes = b[before:]; len(t.bytes) < wholePayload {
		p.memory = b
		return
	}
	t.last()
}

// convert makes the bytes of a tail in memory of about their size.
func (t *tail) convert(payload *wamp.Payload) {
	room := len(payload.Raw) + len(",]")
	if payload.Serializer != t.to {
		room /= 2 // it may become much shorter
	}
	t.lasts = true
	t.bytes, t.err = serializer.AppendTail(make([]byte, 0, room), t.to, payload)
	if len(t.bytes) < cap(t.bytes)/2 {
		t.bytes = slices.Clone(t.bytes)
	}
}

// last makes the bytes last.
func (t *tail) last() {
	if !t.lasts {
		t.bytes, t.lasts = slices.Clone(t.bytes), true
	}
}

// find returns nil if the payload, which may be nil, was not prepared for the serializer.
func (p *Payloads) find(payload *wamp.Payload, to wamp.Serializer) *tail {
	if len(p.tails) == 0 || payload == nil || len(payload.Raw) == 0 {
		return nil
	}
	for range p.tails {
		if t := &p.tails[p.at]; t.to == to && t.first == &payload.Raw[0] {
			return t
		}
		p.at = (p.at + 1) % len(p.tails)
	}
	return nil
}

// obtain returns the end of the message for a serializer. If it was not prepared but is as large as same says for a
// payload in that serializer, or other for one in another, it is prepared now. Else there is none: it is as well to encode
// the message in one piece.
func (p *Payloads) obtain(m wamp.Message, to wamp.Serializer, same, other int) *tail {
	payload := wamp.PayloadOf(m)
	if t := p.find(payload, to); t != nil {
		return t
	}
	if payload == nil || len(payload.Raw) == 0 || len(payload.Raw) < worthwhile(payload, to, same, other) {
		return nil
	}
	return p.prepare(payload, to)
}

// Reset gives the payloads up.
func (p *Payloads) Reset() {
	clear(p.tails)
	p.tails, p.at = p.tails[:0], 0
	if p.memory = p.memory[:0]; cap(p.memory) > payloadsMemory {
		p.memory = nil
	}
}
