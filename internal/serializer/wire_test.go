package serializer_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// numbers are ways to write a number where an ID or another whole number is wanted. 0 stands for one that is refused.
var numbers = map[wamp.Serializer]map[string]wamp.ID{
	wamp.JSON: {
		"7": 7, "7.0": 7, "7e0": 7, "0.7E1": 7, "700e-2": 7, "70.00e-1": 7,
		"9007199254740992": wamp.MaxID, "9007199254740992.0": wamp.MaxID, "9.007199254740992e15": wamp.MaxID,
		"9007199254740993": 0, "9007199254740994.0": 0, "18446744073709551616": 0, "18446744073709551623": 0,
		"1e400": 0, "1e-400": 0, "7.5": 0, "-7": 0, "-0": 0, "0": 0, "0.0": 0, "-7.0": 0, "1e16": 0,
		"1" + strings.Repeat("0", 400): 0, "7." + strings.Repeat("0", 400): 7, "7.00000000000001": 0,
	},
	wamp.MessagePack: {
		"\x07": 7, "\xcc\x07": 7, "\xcd\x00\x07": 7, "\xce\x00\x00\x00\x07": 7, "\xcf\x00\x00\x00\x00\x00\x00\x00\x07": 7,
		"\xd0\x07": 7, "\xd1\x00\x07": 7, "\xd2\x00\x00\x00\x07": 7, "\xd3\x00\x00\x00\x00\x00\x00\x00\x07": 7,
		"\xca\x40\xe0\x00\x00": 7, "\xcb\x40\x1c\x00\x00\x00\x00\x00\x00": 7,
		"\xcb\x43\x40\x00\x00\x00\x00\x00\x00": wamp.MaxID, "\xcf\x00\x20\x00\x00\x00\x00\x00\x00": wamp.MaxID,
		"\xcf\x00\x20\x00\x00\x00\x00\x00\x01": 0, "\xcb\x43\x40\x00\x00\x00\x00\x00\x01": 0,
		"\xcf\xff\xff\xff\xff\xff\xff\xff\xff": 0,
		"\x00":                                 0, "\xff": 0, "\xd0\xff": 0, "\xd1\xff\xff": 0, "\xd2\xff\xff\xff\xff": 0, "\xd3\xff\xff\xff\xff\xff\xff\xff\xff": 0,
		"\xca\x7f\xc0\x00\x00": 0, "\xca\x7f\x80\x00\x00": 0, "\xca\xc0\xe0\x00\x00": 0, "\xca\x40\xf0\x00\x00": 0,
		"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00": 0, "\xcb\xff\xf0\x00\x00\x00\x00\x00\x00": 0,
		"\xd4\x01\x07": 0, "\xc4\x01\x07": 0,
	},
	wamp.CBOR: {
		"\x07": 7, "\x18\x07": 7, "\x19\x00\x07": 7, "\x1a\x00\x00\x00\x07": 7, "\x1b\x00\x00\x00\x00\x00\x00\x00\x07": 7,
		"\xf9\x47\x00": 7, "\xfa\x40\xe0\x00\x00": 7, "\xfb\x40\x1c\x00\x00\x00\x00\x00\x00": 7,
		"\xc1\x07": 7, "\xd9\xd9\xf7\x07": 7, "\xd8\x20\xc1\xf9\x47\x00": 7, // tags mean nothing here (SER-12)
		"\xfb\x43\x40\x00\x00\x00\x00\x00\x00": wamp.MaxID, "\x1b\x00\x20\x00\x00\x00\x00\x00\x00": wamp.MaxID,
		"\x1b\x00\x20\x00\x00\x00\x00\x00\x01": 0, "\xfb\x43\x40\x00\x00\x00\x00\x00\x01": 0,
		"\x1b\xff\xff\xff\xff\xff\xff\xff\xff": 0, "\x20": 0, "\x38\x07": 0, "\x3b\xff\xff\xff\xff\xff\xff\xff\xff": 0,
		"\x00": 0, "\xf9\x00\x00": 0, "\xf9\x80\x00": 0, "\xf9\x7e\x00": 0, "\xf9\x7c\x00": 0, "\xf9\xfc\x00": 0,
		"\xf9\xc7\x00": 0, "\xf9\x00\x01": 0, "\xfa\x7f\xc0\x00\x00": 0, "\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00": 0,
		"\xc2\x41\x07": 0, "\x41\x07": 0, "\xe7": 0, "\xf8\x20": 0,
	},
}

