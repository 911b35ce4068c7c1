package payload_test

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// sameValues compares Go values of payloads: integers by type and value, floats bit by bit.
var sameValues = cmp.Options{
	cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 }),
	cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }),
}

// decodeOne returns the Go value of the single encoded value b.
func decodeOne(s wamp.Serializer, b []byte) (any, error) {
	room := payload.NoLimit
	return payload.DecodeValue(s, b, &room)
}

func bigInt(digits string) *big.Int {
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		panic("not an integer: " + digits)
	}
	return n
}

// TestDecodeValue is the table of the package.
func TestDecodeValue(t *testing.T) {
	for _, row := range []struct {
		name string
		s    wamp.Serializer
		in   string
		want any
	}{
		{"null", wamp.JSON, `null`, nil},
		{"nil", wamp.MessagePack, "c0", nil},
		{"A-05 undefined", wamp.MessagePack, "d4 00 00", nil},
		{"null", wamp.CBOR, "f6", nil},
		{"A-05 undefined", wamp.CBOR, "f7", nil},
		{"bool", wamp.JSON, `true`, true},
		{"bool", wamp.CBOR, "f4", false},
		{"int64", wamp.JSON, `-9223372036854775808`, int64(math.MinInt64)},
		{"int64", wamp.MessagePack, "cf 7fffffffffffffff", int64(math.MaxInt64)},
		{"int64", wamp.CBOR, "c2 41 05", int64(5)},
		{"uint64", wamp.JSON, `9223372036854775808`, uint64(math.MaxInt64 + 1)},
		{"uint64", wamp.MessagePack, "cf ffffffffffffffff", uint64(math.MaxUint64)},
		{"uint64", wamp.CBOR, "1b 8000000000000000", uint64(math.MaxInt64 + 1)},
		{"SER-07 *big.Int", wamp.JSON, `-9223372036854775809`, bigInt("-9223372036854775809")},
		{"SER-07 *big.Int", wamp.JSON, `123456789012345678901234567890`, bigInt("123456789012345678901234567890")},
		{"SER-07 *big.Int", wamp.CBOR, "3b ffffffffffffffff", bigInt("-18446744073709551616")},
		{"SER-07 *big.Int", wamp.CBOR, "c3 49 010000000000000000", bigInt("-18446744073709551617")},
		{"float64", wamp.JSON, `1.0`, 1.0},
		{"float64", wamp.JSON, `-0.0`, math.Copysign(0, -1)},
		{"float64", wamp.MessagePack, "ca 3f800000", 1.0},
		{"float64", wamp.CBOR, "f9 3c00", 1.0},
		{"float64", wamp.CBOR, "f9 7c00", math.Inf(1)},
		{"string", wamp.JSON, `"gr\u00fcn"`, "grün"},
		{"string", wamp.CBOR, "7f 6161 6162 ff", "ab"},
		{"BJS-03 string", wamp.JSON, `"\u0000?"`, "\x00?"},
		{"BJS-02 []byte, vector 6.1", wamp.JSON, `"\u0000EOP/kFMHXFJvX8BtT+N82w=="`,
			encoded(t, wamp.CBOR, "10e3ff9053075c526f5fc06d4fe37cdb")},
		{"[]byte", wamp.MessagePack, "c400", []byte{}},
		{"[]byte", wamp.CBOR, "42 0001", []byte{0, 1}},
		{"empty list", wamp.CBOR, "9f ff", wamp.List{}},
		{"list", wamp.MessagePack, "92 01 91 a161", wamp.List{int64(1), wamp.List{"a"}}},
		{"empty dict", wamp.JSON, `{}`, wamp.Dict{}},
		{"BJS-04 dict", wamp.JSON, `{"\u0000":{"a":[null]},"b":1}`,
			wamp.Dict{"\x00": wamp.Dict{"a": wamp.List{nil}}, "b": int64(1)}},
		{"the last of equal keys", wamp.CBOR, "a2 6161 01 6161 02", wamp.Dict{"a": int64(2)}},
		{"SER-13 ext", wamp.MessagePack, "c7 03 fe 010203", payload.Ext{Type: -2, Data: []byte{1, 2, 3}}},
		{"timestamp ext", wamp.MessagePack, "d6 ff 00000001", payload.Ext{Type: -1, Data: []byte{0, 0, 0, 1}}},
		{"tag", wamp.CBOR, "c1 01", payload.Tag{Number: 1, Value: int64(1)}},
		{"tags", wamp.CBOR, "82 d8 20 c0 81 c1 01 02",
			wamp.List{payload.Tag{32, payload.Tag{0, wamp.List{payload.Tag{1, int64(1)}}}}, int64(2)}},
		{"tag in a dict", wamp.CBOR, "a2 6161 c0 a0 6162 02", wamp.Dict{"a": payload.Tag{0, wamp.Dict{}}, "b": int64(2)}},
	} {
		t.Run(row.s.String()+"/"+row.name, func(t *testing.T) {
			got, err := decodeOne(row.s, encoded(t, row.s, row.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, got, sameValues); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeValueErrors(t *testing.T) {
	for _, row := range []struct {
		name string
		s    wamp.Serializer
		in   string
	}{
		{"SER-09 key is not a text", wamp.MessagePack, "81 01 02"},
		{"SER-09 key is binary", wamp.CBOR, "a1 41 61 02"},
		{"SER-09 key has a tag", wamp.CBOR, "a1 c0 6161 02"},
		{"SER-08 invalid UTF-8", wamp.MessagePack, "a1 ff"},
		{"lone surrogate", wamp.JSON, `["\udfff"]`},
		{"lone surrogate in a key", wamp.JSON, `{"\udfff":1}`},
		{"out of range", wamp.JSON, `1e999`},
		{"simple value", wamp.CBOR, "f0"},
		{"tag without a value", wamp.CBOR, "9f c0 ff"},
		{"many tags", wamp.CBOR, strings.Repeat("c0", 1000) + "00"},
	} {
		if got, err := decodeOne(row.s, encoded(t, row.s, row.in)); !errors.Is(err, wamp.ErrInvalidPayload) {
			t.Errorf("%v %s: got %v, %v", row.s, row.name, got, err)
		}
	}
}

func TestDecodeElements(t *testing.T) {
	values := wamp.Payload{Args: wamp.List{1}, Kwargs: wamp.Dict{"a": 2}}
	for _, row := range []struct {
		name   string
		p      wamp.Payload
		args   wamp.List
		kwargs wamp.Dict
	}{
		{"empty", wamp.Payload{}, nil, nil},
		{"no elements", wamp.Payload{Serializer: wamp.CBOR}, nil, nil},
		{"values are returned as they are", values, values.Args, values.Kwargs},
		{"arguments", wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: []byte(`[1]`)}, wamp.List{int64(1)}, nil},
		{"both", wamp.Payload{Serializer: wamp.JSON, Elements: 2, Raw: []byte(`[] , {"a":1}`)}, wamp.List{}, wamp.Dict{"a": int64(1)}},
	} {
		args, kwargs, err := payload.Decode(&row.p)
		if diff := cmp.Diff([]any{row.args, row.kwargs, nil}, []any{args, kwargs, err}); diff != "" {
			t.Errorf("%s: %s", row.name, diff)
		}
	}
	for _, p := range []wamp.Payload{
		{Serializer: wamp.JSON, Elements: 1, Raw: []byte(`{}`)},
		{Serializer: wamp.JSON, Elements: 2, Raw: []byte(`[],[]`)},
		{Serializer: wamp.JSON, Elements: 2, Raw: []byte(`[],null`)},
	} {
		if _, _, err := payload.Decode(&p); !errors.Is(err, wamp.ErrInvalidPayload) {
			t.Errorf("%s: got %v", p.Raw, err)
		}
	}
}

func TestDecodeSharesNoMemory(t *testing.T) {
	raw := encoded(t, wamp.MessagePack, "94 a3616263 c40161 d40561 d8 05 61616161616161616161616161616161")
	args, _, err := payload.Decode(&wamp.Payload{Serializer: wamp.MessagePack, Elements: 1, Raw: raw})
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	want := wamp.List{"abc", []byte("a"), payload.Ext{5, []byte("a")}, payload.Ext{5, []byte("aaaaaaaaaaaaaaaa")}}
	if diff := cmp.Diff(want, args); diff != "" {
		t.Error(diff)
	}
}

func TestInexpressibleError(t *testing.T) {
	_, err := payload.AppendValue(nil, wamp.JSON, math.NaN())
	var inexpressible *payload.InexpressibleError
	if !errors.As(err, &inexpressible) || !errors.Is(err, wamp.ErrInvalidPayload) {
		t.Errorf("FLW-06: got %v", err)
	}
	if text := err.Error(); !strings.HasPrefix(text, "wamp.error.invalid_payload: JSON ") {
		t.Errorf("got %q", text)
	}
}

type (
	color   string
	level   int8
	ratio   float32
	octet   byte
	seconds time.Duration
	base    struct {
		ID   int `json:"id"`
		Note string
	}
	flag   bool
	weight float64
	Link   struct{ URL string }
	Mark   struct{ Sign string }
	Trait  struct{ Color, Hue string }
	figure struct {
		Link  `json:"link"`
		*Mark `json:"-"`
		Trait
		Own   string   `json:"Hue"`
		Flag  flag     `json:",omitempty"`
		Size  *int     `json:"size,omitempty"`
		Inner struct{} `json:",omitempty"`
	}
	record struct {
		base
		*Link
		Named    base `json:"named"`
		Name     string
		Skipped  string         `json:"-"`
		Empty    []int          `json:"empty,omitempty"`
		Zero     time.Time      `json:",omitzero"`
		Color    color          `json:"color,omitempty"`
		Level    *level         `json:"level"`
		Children map[color]bool `json:"children"`
		hidden   int
	}
)

func TestAppendValue(t *testing.T) {
	three, at := level(3), time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)
	for _, row := range []struct {
		name   string
		v      any
		shown  string // in CBOR
		asJSON string
	}{
		{"nil", nil, "f6", `null`},
		{"bool", true, "f5", `true`},
		{"int", -1, "20", `-1`},
		{"uint64", uint64(math.MaxUint64), "1bffffffffffffffff", `18446744073709551615`},
		{"wamp.ID", wamp.ID(24), "1818", `24`},
		{"named int", level(-3), "22", `-3`},
		{"named int64", seconds(1), "01", `1`},
		{"*big.Int", bigInt("-18446744073709551617"), "c349010000000000000000", `-18446744073709551617`},
		{"*big.Int that fits", big.NewInt(-5), "24", `-5`},
		{"nil *big.Int", (*big.Int)(nil), "f6", `null`},
		{"float64", 1.0, "fb3ff0000000000000", `1.0`},
		{"float32", float32(0.5), "fa3f000000", `0.5`},
		{"named float32", ratio(0.5), "fa3f000000", `0.5`},
		{"named float64", weight(0.5), "fb3fe0000000000000", `0.5`},
		{"named bool", flag(true), "f5", `true`},
		{"uint8", uint8(200), "18c8", `200`},
		{"string", "a\n", "62610a", `"a\n"`},
		{"named string", color("red"), "63726564", `"red"`},
		{"BJS-01 []byte", []byte{0x10, 0xe3, 0xff}, "4310e3ff", `"\u0000EOP/"`},
		{"array of bytes", [3]byte{0x10, 0xe3, 0xff}, "4310e3ff", `"\u0000EOP/"`},
		{"slice of named bytes", []octet{1}, "4101", `"\u0000AQ=="`},
		{"nil []byte", []byte(nil), "40", `"\u0000"`},
		{"wamp.List", wamp.List{1, wamp.List{}, nil}, "830180f6", `[1,[],null]`},
		{"nil wamp.List", wamp.List(nil), "80", `[]`},
		{"slice", []string{"a", "b"}, "8261616162", `["a","b"]`},
		{"array", [2]bool{true, false}, "82f5f4", `[true,false]`},
		{"wamp.Dict, sorted", wamp.Dict{"b": 1, "a": wamp.Dict{}, "aa": 2}, "a36161a062616102616201", `{"a":{},"aa":2,"b":1}`},
		{"map, sorted", map[color]int{"b": 1, "a": 2}, "a2616102616201", `{"a":2,"b":1}`},
		{"nil map", map[string]int(nil), "a0", `{}`},
		{"pointer", &three, "03", `3`},
		{"nil pointer", (*level)(nil), "f6", `null`},
		{"text marshaler", at, "74323032362d31312d32325430313a30323a30335a", `"2026-11-22T01:02:03Z"`},
		{"pointer to text marshaler", &at, "74323032362d31312d32325430313a30323a30335a", `"2026-11-22T01:02:03Z"`},
		{"empty struct", struct{}{}, "a0", `{}`},
		{"struct", record{base: base{ID: 1}, Level: &three, Children: map[color]bool{"x": true}, hidden: 7},
			"a6 626964 01 644e6f7465 60 656e616d6564 a2 626964 00 644e6f7465 60 644e616d65 60 656c6576656c 03 686368696c6472656e a1 6178 f5",
			`{"id":1,"Note":"","named":{"id":0,"Note":""},"Name":"","level":3,"children":{"x":true}}`},
		{"embedded under a name, or not", figure{Link: Link{"u"}, Mark: &Mark{"m"}, Trait: Trait{"c", "h"}},
			"a4 646c696e6b a1 6355524c 6175 65436f6c6f72 6163 63487565 6168 65496e6e6572 a0",
			`{"link":{"URL":"u"},"Color":"c","Hue":"h","Inner":{}}`},
		{"embedded pointer", struct{ *Link }{&Link{"u"}}, "a1 6355524c 6175", `{"URL":"u"}`},
	} {
		for s, want := range map[wamp.Serializer]string{wamp.CBOR: row.shown, wamp.JSON: row.asJSON} {
			got, err := payload.AppendValue([]byte("before"), s, row.v)
			if err != nil {
				t.Errorf("%s in %v: %v", row.name, s, err)
				continue
			}
			if want := append([]byte("before"), encoded(t, s, want)...); !bytes.Equal(got, want) {
				t.Errorf("%s in %v: got %s, want %s", row.name, s, shown(s, got), shown(s, want))
			}
		}
	}
}

func TestAppendValueMessagePack(t *testing.T) {
	for _, row := range []struct {
		name  string
		v     any
		shown string
	}{
		{"int", -33, "d0df"},
		{"float32", float32(0.5), "ca3f000000"},
		{"SER-13 ext of a fixed length", payload.Ext{Type: -2, Data: make([]byte, 8)}, "d7 fe 0000000000000000"},
		{"SER-13 ext", payload.Ext{Type: 5, Data: []byte{1, 2, 3}}, "c7 03 05 010203"},
		{"SER-13 empty ext", payload.Ext{Type: 5}, "c7 00 05"},
		{"binary", []byte{1}, "c40101"},
		{"dict", wamp.Dict{"b": "x", "a": []byte{}}, "82 a161 c400 a162 a178"},
	} {
		got, err := payload.AppendValue(nil, wamp.MessagePack, row.v)
		if want := encoded(t, wamp.MessagePack, row.shown); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, %v; want %x", row.name, got, err, want)
		}
	}
	got, err := payload.AppendValue(nil, wamp.CBOR, wamp.List{payload.Tag{32, payload.Tag{1, "u"}}})
	if want := encoded(t, wamp.CBOR, "81 d820 c1 6175"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("tags in CBOR: got %x, %v; want %x", got, err, want)
	}
}

func TestAppendValueErrors(t *testing.T) {
	list, dict := make(wamp.List, 1), wamp.Dict{}
	list[0], dict["self"] = dict, list
	type node struct{ Next *node }
	ring := &node{}
	ring.Next = ring
	var knot any
	knot = &knot
	tagged := wamp.List{nil}
	tagged[0] = payload.Tag{1, tagged}
	for _, row := range []struct {
		name string
		s    wamp.Serializer
		v    any
	}{
		{"NaN", wamp.JSON, math.NaN()},
		{"infinity", wamp.JSON, float32(math.Inf(-1))},
		{"invalid UTF-8", wamp.CBOR, "\xff"},
		{"invalid UTF-8 in a key", wamp.JSON, wamp.Dict{"\xff": 1}},
		{"ext in JSON", wamp.JSON, wamp.List{payload.Ext{}}},
		{"ext in CBOR", wamp.CBOR, payload.Ext{}},
		{"tag in JSON", wamp.JSON, payload.Tag{1, 1}},
		{"tag in MessagePack", wamp.MessagePack, payload.Tag{1, 1}},
		{"large integer in MessagePack", wamp.MessagePack, bigInt("18446744073709551616")},
		{"very large integer in JSON", wamp.JSON, new(big.Int).Lsh(big.NewInt(1), 8*maxLargeInteger)},
		{"channel", wamp.CBOR, make(chan int)},
		{"function", wamp.JSON, wamp.Dict{"f": func() {}}},
		{"complex number", wamp.JSON, 1i},
		{"map with other keys", wamp.MessagePack, map[int]int{1: 2}},
		{"error", wamp.CBOR, errors.New("not a value")},
		{"text marshaler that fails", wamp.JSON, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"list in itself", wamp.CBOR, list},
		{"dict in itself", wamp.JSON, dict},
		{"struct in itself", wamp.MessagePack, ring},
		{"pointer to itself", wamp.JSON, knot},
		{"tag in itself", wamp.CBOR, tagged},
	} {
		dst := []byte("before")
		got, err := payload.AppendValue(dst, row.s, row.v)
		if !errors.Is(err, wamp.ErrInvalidPayload) || string(got) != "before" {
			t.Errorf("%s: got %q, %v", row.name, got, err)
		}
	}
}

// TestAppendValueDepth: the deepest value that is written is one that can be read (SER-11).
func TestAppendValueDepth(t *testing.T) {
	nest := func(depth int) any {
		v := any(int32(1))
		for range depth {
			v = wamp.List{v}
		}
		return v
	}
	for _, s := range serializers {
		b, err := payload.AppendValue(nil, s, nest(maxDepth))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeOne(s, b); err != nil {
			t.Errorf("%v: %v", s, err)
		}
		if _, err := payload.AppendValue(nil, s, nest(maxDepth+1)); !errors.Is(err, wamp.ErrInvalidPayload) {
			t.Errorf("%v: got %v", s, err)
		}
	}
}

func TestAppendPayload(t *testing.T) {
	args, kwargs := wamp.List{1}, wamp.Dict{"a": 2}
	raw := func(s wamp.Serializer, elements uint8, in string) wamp.Payload {
		return wamp.Payload{Serializer: s, Elements: elements, Raw: encoded(t, s, in)}
	}
	for _, row := range []struct {
		name     string
		p        wamp.Payload
		elements int
		out      [3]string // JSON, MessagePack, CBOR
	}{
		{"MSG-03 empty", wamp.Payload{}, 0, [3]string{}},
		{"MSG-03 empty, not nil", wamp.Payload{Args: wamp.List{}, Kwargs: wamp.Dict{}}, 0, [3]string{}},
		{"MSG-03 arguments", wamp.Payload{Args: args, Kwargs: wamp.Dict{}}, 1, [3]string{`,[1]`, "91 01", "81 01"}},
		{"MSG-03 keyword arguments", wamp.Payload{Kwargs: kwargs}, 2, [3]string{`,[],{"a":2}`, "90 81 a161 02", "80 a1 6161 02"}},
		{"both", wamp.Payload{Args: args, Kwargs: kwargs}, 2, [3]string{`,[1],{"a":2}`, "91 01 81 a161 02", "81 01 a1 6161 02"}},
		{"no elements", raw(wamp.JSON, 0, ""), 0, [3]string{}},
		{"SER-14 from JSON", raw(wamp.JSON, 2, `[ 1 ] ,{"a":2}`), 2, [3]string{`,[ 1 ] ,{"a":2}`, "91 01 81 a161 02", "81 01 a1 6161 02"}},
		{"SER-14 from MessagePack", raw(wamp.MessagePack, 1, "91 cc01"), 1, [3]string{`,[1]`, "91 cc01", "81 01"}},
		{"SER-14 from CBOR", raw(wamp.CBOR, 1, "9f 1801 ff"), 1, [3]string{`,[1]`, "91 01", "9f 1801 ff"}},
		{"PPT-09", wamp.Payload{Args: wamp.List{[]byte{0x10, 0xe3, 0xff}}}, 1,
			[3]string{`,["\u0000EOP/"]`, "91 c403 10e3ff", "81 43 10e3ff"}},
	} {
		if got := payload.Elements(&row.p); got != row.elements {
			t.Errorf("%s: got %d elements, want %d", row.name, got, row.elements)
		}
		for i, to := range serializers {
			got, err := payload.Append([]byte("before"), to, &row.p)
			want := append([]byte("before"), encoded(t, to, row.out[i])...)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s to %v: got %s, %v; want %s", row.name, to, shown(to, got), err, shown(to, want))
			}
		}
	}
}

func TestAppendPayloadErrors(t *testing.T) {
	for _, p := range []wamp.Payload{
		{Args: wamp.List{1, math.NaN()}},
		{Args: wamp.List{1}, Kwargs: wamp.Dict{"a": math.NaN()}},
		{Serializer: wamp.CBOR, Elements: 1, Raw: encoded(t, wamp.CBOR, "82 01 c1 01")},
	} {
		got, err := payload.Append([]byte("before"), wamp.JSON, &p)
		if !errors.Is(err, wamp.ErrInvalidPayload) || string(got) != "before" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func TestEncodeValues(t *testing.T) {
	for _, s := range serializers {
		p := wamp.Payload{Kwargs: wamp.Dict{"a": int64(1)}}
		got, err := payload.Encode(s, &p)
		if err != nil || got.Serializer != s || got.Elements != 2 {
			t.Fatalf("%v: got %+v, %v", s, got, err)
		}
		args, kwargs, err := payload.Decode(&got)
		if diff := cmp.Diff([]any{wamp.List{}, p.Kwargs, nil}, []any{args, kwargs, err}); diff != "" {
			t.Errorf("MSG-03 in %v: %s", s, diff)
		}
		if got, err := payload.Encode(s, &wamp.Payload{}); err != nil || !got.Empty() || got.Serializer != s {
			t.Errorf("empty in %v: got %+v, %v", s, got, err)
		}
		if got, err := payload.Encode(s, &wamp.Payload{Args: wamp.List{"\xff"}}); err == nil || got.Raw != nil {
			t.Errorf("invalid in %v: got %+v, %v", s, got, err)
		}
	}
}
