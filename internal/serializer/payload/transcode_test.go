package payload_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// The bounds that the package keeps to.
const (
	maxDepth              = 127  // of a value (SER-11)
	maxLargeInteger       = 4096 // bytes of an integer that is converted to or from decimal digits
	maxLargeIntegerDigits = 9865
)

var serializers = []wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR}

// encoded returns the bytes that a table shows: a JSON text, or the octets of a binary format in hexadecimal.
func encoded(t testing.TB, s wamp.Serializer, shown string) []byte {
	t.Helper()
	if s == wamp.JSON {
		return []byte(shown)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(shown, " ", ""))
	if err != nil {
		t.Fatalf("bad table entry %q: %v", shown, err)
	}
	return b
}

// shown returns encoded bytes as a table shows them.
func shown(s wamp.Serializer, b []byte) string {
	if s == wamp.JSON {
		return string(b)
	}
	return hex.EncodeToString(b)
}

// convert returns the single encoded value b in another serializer.
func convert(to, from wamp.Serializer, b []byte) ([]byte, error) {
	p, err := payload.Encode(to, &wamp.Payload{Serializer: from, Elements: 1, Raw: b})
	return p.Raw, err
}

// conversion is a row of a table. An empty out stands for an error.
type conversion struct {
	name     string
	from, to wamp.Serializer
	in, out  string
}

