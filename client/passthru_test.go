package client_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

var inCBOR = wamp.Passthru{Scheme: "wamp", Serializer: "cbor"}

// What {"args": [1], "kwargs": {"k": "v"}} is.
const (
	packedJSON        = `{"args":[1],"kwargs":{"k":"v"}}`
	packedMessagePack = "\x82\xa4args\x91\x01\xa6kwargs\x81\xa1k\xa1v"
	packedCBOR        = "\xa2\x64args\x81\x01\x66kwargs\xa1\x61k\x61v"
)

var packings = map[string]struct {
	ppt  wamp.Passthru
	wire wamp.Payload
}{
	"wamp cbor":         {inCBOR, values([]byte(packedCBOR))},
	"wamp cbor, key ID": {wamp.Passthru{Scheme: "wamp", Serializer: "cbor", KeyID: "k1"}, values([]byte(packedCBOR))},
	"mqtt json":         {wamp.Passthru{Scheme: "mqtt", Serializer: "json"}, values([]byte(packedJSON))},
	"mqtt msgpack":      {wamp.Passthru{Scheme: "mqtt", Serializer: "msgpack"}, values([]byte(packedMessagePack))},
	"own cbor":          {wamp.Passthru{Scheme: "x_own", Serializer: "cbor"}, values([]byte(packedCBOR))},
	"mqtt native":       {wamp.Passthru{Scheme: "mqtt", Serializer: "native"}, plain},
	"mqtt":              {wamp.Passthru{Scheme: "mqtt"}, plain},
	"own":               {wamp.Passthru{Scheme: "x_own"}, plain},
}

var plain = wamp.Payload{Args: wamp.List{int64(1)}, Kwargs: wamp.Dict{"k": "v"}}

func wantPlain(t testing.TB, args wamp.List, kwargs wamp.Dict) {
	t.Helper()
	if diff := cmp.Diff(plain, wamp.Payload{Args: args, Kwargs: kwargs}, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("arguments (-want +got):\n%s", diff)
	}
}

func eachPacking(t *testing.T, test func(t *testing.T, ppt wamp.Passthru, wire wamp.Payload, s *client.Session, r *fake)) {
	for name, p := range packings {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) { test(t, p.ppt, p.wire, s, r) })
		})
	}
}

func TestCallAndResultArePacked_PPT10_PPT11(t *testing.T) {
	eachPacking(t, func(t *testing.T, ppt wamp.Passthru, wire wamp.Payload, s *client.Session, r *fake) {
		result := call(context.Background(), s, client.Payload(plain), client.Passthru(ppt))
		r.expect(&wamp.Call{Request: 1, Procedure: "a.b", Options: wamp.CallOptions{PPT: &ppt}, Payload: wire})
		r.send(&wamp.Result{Request: 1, Details: wamp.ResultDetails{PPT: &ppt}, Payload: wire})
		got := (<-result).must(t)
		wantPlain(t, got.Args, got.Kwargs)
		if got.Details.PPT == nil || *got.Details.PPT != ppt {
			t.Errorf("details %+v", got.Details)
		}
	})
}

func TestPublicationAndEventArePacked_PPT10_PPT11(t *testing.T) {
	eachPacking(t, func(t *testing.T, ppt wamp.Passthru, wire wamp.Payload, s *client.Session, r *fake) {
		events := newBox()
		r.subscribe(s, 1, 5, "a.b", events.handle)
		if _, err := s.Publish(context.Background(), "a.b", client.Payload(plain), client.Passthru(ppt)); err != nil {
			t.Fatal(err)
		}
		r.expect(&wamp.Publish{Request: 2, Topic: "a.b", Options: wamp.PublishOptions{PPT: &ppt}, Payload: wire})
		r.send(&wamp.Event{Subscription: 5, Publication: 1, Details: wamp.EventDetails{PPT: &ppt}, Payload: wire})
		e := <-events
		wantPlain(t, e.Args, e.Kwargs)
	})
}

