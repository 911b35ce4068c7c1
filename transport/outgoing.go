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
func (o *Outgoing) frame(conn Conn) ([]byte, error) {
	info := conn.Info()
	e := &o.frames[info.Serializer][info.Shape]
	if !e.done || info.Shape == ShapeUnique {
		e.done = true
		e.frame, e.err = o.encode(conn)
	}
	return e.frame, e.err
}

func (o *Outgoing) encode(conn Conn) ([]byte, error) {
	if o.memory == nil {
		o.memory = make([]byte, 0, outgoingMemory)
	}
	before := len(o.memory)
	b, err := conn.Append(o.memory, o.message)
	if err != nil {
		return nil, err
	}
	if o.memory = b; len(b) > outgoingMemory {
		o.memory = nil
	}
	return b[before:len(b):len(b)], nil
}

// frameHeader is the size of the header of a RawSocket frame, the only wire whose peer states a limit.
const frameHeader = 4
