package payload_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// generator makes random Go values of payloads, the same from the same seed.
type generator struct {
	*rand.Rand
	large bool // make integers beyond 64 bits too
}

func newGenerator(seed uint64, large bool) generator {
	return generator{Rand: rand.New(rand.NewPCG(seed, 0)), large: large}
}

// value returns a value in which containers lie at most depth deep.
func (g generator) value(depth int) any {
	kinds := 8
	if depth > 0 {
		kinds += 4
	}
	switch g.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return g.IntN(2) == 0
	case 2, 3:
		return g.integer()
	case 4:
		return g.float()
	case 5, 6:
		return g.text()
	case 7:
		return g.binary()
	case 8, 9:
		return g.list(depth)
	}
	return g.dict(depth)
}

func (g generator) list(depth int) wamp.List {
	list := wamp.List{}
	for range g.size() {
		list = append(list, g.value(depth-1))
	}
	return list
}

func (g generator) dict(depth int) wamp.Dict {
	dict := wamp.Dict{}
	for range g.size() {
		dict[g.text()] = g.value(depth - 1)
	}
	return dict
}

// size returns the size of a container: mostly small, sometimes beyond what one byte can say.
func (g generator) size() int {
	if g.IntN(8) == 0 {
		return 12 + g.IntN(20)
	}
	return g.IntN(5)
}

func (g generator) integer() any {
	bits := g.Uint64() >> g.IntN(64)
	switch g.IntN(6) {
	case 0, 1:
		return -1 - int64(bits>>1)
	case 2:
		return math.MaxInt64 + 1 + bits>>1
	case 3:
		if g.large {
			n := new(big.Int).SetUint64(bits | 1<<63)
			return n.Mul(n, big.NewInt(-4-int64(bits>>2)))
		}
	}
	return int64(bits >> 1)
}

