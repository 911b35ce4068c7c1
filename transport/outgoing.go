package transport

import "github.com/tandemrouter/tandem/wamp"

// Outgoing is a message for many receivers. It is encoded once for each serializer and shape of frames, and the
// bytes are shared by all receivers. The zero value is ready.
type Outgoing struct {
	message wamp.Message
	frames  [4][numShapes]encoded // by serializer
	memory  []byte                // of frames; what was written in it never changes, because queues may refer to it
}

type encoded struct {
	done  bool
	frame []byte
	err   error
}

// wire is what decides about the bytes of a frame.
type wire struct {
	serializer wamp.Serializer
	shape      Shape
}

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

// frame returns the message as conn sends it. The bytes do not change any more.
func (o *Outgoing) frame(conn Conn, w wire) ([]byte, error) {
	e := &o.frames[w.serializer][w.shape]
	if !e.done || w.shape == ShapeUnique {
		e.done = true
		e.frame, e.err = o.encode(conn)
	}
	return e.frame, e.err
}

// encode appends the message to the memory if it fits, and else to new memory. Growing what is there would copy the frames
// of earlier messages.
func (o *Outgoing) encode(conn Conn) ([]byte, error) {
	memory := o.memory
	if need := o.estimate(); cap(memory)-len(memory) < need {
		memory = make([]byte, 0, max(need, outgoingMemory))
	}
	b, err := conn.Append(memory, o.message)
	if err != nil {
		return nil, err
	}
	if cap(b) <= outgoingMemory {
		o.memory = b
	}
	return b[len(memory):len(b):len(b)], nil
}

// estimate returns how many bytes the frame is likely to take.
func (o *Outgoing) estimate() int {
	const head = 128 // more than most have
	if e, ok := o.message.(*wamp.Event); ok {
		return head + len(e.Payload.Raw)
	}
	return head
}

// frameHeader is the size of the header of a RawSocket frame, the only wire whose peer states a limit.
const frameHeader = 4
