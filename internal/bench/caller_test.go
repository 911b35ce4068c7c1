package bench

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// Shared callees answer in any order, and one of them can be slow: every call is still measured by its own times.
func TestLatencyOfCallsInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	c := newCaller(nil, "", wamp.Payload{}, 4)
	begin := time.Now()
	sent := map[wamp.ID]time.Time{}
	for step := range 10_000 {
		now := begin.Add(time.Duration(step))
		c.note(wamp.ID(step+1), now)
		sent[wamp.ID(step+1)] = now
		for request, want := range sent {
			if request%100 == 0 && step%1000 != 999 || r.IntN(2) == 0 || len(sent) < 4 {
				continue // those of the slow callee are far behind all others
			}
			if at, ok := c.settle(request); !ok || !at.Equal(want) {
				t.Fatalf("request %d was sent at %s, not at %s, %v", request, at.Sub(begin), want.Sub(begin), ok)
			}
			delete(sent, request)
		}
		if c.pending != len(sent) {
			t.Fatalf("%d calls are under way, not %d", c.pending, len(sent))
		}
	}
}

func TestOnlyCallsUnderWayAreAnswered(t *testing.T) {
	c := newCaller(nil, "", wamp.Payload{}, 1)
	now := time.Now()
	for request := range wamp.ID(10) {
		c.note(request+1, now)
	}
	for _, request := range []wamp.ID{3, 10} {
		_, first := c.settle(request)
		_, second := c.settle(request)
		if !first || second {
			t.Errorf("request %d: answered %v, answered again %v", request, first, second)
		}
	}
	if _, ok := newCaller(nil, "", wamp.Payload{}, 1).settle(0); ok {
		t.Error("request 0 was never sent")
	}
	for _, request := range []wamp.ID{0, 11} {
		if _, ok := c.settle(request); ok {
			t.Errorf("request %d was never sent", request)
		}
	}
	if c.pending != 8 {
		t.Errorf("%d calls are under way", c.pending)
	}
}

func TestArgumentsHaveTheirSize(t *testing.T) {
	for _, s := range []wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR} {
		for _, size := range []int{minSize, 128, 255, 256, 257, 300, 4096, 65535, 65536, 70000, 1 << 20} {
			p, err := arguments(s, size)
			if err != nil {
				t.Fatalf("%s, %d bytes: %v", s, size, err)
			}
			if p.Serializer != s || len(p.Raw) > size || len(p.Raw) < size-4 {
				t.Errorf("%s: %d bytes instead of %d", s, len(p.Raw), size)
			}
			if args, _, err := payload.Decode(&p); err != nil || len(args) != 6 {
				t.Errorf("%s: %d arguments, %v", s, len(args), err)
			}
		}
	}
}
