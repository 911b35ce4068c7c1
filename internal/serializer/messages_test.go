package serializer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

var serializers = []wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR}

// eachSerializer runs a subtest for each of the three.
func eachSerializer(t *testing.T, run func(t *testing.T, s wamp.Serializer)) {
	for _, s := range serializers {
		t.Run(s.String(), func(t *testing.T) { run(t, s) })
	}
}

// sameMessage compares messages: what they mean, not where they lie.
var sameMessage = cmp.Options{
	cmp.Comparer(func(a, b wamp.Roles) bool { return a == b }),
	cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 }),
}

// value returns a value, or a message that is a list of its elements, in a serializer.
func value(t testing.TB, s wamp.Serializer, v any) []byte {
	t.Helper()
	b, err := payload.AppendValue(nil, s, v)
	if err != nil {
		t.Fatalf("%v cannot express %v: %v", s, v, err)
	}
	return b
}

func frame(t testing.TB, s wamp.Serializer, m wamp.Message) []byte {
	t.Helper()
	b, err := serializer.Append(nil, s, m)
	if err != nil {
		t.Fatalf("append %v in %v: %v", m.Type(), s, err)
	}
	return b
}

func parse(t testing.TB, s wamp.Serializer, b []byte) wamp.Message {
	t.Helper()
	m, err := serializer.Parse(s, b)
	if err != nil {
		t.Fatalf("parse %v %q: %v", s, b, err)
	}
	return m
}

// wantViolation checks that the message is refused as MSG-02 says, and that the reason mentions what is wrong.
func wantViolation(t testing.TB, s wamp.Serializer, b []byte, mention string) {
	t.Helper()
	m, err := serializer.Parse(s, b)
	var violation *wamp.ViolationError
	if !errors.As(err, &violation) || !strings.Contains(violation.Text, mention) {
		t.Errorf("%v %q: got %v, %v; want a violation that mentions %q", s, b, m, err, mention)
	}
	if m != nil {
		t.Errorf("%v %q: a message and an error", s, b)
	}
}

// decoded makes the payload of a message Go values.
func decoded(t testing.TB, m wamp.Message) wamp.Message {
	t.Helper()
	p := wamp.PayloadOf(m)
	if p == nil {
		return m
	}
	args, kwargs, err := payload.Decode(p)
	if err != nil {
		t.Fatalf("decode the payload of %v: %v", m.Type(), err)
	}
	*p = wamp.Payload{Args: args, Kwargs: kwargs}
	return m
}

// sample is a message and its name in the golden files.
type sample struct {
	name    string
	message wamp.Message
}

func samplePayload() wamp.Payload {
	return wamp.Payload{
		Args:   wamp.List{"grüße", int64(-7), 1.5, nil, true, wamp.List{}, []byte{0, 255}},
		Kwargs: wamp.Dict{"big": uint64(1 << 63), "list": wamp.List{wamp.Dict{}}},
	}
}

func sampleExtra() wamp.Dict {
	return wamp.Dict{"x_list": wamp.List{int64(1), "two"}, "x_text": "with \"quotes\""}
}

func samplePassthru() *wamp.Passthru {
	return &wamp.Passthru{Scheme: "wamp", Serializer: "cbor", Cipher: "aes256gcm", KeyID: "key1"}
}

// samples returns every message of the protocol, once with everything that it can say, and where it can say less,
// once with as little as it can.
func samples() []sample {
	return append(append(sessionSamples(), rpcSamples()...), pubsubSamples()...)
}

