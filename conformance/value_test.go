package conformance

import (
	"math"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/wamp"
)

func TestParseValue(t *testing.T) {
	large, _ := new(big.Int).SetString("18446744073709551616", 10)
	for text, want := range map[string]any{
		`null`:                      nil,
		`true`:                      true,
		`false`:                     false,
		`17`:                        int64(17),
		`-1`:                        int64(-1),
		`18446744073709551615`:      uint64(math.MaxUint64),
		`18446744073709551616`:      large,
		`1.0`:                       1.0,
		`-2.5e3`:                    -2500.0,
		`+INF`:                      math.Inf(1),
		`"a\n\u00fc\xff"`:           "a\nü\xff",
		`b64"AAEC"`:                 []byte{0, 1, 2},
		`b64""`:                     []byte{},
		`undefined`:                 undefined{},
		`_`:                         anything{},
		`…`:                         others{},
		`$A.authid`:                 variable("A.authid"),
		`"x"*3`:                     repeated{"x", 3},
		`"x"*$max`:                  repeated{"x", variable("max")},
		`[]`:                        wamp.List{},
		"[1,\n [ _ ] , …]":          wamp.List{int64(1), wamp.List{anything{}}, others{}},
		`{}`:                        wamp.Dict{},
		`{"a": {"b": $c}, …}`:       wamp.Dict{"a": wamp.Dict{"b": variable("c")}, "…": others{}},
		` { "a" : 1 , "b" : "x" } `: wamp.Dict{"a": int64(1), "b": "x"},
	} {
		got, err := parseValue(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got, compareBig, cmp.AllowUnexported(repeated{})); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

var compareBig = cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })

func TestParseValueRefuses(t *testing.T) {
	for _, text := range []string{
		``, `nothing`, `[`, `[1`, `[1 2]`, `[1,`, `{`, `{1: 2}`, `{"a"}`, `{"a": }`, `{"a": 1 "b": 2}`, `"a`, `'a'`,
		`b64"!"`, `b64"AA`, `1 2`, `[] x`, `1.2.3`, `0x10`, `"x"*`, `"x"*y`, `tru`,
	} {
		if v, err := parseValue(text); err == nil {
			t.Errorf("%q is %v", text, v)
		}
	}
}

func TestParseBytes(t *testing.T) {
	parts, err := parseBytes(`7f f1 0000 "ab"*2 ff*3 $realm 5b*$max`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := vars{"realm": "r", "max": 2}.fillBytes(parts)
	if want := "\x7f\xf1\x00\x00abab\xff\xff\xffr[["; err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	for _, text := range []string{`7`, `xy`, `"a`, `00*`, `00*x`} {
		if _, err := parseBytes(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, text := range []string{
		`[8, 48, 1, {}, "wamp.error.canceled", ["a\nb", null, true, -1, 1.5, 1.0, 1e+300]]`,
		`{"a": b64"AAEC", "b": [_, $x]}`,
		`18446744073709551616`,
	} {
		v, err := parseValue(text)
		if got := format(v); err != nil || got != text {
			t.Errorf("got %s, %v; want %s", got, err, text)
		}
	}
	v, _ := parseValue(`"ü"*1000`)
	filled, _ := vars{}.fill(v)
	if got := format(filled); len(got) > 300 {
		t.Errorf("a long text is %d bytes long", len(got))
	}
}

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		want, got string
		differs   bool
	}{
		{`[1, "a", {"k": null}]`, `[1, "a", {"k": null}]`, false},
		{`[1, _, _]`, `[1, {}, null]`, false},
		{`[1, …]`, `[1]`, false},
		{`[1, …]`, `[1, 2, 3]`, false},
		{`{"a": 1, …}`, `{"a": 1, "b": 2}`, false},
		{`{…}`, `{}`, false},
		{`[$new, $new]`, `[7, 7]`, false},
		{`$known`, `17`, false},
		{`undefined`, `null`, false},
		{`"x"*3`, `"xxx"`, false},
		{`b64"AAEC"`, `b64"AAEC"`, false},
		{`18446744073709551616`, `18446744073709551616`, false},
		{`NaN`, `NaN`, false},

		{`1`, `1.0`, true}, // SER-06
		{`1.0`, `1`, true},
		{`1`, `true`, true},
		{`"1"`, `1`, true},
		{`b64"eA=="`, `"x"`, true},
		{`null`, `[]`, true},
		{`[1]`, `[1, 2]`, true},
		{`[1, 2]`, `[1]`, true},
		{`[1, 2, …]`, `[1]`, true},
		{`[]`, `{}`, true},
		{`{}`, `[]`, true},
		{`{}`, `{"a": 1}`, true},
		{`{"a": 1}`, `{}`, true},
		{`{"a": null}`, `{}`, true},
		{`{"a": 1, …}`, `{"b": 1}`, true},
		{`{"a": {"b": 1}}`, `{"a": {"b": 2}}`, true},
		{`[$new, $new]`, `[7, 8]`, true},
		{`$known`, `18`, true},
		{`$new`, `0`, true}, // IDS-01
		{`$new`, `9007199254740993`, true},
		{`$new`, `1.0`, true}, // SER-06
		{`$new`, `"id"`, true},
		{`"x"*3`, `"xx"`, true},
	} {
		want, err := parseValue(test.want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseValue(test.got)
		if err != nil {
			t.Fatal(err)
		}
		diff := vars{"known": int64(17)}.match("message", want, got)
		if (diff != "") != test.differs {
			t.Errorf("%s against %s: %q", test.want, test.got, diff)
		}
	}
}

func TestFillRefuses(t *testing.T) {
	for _, text := range []string{`$unknown`, `[_]`, `{"a": …}`, `["x"*$unknown]`, `"x"*$text`} {
		v, err := parseValue(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (vars{"text": "t"}).fill(v); err == nil {
			t.Errorf("%s is %v", text, got)
		}
	}
}
