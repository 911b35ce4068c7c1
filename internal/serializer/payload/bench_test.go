package payload_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// sample returns a payload of records that takes about size bytes in a serializer.
func sample(t testing.TB, s wamp.Serializer, size int) wamp.Payload {
	t.Helper()
	p := wamp.Payload{Args: wamp.List{}}
	for i := 0; ; i++ {
		p.Args = append(p.Args, wamp.Dict{
			"id": 100000 + i, "name": "Ada Lovelace", "price": 12.75, "ok": true, "tags": wamp.List{"a", "bc"},
			"note": "the quick brown fox",
		})
		encoded, err := payload.Encode(s, &p)
		if err != nil {
			t.Fatal(err)
		}
		if len(encoded.Raw) > size*7/8 {
			return encoded
		}
	}
}

func eachWay(run func(from, to wamp.Serializer, size int)) {
	for _, from := range serializers {
		for _, to := range serializers {
			for _, size := range []int{256, 4096} {
				if from != to {
					run(from, to, size)
				}
			}
		}
	}
}

func BenchmarkTranscode(b *testing.B) {
	eachWay(func(from, to wamp.Serializer, size int) {
		b.Run(fmt.Sprintf("%v-%v/%d", from, to, size), func(b *testing.B) {
			p, dst := sample(b, from, size), make([]byte, 0, 2*size)
			b.SetBytes(int64(len(p.Raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := payload.Append(dst, to, &p); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkTranscodeText transcodes 4 KiB of one text or binary.
func BenchmarkTranscodeText(b *testing.B) {
	text := make([]byte, 4096)
	for i := range text {
		text[i] = "lorem ipsum dolor sit amet "[i%27]
	}
	for name, v := range map[string]any{"text": string(text), "binary": text} {
		for _, way := range [][2]wamp.Serializer{{wamp.JSON, wamp.CBOR}, {wamp.CBOR, wamp.JSON}} {
			b.Run(fmt.Sprintf("%s/%v-%v", name, way[0], way[1]), func(b *testing.B) {
				p, err := payload.Encode(way[0], &wamp.Payload{Args: wamp.List{v}})
				if err != nil {
					b.Fatal(err)
				}
				dst := make([]byte, 0, 8192)
				b.SetBytes(int64(len(p.Raw)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := payload.Append(dst, way[1], &p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, s := range serializers {
		b.Run(s.String()+"/256", func(b *testing.B) {
			p := sample(b, s, 256)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := payload.Decode(&p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, s := range serializers {
		b.Run(s.String()+"/256", func(b *testing.B) {
			raw := sample(b, s, 256)
			args, kwargs, err := payload.Decode(&raw)
			if err != nil {
				b.Fatal(err)
			}
			p, dst := wamp.Payload{Args: args, Kwargs: kwargs}, make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := payload.Append(dst, s, &p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// hostile returns JSON of about n bytes that is made to be slow.
func hostile(n int) map[string][]byte {
	list := func(item string) []byte {
		return []byte("[" + strings.Repeat(item+",", n/(len(item)+1)) + item + "]")
	}
	wide := strings.Repeat("0,", 24)
	return map[string][]byte{
		"lists":    list("[]"),
		"wide":     list("[" + wide + "0]"),
		"nested":   []byte(strings.Repeat("["+wide, maxDepth-1) + string(list("0")) + strings.Repeat("]", maxDepth-1)),
		"escapes":  []byte(`"` + strings.Repeat(`\"`, n/2) + `"`),
		"almost":   list(`"\u0000AAAAAAAA="`),
		"integers": list(strings.Repeat("9", maxLargeIntegerDigits-1)),
		"floats":   list("0." + strings.Repeat("0", 330) + strings.Repeat("9", 400)),
		"keys":     []byte("{" + strings.Repeat(`"":{},`, n/6) + `"":0}`),
	}
}

// BenchmarkTranscodeHostile shows that the cost is linear: each shape must have the same throughput at both sizes.
func BenchmarkTranscodeHostile(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20} {
		for name, in := range hostile(size) {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.SetBytes(int64(len(in)))
				for b.Loop() {
					if _, err := convert(wamp.CBOR, wamp.JSON, in); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkLargestInteger is the worst that an integer can cost for its size.
func BenchmarkLargestInteger(b *testing.B) {
	digits := make([]byte, maxLargeIntegerDigits-1)
	for i := range digits {
		digits[i] = '9'
	}
	bignum, err := convert(wamp.CBOR, wamp.JSON, digits)
	if err != nil {
		b.Fatal(err)
	}
	for from, in := range map[wamp.Serializer][]byte{wamp.JSON: digits, wamp.CBOR: bignum} {
		b.Run("from "+from.String(), func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, err := convert(wamp.JSON+wamp.CBOR-from, from, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