func sessionSamples() []sample {
	var client, router wamp.Roles
	client.Announce(wamp.RoleCallee, wamp.FeatureCallTimeout, wamp.FeatureSharedRegistration)
	client.Announce(wamp.RolePublisher)
	for f := wamp.FeatureProgressiveCallResults; f <= wamp.FeatureAcknowledgedEventDelivery; f++ {
		router.Announce(wamp.RoleDealer, f)
	}
	return []sample{
		{"HELLO", &wamp.Hello{Realm: "com.example.realm", Details: wamp.HelloDetails{
			Roles: client, Agent: "test", AuthMethods: []string{"ticket", "anonymous"}, AuthID: "joe",
			AuthRole: "admin", AuthExtra: wamp.Dict{"pubkey": "aa", "list": wamp.List{nil}}, Extra: sampleExtra(),
		}}},
		{"HELLO minimal", &wamp.Hello{Details: wamp.HelloDetails{Roles: client}}},
		{"WELCOME", &wamp.Welcome{Session: wamp.MaxID, Details: wamp.WelcomeDetails{
			Roles: router, Agent: "tandem", Realm: "com.example.realm", AuthID: "joe", AuthRole: "admin",
			AuthMethod: "ticket", AuthProvider: "static", AuthExtra: wamp.Dict{}, Extra: sampleExtra(),
		}}},
		{"WELCOME minimal", &wamp.Welcome{Session: 1, Details: wamp.WelcomeDetails{Roles: router}}},
		{"ABORT", &wamp.Abort{Details: wamp.AbortDetails{Message: "no such realm", Extra: sampleExtra()},
			Reason: "wamp.error.no_such_realm"}},
		{"ABORT minimal", &wamp.Abort{Reason: "wamp.error.no_such_realm"}},
		{"CHALLENGE", &wamp.Challenge{AuthMethod: "wampcra", Extra: wamp.Dict{"challenge": "{}", "iterations": int64(1000)}}},
		{"CHALLENGE minimal", &wamp.Challenge{AuthMethod: "ticket", Extra: wamp.Dict{}}},
		{"AUTHENTICATE", &wamp.Authenticate{Signature: "gir1mSx+", Extra: wamp.Dict{"nonce": "x"}}},
		{"AUTHENTICATE minimal", &wamp.Authenticate{Extra: wamp.Dict{}}},
		{"GOODBYE", &wamp.Goodbye{Details: wamp.GoodbyeDetails{Message: "bye", Extra: sampleExtra()},
			Reason: wamp.CloseRealm}},
		{"GOODBYE minimal", &wamp.Goodbye{Reason: wamp.CloseRealm}},
		{"ERROR", &wamp.Error{RequestType: wamp.TypeCall, Request: 9, URI: "com.example.error",
			Details: wamp.ErrorDetails{PPT: samplePassthru(), Extra: sampleExtra()}, Payload: samplePayload()}},
		{"ERROR minimal", &wamp.Error{RequestType: wamp.TypeSubscribe, Request: 9, URI: wamp.ErrInvalidURI}},
	}
}

func rpcSamples() []sample {
	return []sample{
		{"CALL", &wamp.Call{Request: 70000, Procedure: "com.example.add", Payload: samplePayload(),
			Options: wamp.CallOptions{ReceiveProgress: true, Progress: true, Timeout: 1 << 63, DiscloseMe: true,
				RKey: "42", RunMode: "partition", PPT: samplePassthru(), Extra: sampleExtra()}}},
		{"CALL minimal", &wamp.Call{Request: 1, Procedure: "p"}},
		{"CANCEL", &wamp.Cancel{Request: 5, Options: wamp.CancelOptions{Mode: wamp.CancelSkip}}},
		{"RESULT", &wamp.Result{Request: 1 << 32, Payload: samplePayload(),
			Details: wamp.ResultDetails{Progress: true, PPT: samplePassthru(), Extra: sampleExtra()}}},
		{"RESULT minimal", &wamp.Result{Request: 24}},
		{"REGISTER", &wamp.Register{Request: 255, Procedure: "com..add", Options: wamp.RegisterOptions{
			Match: wamp.MatchWildcard, Invoke: wamp.InvokeRoundRobin, DiscloseCaller: true, ForwardTimeout: true,
			Concurrency: 128, ForceReregister: true, Extra: sampleExtra()}}},
		{"REGISTER minimal", &wamp.Register{Request: 256, Procedure: "com.example.add"}},
		{"REGISTERED", &wamp.Registered{Request: 23, Registration: 65536}},
		{"UNREGISTER", &wamp.Unregister{Request: 23, Registration: 65535}},
		{"UNREGISTERED", &wamp.Unregistered{Request: 127}},
		{"UNREGISTERED revocation", &wamp.Unregistered{
			Details: wamp.UnregisteredDetails{Registration: 7, Reason: "com.example.moved"}}},
		{"INVOCATION", &wamp.Invocation{Request: 1, Registration: 128, Payload: samplePayload(),
			Details: wamp.InvocationDetails{Procedure: "com.example.add", Caller: 3, CallerAuthID: "joe",
				CallerAuthRole: "admin", ReceiveProgress: true, Progress: true, Timeout: 1000, HasTrustLevel: true,
				PPT: samplePassthru(), Extra: sampleExtra()}}},
		{"INVOCATION minimal", &wamp.Invocation{Request: 1, Registration: 128}},
		{"INTERRUPT", &wamp.Interrupt{Request: 1,
			Options: wamp.InterruptOptions{Mode: wamp.CancelKill, Reason: "wamp.error.timeout"}}},
		{"INTERRUPT minimal", &wamp.Interrupt{Request: 1}},
		{"YIELD", &wamp.Yield{Request: 2, Payload: samplePayload(),
			Options: wamp.YieldOptions{Progress: true, PPT: samplePassthru(), Extra: sampleExtra()}}},
		{"YIELD minimal", &wamp.Yield{Request: 2}},
	}
}