func TestInvocationAndAnswersArePacked_PPT10_PPT11(t *testing.T) {
	eachPacking(t, func(t *testing.T, ppt wamp.Passthru, wire wamp.Payload, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
			details := wamp.ResultDetails{PPT: inv.Details.PPT}
			result := &client.Result{Args: inv.Args, Kwargs: inv.Kwargs, Details: details}
			if err := inv.Progress(ctx, result); err != nil {
				return nil, err
			}
			if inv.Procedure == "fail" {
				return nil, &wamp.Error{URI: "a.error", Payload: plain, Details: wamp.ErrorDetails{PPT: inv.Details.PPT}}
			}
			return result, nil
		})
		details := wamp.InvocationDetails{PPT: &ppt, ReceiveProgress: true}
		r.send(&wamp.Invocation{Request: 1, Registration: 7, Details: details, Payload: wire})
		r.expect(
			&wamp.Yield{Request: 1, Options: wamp.YieldOptions{PPT: &ppt, Progress: true}, Payload: wire},
			&wamp.Yield{Request: 1, Options: wamp.YieldOptions{PPT: &ppt}, Payload: wire},
		)
		details.Procedure = "fail"
		r.send(&wamp.Invocation{Request: 2, Registration: 7, Details: details, Payload: wire})
		r.read()
		r.expect(&wamp.Error{RequestType: wamp.TypeInvocation, Request: 2, URI: "a.error",
			Details: wamp.ErrorDetails{PPT: &ppt}, Payload: wire})
	})
}

func TestPartsArePackedAsTheFirst_PPT14(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		c, err := s.OpenCall(context.Background(), "a.b", client.Payload(plain), client.Passthru(inCBOR))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SendLast(context.Background(), client.Payload(plain)); err != nil {
			t.Fatal(err)
		}
		packed := []byte(packedCBOR)
		r.expect(
			&wamp.Call{Request: 1, Procedure: "a.b", Options: wamp.CallOptions{PPT: &inCBOR, Progress: true}, Payload: values(packed)},
			part(1, false, packed),
		)
		r.register(s, 2, "a.b", collect)
		first := incoming(1, true, packed)
		first.Details.PPT = &inCBOR
		r.send(first, incoming(1, false, packed))
		r.expect(&wamp.Yield{Request: 1, Payload: values(int64(1), int64(1))})
	})
}

func TestEncodedPayloadCountsAsPacked(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		events := newBox()
		r.subscribe(s, 1, 5, "a.b", events.handle)
		r.send(&wamp.Event{
			Subscription: 5, Publication: 1, Details: wamp.EventDetails{PPT: &inCBOR}, Payload: values([]byte(packedCBOR)),
		})
		e := <-events
		_, err := s.Publish(context.Background(), "a.c", client.Payload(e.Payload), client.Passthru(*e.Details.PPT))
		if err != nil {
			t.Fatal(err)
		}
		r.expect(&wamp.Publish{
			Request: 2, Topic: "a.c", Options: wamp.PublishOptions{PPT: &inCBOR}, Payload: values([]byte(packedCBOR)),
		})
	})
}

func TestErrorIsUnpacked_PPT10(t *testing.T) {
	encrypted := wamp.Passthru{Scheme: "wamp", Serializer: "cbor", Cipher: "aes256gcm"}
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		first, second := call(context.Background(), s), call(context.Background(), s)
		r.read()
		r.read()
		for request, ppt := range map[wamp.ID]*wamp.Passthru{1: &inCBOR, 2: &encrypted} {
			r.send(&wamp.Error{RequestType: wamp.TypeCall, Request: request, URI: "a.error",
				Details: wamp.ErrorDetails{PPT: ppt}, Payload: values([]byte(packedCBOR))})
		}
		for _, err := range []error{(<-first).err, (<-second).err} {
			var e *wamp.Error
			if !errors.As(err, &e) || e.URI != "a.error" {
				t.Fatal(err)
			}
			if e.Details.PPT.Cipher == "" {
				wantPlain(t, e.Payload.Args, e.Payload.Kwargs)
			} else if e.Payload.Serializer != wamp.CBOR { // as it came
				t.Errorf("payload %+v", e.Payload)
			}
		}
	})
}

