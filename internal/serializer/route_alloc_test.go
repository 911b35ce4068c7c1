//go:build !race

package serializer_test

import (
	"fmt"
	"testing"

	"github.com/tandemrouter/tandem/wamp"
)

// TestRouteAllocations: nothing is allocated for a message that is routed to a peer with the same serializer, neither
// for its head, with options or without, nor for its payload. The race detector allocates by itself.
func TestRouteAllocations(t *testing.T) {
	for _, s := range serializers {
		for _, size := range []int{256, 4096} {
			r := route{s: s}
			check := func(name string, frame []byte, send func(testing.TB, []byte)) {
				t.Run(fmt.Sprintf("%s/%v/%d", name, s, size), func(t *testing.T) {
					if n := testing.AllocsPerRun(100, func() { send(t, frame) }); n > 0 {
						t.Errorf("%v allocations", n)
					}
				})
			}
			check("CALL", plainCall(t, s, size), r.call)
			check("CALL with options", optionalCall(t, s, size), r.call)
			check("YIELD", plainYield(t, s, size), r.yield)
			check("YIELD with options", frame(t, s, &wamp.Yield{Request: 17, Options: wamp.YieldOptions{Progress: true},
				Payload: mixedArguments(t, s, size)}), r.yield)
		}
	}
}
