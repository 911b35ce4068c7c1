package serializer_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/wamp"
)

// option is an entry of options or details: a value that it may have, and whether its absence means anything else.
type option struct {
	key   string
	value any
	wrong wamp.List
}

// What an option of each type must not be (MSG-07).
var (
	noBool    = wamp.List{0, 1, -1, 1.5, "true", "", wamp.List{}, wamp.Dict{}}
	noNumber  = wamp.List{true, -1, 1.5, -0.5, "7", wamp.List{}, wamp.Dict{}}
	noID      = append(wamp.List{0, uint64(wamp.MaxID) + 1}, noNumber...)
	noText    = wamp.List{true, 7, 1.5, wamp.List{}, wamp.Dict{}}
	noWord    = append(wamp.List{"", "bogus", "Exact", "prefix "}, noText...)
	noKey     = wamp.List{true, -7, 1.5, wamp.List{}, wamp.Dict{}} // a text, or a number that stands for its digits
	noTexts   = wamp.List{true, 7, "all", wamp.Dict{}, wamp.List{7}, wamp.List{"a", nil}, wamp.List{wamp.List{}}}
	noIDs     = wamp.List{true, 7, "all", wamp.Dict{}, wamp.List{"7"}, wamp.List{1, 0}, wamp.List{nil}, wamp.List{1.5}}
	noDict    = wamp.List{true, 7, "x", wamp.List{}}
	noTrail   = wamp.List{true, 7, "hello", wamp.Dict{}, wamp.List{1}, wamp.List{wamp.Dict{"session": "7"}}}
	noEncAlgo = append(wamp.List{"invalid"}, noText...)
)

var passthruOptions = []option{
	{"ppt_scheme", "x_custom", noText},
	{"ppt_serializer", "cbor", noText},
	{"ppt_cipher", "aes256gcm", noText},
	{"ppt_keyid", "k", noText},
}

// foreignOptions are not ours, but have a type.
var foreignOptions = []option{
	{"transaction_hash", "abc", noText},
	{"enc_algo", "cryptobox", noEncAlgo},
	{"enc_algo", "x_own", nil},
	{"enc_key", "k", noText},
	{"enc_serializer", "cbor", noText},
	{"forward_for", wamp.List{wamp.Dict{"session": 7, "authid": "a", "authrole": "b"}}, noTrail},
}

var receiversOptions = []option{
	{"exclude", wamp.List{1, 2.0}, noIDs},
	{"exclude_authid", wamp.List{"a"}, noTexts},
	{"exclude_authrole", wamp.List{"a", ""}, noTexts},
	{"eligible", wamp.List{}, noIDs},
	{"eligible_authid", wamp.List{}, noTexts},
	{"eligible_authrole", wamp.List{"b"}, noTexts},
}