func (g generator) float() float64 {
	switch g.IntN(3) {
	case 0:
		return float64(g.IntN(2000) - 1000)
	case 1:
		return float64(float32(g.NormFloat64()))
	}
	for {
		if f := math.Float64frombits(g.Uint64()); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
}

// text returns a text that does not begin with U+0000, which JSON cannot tell from binary (BJS-05).
func (g generator) text() string {
	characters := []rune("abcdefghijklmnopqrstuvwxyz0123456789 \"\\/\b\n\x01\x00\x7fäß€\u2028\ufffd😀")
	text := []rune{'a'}
	for range g.IntN(1 << g.IntN(7)) {
		text = append(text, characters[g.IntN(len(characters))])
	}
	return string(text)
}

func (g generator) binary() []byte {
	data := make([]byte, g.IntN(1<<g.IntN(7)))
	for i := range data {
		data[i] = byte(g.Uint32())
	}
	return data
}

func mustAppend(t testing.TB, s wamp.Serializer, v any) []byte {
	t.Helper()
	b, err := payload.AppendValue(nil, s, v)
	if err != nil {
		t.Fatalf("%v cannot express %v: %v", s, v, err)
	}
	return b
}

// checkJourney sends a value through serializers until it is back, and asks for the very bytes of the start: what
// AppendValue writes is the shortest form everywhere, and the order of keys is kept.
func checkJourney(t *testing.T, v any, way ...wamp.Serializer) {
	t.Helper()
	start := mustAppend(t, way[0], v)
	b := start
	for i, to := range append(way[1:], way[0]) {
		next, err := convert(to, way[i], b)
		if err != nil {
			t.Fatalf("%v to %v: %v\n%s", way[i], to, err, shown(way[i], b))
		}
		if here := mustAppend(t, to, v); !bytes.Equal(next, here) {
			t.Fatalf("%v to %v: transcoded\n%s\nencoded\n%s", way[i], to, shown(to, next), shown(to, here))
		}
		b = next
	}
	if !bytes.Equal(b, start) {
		t.Fatalf("on the way %v\n%s\nbecame\n%s", way, shown(way[0], start), shown(way[0], b))
	}
	got, err := decodeOne(way[0], b)
	if diff := cmp.Diff(v, got, sameValues); err != nil || diff != "" {
		t.Fatalf("decoded from %v: %v %s", way[0], err, diff)
	}
}

// TestTranscodeJourney: SER-03, SER-07, MSG-09, BJS-04.
func TestTranscodeJourney(t *testing.T) {
	for seed := range uint64(300) {
		v := newGenerator(seed, false).value(5)
		checkJourney(t, v, wamp.JSON, wamp.MessagePack, wamp.CBOR)
		checkJourney(t, v, wamp.MessagePack, wamp.JSON, wamp.CBOR)
		checkJourney(t, v, wamp.CBOR, wamp.MessagePack, wamp.JSON)
		checkJourney(t, newGenerator(seed, true).value(5), wamp.JSON, wamp.CBOR)
	}
}

// TestLibrariesAgree compares with other people's encoders and decoders.
func TestLibrariesAgree(t *testing.T) {
	for seed := range uint64(300) {
		for _, s := range serializers {
			v := newGenerator(seed, s == wamp.CBOR).value(5)
			theirs, err := decodeWithLibrary(s, mustAppend(t, s, v))
			if diff := cmp.Diff(v, theirs, sameValues); err != nil || diff != "" {
				t.Fatalf("a library decodes our %v differently: %v %s", s, err, diff)
			}
			encoded, err := encodeWithLibrary(s, v)
			if err != nil {
				t.Fatal(err)
			}
			ours, err := decodeOne(s, encoded)
			if diff := cmp.Diff(v, ours, sameValues); err != nil || diff != "" {
				t.Fatalf("we decode the %v of a library differently: %v %s", s, err, diff)
			}
		}
	}
}

func encodeWithLibrary(s wamp.Serializer, v any) ([]byte, error) {
	switch s {
	case wamp.CBOR:
		return cbor.Marshal(v)
	case wamp.MessagePack:
		return msgp.AppendIntf(nil, v)
	}
	return json.Marshal(forJSON(v))
}

func decodeWithLibrary(s wamp.Serializer, b []byte) (v any, err error) {
	switch s {
	case wamp.CBOR:
		err = deepCBOR.Unmarshal(b, &v)
	case wamp.MessagePack:
		v, _, err = msgp.ReadIntfBytes(b)
	default:
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		err = d.Decode(&v)
	}
	return fromLibrary(v), err
}

// forJSON writes what encoding/json would write differently: floats, and binary data (BJS-01).
func forJSON(v any) any {
	switch v := v.(type) {
	case float64:
		b, _ := json.Marshal(v)
		if !bytes.ContainsAny(b, ".e") {
			b = append(b, "e0"...)
		}
		return json.RawMessage(b)
	case []byte:
		return "\x00" + string(base64.StdEncoding.AppendEncode(nil, v))
	case wamp.List:
		list := slices.Clone(v)
		for i := range list {
			list[i] = forJSON(list[i])
		}
		return list
	case wamp.Dict:
		dict := wamp.Dict{}
		for key, value := range v {
			dict[key] = forJSON(value)
		}
		return dict
	}
	return v
}

// fromLibrary makes a value that a library decoded one of those that this package decodes.
func fromLibrary(v any) any {
	switch v := v.(type) {
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v)
		}
	case big.Int:
		return &v
	case float32:
		return float64(v)
	case json.Number:
		return fromNumber(v)
	case string:
		if len(v) > 0 && v[0] == 0 {
			data, _ := base64.StdEncoding.DecodeString(v[1:])
			return data
		}
	case []byte:
		return append([]byte{}, v...) // not nil
	case []any:
		for i := range v {
			v[i] = fromLibrary(v[i])
		}
	case map[any]any:
		dict := wamp.Dict{}
		for key, value := range v {
			dict[key.(string)] = fromLibrary(value)
		}
		return dict
	case map[string]any:
		for key := range v {
			v[key] = fromLibrary(v[key])
		}
	}
	return v
}

func fromNumber(number json.Number) any {
	if n, ok := new(big.Int).SetString(string(number), 10); ok {
		switch {
		case n.IsInt64():
			return n.Int64()
		case n.IsUint64():
			return n.Uint64()
		}
		return n
	}
	f, _ := number.Float64()
	return f
}

