package client_test

import (
	"context"
	"testing"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

func TestAddTestament_TES01_TES09(t *testing.T) {
	tests := map[string]struct {
		scope client.TestamentScope
		opts  []client.PublishOption
		want  wamp.Call
	}{
		"topic alone": {
			client.Destroyed, nil,
			wamp.Call{Payload: wamp.Payload{
				Args:   wamp.List{"a.gone", wamp.List{}, wamp.Dict{}},
				Kwargs: wamp.Dict{"scope": "destroyed", "publish_options": wamp.Dict{}},
			}},
		},
		"what means nothing is left out": {
			client.Detached, []client.PublishOption{client.Args("x", 1), client.Acknowledge(), client.IncludeMe()},
			wamp.Call{Payload: wamp.Payload{
				Args:   wamp.List{"a.gone", wamp.List{"x", int64(1)}, wamp.Dict{}},
				Kwargs: wamp.Dict{"scope": "detached", "publish_options": wamp.Dict{}},
			}},
		},
		"everything": {
			client.Destroyed, []client.PublishOption{
				client.Kwargs(wamp.Dict{"k": true}), client.Retain(), client.DiscloseMe(), client.RKey("r"),
				client.Receivers(wamp.Receivers{ExcludeAuthID: []string{"ann"}, Eligible: []wamp.ID{}}),
				client.Option("_x_trace", "t"),
			},
			wamp.Call{Payload: wamp.Payload{
				Args: wamp.List{"a.gone", wamp.List{}, wamp.Dict{"k": true}},
				Kwargs: wamp.Dict{"scope": "destroyed", "publish_options": wamp.Dict{
					"retain": true, "disclose_me": true, "rkey": "r", "exclude_authid": wamp.List{"ann"},
					"eligible": wamp.List{}, "_x_trace": "t",
				}},
			}},
		},
		"encoded arguments": {
			client.Destroyed,
			[]client.PublishOption{client.Payload(wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: []byte(`[1.5]`)})},
			wamp.Call{Payload: wamp.Payload{
				Args:   wamp.List{"a.gone", wamp.List{1.5}, wamp.Dict{}},
				Kwargs: wamp.Dict{"scope": "destroyed", "publish_options": wamp.Dict{}},
			}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				added := laterErr(func() error {
					return s.AddTestament(context.Background(), test.scope, "a.gone", test.opts...)
				})
				test.want.Request, test.want.Procedure = 1, "wamp.session.add_testament"
				r.expect(&test.want)
				r.send(&wamp.Result{Request: 1})
				(<-added).must(t)
			})
		})
	}
}

func TestTestamentInPassthruMode_PPT10(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		laterErr(func() error {
			return s.AddTestament(context.Background(), client.Destroyed, "a.gone", client.Payload(plain), client.Passthru(inCBOR))
		})
		m := decoded(t, r.read()).(*wamp.Call)
		args, _ := m.Payload.Args[1].(wamp.List)
		if _, packed := args[0].([]byte); len(args) != 1 || !packed {
			t.Errorf("arguments %v, want one binary", args)
		}
		options, _ := m.Payload.Kwargs["publish_options"].(wamp.Dict)
		if options["ppt_scheme"] != inCBOR.Scheme || options["ppt_serializer"] != inCBOR.Serializer {
			t.Errorf("options %v", options)
		}
	})
}

func TestTestamentIsRefused_TES10(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		added := laterErr(func() error {
			return s.AddTestament(context.Background(), client.Destroyed, "not a URI")
		})
		r.read()
		r.send(&wamp.Error{RequestType: wamp.TypeCall, Request: 1, URI: wamp.ErrInvalidURI})
		wantErr(t, (<-added).err, wamp.ErrInvalidURI)
	})
}

func TestTestamentThatCannotBeSent(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		for _, o := range []client.PublishOption{client.Args(make(chan int)), client.Option("_x", make(chan int))} {
			err := s.AddTestament(context.Background(), client.Destroyed, "a.gone", o)
			wantErr(t, err, wamp.ErrInvalidPayload)
		}
		r.expectNothing()
	})
}

func TestFlushTestaments_TES02_TES06(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		flushed := laterErr(func() error { return s.FlushTestaments(context.Background(), client.Detached) })
		r.expect(&wamp.Call{Request: 1, Procedure: "wamp.session.flush_testaments", Payload: wamp.Payload{
			Kwargs: wamp.Dict{"scope": "detached"},
		}})
		r.send(&wamp.Result{Request: 1})
		(<-flushed).must(t)
	})
}
