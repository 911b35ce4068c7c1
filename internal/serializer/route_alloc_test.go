//go:build !race

package serializer_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/internal/serializer"
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

// TestParseAlone: a message that is parsed by itself does not come with room for others.
func TestParseAlone(t *testing.T) {
	in := plainCall(t, wamp.CBOR, 256)
	if n := allocated(func() { _, _ = serializer.Parse(wamp.CBOR, in) }); n > 8<<10 {
		t.Errorf("%d bytes allocated", n)
	}
}

// TestRegisterAllocatesItsProcedure and nothing else; and that stays when the parser's input is used again, since the dealer
// keeps it.
func TestRegisterAllocatesItsProcedure(t *testing.T) {
	for _, s := range serializers {
		for _, length := range []int{8, 200} { // short names are remembered
			var p serializer.Parser
			procedure := strings.Repeat("a", length)
			in := frame(t, s, &wamp.Register{Request: 1, Procedure: procedure})
			first := &in[bytes.Index(in, []byte(procedure))]
			kept := make([]string, 0, 21) // one run more, to begin with
			register := func() {
				m, err := p.Parse(s, in)
				if err != nil {
					t.Fatal(err)
				}
				kept = append(kept, m.(*wamp.Register).Procedure)
				*first++
				p.Reset()
			}
			if n := testing.AllocsPerRun(20, register); n != 1 {
				t.Errorf("%v, %d octets: %v allocations", s, length, n)
			}
			for i, got := range kept {
				if got[0] != 'a'+byte(i) || got[1:] != procedure[1:] {
					t.Fatalf("%v: procedure %d is %q now", s, i, got)
				}
			}
		}
	}
}

// TestNamesAreBounded: what a parser remembers of long names does not add up.
func TestNamesAreBounded(t *testing.T) {
	var p serializer.Parser
	in := frame(t, wamp.CBOR, &wamp.Call{Request: 1, Procedure: strings.Repeat("x", 64<<10)})
	before := heap()
	for i := range 400 {
		copy(in[len(in)-4:], fmt.Sprintf("%04x", i)) // at the end of the name
		if _, err := p.Parse(wamp.CBOR, in); err != nil {
			t.Fatal(err)
		}
		p.Reset()
	}
	if kept := heap() - before; kept > 1<<20 {
		t.Errorf("%d bytes are kept", kept)
	}
	runtime.KeepAlive(&p)
}

func heap() int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