func pubsubSamples() []sample {
	return []sample{
		{"PUBLISH", &wamp.Publish{Request: 3, Topic: "com.example.topic", Payload: samplePayload(),
			Options: wamp.PublishOptions{Acknowledge: true, IncludeMe: true, DiscloseMe: true, Retain: true, RKey: "k",
				Receivers: &wamp.Receivers{Exclude: []wamp.ID{1, wamp.MaxID}, ExcludeAuthID: []string{"joe"},
					ExcludeAuthRole: []string{"a", "b"}, Eligible: []wamp.ID{}, EligibleAuthID: []string{},
					EligibleAuthRole: []string{""}},
				PPT: samplePassthru(), Extra: sampleExtra()}}},
		{"PUBLISH minimal", &wamp.Publish{Request: 3, Topic: "com.example.topic"}},
		{"PUBLISHED", &wamp.Published{Request: 4, Publication: 1 << 40}},
		{"SUBSCRIBE", &wamp.Subscribe{Request: 5, Topic: "com.example.",
			Options: wamp.SubscribeOptions{Match: wamp.MatchPrefix, GetRetained: true, NKey: "n", Extra: sampleExtra()}}},
		{"SUBSCRIBE minimal", &wamp.Subscribe{Request: 5, Topic: "com.example.topic"}},
		{"SUBSCRIBED", &wamp.Subscribed{Request: 6, Subscription: 1}},
		{"UNSUBSCRIBE", &wamp.Unsubscribe{Request: 7, Subscription: 1}},
		{"UNSUBSCRIBED", &wamp.Unsubscribed{Request: 8}},
		{"UNSUBSCRIBED revocation", &wamp.Unsubscribed{
			Details: wamp.UnsubscribedDetails{Subscription: 7, Reason: "com.example.moved"}}},
		{"EVENT", &wamp.Event{Subscription: 9, Publication: 10, Payload: samplePayload(),
			Details: wamp.EventDetails{Publisher: 11, PublisherAuthID: "joe", PublisherAuthRole: "admin",
				Topic: "com.example.topic", TrustLevel: 3, HasTrustLevel: true, Retained: true, Lost: 300,
				PPT: samplePassthru(), Extra: sampleExtra()}}},
		{"EVENT minimal", &wamp.Event{Subscription: 9, Publication: 10}},
		{"EVENT_RECEIVED", &wamp.EventReceived{Publication: 12}},
	}
}

// TestMSG01RoundTrip: every message with every option comes back as it was, from every serializer.
func TestMSG01RoundTrip(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for i, want := range samples() {
			got := decoded(t, parse(t, s, frame(t, s, want.message)))
			if diff := cmp.Diff(samples()[i].message, got, sameMessage); diff != "" {
				t.Errorf("%s: %s", want.name, diff)
			}
		}
	})
}

// TestMSG01EveryMessage: the samples leave no message out.
func TestMSG01EveryMessage(t *testing.T) {
	seen := map[wamp.MessageType]bool{}
	for _, s := range samples() {
		seen[s.message.Type()] = true
	}
	for code := range wamp.MessageType(1024) {
		if code.Known() != seen[code] {
			t.Errorf("message type %v: known %v, among the samples %v", code, code.Known(), seen[code])
		}
	}
}