// optionsOf has the options or details of each message (requirements section 1.2).
var optionsOf = map[wamp.MessageType][]option{
	wamp.TypeHello: {
		{"roles", wamp.Dict{"caller": wamp.Dict{}}, noDict},
		{"agent", "test", noText},
		{"authmethods", wamp.List{"ticket"}, noTexts},
		{"authid", "joe", noText},
		{"authrole", "admin", noText},
		{"authextra", wamp.Dict{"a": 1}, noDict},
	},
	wamp.TypeWelcome: {
		{"roles", wamp.Dict{"broker": wamp.Dict{}}, noDict},
		{"agent", "test", noText},
		{"realm", "realm1", noText},
		{"authid", "joe", noText},
		{"authrole", "admin", noText},
		{"authmethod", "ticket", noText},
		{"authprovider", "static", noText},
		{"authextra", wamp.Dict{"a": 1}, noDict},
	},
	wamp.TypePublish: slices.Concat([]option{
		{"acknowledge", true, noBool},
		{"exclude_me", false, noBool},
		{"disclose_me", true, noBool},
		{"retain", true, noBool},
		{"rkey", "k", noKey},
	}, receiversOptions, foreignOptions, passthruOptions),
	wamp.TypeSubscribe: {
		{"match", "prefix", noWord},
		{"get_retained", true, noBool},
		{"nkey", "n", noText},
		{"forward_for", wamp.List{}, noTrail},
	},
	wamp.TypeEvent: slices.Concat([]option{
		{"publisher", 7, noID},
		{"publisher_authid", "joe", noText},
		{"publisher_authrole", "admin", noText},
		{"topic", "com.example", noText},
		{"trustlevel", 0, noNumber},
		{"retained", true, noBool},
		{"_lost", 3, noNumber},
		{"x_acknowledged_delivery", true, noBool},
	}, foreignOptions, passthruOptions),
	wamp.TypeCall: slices.Concat([]option{
		{"receive_progress", true, noBool},
		{"progress", true, noBool},
		{"timeout", 5000.0, noNumber},
		{"disclose_me", true, noBool},
		{"rkey", 42, noKey},
		{"runmode", "partition", noText},
	}, foreignOptions, passthruOptions),
	wamp.TypeCancel: {{"mode", "skip", noWord}},
	wamp.TypeInterrupt: {
		{"mode", "kill", noWord},
		{"reason", "wamp.error.timeout", noText},
	},
	wamp.TypeResult: slices.Concat([]option{{"progress", true, noBool}}, foreignOptions, passthruOptions),
	wamp.TypeYield:  slices.Concat([]option{{"progress", true, noBool}}, foreignOptions, passthruOptions),
	wamp.TypeError:  slices.Concat(foreignOptions, passthruOptions),
	wamp.TypeRegister: {
		{"match", "wildcard", noWord},
		{"invoke", "last", noWord},
		{"disclose_caller", true, noBool},
		{"forward_timeout", true, noBool},
		{"concurrency", 3, noNumber},
		{"force_reregister", true, noBool},
		{"forward_for", wamp.List{}, noTrail},
	},
	wamp.TypeInvocation: slices.Concat([]option{
		{"procedure", "com.example", noText},
		{"caller", 7, noID},
		{"caller_authid", "joe", noText},
		{"caller_authrole", "admin", noText},
		{"receive_progress", true, noBool},
		{"progress", true, noBool},
		{"timeout", 1, noNumber},
		{"trustlevel", 7, noNumber},
	}, foreignOptions, passthruOptions),
	wamp.TypeGoodbye: {{"message", "bye", nil}},
	wamp.TypeAbort:   {{"message", "bye", nil}},
}

// with returns the shortest message of the layout with these options.
func (l layout) with(options any) wamp.List {
	m := wamp.List{int(l.code)}
	for _, kind := range l.elements[:l.least] {
		if kind == 'o' {
			m = append(m, options)
		} else {
			m = append(m, plain[kind])
		}
	}
	return m
}

// eachOption calls run for every option of every message.
func eachOption(run func(l layout, o option)) {
	for _, l := range layouts {
		for _, o := range optionsOf[l.code] {
			run(l, o)
		}
	}
}

// TestOptionsAreRead: an option makes the message another one, and is appended again.
func TestOptionsAreRead(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		eachOption(func(l layout, o option) {
			options := wamp.Dict{o.key: o.value}
			if o.key != "ppt_scheme" && len(o.key) > 4 && o.key[:4] == "ppt_" {
				options["ppt_scheme"] = "wamp" // without which the others say nothing
			}
			got, without := parse(t, s, value(t, s, l.with(options))), parse(t, s, value(t, s, l.with(wamp.Dict{})))
			if cmp.Equal(got, without, sameMessage) {
				t.Errorf("%v: %s does nothing", l.code, o.key)
			}
			if diff := cmp.Diff(got, parse(t, s, frame(t, s, got)), sameMessage); diff != "" {
				t.Errorf("%v: %s is not appended again: %s", l.code, o.key, diff)
			}
		})
	})
}

func TestMSG07WrongTypes(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		eachOption(func(l layout, o option) {
			for _, v := range o.wrong {
				wantViolation(t, s, value(t, s, l.with(wamp.Dict{o.key: v})), o.key)
			}
			if s != wamp.JSON && o.wrong != nil {
				wantViolation(t, s, value(t, s, l.with(wamp.Dict{o.key: []byte("true")})), o.key)
			}
		})
	})
}

// nulls are the ways to say that an option is not there.
var nulls = map[wamp.Serializer][]string{
	wamp.JSON:        {"null"},
	wamp.MessagePack: {"\xc0", "\xd4\x00\x00"},
	wamp.CBOR:        {"\xf6", "\xf7", "\xc1\xf6"},
}