func TestWhatCannotBePackedIsNotSent_PPT11(t *testing.T) {
	for name, ppt := range map[string]wamp.Passthru{
		"no scheme":           {},
		"unknown scheme":      {Scheme: "amqp"},
		"wamp, no serializer": {Scheme: "wamp"},
		"wamp native":         {Scheme: "wamp", Serializer: "native"},
		"wamp json":           {Scheme: "wamp", Serializer: "json"},
		"wamp flatbuffers":    {Scheme: "wamp", Serializer: "flatbuffers"},
		"unknown serializer":  {Scheme: "x_own", Serializer: "xml"},
		"no serializer's own": {Scheme: "x_own", Serializer: "none"},
		"cipher":              {Scheme: "wamp", Serializer: "cbor", Cipher: "xsalsa20poly1305"},
		"cipher of its own":   {Scheme: "x_own", Cipher: "rot13"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				_, err := s.Call(context.Background(), "a.b", client.Passthru(ppt))
				wantErr(t, err, wamp.ErrInvalidArgument)
				_, err = s.Publish(context.Background(), "a.b", client.Passthru(ppt))
				wantErr(t, err, wamp.ErrInvalidArgument)
				_, err = s.OpenCall(context.Background(), "a.b", client.Passthru(ppt))
				wantErr(t, err, wamp.ErrInvalidArgument)
				r.expectNothing()
			})
		})
	}
}

func TestPassthruNeedsTheRouter_FEA06_PPT04(t *testing.T) {
	var roles wamp.Roles
	roles.Announce(wamp.RoleDealer)
	roles.Announce(wamp.RoleBroker)
	bubble(t, client.Config{}, roles, func(t *testing.T, s *client.Session, r *fake) {
		_, err := s.Call(context.Background(), "a.b", client.Passthru(inCBOR))
		wantErr(t, err, wamp.ErrFeatureNotSupported)
		_, err = s.Publish(context.Background(), "a.b", client.Passthru(inCBOR))
		wantErr(t, err, wamp.ErrFeatureNotSupported)
		r.register(s, 1, "a.b", func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
			if len(inv.Args) > 0 {
				return nil, &wamp.Error{URI: "a.error", Payload: plain, Details: wamp.ErrorDetails{PPT: &inCBOR}}
			}
			return &client.Result{Details: wamp.ResultDetails{PPT: &inCBOR}}, nil
		})
		r.send(incoming(1, false))
		if m := r.read().(*wamp.Error); m.URI != wamp.ErrInvalidPayload || m.Details.PPT != nil {
			t.Errorf("%s %+v", m.URI, m.Details)
		}
		r.send(incoming(2, false, "fail"))
		r.expect(refusal(2, "a.error"))
		r.expectNothing()
	})
}

