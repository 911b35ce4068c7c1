package websocket

import (
	"fmt"
	"testing"

	"github.com/tandemrouter/tandem/wamp"
)

// BenchmarkFrames takes a masked message in and sends it out again, as a router does.
func BenchmarkFrames(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			router, client := newFraming(wamp.CBOR, false, 1<<20, 4), newFraming(wamp.CBOR, true, 1<<20, 4)
			in := client.Seal(append(client.Open(nil), make([]byte, size)...), 0, 0)
			out := make([]byte, 0, 2*len(in))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				frame, _, err := router.Next(in)
				if err != nil {
					b.Fatal(err)
				}
				out = router.Seal(append(router.Open(out[:0]), frame.Payload...), 0, 0)
			}
		})
	}
}
