package serializer_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// notAMessage is none of the messages of package wamp.
type notAMessage struct{}

func (notAMessage) Type() wamp.MessageType { return wamp.TypeCall }

// TestFLW06AppendErrors: what cannot be expressed leaves no trace in the buffer.
func TestFLW06AppendErrors(t *testing.T) {
	payload := func(s wamp.Serializer, args string) wamp.Payload {
		return wamp.Payload{Serializer: s, Elements: 1, Raw: []byte(args)}
	}
	large := new(big.Int).Lsh(big.NewInt(1), 64)
	for _, row := range []struct {
		name string
		to   wamp.Serializer
		m    wamp.Message
	}{
		{"NaN", wamp.JSON, &wamp.Result{Request: 1, Payload: payload(wamp.CBOR, "\x81\xf9\x7e\x00")}},
		{"a tag", wamp.MessagePack, &wamp.Result{Request: 1, Payload: payload(wamp.CBOR, "\x81\xc1\x00")}},
		{"an extension", wamp.CBOR, &wamp.Result{Request: 1, Payload: payload(wamp.MessagePack, "\x91\xd4\x05\x00")}},
		{"half a character", wamp.CBOR, &wamp.Result{Request: 1, Payload: payload(wamp.JSON, `["\ud800"]`)}},
		{"a Go value", wamp.CBOR, &wamp.Event{Payload: wamp.Payload{Args: wamp.List{func() {}}}}},
		{"a Go value in a dictionary", wamp.CBOR, &wamp.Call{Payload: wamp.Payload{Kwargs: wamp.Dict{"k": make(chan int)}}}},
		{"an infinite option", wamp.JSON, &wamp.Call{Options: wamp.CallOptions{Extra: wamp.Dict{"x": math.Inf(1)}}}},
		{"a large option", wamp.MessagePack, &wamp.Subscribe{Options: wamp.SubscribeOptions{Extra: wamp.Dict{"x": large}}}},
		{"a large extra", wamp.MessagePack, &wamp.Challenge{Extra: wamp.Dict{"x": large}}},
		{"a key of an option", wamp.CBOR, &wamp.Call{Options: wamp.CallOptions{Extra: wamp.Dict{"\xff": 1}}}},
		{"a topic", wamp.JSON, &wamp.Publish{Topic: "\xff"}},
		{"a topic", wamp.MessagePack, &wamp.Publish{Topic: "\xff"}},
		{"a topic", wamp.CBOR, &wamp.Publish{Topic: "\xff"}},
		{"a text in a list", wamp.CBOR, &wamp.Hello{Details: wamp.HelloDetails{AuthMethods: []string{"\xff"}}}},
	} {
		got, err := serializer.Append([]byte("before"), row.to, row.m)
		if !errors.Is(err, wamp.ErrInvalidPayload) || string(got) != "before" {
			t.Errorf("%s in %v: got %q, %v", row.name, row.to, got, err)
		}
	}
	if got, err := serializer.Append([]byte("before"), wamp.CBOR, notAMessage{}); err == nil || string(got) != "before" {
		t.Errorf("what is no message: got %q, %v", got, err)
	}
}

// TestAppendAppends: what was in the buffer stays.
func TestAppendAppends(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, m := range samples() {
			got, err := serializer.Append([]byte("before"), s, m.message)
			if want := "before" + string(frame(t, s, m.message)); err != nil || string(got) != want {
				t.Errorf("%s: got %q, %v", m.name, got, err)
			}
		}
	})
}

// TestAppendLongHeads: dictionaries and texts of which the length does not fit the first byte.
func TestAppendLongHeads(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, n := range []int{14, 15, 16, 22, 23, 24, 31, 32, 255, 256, 65535, 65536} {
			extra := wamp.Dict{}
			for i := range min(n, 300) {
				extra["x"+strings.Repeat("y", i)] = int64(i)
			}
			want := &wamp.Subscribe{Request: 1, Topic: strings.Repeat("t", n), Options: wamp.SubscribeOptions{Extra: extra}}
			if diff := cmp.Diff(wamp.Message(want), parse(t, s, frame(t, s, want))); diff != "" {
				t.Errorf("%d: %s", n, diff)
			}
		}
	})
}

// TestSES09FeaturesAlways: each role has features, even if it has none.
func TestSES09FeaturesAlways(t *testing.T) {
	welcome := &wamp.Welcome{Session: 1}
	welcome.Details.Roles.Announce(wamp.RoleBroker)
	want := `[2,1,{"roles":{"broker":{"features":{}}}}]`
	if got := string(frame(t, wamp.JSON, welcome)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestSER14HeadAndTail: a message whose payload comes from elsewhere is the same message.
func TestSER14HeadAndTail(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		for _, m := range samples() {
			p := wamp.PayloadOf(m.message)
			if p == nil || p.Empty() {
				continue
			}
			for _, from := range []wamp.Serializer{wamp.NoSerializer, wamp.JSON, wamp.MessagePack, wamp.CBOR} {
				before := *p
				if from != wamp.NoSerializer {
					*p, _ = payload.Encode(from, p)
				}
				want := "before" + string(frame(t, s, m.message))
				got, err := serializer.AppendHead([]byte("before"), s, m.message)
				if err == nil {
					got, err = serializer.AppendTail(got, s, p)
				}
				if err != nil || string(got) != want {
					t.Errorf("%s from %v: got %q, %v; want %q", m.name, from, got, err, want)
				}
				*p = before
			}
		}
	})
}

// TestFLW06TailErrors: what cannot be expressed leaves no trace in the buffer.
func TestFLW06TailErrors(t *testing.T) {
	p := wamp.Payload{Serializer: wamp.CBOR, Elements: 1, Raw: []byte("\x81\xc1\x00")}
	got, err := serializer.AppendTail([]byte("before"), wamp.JSON, &p)
	if !errors.Is(err, wamp.ErrInvalidPayload) || string(got) != "before" {
		t.Errorf("got %q, %v", got, err)
	}
}
