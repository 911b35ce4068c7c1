package transport

import "github.com/tandemrouter/tandem/wamp"

// Outgoing is a message for many receivers. It is encoded once for each serializer and shape of frames,
// and the bytes are shared by all receivers. The zero value is ready.
type Outgoing struct {
	// Payloads is where to look for the message's payload, and where what had to be converted after all is left for other
	// messages with it. Nil: every message is encoded in one piece.
	Payloads *Payloads

	message wamp.Message
	frames  [4][numShapes]encoded // by serializer
	memory  []byte                // of frames; what was written in it never changes, because queues may refer to it
}

type encoded struct {
	done  bool
	frame frame
	err   error
}

// wire is what decides about the bytes of a frame.
type wire struct {
	serializer wamp.Serializer
	shape      Shape
}

// frame is an encoded message. Its bytes do not change any more.
type frame struct {
	head []byte
	tail []byte // so large that queues refer to it; often there is none, and head is the whole frame
}

func (f *frame) size() int { return len(f.head) + len(f.tail) }

// outgoingMemory is how much memory small frames share. A queue that refers to one of them keeps all of it.
const outgoingMemory = 4 << 10

// Use makes o the message m. If it was another one before, that one's frames are given up.
func (o *Outgoing) Use(m wamp.Message) {
	if m == o.message {
		return
	}
	o.message = m
	for s := range o.frames {
		for shape := range o.frames[s] {
			if e := &o.frames[s][shape]; e.done {
				*e = encoded{}
			}
		}
	}
}

// frame returns the message as conn sends it.
func (o *Outgoing) frame(conn Conn, w wire) (*frame, error) {
	e := &o.frames[w.serializer][w.shape]
	if !e.done || w.shape == ShapeUnique {
		e.done = true
		e.frame, e.err = o.encode(conn, w)
	}
	return &e.frame, e.err
}

func (o *Outgoing) encode(conn Conn, w wire) (frame, error) {
	if o.Payloads != nil && w.shape != ShapeUnique {
		if t := o.Payloads.obtain(o.message, w.serializer, sharedFrame, repeatedPayload); t != nil {
			return o.encodeBefore(conn, t)
		}
	}
	payload := 0
	if p := wamp.PayloadOf(o.message); p != nil {
		payload = len(p.Raw)
	}
	memory := o.room(payload)
	b, err := conn.Append(memory, o.message)
	return o.remember(memory, b, err)
}

// encodeBefore encodes the message with its payload from elsewhere.
func (o *Outgoing) encodeBefore(conn Conn, t *tail) (frame, error) {
	if t.err != nil {
		return frame{}, t.err
	}
	if len(t.bytes) < sharedFrame {
		memory := o.room(len(t.bytes))
		b, err := conn.AppendHead(memory, o.message, len(t.bytes))
		return o.remember(memory, append(b, t.bytes...), err)
	}
	t.last()
	memory := o.room(0)
	b, err := conn.AppendHead(memory, o.message, len(t.bytes))
	f, err := o.remember(memory, b, err)
	f.tail = t.bytes
	return f, err
}

// room returns the memory if a frame with so many bytes of payload is likely to fit, and else new memory. Growing what is
// there would copy the frames of earlier messages.
func (o *Outgoing) room(payload int) []byte {
	const head = 128 // more than most have
	if need := head + payload; cap(o.memory)-len(o.memory) < need {
		return make([]byte, 0, max(need, outgoingMemory))
	}
	return o.memory
}

// remember returns the frame that was appended to the memory, which became b.
func (o *Outgoing) remember(memory, b []byte, err error) (frame, error) {
	if err != nil {
		return frame{}, err
	}
	if cap(b) <= outgoingMemory {
		o.memory = b
	}
	return frame{head: b[len(memory):len(b):len(b)]}, nil
}

// frameHeader is the size of the header of a RawSocket frame, the only wire whose peer states a limit.
const frameHeader = 4