// broken are arguments that are not what their passthru mode says.
var broken = map[string]struct {
	ppt     wamp.Passthru
	payload wamp.Payload
}{
	"a text":               {inCBOR, values(packedJSON)},
	"nothing":              {inCBOR, wamp.Payload{}},
	"two":                  {inCBOR, values([]byte(packedCBOR), 1)},
	"kwargs beside":        {inCBOR, wamp.Payload{Args: wamp.List{[]byte(packedCBOR)}, Kwargs: wamp.Dict{"k": 1}}},
	"empty":                {inCBOR, values([]byte{})},
	"not a dictionary":     {inCBOR, values([]byte("\x81\x01"))},
	"args not a list":      {inCBOR, values([]byte("\xa1\x64args\x01"))},
	"kwargs not a dict":    {inCBOR, values([]byte("\xa1\x66kwargs\x80"))},
	"cut short":            {inCBOR, values([]byte(packedCBOR[:9]))},
	"more behind":          {inCBOR, values([]byte(packedCBOR + "\x01"))},
	"huge length":          {inCBOR, values([]byte("\xbb\xff\xff\xff\xff\xff\xff\xff\xff"))},
	"not JSON":             {wamp.Passthru{Scheme: "mqtt", Serializer: "json"}, values([]byte(`{"args" [1]}`))},
	"two in JSON":          {wamp.Passthru{Scheme: "mqtt", Serializer: "json"}, values([]byte(packedJSON + "," + packedJSON))},
	"out of the list":      {wamp.Passthru{Scheme: "mqtt", Serializer: "json"}, values([]byte(`{"args":[1]}],{"k":[1]`))},
	"out of and in again":  {wamp.Passthru{Scheme: "mqtt", Serializer: "json"}, values([]byte(`1],{},[{}`))},
	"more MessagePack":     {wamp.Passthru{Scheme: "mqtt", Serializer: "msgpack"}, values([]byte(packedMessagePack + "\xc0"))},
	"unknown scheme":       {wamp.Passthru{Scheme: "amqp"}, values([]byte(packedCBOR))},
	"cipher":               {wamp.Passthru{Scheme: "wamp", Serializer: "cbor", Cipher: "aes256gcm"}, values([]byte(packedCBOR))},
	"serializer not known": {wamp.Passthru{Scheme: "wamp", Serializer: "flatbuffers"}, values([]byte(packedCBOR))},
}

func TestWhatCannotBeUnpackedIsNotDelivered_PPT13(t *testing.T) {
	for name, test := range broken {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				events := newBox()
				r.subscribe(s, 1, 5, "a.b", events.handle)
				r.register(s, 2, "a.b", echo)
				result := call(context.Background(), s)
				r.read()
				r.send(
					&wamp.Event{Subscription: 5, Publication: 1, Details: wamp.EventDetails{PPT: &test.ppt}, Payload: test.payload},
					&wamp.Invocation{Request: 1, Registration: 7, Details: wamp.InvocationDetails{PPT: &test.ppt}, Payload: test.payload},
					&wamp.Result{Request: 3, Details: wamp.ResultDetails{PPT: &test.ppt}, Payload: test.payload},
				)
				if m := r.read().(*wamp.Error); m.URI != wamp.ErrInvalidPayload || m.Request != 1 {
					t.Errorf("%s for invocation %d", m.URI, m.Request)
				}
				err := (<-result).err
				wantErr(t, err, wamp.ErrInvalidPayload)
				if errors.Is(err, wamp.ErrProtocolViolation) {
					t.Errorf("%v looks as if the router had done it", err)
				}
				if remote := new(wamp.Error); errors.As(err, &remote) {
					t.Errorf("%v looks as if the callee had sent it", err)
				}
				synctest.Wait()
				if len(events) > 0 || r.log.has("event not handled") == 0 {
					t.Errorf("%d events delivered, log %s", len(events), &r.log.b)
				}
			})
		})
	}
}

func TestPackedArgumentsMayBeAbsent_PPT10(t *testing.T) {
	for _, packed := range []string{"\xa0", "\xa1\x64args\xf6", "\xa2\x64args\x80\x66kwargs\xa0", "\xa1\x61x\x01"} {
		inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
			result := call(context.Background(), s)
			r.read()
			r.send(&wamp.Result{Request: 1, Details: wamp.ResultDetails{PPT: &inCBOR}, Payload: values([]byte(packed))})
			if got := (<-result).must(t); len(got.Args)+len(got.Kwargs) > 0 {
				t.Errorf("%x: %v %v", packed, got.Args, got.Kwargs)
			}
		})
	}
}
