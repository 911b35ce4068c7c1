package bench

import (
	"errors"
	"strings"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// minSize is the least size of the arguments: what they are in JSON without padding.
const minSize = 80

// padding fills the arguments up to the size that is wanted.
const padding = "x"

var errSize = errors.New("bench: cannot make arguments of that size")

// arguments returns a list of mixed values that takes at most size bytes in the serializer, and no fewer than it must.
func arguments(s wamp.Serializer, size int) (wamp.Payload, error) {
	values := wamp.List{int64(7814135), "com.example.item", true, 19.99, wamp.Dict{"name": "Ann", "count": int64(3)}}
	for pad := size; pad >= 0; {
		p, err := payload.Encode(s, &wamp.Payload{Args: append(values, strings.Repeat(padding, pad))})
		if err != nil {
			return wamp.Payload{}, err
		}
		excess := len(p.Raw) - size
		if excess <= 0 {
			return p, nil
		}
		pad -= excess
	}
	return wamp.Payload{}, errSize
}
