package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/wamp"
)

func writeFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// What goes out comes back as it was, whatever the serializers on the way.
func TestValuesThereAndBack(t *testing.T) {
	_, ws, tcp := startDev(t)
	object, bytes, empty := writeFile(t, "{\"a\":\n [1, 2]}\n"), writeFile(t, "\x00\xff\x80"), writeFile(t, "")
	tests := []struct {
		words string
		out   string
	}{
		{"1", "1"},
		{"-1", "-1"},
		{"-0.5", "-0.5"},
		{"1.0", "1.0"},
		{"9007199254740993", "9007199254740993"},
		{"18446744073709551615", "18446744073709551615"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"true", "true"},
		{"null", "null"},
		{"[1,2]", "[1,2]"},
		{`{"a":1}`, `{"a":1}`},
		{`{"a":[{"b":null}]}`, `{"a":[{"b":null}]}`},
		{"text", `"text"`},
		{"Zürich", `"Zürich"`},
		{"<b>&", `"<b>&"`},
		{`"quoted"`, `"quoted"`},
		{`"half`, `"\"half"`},
		{"s:1", `"1"`},
		{"s:", `""`},
		{"s:@file", `"@file"`},
		{"s:s:1", `"s:1"`},
		{"b:x", `"b:x"`},
		{"01", `"01"`},
		{"True", `"True"`},
		{"@" + object, `{"a":[1,2]}`},
		{"b:@" + bytes, `"\u0000AP+A"`},
		{"b:@" + empty, `"\u0000"`},
		{`"\u0000AP+A"`, `"\u0000AP+A"`},
		{"1 2", `{"args":[1,2]}`},
		{"1 -2 -3.5", `{"args":[1,-2,-3.5]}`},
		{"-k a=1", `{"kwargs":{"a":1}}`},
		{"-k a=-1 -k b=x=y --kwarg c=s:1", `{"kwargs":{"a":-1,"b":"x=y","c":"1"}}`},
		{"1 -k a=[1,2]", `{"args":[1],"kwargs":{"a":[1,2]}}`},
		{"", ""},
		{"-- -1 --timeout", `{"args":[-1,"--timeout"]}`},
	}
	for _, serializer := range []string{"json", "msgpack", "cbor"} {
		startRegister(t, tcp, "--echo", "--serializer", serializer, "com.example."+serializer)
		for _, test := range tests {
			for _, callers := range []string{"json", "cbor"} {
				args := []string{"call", "--url", ws, "--serializer", callers, "com.example." + serializer}
				want := test.out
				if want != "" {
					want += "\n"
				}
				e := tandem(t, append(args, strings.Fields(test.words)...)...)
				if e.code != 0 || e.err != "" || e.out != want {
					t.Errorf("%s to %s: %s gave %d, %q, %q", callers, serializer, test.words, e.code, e.out, e.err)
				}
			}
		}
	}
}

// CBOR and JSON have integers of any size, MessagePack does not and must say so.
func TestValuesBeyond64Bits(t *testing.T) {
	_, ws, _ := startDev(t)
	startRegister(t, ws, "--echo", "com.example.echo")
	const big = "123456789012345678901234567890"
	tandem(t, "call", "--url", ws, "com.example.echo", big, "-"+big).
		expect(t, 0, `{"args":[`+big+`,-`+big+"]}\n", "")
	tandem(t, "call", "--url", ws, "--serializer", "msgpack", "com.example.echo", big).
		expect(t, exitFailure, "", "64 bits")
}

func TestValueFromStandardInput(t *testing.T) {
	_, ws, _ := startDev(t)
	startRegister(t, ws, "--echo", "com.example.echo")
	tandemReading(t, " [1,\n2]\n", "call", "--url", ws, "com.example.echo", "-", "text").
		expect(t, 0, "{\"args\":[[1,2],\"text\"]}\n", "")
	tandemReading(t, "[1] [2]", "call", "--url", ws, "com.example.echo", "-").
		expect(t, exitUsage, "", "the standard input does not hold one JSON value")
	tandemReading(t, "", "call", "--url", ws, "com.example.echo", "-").
		expect(t, exitUsage, "", "the standard input does not hold one JSON value: 1:1: unexpected end")
}

// Whoever mistypes JSON learns why it arrives as a text.
func TestWhatIsAlmostJSONIsNoted(t *testing.T) {
	_, ws, _ := startDev(t)
	startRegister(t, ws, "--echo", "com.example.echo")
	for word, note := range map[string]string{
		`{"a": 1,}`:   "{\"a\": 1,} is sent as a text; as JSON it has a mistake at 1:9: invalid character '}'",
		`[1,2`:        "at 1:4: unexpected end",
		`s:{"a": 1,}`: "",
		`hello {x}`:   "",
	} {
		text, err := marshal(strings.TrimPrefix(word, "s:"))
		if err != nil {
			t.Fatal(err)
		}
		tandem(t, "call", "--url", ws, "com.example.echo", word).expect(t, exitOK, string(text)+"\n", note)
	}
}

// What cannot be sent as it is, is not sent.
func TestValuesThatCannotBeSent(t *testing.T) {
	tests := map[string]struct{ word, err string }{
		"not UTF-8":             {"\xff", "b:@FILE sends bytes"},
		"JSON that is not":      {"\"\xff\"", "b:@FILE sends bytes"},
		"file that is no JSON":  {"@" + writeFile(t, "hello"), "does not hold one JSON value"},
		"file that is no UTF-8": {"@" + writeFile(t, "\"\xff\""), "does not hold one JSON value"},
		"place of a mistake":    {"@" + writeFile(t, "{\"ü\": 1,\n \"b\": }\n"), "does not hold one JSON value: 2:7: invalid character '}'"},
		"file without end":      {"b:@/dev/zero", "larger than any message"},
		"directory":             {"b:@" + t.TempDir(), "is a directory"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat("/dev/zero"); err != nil && strings.Contains(test.word, "/dev/zero") {
				t.Skip("no /dev/zero here")
			}
			tandem(t, "call", "com.example.x", test.word).expect(t, exitUsage, "", test.err)
		})
	}
}

func TestHalfASurrogateIsRefused(t *testing.T) {
	_, ws, _ := startDev(t)
	startRegister(t, ws, "--echo", "com.example.echo")
	e := tandem(t, "call", "--url", ws, "com.example.echo", `"\ud800"`)
	if e.code != exitFailure || e.out != "" || e.err == "" {
		t.Errorf("got %+v", e)
	}
}

// A peer may write its JSON over many lines; a result is one.
func TestFormatPayloadIsOneLine(t *testing.T) {
	for raw, want := range map[string]string{
		"[1,\n 2]":                   `{"args":[1,2]}`,
		"[ ]":                        "",
		"[ \"a b\\n\" ]":             `"a b\n"`,
		"[],\n{ }":                   "",
		"[],\n{\"k\" : [ ] }":        `{"kwargs":{"k":[]}}`,
		"[{}]":                       "{}",
		"[1], {\"a\": 1}":            `{"args":[1],"kwargs":{"a":1}}`,
		"[12345678901234567890.0e1]": "12345678901234567890.0e1",
	} {
		p := &wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: []byte(raw)}
		if strings.Contains(raw, "{") && strings.Contains(raw, "],") {
			p.Elements = 2
		}
		got, err := formatPayload(p)
		if err != nil || got != want {
			t.Errorf("%q became %q, %v; want %q", raw, got, err, want)
		}
	}
}
