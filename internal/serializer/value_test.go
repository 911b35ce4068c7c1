package serializer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/wamp"
)

func TestParseValue(t *testing.T) {
	want := wamp.Dict{"args": wamp.List{int64(1), "a"}, "kwargs": nil}
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		got, err := serializer.ParseValue(s, value(t, s, want))
		if diff := cmp.Diff(any(want), got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	})
	if got, err := serializer.ParseValue(wamp.JSON, []byte(" \n[ 1 ]\t")); err != nil || !cmp.Equal(got, any(wamp.List{int64(1)})) {
		t.Errorf("with white space around it: %v, %v", got, err)
	}
}

// What a stranger wrote is refused, and is no violation of the protocol: whoever passed it on did nothing wrong.
func TestParseValueRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		s wamp.Serializer
		b string
	}{
		"no serializer":         {wamp.NoSerializer, "1"},
		"nothing, JSON":         {wamp.JSON, " "},
		"nothing, MessagePack":  {wamp.MessagePack, ""},
		"nothing, CBOR":         {wamp.CBOR, ""},
		"two, JSON":             {wamp.JSON, "1,2"},
		"two, MessagePack":      {wamp.MessagePack, "\x01\x02"},
		"two, CBOR":             {wamp.CBOR, "\x01\x02"},
		"malformed, JSON":       {wamp.JSON, `{"a" 1}`},
		"cut short, CBOR":       {wamp.CBOR, "\x82\x01"},
		"huge length, CBOR":     {wamp.CBOR, "\xbb\xff\xff\xff\xff\xff\xff\xff\xff"},
		"no text, MessagePack":  {wamp.MessagePack, "\xa1\xff"},
		"too deep, JSON":        {wamp.JSON, strings.Repeat("[", 128) + strings.Repeat("]", 128)},
		"too deep, MessagePack": {wamp.MessagePack, strings.Repeat("\x91", 127) + "\x90"},
	} {
		v, err := serializer.ParseValue(test.s, []byte(test.b))
		if !errors.Is(err, wamp.ErrInvalidPayload) || errors.Is(err, wamp.ErrProtocolViolation) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}