// TestSER04SER05Numbers: whole numbers may be written as floats; others are no IDs.
func TestSER04SER05Numbers(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		code, empty := string(value(t, s, 70)), entries(s)
		exclude := string(value(t, s, "exclude"))
		for number, want := range numbers[s] {
			yield := list(s, code, number, empty)
			publish := layoutOf(wamp.TypePublish).withRaw(t, s, entries(s, exclude, string(list(s, number))))
			if want == 0 {
				wantViolation(t, s, yield, "Request")
				wantViolation(t, s, publish, "exclude")
				continue
			}
			if got := parse(t, s, yield).(*wamp.Yield).Request; got != want {
				t.Errorf("%q is %d, want %d", number, got, want)
			}
			if got := parse(t, s, publish).(*wamp.Publish).Options.Receivers.Exclude; !slices.Equal(got, []wamp.ID{want}) {
				t.Errorf("%q in a list is %d, want %d", number, got, want)
			}
		}
	})
}

// TestSER04OptionsAsFloats: options too, and 64 bits of them where they are whole.
func TestSER04OptionsAsFloats(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for v, want := range map[any]uint64{5000.0: 5000, 0: 0, uint64(1<<64 - 1): 1<<64 - 1, uint64(1<<64 - 6): 1<<64 - 6} {
			m := parse(t, s, value(t, s, wamp.List{48, 1, wamp.Dict{"timeout": v}, "p"})).(*wamp.Call)
			if m.Options.Timeout != want {
				t.Errorf("%v became %d", v, m.Options.Timeout)
			}
		}
	})
}

// TestSER06Integers: what came as a float goes out as an integer, in its shortest form (SER-12).
func TestSER06Integers(t *testing.T) {
	for _, s := range serializers {
		in := value(t, s, wamp.List{48, 3e9, wamp.Dict{"timeout": 70000.0}, "p"})
		want := value(t, s, wamp.List{48, int64(3e9), wamp.Dict{"timeout": 70000}, "p"})
		if got := frame(t, s, parse(t, s, in)); string(got) != string(want) {
			t.Errorf("%v: got %q, want %q", s, got, want)
		}
	}
}

// invalidUTF8 is no text.
var invalidUTF8 = []string{"\xff", "a\x80", "\xc3", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xf4\x90\x80\x80"}

// TestSER08InvalidUTF8: anywhere in JSON, payloads too; in the head of the others.
func TestSER08InvalidUTF8(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		good, call := string(value(t, s, "good")), []string{string(value(t, s, 48)), string(value(t, s, 7))}
		message := func(options, uri string, tail ...string) []byte {
			return list(s, append(append(slices.Clone(call), options, uri), tail...)...)
		}
		for _, in := range invalidUTF8 {
			for _, pad := range []string{"", "abcdefgh", "äöü"} {
				bad := rawText(s, pad+in)
				wantViolation(t, s, message(entries(s), bad), "")
				wantViolation(t, s, message(entries(s, bad, good), good), "")
				wantViolation(t, s, message(entries(s, string(value(t, s, "runmode")), bad), good), "")
				wantViolation(t, s, layoutOf(wamp.TypeHello).withRaw(t, s, entries(s, string(value(t, s, "authmethods")),
					string(list(s, good, bad)))), "")
				if s == wamp.JSON {
					wantViolation(t, s, message(entries(s, good, bad), good), "UTF-8")
					wantViolation(t, s, message(entries(s), good, "["+bad+"]"), "UTF-8")
					wantViolation(t, s, message(entries(s), good, "[[{"+bad+":1}]]"), "UTF-8")
					wantViolation(t, s, []byte(`[48,1,{},"p",[]`+in+`]`), "")
				}
			}
		}
	})
}

