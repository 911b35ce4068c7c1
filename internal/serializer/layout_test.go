package serializer_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// layout is a message by its elements, as requirements section 1.1 has them: i an ID, n a message type, o options or
// details, x a dictionary that is decoded, r a realm, u a text, a arguments, k keyword arguments.
type layout struct {
	code     wamp.MessageType
	elements string
	least    int // elements behind the code
}

var layouts = []layout{
	{wamp.TypeHello, "ro", 2},
	{wamp.TypeWelcome, "io", 2},
	{wamp.TypeAbort, "ouak", 2},
	{wamp.TypeChallenge, "ux", 2},
	{wamp.TypeAuthenticate, "ux", 2},
	{wamp.TypeGoodbye, "ou", 2},
	{wamp.TypeError, "niouak", 4},
	{wamp.TypePublish, "iouak", 3},
	{wamp.TypePublished, "ii", 2},
	{wamp.TypeSubscribe, "iou", 3},
	{wamp.TypeSubscribed, "ii", 2},
	{wamp.TypeUnsubscribe, "iio", 2},
	{wamp.TypeUnsubscribed, "io", 1},
	{wamp.TypeEvent, "iioak", 3},
	{wamp.TypeCall, "iouak", 3},
	{wamp.TypeCancel, "io", 2},
	{wamp.TypeResult, "ioak", 2},
	{wamp.TypeRegister, "iou", 3},
	{wamp.TypeRegistered, "ii", 2},
	{wamp.TypeUnregister, "iio", 2},
	{wamp.TypeUnregistered, "io", 1},
	{wamp.TypeInvocation, "iioak", 3},
	{wamp.TypeInterrupt, "io", 2},
	{wamp.TypeYield, "ioak", 2},
	{wamp.TypeEventReceived, "i", 1},
}

// layoutOf returns the layout of a message.
func layoutOf(code wamp.MessageType) layout {
	return layouts[slices.IndexFunc(layouts, func(l layout) bool { return l.code == code })]
}

// plain has a value for each kind of element.
var plain = map[rune]any{
	'i': 7, 'n': 48, 'o': wamp.Dict{}, 'x': wamp.Dict{}, 'r': "com.example.realm", 'u': "com.example.uri",
	'a': wamp.List{}, 'k': wamp.Dict{},
}

// message returns the longest message of the layout.
func (l layout) message() wamp.List {
	m := wamp.List{int(l.code)}
	for _, kind := range l.elements {
		m = append(m, plain[kind])
	}
	return m
}

func TestMSG02Lengths(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, l := range layouts {
			all := append(l.message(), wamp.Dict{}, wamp.Dict{}, wamp.Dict{})
			for n := range all {
				in := value(t, s, all[:n+1])
				if n < l.least || n > len(l.elements) {
					wantViolation(t, s, in, "")
				} else if m := parse(t, s, in); m.Type() != l.code {
					t.Errorf("%q became %v", in, m.Type())
				}
			}
		}
	})
}

// wrong has, for each kind of element, values of all kinds that it must not be.
var wrong = map[rune]wamp.List{
	'i': {0, -1, uint64(wamp.MaxID) + 1, uint64(math.MaxUint64), 1.5, -7.0, "7", nil, true, wamp.List{}, wamp.Dict{}},
	'n': {-1, 1.5, "48", nil, true, wamp.List{}, wamp.Dict{}},
	'o': {nil, 7, "x", false, wamp.List{}},
	'x': {nil, 7, "x", false, wamp.List{}},
	'r': {7, false, wamp.List{}, wamp.Dict{}},
	'u': {nil, 7, 1.5, false, wamp.List{}, wamp.Dict{}},
	'a': {nil, 7, "x", true, wamp.Dict{}},
	'k': {nil, 7, "x", true, wamp.List{}},
}

func TestMSG02Types(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, l := range layouts {
			for i, kind := range l.elements {
				for _, v := range wrong[kind] {
					if v == 0 && (l.code == wamp.TypeUnsubscribed || l.code == wamp.TypeUnregistered) {
						continue // a revocation
					}
					m := l.message()
					m[1+i] = v
					wantViolation(t, s, value(t, s, m), l.code.String())
				}
			}
		}
	})
}

// TestMSG02BinaryIsNoText: bytes are never taken for a text (SER-08), nor for anything else.
func TestMSG02BinaryIsNoText(t *testing.T) {
	for _, s := range []wamp.Serializer{wamp.MessagePack, wamp.CBOR} {
		for _, l := range layouts {
			for i := range l.elements {
				m := l.message()
				m[1+i] = []byte("com.example")
				wantViolation(t, s, value(t, s, m), l.code.String())
			}
		}
	}
}

