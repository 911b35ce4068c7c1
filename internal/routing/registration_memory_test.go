//go:build !race

package routing_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/tandemrouter/tandem/wamp"
)

// A registration takes less than 250 octets with its procedure, which takes 48 of them, be it exact or a pattern. There are
// numbers at which it takes some 25 more, because tables double. What is unregistered gives its memory back.
func TestRegistrationsTakeLittleMemory(t *testing.T) {
	const n, most, left = 20_000, 250, 25
	for match, procedure := range map[wamp.MatchPolicy]string{
		wamp.MatchExact:    "com.example.item%07d.shelf.box.open",
		wamp.MatchPrefix:   "com.example.item%07d.shelf.box.open",
		wamp.MatchWildcard: "com.example.item%07d.shelf.box.open..",
	} {
		x := newExchange(1)
		taken := memoryOf(func() {
			for i := range n {
				x.register(x.callees[0], fmt.Sprintf(procedure, i), wamp.RegisterOptions{Match: match})
			}
		})
		t.Logf("%v: a registration takes %d octets", match, taken/n)
		if each := taken / n; each > most {
			t.Errorf("%v: %d octets for each", match, each)
		}
		taken += memoryOf(func() {
			for i := range n {
				x.dealer.Unregister(x.now, x.callees[0], &wamp.Unregister{Request: 1, Registration: wamp.ID(i + 1)}, &x.out)
				x.out.Reset()
			}
		})
		if each := taken / n; each > left {
			t.Errorf("%v: %d octets of each are left", match, each)
		}
		t.Logf("%v: %d octets of each are left", match, taken/n)
		if n := x.dealer.Registrations(); n > 0 {
			t.Errorf("%v: %d registrations are left", match, n)
		}
		runtime.KeepAlive(x)
	}
}