// rawText returns a text of these bytes, whatever they are.
func rawText(s wamp.Serializer, text string) string {
	switch s {
	case wamp.JSON:
		return `"` + text + `"`
	case wamp.MessagePack:
		return "\xd9" + string([]byte{byte(len(text))}) + text
	default:
		return "\x78" + string([]byte{byte(len(text))}) + text
	}
}

// TestSER08Texts: what is valid stays what it is, whatever way it is written.
func TestSER08Texts(t *testing.T) {
	texts := map[wamp.Serializer]map[string]string{
		wamp.JSON: {
			`"com.example"`: "com.example", `"\u0063om\u002eexample"`: "com.example", `"\u00e4\u00DF"`: "äß", `"\ud83d\ude00"`: "😀",
			`"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t", "\"\x7f\u2028äöü€😀\"": "\x7f\u2028äöü€😀", `"\u0000QQ=="`: "\x00QQ==", `""`: "",
			`"12345678\n12345678"`: "12345678\n12345678",
		},
		wamp.MessagePack: {
			"\xa2ab": "ab", "\xd9\x02ab": "ab", "\xda\x00\x02ab": "ab", "\xdb\x00\x00\x00\x02ab": "ab", "\xa3\x00QQ": "\x00QQ", "\xd9\x00": "",
		},
		wamp.CBOR: {
			"\x62ab": "ab", "\x78\x02ab": "ab", "\x79\x00\x02ab": "ab", "\x7a\x00\x00\x00\x02ab": "ab",
			"\x7b\x00\x00\x00\x00\x00\x00\x00\x02ab": "ab", "\x7f\x61a\x78\x01b\x60\xff": "ab", "\x7f\xff": "", "\xd8\x20\x62ab": "ab",
		},
	}
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		code, id := string(value(t, s, 48)), string(value(t, s, 7))
		for text, want := range texts[s] {
			options := entries(s, string(value(t, s, "runmode")), text, text, id)
			call := parse(t, s, list(s, code, id, options, text)).(*wamp.Call)
			if call.Procedure != want || call.Options.RunMode != want {
				t.Errorf("%q is %q and %q, want %q", text, call.Procedure, call.Options.RunMode, want)
			}
			if _, ok := call.Options.Extra[want]; !ok {
				t.Errorf("%q as a key: %v", text, call.Options.Extra)
			}
			for _, to := range serializers {
				if again := parse(t, to, frame(t, to, call)); !cmp.Equal(again, wamp.Message(call)) {
					t.Errorf("%q by way of %v: %v", text, to, again)
				}
			}
		}
	})
	for _, bad := range []string{`"\ud800"`, `"\ud800x"`, `"\udc00\ud800"`, `"\ud800\ud800"`} { // no text has these
		wantViolation(t, wamp.JSON, []byte(`[48,1,{},`+bad+`]`), "UTF-8")
		wantViolation(t, wamp.JSON, []byte(`[48,1,{`+bad+`:1},"p"]`), "UTF-8")
		parse(t, wamp.JSON, []byte(`[48,1,{},"p",[`+bad+`]]`)) // but a payload may: it is the sender's
	}
}

// TestSER09Keys: keys of options that are not texts.
func TestSER09Keys(t *testing.T) {
	for _, s := range []wamp.Serializer{wamp.MessagePack, wamp.CBOR} {
		roles, caller, features := string(value(t, s, "roles")), string(value(t, s, "caller")), string(value(t, s, "features"))
		for _, key := range []any{7, nil, true, 1.5, []byte("timeout"), wamp.List{}, wamp.Dict{}} {
			bad := entries(s, string(value(t, s, key)), string(value(t, s, true)))
			wantViolation(t, s, layoutOf(wamp.TypeCall).withRaw(t, s, bad), "key")
			wantViolation(t, s, layoutOf(wamp.TypeHello).withRaw(t, s, entries(s, roles, bad)), "key")
			wantViolation(t, s, layoutOf(wamp.TypeHello).withRaw(t, s, entries(s, roles, entries(s, caller, bad))), "key")
			wantViolation(t, s, layoutOf(wamp.TypeHello).withRaw(t, s, entries(s, roles,
				entries(s, caller, entries(s, features, bad)))), "key")
			payload := list(s, string(value(t, s, 48)), string(value(t, s, 1)), entries(s), string(value(t, s, "p")),
				string(list(s, bad)))
			if call := parse(t, s, payload).(*wamp.Call); string(call.Payload.Raw) != string(list(s, bad)) {
				t.Errorf("in a payload: %q", call.Payload.Raw)
			}
		}
	}
}

// TestSER10TrailingBytes: nothing follows a message, white space in JSON excepted.
func TestSER10TrailingBytes(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, m := range samples() {
			b := frame(t, s, m.message)
			for _, tail := range []string{"\x00", "]", "}", ",", "\xff", string(b)} {
				wantViolation(t, s, []byte(string(b)+tail), "bytes follow")
			}
			if s == wamp.JSON {
				parse(t, s, []byte(" \t\r\n"+string(b)+"\n \t\r"))
				wantViolation(t, s, []byte(string(b)+"\v"), "")
				wantViolation(t, s, []byte("\xef\xbb\xbf"+string(b)), "")
			} else {
				wantViolation(t, s, []byte(string(b)+" "), "bytes follow")
			}
		}
	})
}

// nested returns a list in a list in a list, n deep, and with something other than lists among them if there is.
func nested(s wamp.Serializer, n int) map[string]string {
	switch s {
	case wamp.JSON:
		return map[string]string{
			"lists":   strings.Repeat("[", n) + strings.Repeat("]", n),
			"objects": "[" + strings.Repeat(`{"":`, n-2) + "{}" + strings.Repeat("}", n-2) + "]",
			"mixed":   "[" + strings.Repeat(`{"a":[`, (n-1)/2) + strings.Repeat("[", (n-1)%2) + strings.Repeat("]", (n-1)%2) + strings.Repeat("]}", (n-1)/2) + "]",
			"spaced":  strings.Repeat("[ ", n) + strings.Repeat(" ]", n),
		}
	case wamp.MessagePack:
		return map[string]string{
			"lists":      strings.Repeat("\x91", n-1) + "\x90",
			"maps":       "\x91" + strings.Repeat("\x81\xa0", n-2) + "\x80",
			"long lists": "\x91" + strings.Repeat("\xdd\x00\x00\x00\x01", n-1) + "\xc0",
			"keys":       "\x91" + strings.Repeat("\x81", n-1) + "\xa0" + strings.Repeat("\xc0", n-1),
		}
	default:
		return map[string]string{
			"lists":   strings.Repeat("\x81", n-1) + "\x80",
			"maps":    "\x81" + strings.Repeat("\xa1\x60", n-2) + "\xa0",
			"tags":    "\x81" + strings.Repeat("\xc1", n-1) + "\x00",
			"longtag": "\x81" + strings.Repeat("\xdb\x00\x00\x00\x00\x00\x00\x00\x07", n-1) + "\x00",
			"endless": strings.Repeat("\x9f", n) + strings.Repeat("\xff", n),
			"mixed":   "\x81" + strings.Repeat("\xbf\x60", n-1) + "\xf6" + strings.Repeat("\xff", n-1),
		}
	}
}

// TestSER11Depth: 128 lists and dictionaries may lie within one another, the message included.
func TestSER11Depth(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for name, b := range deepYields(t, s, 128) {
			checkDeepEnough(t, s, name, b)
		}
		for _, depth := range []int{129, 130, 200, 1000, 1000000} {
			for name, b := range deepYields(t, s, depth) {
				m, err := serializer.Parse(s, b)
				if !errors.Is(err, wamp.ErrProtocolViolation) || !strings.Contains(err.Error(), "deep") {
					t.Errorf("%s, %d deep: %v, %v", name, depth, m, err)
				}
			}
		}
	})
}

// deepYields returns YIELD messages with that depth, by what their arguments consist of.
func deepYields(t *testing.T, s wamp.Serializer, depth int) map[string][]byte {
	code, id, empty := string(value(t, s, 70)), string(value(t, s, 1)), entries(s)
	m := map[string][]byte{}
	for name, args := range nested(s, depth-1) {
		m[name] = list(s, code, id, empty, args)
	}
	return m
}

// checkDeepEnough: what is not too deep for one serializer is not for another.
func checkDeepEnough(t *testing.T, s wamp.Serializer, name string, b []byte) {
	m := parse(t, s, b).(*wamp.Yield)
	for _, to := range serializers {
		if out, err := serializer.Append(nil, to, m); err == nil {
			parse(t, to, out)
		} else if name == "lists" || to == s {
			t.Errorf("%s to %v: %v", name, to, err)
		}
	}
}

// TestSER12IndefiniteLengths: they may stand wherever a length does.
func TestSER12IndefiniteLengths(t *testing.T) {
	publish := "\x9f\x10\x01" +
		"\xbf" + "\x7f\x63ppt\x67_scheme\xff" + "\x7f\x66x_mqtt\xff" + "\x67exclude" + "\x9f\x07\xf9\x47\x00\xff" +
		"\x70exclude_authrole" + "\x9f\x7f\xff\x61a\xff" + "\x68eligible\x9f\xff" + "\xff" +
		"\x7f\x61t\xff" + "\x9f\x5f\x41\x01\xff\x9f\xff\xff" + "\xbf\x7f\xff\xbf\xff\xff" + "\xff"
	got := parse(t, wamp.CBOR, []byte(publish)).(*wamp.Publish)
	want := &wamp.Publish{Request: 1, Topic: "t", Options: wamp.PublishOptions{
		PPT:       &wamp.Passthru{Scheme: "x_mqtt"},
		Receivers: &wamp.Receivers{Exclude: []wamp.ID{7, 7}, ExcludeAuthRole: []string{"", "a"}, Eligible: []wamp.ID{}},
	}, Payload: wamp.Payload{Args: wamp.List{[]byte{1}, wamp.List{}}, Kwargs: wamp.Dict{"": wamp.Dict{}}}}
	if diff := cmp.Diff(wamp.Message(want), decoded(t, got)); diff != "" {
		t.Error(diff)
	}
	hello := "\x9f\x01\x61r\xbf\x65roles\xbf\x66caller\xbf\x68features\xbf\x6ccall_timeout\xf5\xff\xff\xff\xff\xff"
	var roles wamp.Roles
	roles.Announce(wamp.RoleCaller, wamp.FeatureCallTimeout)
	if m := parse(t, wamp.CBOR, []byte(hello)).(*wamp.Hello); m.Details.Roles != roles {
		t.Errorf("roles %+v", m.Details.Roles)
	}
}

// TestSER12Tags: in the head they mean nothing, not even around options, lists and keys.
func TestSER12Tags(t *testing.T) {
	tagged := "\x85\xc1\x10\xd8\x40\x01" + "\xd9\xd9\xf7\xa2\xc1\x67exclude\xc1\x81\xc1\x07\xc1\x61x\xc1\xa0" + "\xc1\x61t" + "\x81\xc1\x01"
	got := parse(t, wamp.CBOR, []byte(tagged)).(*wamp.Publish)
	want := &wamp.Publish{Request: 1, Topic: "t", Options: wamp.PublishOptions{
		Receivers: &wamp.Receivers{Exclude: []wamp.ID{7}},
		Extra:     wamp.Dict{"x": payload.Tag{Number: 1, Value: wamp.Dict{}}}, // but to whoever knows the key
	}, Payload: wamp.Payload{Serializer: wamp.CBOR, Elements: 1, Raw: []byte("\x81\xc1\x01")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// malformed is what a payload, or a value in it, must not be: it could reach beyond its place in the message that it
// is spliced into.
var malformed = map[wamp.Serializer][]string{
	wamp.JSON: {
		`[`, `]`, `[1,]`, `[,1]`, `[,]`, `[1 2]`, `[1,,2]`, `[1;2]`, `[1}`, `{"a":1]`, `{"a":1,}`, `{,}`, `{,"a":1}`, `{"a" 1}`,
		`{"a":}`, `{"a"}`, `{"a":1 "b":2}`, `{"a":1,"b"}`, `{1:2}`, `{a:1}`, `{null:1}`, `{"a"::1}`, `{"a":1:2}`, `{"a":1,:2}`, `{`,
		`[[]`, `[]]`, `{}}`, `[{]}`, `{"a":[}`, `[}`, `{]`, `{:1}`, `{"a",1}`, `["a":1]`,
		`tru`, `truE`, `TRUE`, `nul`, `nil`, `undefined`, `fals`, `NaN`, `Infinity`, `-Infinity`, `True`, `truefalse`, `nullnull`,
		`01`, `-01`, `00`, `-`, `+1`, `1.`, `.1`, `1e`, `1e+`, `1.e1`, `-.1`, `1.2.3`, `1e1e1`, `1e1.5`, `0x10`, `1_000`, `--1`, `1-`, `1a`,
		`"`, `"a`, `"\"`, `"\x"`, `"\u"`, `"\u12"`, `"\u123`, `"\u123"`, `"\u12g4"`, `"\u 123"`, `"\U0041"`, `"\'"`, `'a'`, `"\`,
		"\"\n\"", "\"\x00\"", "\"\x1f\"", "\"1234567\x1f\"", "\"12345678\t12345678\"", "[\v1]", "[\f1]", "[\xa01]", "[1\x00]",
		"/**/1", "//\n1", "1/**/", "\x00", "\\", "a", ",", ":",
	},
	wamp.MessagePack: {
		"", "\xc1", "\x91\xc1", "\x91", "\x92\x01", "\x81", "\x81\xa0", "\x82\xa0\x01\xa1a", "\xa1", "\xbf12345", "\xd9", "\xd9\x01", "\xda\x00",
		"\xda\x00\x01", "\xdb\x00\x00\x00", "\xdb\x00\x00\x00\x01", "\xc4", "\xc4\x01", "\xc5\x00", "\xc5\x00\x01", "\xc6\x00", "\xc6\x00\x00\x00\x01",
		"\xc7", "\xc7\x00", "\xc7\x01\x05", "\xc8\x00\x01\x05", "\xc9\x00\x00\x00\x01\x05", "\xc9\xff\xff\xff\xff\x05",
		"\xca", "\xca\x00\x00\x00", "\xcb\x00\x00\x00\x00", "\xcc", "\xcd\x00", "\xce\x00\x00\x00", "\xcf\x00\x00\x00\x00\x00\x00\x00",
		"\xd0", "\xd1\x00", "\xd2\x00\x00", "\xd3\x00\x00\x00\x00", "\xd4", "\xd4\x00", "\xd5\x00\x00", "\xd6\x00", "\xd7\x00\x00\x00", "\xd8\x00\x00",
		"\xdc", "\xdc\x00", "\xdc\x00\x01", "\xdc\xff\xff", "\xdd\x00\x00", "\xdd\xff\xff\xff\xff", "\xde\x00", "\xde\x00\x01", "\xde\x00\x01\xa0",
		"\xdf\xff\xff\xff\xff", "\xdf\x80\x00\x00\x00",
	},
	wamp.CBOR: {
		"", "\xff", "\x81\xff", "\x82\x01\xff", "\xa1\xff", "\xa1\x60\xff", "\xc1\xff", "\xc1", "\xd8", "\xd8\x20", "\xdb\x00\x00", "\x9f", "\x9f\x01", "\xbf", "\xbf\x60",
		"\xbf\x60\xff", "\xbf\x60\x01\x60\xff", "\x9f\xc1\xff", "\xbf\xc1\xff", "\xbf\x60\xc1\xff\xff", "\x9f\xff\xff",
		"\x5f", "\x5f\x41", "\x5f\x41\x00", "\x5f\x60\xff", "\x5f\x5f\xff\xff", "\x5f\x01\xff", "\x7f", "\x7f\x61", "\x7f\x41a\xff", "\x7f\x7f\xff\xff", "\x7f\xf6\xff", "\x7f\x9f\xff\xff",
		"\x7f\xc1\x60\xff", "\x7f\x78\xff", "\x7f\x7c\xff", "\x7f\x7b\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"\x18", "\x19\x00", "\x1a\x00\x00\x00", "\x1b\x00\x00", "\x1c", "\x1d", "\x1e", "\x1f", "\x3c", "\x3f", "\x5c", "\x5e", "\x7d", "\x9c", "\xbd", "\xdc", "\xdf", "\xfc", "\xfd", "\xfe",
		"\x41", "\x58", "\x58\x01", "\x59\x00", "\x5a\x00\x00\x00\x01", "\x5b\x80\x00\x00\x00\x00\x00\x00\x00", "\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
		"\x61", "\x78\x01", "\x7b\xff\xff\xff\xff\xff\xff\xff\xff", "\x7b\x7f\xff\xff\xff\xff\xff\xff\xff", "\x81", "\x98", "\x98\x01", "\x9a\xff\xff\xff\xff",
		"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "\x9b\x80\x00\x00\x00\x00\x00\x00\x00", "\x9b\x20\x00\x00\x00\x00\x00\x00\x00\xff", "\xa1\x60", "\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
		"\xbb\x80\x00\x00\x00\x00\x00\x00\x00", "\xbb\x20\x00\x00\x00\x00\x00\x00\x00\xff", "\xf8", "\xf8\x00", "\xf8\x14", "\xf8\x18", "\xf8\x1f", "\xf9", "\xf9\x00", "\xfa\x00\x00", "\xfb\x00",
	},
}

// TestMalformedPayload: no payload is taken that is not well formed, at whatever place in it that shows.
func TestMalformedPayload(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		head := []string{string(value(t, s, 70)), string(value(t, s, 1)), entries(s)}
		good, key := string(value(t, s, 7)), string(value(t, s, "k"))
		for _, bad := range malformed[s] {
			payloads := []string{bad, string(list(s, bad)), string(list(s, good, bad)), string(list(s, entries(s, key, bad)))}
			if s == wamp.JSON { // in the others what is too short takes what follows, which may fit
				payloads = append(payloads, string(list(s, bad, good)), string(list(s, entries(s, key, bad, key, good))))
			}
			for _, payload := range payloads {
				wantViolation(t, s, list(s, append(slices.Clone(head), payload)...), "")
			}
			wantViolation(t, s, list(s, append(slices.Clone(head), string(list(s)), entries(s, key, bad))...), "")
			wantViolation(t, s, list(s, head[0], head[1], entries(s, key, bad)), "")
			wantViolation(t, s, []byte(bad), "")
		}
	})
}

// TestMalformedJSONMessage: the same of the list that a message is.
func TestMalformedJSONMessage(t *testing.T) {
	for _, in := range []string{
		``, ` `, `[`, `[ `, `[48`, `[48,`, `[48, `, `[48,1`, `[48,1,{},"p"`, `[48,1,{},"p" `, `[48,1,{},"p",]`, `[48,,1,{},"p"]`, `[,48,1,{},"p"]`,
		`[48,1,{},"p"}`, `[48 1,{},"p"]`, `[48,1 {},"p"]`, `[48,1,{}:"p"]`, `{48,1,{},"p"}`, `{"48":1}`, `[48,1,{},"p"]]`, `[[48,1,{},"p"]]`, `[48,1,{},"p"],`,
		`48,1,{},"p"`, `"[48,1,{},\"p\"]"`, `[48,1,{},p]`, `[48,1,{},'p']`, `[048,1,{},"p"]`, `[48,1,{},"p",[],{},[],{},[]]`,
	} {
		wantViolation(t, wamp.JSON, []byte(in), "")
	}
}

// TestJSONWhiteSpace: it may stand between any two tokens, and means nothing.
func TestJSONWhiteSpace(t *testing.T) {
	tokens := strings.Fields(`[ 16 , 1 , { "exclude" : [ 1 , 2 ] , "eligible" : [ ] , "x" : { "y" : [ null ] } , "acknowledge" : true } , "t" , ` +
		`[ { } , [ ] , 1.5 , "a" ] , { "k" : { } } ]`)
	want := parse(t, wamp.JSON, []byte(strings.Join(tokens, "")))
	for _, space := range []string{" ", "\n", "\r\n", "\t", " \t\r\n  "} {
		got := parse(t, wamp.JSON, []byte(space+strings.Join(tokens, space)+space))
		if diff := cmp.Diff(decoded(t, parse(t, wamp.JSON, []byte(strings.Join(tokens, "")))), decoded(t, got)); diff != "" {
			t.Errorf("%q: %s", space, diff)
		}
	}
	if want.(*wamp.Publish).Payload.Elements != 2 {
		t.Errorf("%+v", want)
	}
}
