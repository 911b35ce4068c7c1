package serializer_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
	"github.com/tinylib/msgp/msgp"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

func FuzzParseJSON(f *testing.F)        { fuzzParse(f, wamp.JSON) }
func FuzzParseMessagePack(f *testing.F) { fuzzParse(f, wamp.MessagePack) }
func FuzzParseCBOR(f *testing.F)        { fuzzParse(f, wamp.CBOR) }

// fuzzParse gives the parser bytes. Nothing panics or takes much memory (P16); what is accepted can be appended again
// and means the same, in the other serializers too; and what is well formed is decided as others decide it.
func fuzzParse(f *testing.F, s wamp.Serializer) {
	for _, m := range samples() {
		f.Add(frame(f, s, m.message))
	}
	for _, b := range bombs(f, s, 200) {
		f.Add(b.bytes)
	}
	for _, bad := range malformed[s] {
		f.Add(list(s, string(value(f, s, 70)), string(value(f, s, 1)), entries(s), bad))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if n := allocated(func() { _, _ = serializer.Parse(s, in) }); n > 128<<10+32*len(in) { // others allocate too
			t.Errorf("%d bytes allocated for %d", n, len(in))
		}
		checkAccepted(t, s, in)
		checkPayload(t, s, in)
	})
}

// checkPayload takes the bytes for an argument, and compares whether it is accepted with what a library says.
func checkPayload(t testing.TB, s wamp.Serializer, in []byte) {
	t.Helper()
	args := list(s, string(in))
	m, err := serializer.Parse(s, list(s, string(value(t, s, 70)), string(value(t, s, 1)), entries(s), string(args)))
	if err == nil && !bytes.Equal(m.(*wamp.Yield).Payload.Raw, args) {
		t.Errorf("%v %q became %q", s, args, m.(*wamp.Yield).Payload.Raw)
	}
	if strconv.IntSize == 32 {
		return // where the libraries take a length for a negative number
	}
	if ours, theirs := err == nil, wellFormed(s, args); ours != theirs && !isTooDeep(err) {
		t.Errorf("%v %q as an argument: accepted %v (%v), well formed %v", s, in, ours, err, theirs)
	}
}

// isTooDeep reports whether an error says so. Others have other limits; TestSER11Depth knows ours.
func isTooDeep(err error) bool { return err != nil && strings.Contains(err.Error(), "deep") }

// wellFormed reports whether others take b for one value.
func wellFormed(s wamp.Serializer, b []byte) bool {
	switch s {
	case wamp.JSON:
		return json.Valid(b) && utf8.Valid(b)
	case wamp.MessagePack:
		rest, err := msgp.Skip(b)
		return err == nil && len(rest) == 0 && !hasReserved(&b)
	default:
		return deepCBOR.Wellformed(b) == nil
	}
}

// hasReserved reports whether there is the byte that MessagePack never uses in a value that is well formed otherwise.
// It skips the value.
func hasReserved(b *[]byte) bool {
	n := uint32(0)
	switch msgp.NextType(*b) {
	case msgp.InvalidType:
		return true
	case msgp.ArrayType:
		n, *b, _ = msgp.ReadArrayHeaderBytes(*b)
	case msgp.MapType:
		n, *b, _ = msgp.ReadMapHeaderBytes(*b)
		n *= 2
	default:
		*b, _ = msgp.Skip(*b)
	}
	for range n {
		if hasReserved(b) {
			return true
		}
	}
	return false
}

// deepCBOR has limits that are beyond ours.
var deepCBOR = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		MaxNestedLevels: 1000, MaxArrayElements: math.MaxInt32, MaxMapPairs: math.MaxInt32,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// equal reports whether two messages are the same. It does what cmp.Equal does, which takes exponential time for lists
// that are deep, but for a NaN, which must become a NaN.
func equal(t testing.TB, a, b wamp.Message) bool {
	t.Helper()
	if reflect.DeepEqual(a, b) {
		return true
	}
	isNaN := func(v reflect.Value) bool { return v.Kind() == reflect.Float64 && math.IsNaN(v.Float()) }
	return contains(reflect.ValueOf(a), isNaN) && bytes.Equal(frame(t, wamp.CBOR, a), frame(t, wamp.CBOR, b))
}