// entries returns a dictionary of which the keys and values are encoded already.
func entries(s wamp.Serializer, pairs ...string) string {
	n := len(pairs) / 2
	var b []byte
	switch s {
	case wamp.JSON:
		for i := 0; i < len(pairs); i += 2 {
			b = fmt.Appendf(b, ",%s:%s", pairs[i], pairs[i+1])
		}
		return "{" + string(b[min(1, len(b)):]) + "}"
	case wamp.MessagePack:
		b = append(b, 0xdf, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	default:
		b = append(b, 0xba, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	for _, p := range pairs {
		b = append(b, p...)
	}
	return string(b)
}

// list returns a list, short enough for one byte, of which the items are encoded already.
func list(s wamp.Serializer, items ...string) []byte {
	var b []byte
	switch s {
	case wamp.JSON:
		for _, item := range items {
			b = append(append(b, ','), item...)
		}
		return append(append([]byte{'['}, b[min(1, len(b)):]...), ']')
	case wamp.MessagePack:
		b = append(b, 0x90|byte(len(items)))
	default:
		b = append(b, 0x80|byte(len(items)))
	}
	for _, item := range items {
		b = append(b, item...)
	}
	return b
}

// withRaw returns the shortest message of the layout with options that are encoded already.
func (l layout) withRaw(t testing.TB, s wamp.Serializer, options string) []byte {
	t.Helper()
	items := []string{string(value(t, s, int(l.code)))}
	for _, kind := range l.elements[:l.least] {
		item := options
		if kind != 'o' {
			item = string(value(t, s, plain[kind]))
		}
		items = append(items, item)
	}
	return list(s, items...)
}

func TestMSG06NullIsAbsent(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		eachOption(func(l layout, o option) {
			for _, null := range nulls[s] {
				key := string(value(t, s, o.key))
				got := parse(t, s, l.withRaw(t, s, entries(s, key, null)))
				if diff := cmp.Diff(parse(t, s, value(t, s, l.with(wamp.Dict{}))), got, sameMessage); diff != "" {
					t.Errorf("%v: %s of %q: %s", l.code, o.key, null, diff)
				}
			}
		})
	})
}

// TestMSG06NotNull: what only looks like it is a value of the wrong type.
func TestMSG06NotNull(t *testing.T) {
	notNull := map[wamp.Serializer][]string{
		wamp.JSON:        {`"null"`, `{}`},
		wamp.MessagePack: {"\xd4\x00\x01", "\xd4\x01\x00", "\xd5\x00\x00\x00", "\xc7\x00\x00"},
		wamp.CBOR:        {"\xe0", "\xf8\x20", "\x40"},
	}
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, v := range notNull[s] {
			wantViolation(t, s, layoutOf(wamp.TypeCall).withRaw(t, s, entries(s, string(value(t, s, "timeout")), v)), "timeout")
		}
	})
}

// TestMSG06NullOfARole: null is not there in the dictionaries within HELLO either.
func TestMSG06NullOfARole(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		m := parse(t, s, value(t, s, wamp.List{1, "realm1", wamp.Dict{"roles": wamp.Dict{
			"caller": nil, "callee": wamp.Dict{"features": nil},
			"publisher": wamp.Dict{"features": wamp.Dict{"publisher_exclusion": nil}},
		}}})).(*wamp.Hello)
		var want wamp.Roles
		want.Announce(wamp.RoleCallee)
		want.Announce(wamp.RolePublisher)
		if m.Details.Roles != want {
			t.Errorf("roles %+v, want %+v", m.Details.Roles, want)
		}
	})
}

// TestMSG05UnknownOptions: what the protocol does not define is kept for those who want it, and never fails.
func TestMSG05UnknownOptions(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for code := range optionsOf {
			l := layoutOf(code)
			extra := wamp.Dict{"x_any": wamp.List{nil, int64(1), wamp.Dict{"a": "b"}}, "zzz": "t", "": true}
			m := parse(t, s, value(t, s, l.with(extra)))
			if code == wamp.TypeCancel || code == wamp.TypeInterrupt {
				continue // which keep nothing
			}
			if diff := cmp.Diff(extra, extraOf(m)); diff != "" {
				t.Errorf("%v: %s", code, diff)
			}
		}
	})
}

func extraOf(m wamp.Message) wamp.Dict {
	switch m := m.(type) {
	case *wamp.Hello:
		return m.Details.Extra
	case *wamp.Welcome:
		return m.Details.Extra
	case *wamp.Abort:
		return m.Details.Extra
	case *wamp.Goodbye:
		return m.Details.Extra
	case *wamp.Error:
		return m.Details.Extra
	case *wamp.Publish:
		return m.Options.Extra
	case *wamp.Subscribe:
		return m.Options.Extra
	case *wamp.Event:
		return m.Details.Extra
	case *wamp.Call:
		return m.Options.Extra
	case *wamp.Result:
		return m.Details.Extra
	case *wamp.Register:
		return m.Options.Extra
	case *wamp.Invocation:
		return m.Details.Extra
	case *wamp.Yield:
		return m.Options.Extra
	default:
		return nil
	}
}