// TestMSG02MSG13NoMessage: what is no message at all, and codes that are not defined.
func TestMSG02MSG13NoMessage(t *testing.T) {
	noLists := wamp.List{nil, true, 48, -1, 1.5, "x", wamp.Dict{}, wamp.Dict{"a": 1}, wamp.List{}}
	noCodes := wamp.List{nil, false, -1, 48.5, "48", wamp.List{48}, wamp.Dict{}}
	undefined := wamp.List{0, 7, 9, 37, 71, 255, 256, 336, 338, 1023, 65536 + 48, uint64(math.MaxUint64)}
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, v := range noLists {
			wantViolation(t, s, value(t, s, v), "")
		}
		for _, code := range noCodes {
			wantViolation(t, s, value(t, s, wamp.List{code, 7, wamp.Dict{}, "com.example.uri"}), "message type")
		}
		for _, code := range undefined {
			wantViolation(t, s, value(t, s, wamp.List{code, 7, wamp.Dict{}, "com.example.uri"}),
				fmt.Sprintf("message type %d is not defined", code))
		}
		wantViolation(t, s, nil, "")
	})
}

// TestMSG12TrailingOptions: some clients append options to UNSUBSCRIBE and UNREGISTER.
func TestMSG12TrailingOptions(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		options := wamp.Dict{"forward_for": wamp.List{}}
		got := []wamp.Message{
			parse(t, s, value(t, s, wamp.List{34, 7, 8, options})),
			parse(t, s, value(t, s, wamp.List{66, 7, 8, options})),
		}
		want := []wamp.Message{&wamp.Unsubscribe{Request: 7, Subscription: 8}, &wamp.Unregister{Request: 7, Registration: 8}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestRRV01SRV01Revocation: only with the request 0 does UNSUBSCRIBED or UNREGISTERED have details.
func TestRRV01SRV01Revocation(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for code, key := range map[int]string{35: "subscription", 67: "registration"} {
			details := wamp.Dict{key: 9, "reason": "com.example.moved"}
			wantViolation(t, s, value(t, s, wamp.List{code, 0}), "")
			wantViolation(t, s, value(t, s, wamp.List{code, 0, wamp.Dict{key: "9"}}), key)
			wantViolation(t, s, value(t, s, wamp.List{code, 0, wamp.Dict{key: 0}}), key)
			wantViolation(t, s, value(t, s, wamp.List{code, 0, wamp.Dict{"reason": 9}}), "reason")
			acknowledged := parse(t, s, value(t, s, wamp.List{code, 5, details}))
			if diff := cmp.Diff(parse(t, s, value(t, s, wamp.List{code, 5})), acknowledged); diff != "" {
				t.Errorf("the details of an acknowledgement are not ignored: %s", diff)
			}
		}
		got := parse(t, s, value(t, s, wamp.List{35, 0, wamp.Dict{"subscription": 9, "reason": "r"}}))
		want := &wamp.Unsubscribed{Details: wamp.UnsubscribedDetails{Subscription: 9, Reason: "r"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestSES07NullRealm: a client may leave the realm to the authenticator.
func TestSES07NullRealm(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		if m := parse(t, s, value(t, s, wamp.List{1, nil, wamp.Dict{}})).(*wamp.Hello); m.Realm != "" {
			t.Errorf("the realm is %q", m.Realm)
		}
	})
}

// TestSES13AbortArguments: what a peer appends to ABORT is read and dropped.
func TestSES13AbortArguments(t *testing.T) {
	tails := []wamp.List{{}, {wamp.List{1, "x"}}, {wamp.List{}, wamp.Dict{"a": 1}}}
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, tail := range tails {
			m := append(wamp.List{3, wamp.Dict{"message": "bye"}, "wamp.error.x"}, tail...)
			want := &wamp.Abort{Details: wamp.AbortDetails{Message: "bye"}, Reason: "wamp.error.x"}
			if diff := cmp.Diff(wamp.Message(want), parse(t, s, value(t, s, m))); diff != "" {
				t.Error(diff)
			}
		}
	})
}

// TestMSG03EmptyPayload: empty arguments are left out where they are not needed.
func TestMSG03EmptyPayload(t *testing.T) {
	for _, row := range []struct {
		args   wamp.List
		kwargs wamp.Dict
		want   wamp.List
	}{
		{nil, nil, wamp.List{50, 1, wamp.Dict{}}},
		{wamp.List{}, wamp.Dict{}, wamp.List{50, 1, wamp.Dict{}}},
		{wamp.List{1}, nil, wamp.List{50, 1, wamp.Dict{}, wamp.List{1}}},
		{nil, wamp.Dict{"a": 1}, wamp.List{50, 1, wamp.Dict{}, wamp.List{}, wamp.Dict{"a": 1}}},
	} {
		for _, s := range serializers {
			got := frame(t, s, &wamp.Result{Request: 1, Payload: wamp.Payload{Args: row.args, Kwargs: row.kwargs}})
			if want := value(t, s, row.want); string(want) != string(got) {
				t.Errorf("%v: got %q, want %q", s, got, want)
			}
		}
	}
}

// TestMSG04EmptyPayload: empty arguments are read.
func TestMSG04EmptyPayload(t *testing.T) {
	tails := []wamp.List{{wamp.List{}}, {wamp.List{}, wamp.Dict{}}}
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, tail := range tails {
			m := parse(t, s, value(t, s, append(wamp.List{50, 1, wamp.Dict{}}, tail...))).(*wamp.Result)
			args, kwargs, err := payload.Decode(&m.Payload)
			if err != nil || len(args) != 0 || len(kwargs) != 0 || int(m.Payload.Elements) != len(tail) {
				t.Errorf("%v became %+v", tail, m.Payload)
			}
		}
	})
}
