package client

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// native is the ppt_serializer that leaves the arguments as they are.
const native = "native"

// pack returns the payload as the passthru mode wants it sent (PPT-10). What is encoded is packed already.
func (s *Session) pack(router wamp.Role, ppt *wamp.Passthru, p wamp.Payload) (wamp.Payload, error) {
	if ppt == nil {
		return p, nil
	}
	if err := s.require(router, wamp.FeaturePayloadPassthruMode); err != nil {
		return p, err
	}
	if p.Serializer != wamp.NoSerializer {
		return p, nil
	}
	to, err := packedWith(ppt)
	if err != nil {
		return p, fmt.Errorf("client: %w: %w", wamp.ErrInvalidArgument, err)
	}
	if to == wamp.NoSerializer {
		return p, nil
	}
	packed, err := payload.AppendValue(nil, to, wamp.Dict{"args": p.Args, "kwargs": p.Kwargs})
	return wamp.Payload{Args: wamp.List{packed}}, err
}

// values returns the payload as Go values, unpacked if a passthru mode was used. They share no memory with it.
func values(p *wamp.Payload, ppt *wamp.Passthru) (wamp.List, wamp.Dict, error) {
	args, kwargs, err := payload.Decode(p)
	if err != nil || ppt == nil {
		return args, kwargs, err
	}
	from, err := packedWith(ppt)
	if err == nil && from != wamp.NoSerializer {
		args, kwargs, err = unpack(from, args, kwargs)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("client: %w: %w", wamp.ErrInvalidPayload, err)
	}
	return args, kwargs, nil
}

// packedWith returns the serializer that arguments are packed with, NoSerializer if they are not (PPT-11).
func packedWith(ppt *wamp.Passthru) (wamp.Serializer, error) {
	s, known := wamp.ParseSerializer(ppt.Serializer)
	switch {
	case ppt.Cipher != "":
		return s, fmt.Errorf("ppt_cipher %q is not supported", ppt.Cipher)
	case ppt.Scheme == "wamp":
		known = s == wamp.CBOR
	case ppt.Scheme == "mqtt" || strings.HasPrefix(ppt.Scheme, "x_"):
		known = known || ppt.Serializer == native || ppt.Serializer == ""
	default:
		return s, fmt.Errorf("ppt_scheme %q is unknown", ppt.Scheme)
	}
	if !known {
		return s, fmt.Errorf("ppt_serializer %q is not supported with ppt_scheme %q", ppt.Serializer, ppt.Scheme)
	}
	return s, nil
}

var errNotPacked = errors.New("the arguments are not one binary that is a dictionary of args and kwargs")

// unpack takes apart what pack has made.
func unpack(from wamp.Serializer, args wamp.List, kwargs wamp.Dict) (wamp.List, wamp.Dict, error) {
	if len(args) != 1 || len(kwargs) > 0 {
		return nil, nil, errNotPacked
	}
	packed, _ := args[0].([]byte)
	content, err := serializer.ParseValue(from, packed)
	if err != nil {
		return nil, nil, err
	}
	dict, ok := content.(wamp.Dict)
	if !ok {
		return nil, nil, errNotPacked
	}
	args, okArgs := absentOr[wamp.List](dict["args"])
	kwargs, okKwargs := absentOr[wamp.Dict](dict["kwargs"])
	if !okArgs || !okKwargs {
		return nil, nil, errNotPacked
	}
	return args, kwargs, nil
}

func absentOr[T any](v any) (value T, ok bool) {
	if v == nil {
		return value, true
	}
	value, ok = v.(T)
	return value, ok
}
