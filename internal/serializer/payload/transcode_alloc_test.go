//go:build !race

package payload_test

import (
	"testing"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// TestTranscodeAllocations: nothing is allocated to transcode into a buffer that is large enough.
// Not with the race detector, under which a sync.Pool forgets things at random.
func TestTranscodeAllocations(t *testing.T) {
	eachWay(func(from, to wamp.Serializer, size int) {
		p, dst := sample(t, from, size), make([]byte, 0, 2*size)
		n := testing.AllocsPerRun(100, func() {
			if _, err := payload.Append(dst, to, &p); err != nil {
				t.Fatal(err)
			}
		})
		if n > 0.5 { // now and then the garbage collector takes a pump
			t.Errorf("%v to %v, %d bytes: %v allocations", from, to, size, n)
		}
	})
}