// deepCBOR decodes CBOR as deep as this package allows.
var deepCBOR = func() cbor.DecMode {
	mode, err := cbor.DecOptions{MaxNestedLevels: 2 * maxDepth}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// wellFormed reports whether a library takes b for one complete value.
func wellFormed(s wamp.Serializer, b []byte) bool {
	switch s {
	case wamp.CBOR:
		return deepCBOR.Wellformed(b) == nil
	case wamp.MessagePack:
		rest, err := msgp.Skip(b)
		return err == nil && len(rest) == 0
	}
	return json.Valid(b) && utf8.Valid(b)
}

// FuzzTranscode gives every pair of serializers bytes, whole and broken ones. Nothing panics; what is made of a
// well-formed value is well-formed, and means what the value means: to transcode is to decode and encode.
func FuzzTranscode(f *testing.F) {
	for i, s := range serializers {
		for seed := range uint64(8) {
			b := mustAppend(f, s, newGenerator(seed, s != wamp.MessagePack).value(4))
			f.Add(uint8(2*i), b)
			f.Add(uint8(2*i+1), b)
		}
	}
	for i, in := range []string{`["\u0000QQ==","\ud83d\ude00\ud800",1.0,-1e-7,{"\u0000":[ ]}]`, `-123456789012345678901234567890`} {
		f.Add(uint8(i), []byte(in))
	}
	for _, in := range []string{"9fbf6161ff7f6161ffff", "c25f4101ff", "a1f97e00f7", "82d8208101c1fa7f800001", "9f9f9fffffff"} {
		f.Add(uint8(4), encoded(f, wamp.CBOR, in))
		f.Add(uint8(5), encoded(f, wamp.CBOR, in))
	}
	f.Add(uint8(3), encoded(f, wamp.MessagePack, "96d40000d6ff00000000c70105ffca7f800001df000000010102a100"))
	f.Fuzz(func(t *testing.T, way uint8, in []byte) {
		from := serializers[way/2%3]
		to := serializers[(int(way/2%3)+1+int(way%2))%3]
		out, err := convert(to, from, in)
		value, decodeErr := decodeOne(from, in)
		if !wellFormed(from, in) {
			return
		}
		if decodeErr == nil {
			checkRefusal(t, from, to, value)
		}
		if err != nil {
			return
		}
		if !wellFormed(to, out) {
			t.Fatalf("%v %s\nbecame malformed %v %s", from, shown(from, in), to, shown(to, out))
		}
		checkReturn(t, from, to, in, out)
		if decodeErr == nil {
			checkMeaning(t, to, value, out)
		}
	})
}

// checkRefusal: what has been decoded can be encoded again, and is refused in another serializer either both from
// its bytes and from its Go value, or neither.
func checkRefusal(t *testing.T, from, to wamp.Serializer, v any) {
	_, transcodeErr := convert(to, from, mustAppend(t, from, v))
	_, encodeErr := payload.AppendValue(nil, to, v)
	if (transcodeErr == nil) != (encodeErr == nil) {
		t.Fatalf("%v to %v: transcode says %v, encode says %v: %v", from, to, transcodeErr, encodeErr, v)
	}
}

// checkMeaning compares what has been transcoded with what is encoded from Go values.
func checkMeaning(t *testing.T, to wamp.Serializer, v any, transcoded []byte) {
	got, err := decodeOne(to, transcoded)
	if err != nil {
		t.Fatalf("transcoded to %v, cannot be decoded: %v\n%s", to, err, shown(to, transcoded))
	}
	want, err := decodeOne(to, mustAppend(t, to, v))
	if diff := cmp.Diff(want, got, sameValues); err != nil || diff != "" {
		t.Fatalf("to %v: %v %s", to, err, diff)
	}
}

// checkReturn: whatever came from JSON can go back and means the same.
func checkReturn(t *testing.T, from, to wamp.Serializer, in, out []byte) {
	if from != wamp.JSON {
		return
	}
	back, err := convert(from, to, out)
	if err != nil {
		t.Fatalf("%s\ncannot go back from %v: %v", in, to, err)
	}
	want, err1 := decodeOne(from, in)
	got, err2 := decodeOne(from, back)
	if diff := cmp.Diff(want, got, sameValues); err1 != nil || err2 != nil || diff != "" {
		t.Fatalf("%s\nto %v and back: %v %v %s", in, to, err1, err2, diff)
	}
}