func checkConversions(t *testing.T, rows []conversion) {
	for _, row := range rows {
		t.Run(row.from.String()+" to "+row.to.String()+"/"+row.name, func(t *testing.T) {
			got, err := convert(row.to, row.from, encoded(t, row.from, row.in))
			if row.out == "" {
				if !errors.Is(err, wamp.ErrInvalidPayload) {
					t.Fatalf("got %q, %v; want an invalid payload", shown(row.to, got), err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := encoded(t, row.to, row.out); !bytes.Equal(got, want) {
				t.Errorf("got %s, want %s", shown(row.to, got), shown(row.to, want))
			}
		})
	}
}

func TestTranscodeSimpleValues(t *testing.T) {
	checkConversions(t, []conversion{
		{"null", wamp.JSON, wamp.CBOR, `null`, "f6"},
		{"null", wamp.JSON, wamp.MessagePack, `null`, "c0"},
		{"null", wamp.CBOR, wamp.JSON, "f6", `null`},
		{"null", wamp.MessagePack, wamp.JSON, "c0", `null`},
		{"null", wamp.MessagePack, wamp.CBOR, "c0", "f6"},
		{"booleans", wamp.JSON, wamp.CBOR, ` [ true , false ] `, "82 f5 f4"},
		{"booleans", wamp.CBOR, wamp.MessagePack, "82 f5 f4", "92 c3 c2"},
		{"booleans", wamp.MessagePack, wamp.JSON, "92 c3 c2", `[true,false]`},

		{"A-05 undefined", wamp.MessagePack, wamp.CBOR, "d4 00 00", "f7"},
		{"A-05 undefined", wamp.CBOR, wamp.MessagePack, "f7", "d4 00 00"},
		{"A-05 undefined", wamp.MessagePack, wamp.JSON, "91 d4 00 00", `[null]`},
		{"A-05 undefined, long form", wamp.MessagePack, wamp.JSON, "91 c7 01 00 00", `[null]`},
		{"A-05 undefined", wamp.CBOR, wamp.JSON, "81 f7", `[null]`},

		{"FLW-06 ext", wamp.MessagePack, wamp.JSON, "d4 05 61", ""},
		{"FLW-06 ext", wamp.MessagePack, wamp.CBOR, "c7 03 05 61 62 63", ""},
		{"FLW-06 ext of a zero byte", wamp.MessagePack, wamp.JSON, "d4 05 00", ""},
		{"FLW-06 ext 0 of another byte", wamp.MessagePack, wamp.JSON, "d4 00 01", ""},
		{"FLW-06 timestamp ext", wamp.MessagePack, wamp.CBOR, "d6 ff 00 00 00 00", ""},
		{"FLW-06 timestamp ext", wamp.MessagePack, wamp.JSON, "d6 ff 00 00 00 00", ""},
		{"FLW-06 tag", wamp.CBOR, wamp.JSON, "c1 1a 51 4b 67 b0", ""},
		{"FLW-06 tag", wamp.CBOR, wamp.MessagePack, "d8 20 61 61", ""},
		{"FLW-06 simple value", wamp.CBOR, wamp.JSON, "f0", ""},
		{"FLW-06 simple value", wamp.CBOR, wamp.MessagePack, "f8 ff", ""},
	})
}

func TestTranscodeIntegers(t *testing.T) {
	checkConversions(t, []conversion{
		{"smallest form", wamp.JSON, wamp.CBOR, `[0,23,24,255,256,65535,65536,4294967295,4294967296]`,
			"89 00 17 18 18 18ff 190100 19ffff 1a00010000 1affffffff 1b0000000100000000"},
		{"smallest form", wamp.JSON, wamp.MessagePack, `[0,127,128,255,256,65535,65536,4294967295,4294967296]`,
			"99 00 7f cc80 ccff cd0100 cdffff ce00010000 ceffffffff cf0000000100000000"},
		{"negative", wamp.JSON, wamp.CBOR, `[-1,-24,-25,-256,-257]`, "85 20 37 3818 38ff 390100"},
		{"negative", wamp.JSON, wamp.MessagePack, `[-1,-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649]`,
			"99 ff e0 d0df d080 d1ff7f d18000 d2ffff7fff d280000000 d3ffffffff7fffffff"},
		{"any width", wamp.MessagePack, wamp.CBOR, "96 cc01 d2ffffffff d001 ceffffffff d18000 cf0000000000000001",
			"86 01 20 01 1affffffff 397fff 01"},
		{"any width", wamp.CBOR, wamp.JSON, "83 1801 1b0000000000000001 390000", `[1,1,-1]`},
		{"minus zero is zero", wamp.JSON, wamp.CBOR, `-0`, "00"},

		{"SER-07 beyond float53", wamp.JSON, wamp.CBOR, `9007199254740993`, "1b 0020000000000001"},
		{"SER-07 beyond float53", wamp.MessagePack, wamp.JSON, "cf 0020000000000001", `9007199254740993`},
		{"SER-07 limits of 64 bits", wamp.JSON, wamp.MessagePack,
			`[18446744073709551615,9223372036854775807,-9223372036854775808]`,
			"93 cfffffffffffffffff cf7fffffffffffffff d38000000000000000"},
		{"SER-07 limits of 64 bits", wamp.MessagePack, wamp.JSON,
			"93 cfffffffffffffffff cf7fffffffffffffff d38000000000000000",
			`[18446744073709551615,9223372036854775807,-9223372036854775808]`},
		{"SER-07 negative of 65 bits", wamp.JSON, wamp.CBOR, `[-9223372036854775809,-18446744073709551616]`,
			"82 3b8000000000000000 3bffffffffffffffff"},
		{"SER-07 negative of 65 bits", wamp.CBOR, wamp.JSON, "3bffffffffffffffff", `-18446744073709551616`},
		{"FLW-06 negative of 65 bits", wamp.CBOR, wamp.MessagePack, "3b8000000000000000", ""},
		{"FLW-06 negative of 65 bits", wamp.JSON, wamp.MessagePack, "-9223372036854775809", ""},

		{"SER-07 bignum", wamp.JSON, wamp.CBOR, `[18446744073709551616,-18446744073709551617]`,
			"82 c249010000000000000000 c349010000000000000000"},
		{"SER-07 bignum", wamp.CBOR, wamp.JSON, "82 c249010000000000000000 c349010000000000000000",
			`[18446744073709551616,-18446744073709551617]`},
		{"SER-07 bignum that fits", wamp.CBOR, wamp.MessagePack, "83 c240 c243000001 c34101", "93 00 01 fe"},
		{"SER-07 bignum in chunks", wamp.CBOR, wamp.JSON, "c2 5f 4101 4200ff ff", `65791`},
		{"FLW-06 bignum", wamp.CBOR, wamp.MessagePack, "c249010000000000000000", ""},
		{"FLW-06 bignum", wamp.JSON, wamp.MessagePack, `18446744073709551616`, ""},
		{"FLW-06 bignum tag of a text", wamp.CBOR, wamp.JSON, "c2 61 31", ""},
	})
}

func TestTranscodeFloats(t *testing.T) {
	checkConversions(t, []conversion{
		{"SER-07 stays a float", wamp.JSON, wamp.CBOR, `[1.0,1e2,-0.0]`,
			"83 fb3ff0000000000000 fb4059000000000000 fb8000000000000000"},
		{"SER-07 stays a float", wamp.CBOR, wamp.JSON, "83 fb3ff0000000000000 fb4059000000000000 fb8000000000000000",
			`[1.0,100.0,-0.0]`},
		{"SER-07 stays a float", wamp.JSON, wamp.MessagePack, `1E+2`, "cb4059000000000000"},
		{"shortest", wamp.MessagePack, wamp.JSON, "cb 3fb999999999999a", `0.1`},
		{"large and small", wamp.MessagePack, wamp.JSON, "94 cb444b1ae4d6e2ef50 cb4415af1d78b58c40 cb3eb0c6f7a0b5ed8d cb3eb0c6f7a0b5ed8c",
			`[1e+21,100000000000000000000.0,0.000001,9.999999999999997e-07]`},
		{"limits", wamp.MessagePack, wamp.JSON, "92 cb7fefffffffffffff cb0000000000000001",
			`[1.7976931348623157e+308,5e-324]`},
		{"float32 keeps its value", wamp.MessagePack, wamp.JSON, "ca 3dcccccd", `0.10000000149011612`},
		{"float32 keeps its width", wamp.MessagePack, wamp.CBOR, "ca 3dcccccd", "fa 3dcccccd"},
		{"float32 keeps its width", wamp.CBOR, wamp.MessagePack, "fa 3dcccccd", "ca 3dcccccd"},
		{"float64 keeps its width", wamp.CBOR, wamp.MessagePack, "fb 3ff0000000000000", "cb 3ff0000000000000"},
		{"float16", wamp.CBOR, wamp.JSON, "87 f93c00 f97bff f90001 f90400 f98000 f9c400 f903ff",
			`[1.0,65504.0,5.960464477539063e-08,0.00006103515625,-0.0,-4.0,0.00006097555160522461]`},
		{"float16 widens", wamp.CBOR, wamp.MessagePack, "84 f93c00 f90001 f97c00 f97e01",
			"94 ca3f800000 ca33800000 ca7f800000 ca7fc02000"},
		{"NaN and infinity are kept", wamp.CBOR, wamp.MessagePack, "82 fb7ff8000000000000 faff800000",
			"92 cb7ff8000000000000 caff800000"},
		{"NaN and infinity are kept", wamp.MessagePack, wamp.CBOR, "92 cb7ff8000000000000 caff800000",
			"82 fb7ff8000000000000 faff800000"},
		{"FLW-06 NaN", wamp.MessagePack, wamp.JSON, "cb7ff8000000000000", ""},
		{"FLW-06 infinity", wamp.CBOR, wamp.JSON, "f9fc00", ""},
		{"FLW-06 out of range", wamp.JSON, wamp.CBOR, `1e400`, ""},
		{"FLW-06 out of range", wamp.JSON, wamp.MessagePack, `-1.5e309`, ""},
	})
}

func TestTranscodeTexts(t *testing.T) {
	checkConversions(t, []conversion{
		{"empty", wamp.JSON, wamp.CBOR, `""`, "60"},
		{"plain", wamp.JSON, wamp.MessagePack, `"grüße"`, "a7 6772c3bcc39f65"},
		{"escapes", wamp.JSON, wamp.CBOR, `"\"\\\/\b\f\n\r\t\u00e9\u20AC"`, "6d 225c2f080c0a0d09 c3a9 e282ac"},
		{"surrogate pair", wamp.JSON, wamp.CBOR, `"a\ud83d\uDE00b"`, "66 61 f09f9880 62"},
		{"escaped quotes between runs", wamp.JSON, wamp.CBOR, `"ab\"cd\"ef\\"`, "69 6162226364226566 5c"},
		{"escapes", wamp.CBOR, wamp.JSON, "6c 225c2f080c0a0d097f c3a9 01", `"\"\\/\u0008\u000c\n\r\t` + "\x7fé" + `\u0001"`},
		{"escape behind plain text", wamp.CBOR, wamp.JSON, "6a 61616161616161616122", `"aaaaaaaaa\""`},
		{"U+2028 as it is", wamp.MessagePack, wamp.JSON, "a3 e280a8", "\"\u2028\""},
		{"U+FFFD is a character like any other", wamp.JSON, wamp.CBOR, `"\ufffd"`, "63 efbfbd"},
		{"lengths", wamp.JSON, wamp.MessagePack, `"` + strings.Repeat("a", 32) + `"`, "d920" + strings.Repeat("61", 32)},
		{"lengths", wamp.JSON, wamp.MessagePack, `"` + strings.Repeat("a", 256) + `"`, "da0100" + strings.Repeat("61", 256)},
		{"lengths", wamp.JSON, wamp.CBOR, `"` + strings.Repeat("a", 24) + `"`, "7818" + strings.Repeat("61", 24)},
		{"lengths", wamp.MessagePack, wamp.CBOR, "db00000001 61", "61 61"},
		{"SER-12 chunks", wamp.CBOR, wamp.MessagePack, "7f 626162 60 63c3a963 ff", "a5 6162c3a963"},

		{"lone surrogate", wamp.JSON, wamp.CBOR, `"\ud800"`, ""},
		{"lone surrogate before text", wamp.JSON, wamp.CBOR, `"\ud800abcdef"`, ""},
		{"lone surrogate before another escape", wamp.JSON, wamp.CBOR, `"\ud800\n1234"`, ""},
		{"lone low surrogate", wamp.JSON, wamp.MessagePack, `"\udc00\ud800"`, ""},
		{"two high surrogates", wamp.JSON, wamp.MessagePack, `"\ud800\ud800"`, ""},
		{"SER-08 invalid UTF-8", wamp.MessagePack, wamp.JSON, "a1 ff", ""},
		{"SER-08 invalid UTF-8", wamp.MessagePack, wamp.CBOR, "a2 c3 28", ""},
		{"SER-08 surrogate in UTF-8", wamp.CBOR, wamp.MessagePack, "63 eda080", ""},
		{"SER-08 character across chunks", wamp.CBOR, wamp.JSON, "7f 61c3 61a9 ff", ""},
	})
}

// TestTranscodeBinary is the table of requirements 2.2, with the vector of 6.1.
func TestTranscodeBinary(t *testing.T) {
	const vectorJSON, vector = `"\u0000EOP/kFMHXFJvX8BtT+N82w=="`, "10e3ff9053075c526f5fc06d4fe37cdb"
	checkConversions(t, []conversion{
		{"BJS-01 vector 6.1", wamp.MessagePack, wamp.JSON, "c410" + vector, vectorJSON},
		{"BJS-01 vector 6.1", wamp.CBOR, wamp.JSON, "50" + vector, vectorJSON},
		{"BJS-02 vector 6.1", wamp.JSON, wamp.MessagePack, vectorJSON, "c410" + vector},
		{"BJS-02 vector 6.1", wamp.JSON, wamp.CBOR, vectorJSON, "50" + vector},
		{"BJS-02 with an escaped solidus", wamp.JSON, wamp.CBOR, `"\u0000EOP\/kFM="`, "45 10e3ff9053"},
		{"BJS-01 empty", wamp.CBOR, wamp.JSON, "40", `"\u0000"`},
		{"BJS-02 empty", wamp.JSON, wamp.CBOR, `"\u0000"`, "40"},
		{"binary formats", wamp.CBOR, wamp.MessagePack, "42 00ff", "c402 00ff"},
		{"binary formats", wamp.MessagePack, wamp.CBOR, "c50002 00ff", "42 00ff"},
		{"SER-12 Uint8Array", wamp.CBOR, wamp.JSON, "d8 40 43 10e3ff", `"\u0000EOP/"`},
		{"SER-12 Uint8Array", wamp.CBOR, wamp.MessagePack, "d8 40 43 10e3ff", "c4 03 10e3ff"},
		{"SER-12 tag 64 of a text is a tag", wamp.CBOR, wamp.JSON, "d8 40 61 61", ""},
		{"SER-12 chunks", wamp.CBOR, wamp.JSON, "5f 4110 40 42e3ff ff", `"\u0000EOP/"`},

		{"BJS-03 not base64", wamp.JSON, wamp.CBOR, `"\u0000a b"`, "64 00 612062"},
		{"BJS-03 not padded", wamp.JSON, wamp.CBOR, `"\u0000QQ"`, "63 00 5151"},
		{"BJS-03 URL alphabet", wamp.JSON, wamp.CBOR, `"\u0000-_-_"`, "65 00 2d5f2d5f"},
		{"BJS-03 line break", wamp.JSON, wamp.CBOR, `"\u0000QUJD\n"`, "66 00 51554a44 0a"},
		{"BJS-03 not what base64 makes of bytes", wamp.JSON, wamp.MessagePack, `"\u0000QR=="`, "a5 00 51523d3d"},
		{"BJS-03 later U+0000", wamp.JSON, wamp.CBOR, `"a\u0000QQ=="`, "66 61 00 51513d3d"},
		{"BJS-03 no U+0000", wamp.JSON, wamp.CBOR, `"QQ=="`, "64 51513d3d"},

		{"BJS-04 at any depth", wamp.CBOR, wamp.JSON, "81 a1 61 61 82 41 41 81 41 42",
			`[{"a":["\u0000QQ==",["\u0000Qg=="]]}]`},
		{"BJS-04 at any depth", wamp.JSON, wamp.CBOR, `[{"a":["\u0000QQ==",["\u0000Qg=="]]}]`,
			"81 a1 61 61 82 41 41 81 41 42"},
		{"BJS-04 not in keys", wamp.JSON, wamp.CBOR, `{"\u0000QQ==":"\u0000QQ=="}`, "a1 65 0051513d3d 41 41"},
		{"BJS-04 not in keys", wamp.MessagePack, wamp.JSON, "81 a5 0051513d3d c0", `{"\u0000QQ==":null}`},
		{"BJS-04 binary key", wamp.MessagePack, wamp.JSON, "81 c401 41 c0", ""},
		{"BJS-05 text that looks like binary", wamp.MessagePack, wamp.JSON, "a5 0051513d3d", `"\u0000QQ=="`},
		{"BJS-05 text that looks like binary", wamp.CBOR, wamp.MessagePack, "65 0051513d3d", "a5 0051513d3d"},
	})
}

func TestTranscodeContainers(t *testing.T) {
	checkConversions(t, []conversion{
		{"empty", wamp.JSON, wamp.MessagePack, `[[],{}]`, "92 90 80"},
		{"empty", wamp.CBOR, wamp.JSON, "84 80 a0 9fff bfff", `[[],{},[],{}]`},
		{"whitespace", wamp.JSON, wamp.CBOR, "\n[ 1 ,\t{ \"a\" : 2 , \"b\":[ ] } ]\r\n", "82 01 a2 61 61 02 61 62 80"},
		{"nested", wamp.MessagePack, wamp.JSON, "93 01 82 a161 91 02 a162 80 03", `[1,{"a":[2],"b":{}},3]`},
		{"order of keys is kept", wamp.JSON, wamp.MessagePack, `{"b":1,"a":2,"b":3}`, "83 a16201 a16102 a16203"},
		{"long heads", wamp.MessagePack, wamp.CBOR, "dd00000001 df00000001 a161 de0000", "81 a1 6161 a0"},
		{"SER-12 indefinite", wamp.CBOR, wamp.MessagePack, "9f 01 bf 6161 9f ff 6162 02 ff 82 03 9f 04 ff ff",
			"93 01 82 a161 90 a162 02 92 03 91 04"},
		{"SER-12 indefinite", wamp.CBOR, wamp.JSON, "bf 6161 9f 01 02 ff ff", `{"a":[1,2]}`},
		{"SER-09 other keys are forwarded", wamp.MessagePack, wamp.CBOR, "84 01 02 c0 03 c3 04 91 80 05",
			"a4 01 02 f6 03 f5 04 81 a0 05"},
		{"SER-09 other keys are forwarded", wamp.CBOR, wamp.MessagePack, "a2 20 bf ff 9f 01 ff 02", "82 ff 80 91 01 02"},
		{"SER-09 integer key", wamp.MessagePack, wamp.JSON, "81 01 02", ""},
		{"SER-09 list as key", wamp.CBOR, wamp.JSON, "a1 80 02", ""},
		{"SER-09 undefined as key", wamp.CBOR, wamp.JSON, "81 a1 f7 02", ""},
	})
}

// TestTranscodeWideHeads lets heads grow in JSON and indefinite CBOR, where a container does not say its size.
func TestTranscodeWideHeads(t *testing.T) {
	item := func(n int) string { return "[" + strings.Repeat("1,", n-1) + "1]" }
	nested := `{"a":` + item(16) + `,"b":[` + item(70000) + `,` + item(15) + `,[` + item(300) + `,` +
		strings.Repeat(item(24)+",", 40) + `[]]]}`
	inMessagePack := bytes.Join([][]byte{
		{0x82, 0xa1, 'a', 0xdc, 0, 16}, ones(16), {0xa1, 'b', 0x93, 0xdd, 0, 1, 0x11, 0x70}, ones(70000), {0x9f}, ones(15),
		{0xdc, 0, 42, 0xdc, 1, 44}, ones(300), bytes.Repeat(append([]byte{0xdc, 0, 24}, ones(24)...), 40), {0x90},
	}, nil)
	inCBOR := bytes.Join([][]byte{
		{0xa2, 0x61, 'a', 0x90}, ones(16), {0x61, 'b', 0x83, 0x9a, 0, 1, 0x11, 0x70}, ones(70000), {0x8f}, ones(15),
		{0x98, 42, 0x99, 1, 44}, ones(300), bytes.Repeat(append([]byte{0x98, 24}, ones(24)...), 40), {0x80},
	}, nil)
	for to, want := range map[wamp.Serializer][]byte{wamp.MessagePack: inMessagePack, wamp.CBOR: inCBOR} {
		got, err := convert(to, wamp.JSON, []byte(nested))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("to %v: got %.40x… (%d bytes), %v; want %.40x… (%d bytes)", to, got, len(got), err, want, len(want))
		}
	}
	pairs := "bf" + strings.Repeat("0102", 16) + "ff"
	checkConversions(t, []conversion{
		{"map of 16 pairs", wamp.CBOR, wamp.MessagePack, pairs, "de0010" + strings.Repeat("0102", 16)},
	})
}

func ones(n int) []byte { return bytes.Repeat([]byte{1}, n) }

func TestEncodeElements(t *testing.T) {
	const args, kwargs = 1, 2
	for _, row := range []struct {
		name     string
		from, to wamp.Serializer
		elements uint8
		in, out  string
	}{
		{"MSG-09 none", wamp.JSON, wamp.CBOR, 0, "", ""},
		{"MSG-09 arguments", wamp.JSON, wamp.CBOR, args, `[1]`, "81 01"},
		{"MSG-09 both", wamp.JSON, wamp.CBOR, kwargs, `[1] , {"a":2}`, "81 01 a1 61 61 02"},
		{"MSG-09 both", wamp.MessagePack, wamp.JSON, kwargs, "91 01 81 a1 61 02", `[1],{"a":2}`},
		{"MSG-04 both empty", wamp.CBOR, wamp.JSON, kwargs, "80 a0", `[],{}`},
		{"SER-14 same serializer", wamp.JSON, wamp.JSON, kwargs, `[ 1.50 ] , {"a" :2}`, `[ 1.50 ] , {"a" :2}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := payload.Encode(row.to, &wamp.Payload{Serializer: row.from, Elements: row.elements, Raw: encoded(t, row.from, row.in)})
			if err != nil {
				t.Fatal(err)
			}
			if got.Serializer != row.to || got.Elements != row.elements || !bytes.Equal(got.Raw, encoded(t, row.to, row.out)) {
				t.Errorf("got %v, %d elements, %s", got.Serializer, got.Elements, shown(row.to, got.Raw))
			}
		})
	}
}

// TestTranscodeDepth: containers are counted, not recursed into (SER-11).
func TestTranscodeDepth(t *testing.T) {
	nest := map[wamp.Serializer]func(n int) []byte{
		wamp.JSON: func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) },
		wamp.MessagePack: func(n int) []byte {
			return append(bytes.Repeat([]byte{0x91}, n-1), 0x90)
		},
		wamp.CBOR: func(n int) []byte {
			return append(bytes.Repeat([]byte{0x81}, n-1), 0x80)
		},
	}
	for _, from := range serializers {
		for _, to := range serializers {
			if from == to {
				continue
			}
			got, err := convert(to, from, nest[from](maxDepth))
			if err != nil || !bytes.Equal(got, nest[to](maxDepth)) {
				t.Errorf("%v to %v: got %s, %v", from, to, shown(to, got), err)
			}
			if _, err := convert(to, from, nest[from](maxDepth+1)); !errors.Is(err, wamp.ErrInvalidPayload) {
				t.Errorf("%v to %v, too deep: got %v", from, to, err)
			}
		}
	}
}

// TestTranscodeLargestInteger: beyond a limit digits are refused, because to convert them takes quadratic time.
func TestTranscodeLargestInteger(t *testing.T) {
	bignum := func(n int) []byte {
		return append([]byte{0xc2, 0x59, byte(n >> 8), byte(n)}, bytes.Repeat([]byte{0xff}, n)...)
	}
	digits, err := convert(wamp.JSON, wamp.CBOR, bignum(maxLargeInteger))
	if err != nil {
		t.Fatal(err)
	}
	if back, err := convert(wamp.CBOR, wamp.JSON, digits); err != nil || !bytes.Equal(back, bignum(maxLargeInteger)) {
		t.Errorf("%d digits did not come back: %v", len(digits), err)
	}
	for _, row := range []struct {
		from, to wamp.Serializer
		in       []byte
	}{
		{wamp.CBOR, wamp.JSON, bignum(maxLargeInteger + 1)},
		{wamp.JSON, wamp.CBOR, bytes.Repeat([]byte("9"), maxLargeIntegerDigits)},
		{wamp.JSON, wamp.CBOR, bytes.Repeat([]byte("9"), 1<<20)},
	} {
		if _, err := convert(row.to, row.from, row.in); !errors.Is(err, wamp.ErrInvalidPayload) {
			t.Errorf("%v of %d bytes: got %v", row.from, len(row.in), err)
		}
	}
}

// TestTranscodeGrowth: the output is never much longer than the input.
func TestTranscodeGrowth(t *testing.T) {
	const limit = 8
	for name, row := range map[string]conversion{
		"controls": {from: wamp.CBOR, to: wamp.JSON, in: "790400" + strings.Repeat("01", 1024)},
		"float16":  {from: wamp.CBOR, to: wamp.JSON, in: "990400" + strings.Repeat("f903ff", 1024)},
		"float32":  {from: wamp.MessagePack, to: wamp.JSON, in: "dc0400" + strings.Repeat("ca95ae43fd", 1024)},
		"false":    {from: wamp.MessagePack, to: wamp.JSON, in: "dc0400" + strings.Repeat("c2", 1024)},
		"floats":   {from: wamp.JSON, to: wamp.CBOR, in: "[" + strings.Repeat("1e1,", 1023) + "1e1]"},
		"lists":    {from: wamp.JSON, to: wamp.CBOR, in: "[" + strings.Repeat("[],", 1023) + "[]]"},
	} {
		in := encoded(t, row.from, row.in)
		out, err := convert(row.to, row.from, in)
		if err != nil || len(out) > limit*len(in) {
			t.Errorf("%s: %d bytes became %d, %v", name, len(in), len(out), err)
		}
	}
}

// TestTranscodeMalformed feeds what no parser lets through: it must give an error, not a panic.
func TestTranscodeMalformed(t *testing.T) {
	for from, inputs := range map[wamp.Serializer][]string{
		wamp.JSON: {"", "[", "]", "}", `{"a"}`, `{"a":1,"b"}`, `"`, `"\`, `"\"`, `"\u12`, `"\u12x4"`, `"\x"`, `"\ud800\u"`, "nul", "-", "1-1",
			"--11111111111111111111", "1.2.3", "[1}", "1 2", "[1] 2"},
		wamp.MessagePack: {"", "c1", "91", "81 01", "a2 61", "dd ffffffff", "df ffffffff 01", "db ffffffff", "c6 ffffffff",
			"c9 ffffffff 01", "c7", "d4", "d4 05", "cf 00", "cb", "d9", "01 02"},
		wamp.CBOR: {"", "1c", "ff", "9f", "bf 01 ff", "81", "5f 61 61 ff", "7f 41 61 ff", "5f 41", "5f 5f ff ff", "7f", "7f 7c",
			"c2", "c2 01", "c2 42 01", "d8", "1f", "3f", "df", "fc", "f8", "fb 00", "9b ffffffffffffffff", "bb 7fffffffffffffff 01",
			"5b ffffffffffffffff", "01 02"},
	} {
		for _, in := range inputs {
			for _, to := range serializers {
				if to == from {
					continue
				}
				if got, err := convert(to, from, encoded(t, from, in)); !errors.Is(err, wamp.ErrInvalidPayload) {
					t.Errorf("%v %s to %v: got %s, %v", from, in, to, shown(to, got), err)
				}
			}
			p := wamp.Payload{Serializer: from, Elements: 1, Raw: encoded(t, from, in)}
			if args, _, err := payload.Decode(&p); !errors.Is(err, wamp.ErrInvalidPayload) {
				t.Errorf("decode %v %s: got %v, %v", from, in, args, err)
			}
		}
	}
}

func TestEncodeUnknownSerializer(t *testing.T) {
	raw := wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: []byte("[1]")}
	if _, err := payload.Encode(wamp.NoSerializer, &raw); err == nil {
		t.Error("encoded without a serializer")
	}
	if _, err := payload.Encode(9, &wamp.Payload{Args: wamp.List{"a"}}); err == nil {
		t.Error("encoded in serializer 9")
	}
	if _, err := payload.AppendValue(nil, 9, "a"); err == nil {
		t.Error("appended in serializer 9")
	}
	if _, err := payload.Encode(wamp.JSON, &wamp.Payload{Serializer: 9, Elements: 1, Raw: []byte("1")}); err == nil {
		t.Error("encoded from serializer 9")
	}
}