// TestMSG05UndecodableOptions: nor does an unknown option whose value has no Go value. It is passed over.
func TestMSG05UndecodableOptions(t *testing.T) {
	undecodable := map[wamp.Serializer][]string{
		wamp.JSON:        {`"\ud800"`, `[{"a":1e999}]`},
		wamp.MessagePack: {"\xa1\xff", "\x81\x01\x02", "\x91\x81\xa1\xff\x00"},
		wamp.CBOR:        {"\x61\xff", "\xa1\x01\x02", "\xe0", "\x7f\x61\xff\xff"},
	}
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, v := range undecodable[s] {
			call := layoutOf(wamp.TypeCall).withRaw(t, s, entries(s,
				string(value(t, s, "x_bad")), v, string(value(t, s, "x_good")), string(value(t, s, 7))))
			if diff := cmp.Diff(wamp.Dict{"x_good": int64(7)}, extraOf(parse(t, s, call))); diff != "" {
				t.Errorf("%q: %s", v, diff)
			}
			hello := layoutOf(wamp.TypeHello).withRaw(t, s, entries(s, string(value(t, s, "authextra")),
				entries(s, string(value(t, s, "a")), v)))
			wantViolation(t, s, hello, "authextra")
			wantViolation(t, s, list(s, string(value(t, s, 4)), string(value(t, s, "x")),
				entries(s, string(value(t, s, "a")), v)), "Extra")
		}
	})
}

// TestKeysTwice: a known key that stands twice is refused, because one reader may see the first and another the last.
// Of an unknown one the last is kept, as of a dictionary in a payload.
func TestKeysTwice(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		eachOption(func(l layout, o option) {
			key, v := string(value(t, s, o.key)), string(value(t, s, o.value))
			wantViolation(t, s, l.withRaw(t, s, entries(s, key, v, key, v)), o.key)
			wantViolation(t, s, l.withRaw(t, s, entries(s, key, nulls[s][0], key, v)), o.key)
		})
		x, y := string(value(t, s, "x_key")), string(value(t, s, "y_key"))
		one, two := string(value(t, s, 1)), string(value(t, s, 2))
		m := parse(t, s, layoutOf(wamp.TypeCall).withRaw(t, s, entries(s, x, one, y, two, x, two)))
		if diff := cmp.Diff(wamp.Dict{"x_key": int64(2), "y_key": int64(2)}, extraOf(m)); diff != "" {
			t.Error(diff)
		}
		role := string(value(t, s, "callee"))
		roles := entries(s, role, entries(s), role, entries(s))
		wantViolation(t, s, layoutOf(wamp.TypeHello).withRaw(t, s, entries(s, string(value(t, s, "roles")), roles)), "twice")
	})
}

// TestSES05FEA03Roles: roles and features that the protocol does not define stand next to known ones, and say nothing.
func TestSES05FEA03Roles(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		hello := parse(t, s, value(t, s, wamp.List{1, "realm1", wamp.Dict{"roles": wamp.Dict{
			"wizard": wamp.Dict{"features": "magic"},
			"x_role": 7,
			"caller": wamp.Dict{"x": 1, "features": wamp.Dict{
				"call_timeout": true, "call_canceling": false, "progressive_call_results": 1, "x_feature": true,
				"caller_identification": "true", "call_reroute": wamp.List{true},
			}},
			"subscriber": wamp.Dict{"features": wamp.Dict{"call_cancelling": true, "shareded_subscriptions": true}},
			"publisher":  wamp.Dict{},
		}}})).(*wamp.Hello)
		var want wamp.Roles
		want.Announce(wamp.RoleCaller, wamp.FeatureCallTimeout)
		want.Announce(wamp.RoleSubscriber, wamp.FeatureCallCanceling, wamp.FeatureShardedSubscription)
		want.Announce(wamp.RolePublisher)
		if hello.Details.Roles != want {
			t.Errorf("roles %+v, want %+v", hello.Details.Roles, want)
		}
	})
}

