package serializer_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// mixedArguments returns arguments of many types that take about size bytes.
func mixedArguments(tb testing.TB, s wamp.Serializer, size int) wamp.Payload {
	tb.Helper()
	values := wamp.List{int64(7), "sensor", 21.5, true, nil, wamp.List{int64(1), int64(-200), int64(70000)},
		wamp.Dict{"unit": "celsius", "ok": true, "samples": int64(12)}}
	p := wamp.Payload{}
	for i := 0; ; i++ {
		p.Args = append(p.Args, values[i%len(values)])
		encoded, err := payload.Encode(s, &p)
		if err != nil {
			tb.Fatal(err)
		}
		if len(encoded.Raw) >= size {
			return encoded
		}
	}
}

// route is what a router does with the bytes of a message: it parses them and appends what it sends on.
type route struct {
	s      wamp.Serializer
	parser serializer.Parser
	out    []byte

	invocation wamp.Invocation
	result     wamp.Result
}

func (r *route) call(tb testing.TB, in []byte) {
	m, err := r.parser.Parse(r.s, in)
	if err != nil {
		tb.Fatal(err)
	}
	call := m.(*wamp.Call)
	r.invocation = wamp.Invocation{Request: 17, Registration: 40004, Payload: call.Payload}
	r.invocation.Details.ReceiveProgress = call.Options.ReceiveProgress
	r.invocation.Details.Timeout = call.Options.Timeout
	r.append(tb, &r.invocation)
}

func (r *route) yield(tb testing.TB, in []byte) {
	m, err := r.parser.Parse(r.s, in)
	if err != nil {
		tb.Fatal(err)
	}
	yield := m.(*wamp.Yield)
	r.result = wamp.Result{Request: 70007, Payload: yield.Payload}
	r.result.Details.Progress = yield.Options.Progress
	r.append(tb, &r.result)
}

func (r *route) append(tb testing.TB, m wamp.Message) {
	var err error
	if r.out, err = serializer.Append(r.out[:0], r.s, m); err != nil {
		tb.Fatal(err)
	}
	r.parser.Reset()
}

func plainCall(tb testing.TB, s wamp.Serializer, size int) []byte {
	return frame(tb, s, &wamp.Call{Request: 70007, Procedure: "com.example.thermometer.read",
		Payload: mixedArguments(tb, s, size)})
}

func optionalCall(tb testing.TB, s wamp.Serializer, size int) []byte {
	return frame(tb, s, &wamp.Call{Request: 70007, Procedure: "com.example.thermometer.read",
		Options: wamp.CallOptions{Timeout: 5000, ReceiveProgress: true, DiscloseMe: true},
		Payload: mixedArguments(tb, s, size)})
}

func plainYield(tb testing.TB, s wamp.Serializer, size int) []byte {
	return frame(tb, s, &wamp.Yield{Request: 17, Payload: mixedArguments(tb, s, size)})
}

// BenchmarkRoute: a CALL comes in and an INVOCATION goes out, in the same serializer.
func BenchmarkRoute(b *testing.B) {
	for _, s := range serializers {
		for _, size := range []int{256, 4096} {
			b.Run(fmt.Sprintf("%v/%d", s, size), func(b *testing.B) {
				benchmarkRoute(b, s, plainCall(b, s, size))
			})
		}
		b.Run(fmt.Sprintf("%v/options", s), func(b *testing.B) {
			benchmarkRoute(b, s, optionalCall(b, s, 256))
		})
	}
}

func benchmarkRoute(b *testing.B, s wamp.Serializer, in []byte) {
	r := route{s: s}
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		r.call(b, in)
	}
}

// BenchmarkScan: a message that is nearly all payload, of values of one kind.
func BenchmarkScan(b *testing.B) {
	payloads := map[string]any{
		"integers": int64(1), "floats": 21.5, "texts": "lorem ipsum", "long text": strings.Repeat("lorem ipsum ", 1000),
		"not ASCII": strings.Repeat("Grüße aus Köln ", 1000), "dicts": wamp.Dict{"unit": "celsius", "ok": true, "n": int64(12)},
		"lists": wamp.List{int64(1), wamp.List{int64(2), wamp.List{}}},
	}
	for _, s := range serializers {
		for _, name := range slices.Sorted(maps.Keys(payloads)) {
			b.Run(fmt.Sprintf("%v/%s", s, name), func(b *testing.B) {
				m := mint{b, s, 16 << 10}
				benchmarkParse(b, s, m.yield(m.list(m.value(payloads[name]))))
			})
		}
	}
}

// BenchmarkHostile shows that the cost is linear: each shape must have about the same throughput at both sizes.
func BenchmarkHostile(b *testing.B) {
	for _, s := range serializers {
		for _, size := range []int{64 << 10, 1 << 20} {
			for _, bomb := range bombs(b, s, size) {
				b.Run(fmt.Sprintf("%v/%s/%d", s, bomb.name, size), func(b *testing.B) { benchmarkParse(b, s, bomb.bytes) })
			}
		}
	}
}

func benchmarkParse(b *testing.B, s wamp.Serializer, in []byte) {
	var p serializer.Parser
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = p.Parse(s, in)
		p.Reset()
	}
}
