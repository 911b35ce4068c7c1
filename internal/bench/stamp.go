package bench

import (
	"bytes"
	"errors"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// stamp says which event this is. It stands in the padding of the arguments, in the hexadecimal digits that are the
// same in all serializers, so that no event has to be encoded or decoded.
type stamp struct {
	publisher uint64
	number    uint64        // 0, 1, … of its publisher
	at        time.Duration // when it was published, since the measurement began
}

const (
	digits    = 16
	stampSize = 3 * digits
)

// minEventSize is the least size of an event: what its arguments are without padding, and the stamp.
const minEventSize = minSize + stampSize

var errNoStamp = errors.New("an event did not arrive as it was published")

// stampPlace returns where in the payload the stamp belongs.
func stampPlace(p *wamp.Payload) int {
	return bytes.LastIndex(p.Raw, bytes.Repeat([]byte(padding), stampSize))
}

func (s *stamp) put(dst []byte) {
	putHex(dst[:digits], s.publisher)
	putHex(dst[digits:2*digits], s.number)
	putHex(dst[2*digits:stampSize], uint64(s.at))
}

// readStamp reads the stamp in the payload of an event.
func readStamp(p *wamp.Payload, place int) (s stamp, err error) {
	if len(p.Raw) < place+stampSize {
		return stamp{}, errNoStamp
	}
	src := p.Raw[place : place+stampSize]
	var at uint64
	ok := getHex(src[:digits], &s.publisher) && getHex(src[digits:2*digits], &s.number) && getHex(src[2*digits:], &at)
	if !ok {
		return stamp{}, errNoStamp
	}
	s.at = time.Duration(at)
	return s, nil
}

func putHex(dst []byte, v uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = "0123456789abcdef"[v&15]
		v >>= 4
	}
}

func getHex(src []byte, v *uint64) bool {
	for _, c := range src {
		switch {
		case '0' <= c && c <= '9':
			*v = *v<<4 | uint64(c-'0')
		case 'a' <= c && c <= 'f':
			*v = *v<<4 | uint64(c-'a'+10)
		default:
			return false
		}
	}
	return true
}
