package transport

import (
	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/wamp"
)

// MaxRun is how many messages one Receive returns at most, so that one busy peer does not keep others waiting.
const MaxRun = 64

// Run is what one Receive brought. Its messages and their payloads are valid until the next Wait or Receive on the
// same connection, and until the run is used again. The zero value is ready; a Run is worth keeping, because it
// reuses the memory of its messages.
type Run struct {
	Messages []wamp.Message
	Control  []byte // frames that the wire itself wants sent, before any answer to the messages: pongs

	parser serializer.Parser
}

// Reset empties the run. Receive does so by itself; who keeps an idle Run resets it, so that it refers to nothing.
func (r *Run) Reset() {
	clear(r.Messages)
	r.Messages = r.Messages[:0]
	r.Control = r.Control[:0]
	r.parser.Reset()
}

func (r *Run) parse(s wamp.Serializer, message []byte) error {
	m, err := r.parser.Parse(s, message)
	if err != nil {
		return err
	}
	r.Messages = append(r.Messages, m)
	return nil
}