// checkMeaning compares a message with what it became in another serializer.
func checkMeaning(t testing.TB, before, after wamp.Message) {
	t.Helper()
	before, after = tryDecode(before), tryDecode(after)
	if before == nil || contains(reflect.ValueOf(before), isAmbiguous) {
		return
	}
	if after == nil || !equal(t, before, after) {
		t.Errorf("the meaning changes: %+v, %+v", before, after)
	}
}

// tryDecode returns a copy of a message with Go values for a payload, nil if it has values for which Go has none.
func tryDecode(m wamp.Message) wamp.Message {
	p := wamp.PayloadOf(m)
	if p == nil {
		return m
	}
	args, kwargs, err := payload.Decode(p)
	if err != nil {
		return nil
	}
	same := reflect.New(reflect.TypeOf(m).Elem())
	same.Elem().Set(reflect.ValueOf(m).Elem())
	m = same.Interface().(wamp.Message)
	*wamp.PayloadOf(m) = wamp.Payload{Args: args, Kwargs: kwargs}
	return m
}

// isAmbiguous reports whether v is a text that begins with U+0000, which JSON cannot tell from binary (BJS-05).
func isAmbiguous(v reflect.Value) bool {
	return v.Kind() == reflect.String && len(v.String()) > 0 && v.String()[0] == 0
}

// contains reports whether something in v is what is asks for.
func contains(v reflect.Value, is func(reflect.Value) bool) bool {
	if is(v) {
		return true
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && contains(v.Elem(), is)
	case reflect.Struct:
		for i := range v.NumField() {
			if contains(v.Field(i), is) {
				return true
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if contains(v.Index(i), is) {
				return true
			}
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			if contains(entry.Value(), is) {
				return true
			}
		}
	}
	return false
}

// FuzzSplice: to pass a payload on as bytes is to decode and encode it; and so it is to pass it on in another
// serializer.
func FuzzSplice(f *testing.F) {
	for i, s := range serializers {
		for _, m := range samples() {
			if p := wamp.PayloadOf(m.message); p != nil {
				encoded, err := payload.Encode(s, p)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(uint8(i), encoded.Raw)
			}
		}
		for _, in := range nested(s, 6) {
			f.Add(uint8(i), []byte(in))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, in []byte) {
		s := serializers[which%3]
		m, err := serializer.Parse(s, list(s, string(value(t, s, 70)), string(value(t, s, 1)), entries(s), string(in)))
		if err != nil {
			return
		}
		yield := m.(*wamp.Yield)
		for _, to := range serializers {
			checkSplice(t, to, yield.Payload)
		}
	})
}

// checkSplice compares a payload that is spliced or transcoded with one that is decoded and encoded.
func checkSplice(t *testing.T, to wamp.Serializer, p wamp.Payload) {
	args, kwargs, err := payload.Decode(&p)
	if err != nil {
		return
	}
	plain := &wamp.Result{Request: 1, Payload: wamp.Payload{Args: args, Kwargs: kwargs}}
	spliced, err1 := serializer.Append(nil, to, &wamp.Result{Request: 1, Payload: p})
	encoded, err2 := serializer.Append(nil, to, plain)
	if (err1 == nil) != (err2 == nil) {
		t.Fatalf("%q to %v: spliced %v, encoded %v", p.Raw, to, err1, err2)
	}
	if err1 != nil || contains(reflect.ValueOf(plain), isAmbiguous) {
		return
	}
	// Empty arguments are passed on, but left out of what is encoded; so compare what both are encoded as.
	again, err1 := serializer.Append(nil, to, tryDecode(parse(t, to, spliced)))
	want, err2 := serializer.Append(nil, to, tryDecode(parse(t, to, encoded)))
	if err1 != nil || err2 != nil || !bytes.Equal(want, again) {
		t.Fatalf("%q to %v: %q, want %q (%v, %v)", p.Raw, to, again, want, err1, err2)
	}
}