// TestSES04MalformedRoles: a role that we know must be what the protocol says.
func TestSES04MalformedRoles(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, v := range noDict {
			hello := func(role any) []byte {
				return value(t, s, wamp.List{1, "realm1", wamp.Dict{"roles": wamp.Dict{"caller": role}}})
			}
			wantViolation(t, s, hello(v), "caller")
			wantViolation(t, s, hello(wamp.Dict{"features": v}), "features")
		}
	})
}

// TestBWL03BWL04EmptyLists: an empty list is not the same as none.
func TestBWL03BWL04EmptyLists(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		publish := func(options wamp.Dict) *wamp.Receivers {
			return parse(t, s, value(t, s, wamp.List{16, 1, options, "t"})).(*wamp.Publish).Options.Receivers
		}
		if r := publish(wamp.Dict{"acknowledge": true, "exclude": nil, "x": 1}); r != nil {
			t.Errorf("no list became %+v", r)
		}
		want := &wamp.Receivers{Exclude: []wamp.ID{}, EligibleAuthID: []string{}, EligibleAuthRole: []string{"a"}}
		got := publish(wamp.Dict{"exclude": wamp.List{}, "eligible_authid": wamp.List{}, "eligible": nil,
			"eligible_authrole": wamp.List{"a"}})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestPPT01NoScheme: payload passthru mode is in use only with a scheme.
func TestPPT01NoScheme(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, code := range []wamp.MessageType{16, 48, 50, 70, 36, 68, 8} {
			l := layoutOf(code)
			want := parse(t, s, value(t, s, l.with(wamp.Dict{})))
			for _, options := range []wamp.Dict{{"ppt_scheme": ""}, {"ppt_serializer": "cbor"}, {"ppt_scheme": nil, "ppt_keyid": "k"}} {
				if diff := cmp.Diff(want, parse(t, s, value(t, s, l.with(options)))); diff != "" {
					t.Errorf("%v %v: %s", code, options, diff)
				}
			}
		}
	})
}

// TestSHD05ShardKeyAsNumber: a number stands for its digits.
func TestSHD05ShardKeyAsNumber(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, key := range []any{uint64(1<<64 - 1), 0, 42, 42.0, "42"} {
			m := parse(t, s, value(t, s, wamp.List{48, 1, wamp.Dict{"rkey": key}, "p"})).(*wamp.Call)
			if want := fmt.Sprint(key); m.Options.RKey != want {
				t.Errorf("the key is %q, want %q", m.Options.RKey, want)
			}
		}
	})
}

// TestFarewellMessageOfAnyType: how a session ends does not depend on whether the message is a text.
func TestFarewellMessageOfAnyType(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		m := parse(t, s, value(t, s, wamp.List{6, wamp.Dict{"message": wamp.List{int64(1)}}, "r"})).(*wamp.Goodbye)
		if m.Details.Extra != nil || m.Details.Message != "" {
			t.Errorf("%+v", m.Details)
		}
	})
}

// TestE2E03NoBareBytes: the legacy way to send encrypted arguments, as bytes and no list, is off.
func TestE2E03NoBareBytes(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		m := wamp.List{16, 1, wamp.Dict{"enc_algo": "cryptobox"}, "t", []byte{1, 2, 3}}
		wantViolation(t, s, value(t, s, m), "Arguments")
	})
}

// TestE2E05OneKindOfPassthru: the keys of the old kind and of the new one are not for the same message.
func TestE2E05OneKindOfPassthru(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for old, word := range (wamp.Dict{"enc_algo": "cryptobox", "enc_key": "k", "enc_serializer": "json"}) {
			options := wamp.Dict{"ppt_scheme": "x_s", old: word}
			for _, m := range []wamp.List{
				{16, 1, options, "t"}, {48, 1, options, "p"}, {70, 1, options}, {8, 68, 1, options, "e"},
			} {
				wantViolation(t, s, value(t, s, m), old)
			}
			parse(t, s, value(t, s, wamp.List{48, 1, wamp.Dict{"ppt_scheme": "x_s", old: nil}, "p"}))
			parse(t, s, value(t, s, wamp.List{48, 1, wamp.Dict{"ppt_keyid": "k", old: word}, "p"}))
		}
	})
}

// TestNoSerializer: there are no others.
func TestNoSerializer(t *testing.T) {
	for _, s := range []wamp.Serializer{wamp.NoSerializer, 4, 255} {
		if m, err := serializer.Parse(s, []byte(`[48,1,{},"p"]`)); m != nil || err == nil {
			t.Errorf("serializer %d: %v, %v", uint8(s), m, err)
		}
	}
}