// definedKey matches the keys of the protocol, and with an underscore before them those of an implementation.
var definedKey = regexp.MustCompile(`^([a-z][a-z0-9_]{2,}|_[a-z0-9_]{3,})$`)

// TestSER02MSG08OwnWords: what the library itself puts into messages has the types of WAMP and keys as WAMP has them.
func TestSER02MSG08OwnWords(t *testing.T) {
	for _, m := range samples() {
		var elements []any
		decoder := json.NewDecoder(bytes.NewReader(frame(t, wamp.JSON, m.message)))
		decoder.UseNumber()
		if err := decoder.Decode(&elements); err != nil {
			t.Fatal(err)
		}
		for _, element := range elements {
			if _, payload := element.([]any); payload {
				break
			}
			checkOwnWords(t, m.name, element)
		}
	}
}

func checkOwnWords(t *testing.T, where string, v any) {
	switch v := v.(type) {
	case string, bool:
	case json.Number:
		if _, err := strconv.ParseUint(v.String(), 10, 64); err != nil {
			t.Errorf("%s: the number %s", where, v)
		}
	case []any:
		for _, item := range v {
			checkOwnWords(t, where, item)
		}
	case map[string]any:
		for key, item := range v {
			if !definedKey.MatchString(key) {
				t.Errorf("%s: the key %q", where, key)
			}
			if key != "authextra" { // the application's own
				checkOwnWords(t, where+"."+key, item)
			}
		}
	default:
		t.Errorf("%s: %T", where, v)
	}
}

// TestRoundTripThroughAll: a message that goes from serializer to serializer, as between routers, comes back the same.
func TestRoundTripThroughAll(t *testing.T) {
	for i, want := range samples() {
		m := want.message
		for _, s := range []wamp.Serializer{wamp.CBOR, wamp.JSON, wamp.MessagePack, wamp.CBOR, wamp.MessagePack, wamp.JSON} {
			m = parse(t, s, frame(t, s, m))
		}
		if diff := cmp.Diff(samples()[i].message, decoded(t, m), sameMessage); diff != "" {
			t.Errorf("%s: %s", want.name, diff)
		}
	}
}

// TestSER14Splice: a router that changes the head passes the bytes of the payload on as they are, even where it would
// write them differently itself.
func TestSER14Splice(t *testing.T) {
	frames := map[wamp.Serializer]struct{ call, payload string }{
		wamp.JSON: {`[48,1,{},"p", [ 1.0,"\u0041", 1e2,{"b":1,"a":2, "b":3}] , {"k" : "\ud800"} ]`,
			`[ 1.0,"\u0041", 1e2,{"b":1,"a":2, "b":3}] , {"k" : "\ud800"}`},
		wamp.MessagePack: {"\x96\x30\x01\x80\xa1p" + "\x93\xcd\x00\x01\xc7\x01\x05\x00\xd9\x01a" + "\xde\x00\x01\xa1k\xc0",
			"\x93\xcd\x00\x01\xc7\x01\x05\x00\xd9\x01a" + "\xde\x00\x01\xa1k\xc0"},
		wamp.CBOR: {"\x86\x18\x30\x01\xa0\x61p" + "\x9f\x19\x00\x01\xc1\x00\x7f\x61a\xff\xff" + "\xbf\x61k\xf7\xff",
			"\x9f\x19\x00\x01\xc1\x00\x7f\x61a\xff\xff" + "\xbf\x61k\xf7\xff"},
	}
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		in := frames[s]
		call := parse(t, s, []byte(in.call)).(*wamp.Call)
		if string(call.Payload.Raw) != in.payload {
			t.Fatalf("the payload is %q, want %q", call.Payload.Raw, in.payload)
		}
		out := frame(t, s, &wamp.Invocation{Request: 2, Registration: 3, Payload: call.Payload})
		got := parse(t, s, out).(*wamp.Invocation)
		if string(got.Payload.Raw) != in.payload {
			t.Errorf("%q was spliced as %q", in.payload, got.Payload.Raw)
		}
	})
}
