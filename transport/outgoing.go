package transport

import "github.com/tandemrouter/tandem/wamp"

// Outgoing is a message for many receivers. It is encoded once for each serializer and shape of frames, and the
// bytes are shared by all receivers. The zero value is ready.
type Outgoing struct {
	message wamp.Message
	frames  [4][numShapes]encoded // by serializer
}

type encoded struct {
	done  bool
	frame []byte
	err   error
}

// Use makes o the message m. If it was another one before, that one's frames are given up.
func (o *Outgoing) Use(m wamp.Message) {
	if m == o.message {
		return
	}
	o.message = m
	for s := range o.frames {
		for shape := range o.frames[s] {
			o.frames[s][shape].reset()
		}
	}
}

// reset takes back the memory of the frame unless queues may refer to it.
func (e *encoded) reset() {
	if !e.done {
		return
	}
	e.done, e.err = false, nil
	if len(e.frame) >= sharedFrame {
		e.frame = nil
	}
	e.frame = e.frame[:0]
}

// frame returns the message as conn sends it.
func (o *Outgoing) frame(conn Conn) ([]byte, error) {
	info := conn.Info()
	e := &o.frames[info.Serializer][info.Shape]
	if info.Shape == ShapeUnique {
		e.reset()
	}
	if !e.done {
		e.done = true
		e.frame, e.err = conn.Append(e.frame[:0], o.message)
	}
	return e.frame, e.err
}

// frameHeader is the size of the header of a RawSocket frame, the only wire whose peer states a limit.
const frameHeader = 4
