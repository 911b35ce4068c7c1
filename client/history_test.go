package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

func events(s *client.Session, q client.EventQuery) <-chan outcome[*client.EventHistory] {
	return later(func() (*client.EventHistory, error) { return s.Events(context.Background(), 5, q) })
}

func TestEventQueryReachesTheWire_EVH03(t *testing.T) {
	at := func(second int) time.Time { return time.Date(2030, 1, 2, 3, 4, second, 5e6, time.UTC) }
	tests := map[string]struct {
		query client.EventQuery
		want  wamp.Dict
	}{
		"everything there is": {client.EventQuery{}, nil},
		"every condition": {
			client.EventQuery{
				Reverse: true, Limit: 10, Topic: "a.b",
				FromTime: at(1), AfterTime: at(2), BeforeTime: at(3), UntilTime: at(4),
				FromPublication: 1, AfterPublication: 2, BeforePublication: 3, UntilPublication: 4,
			},
			wamp.Dict{
				"reverse": true, "limit": int64(10), "topic": "a.b",
				"from_time": "2030-01-02T03:04:01.005Z", "after_time": "2030-01-02T03:04:02.005Z",
				"before_time": "2030-01-02T03:04:03.005Z", "until_time": "2030-01-02T03:04:04.005Z",
				"from_publication": int64(1), "after_publication": int64(2),
				"before_publication": int64(3), "until_publication": int64(4),
			},
		},
		"what the router refuses": {client.EventQuery{Limit: -1}, wamp.Dict{"limit": int64(-1)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				got := events(s, test.query)
				r.expect(&wamp.Call{Request: 1, Procedure: "wamp.subscription.get_events", Payload: wamp.Payload{
					Args: wamp.List{int64(5)}, Kwargs: test.want,
				}})
				r.send(&wamp.Result{Request: 1})
				if history := (<-got).must(t); len(history.Events) != 0 || history.LimitReached {
					t.Errorf("history %+v", history)
				}
			})
		})
	}
}

// past is an event as a router remembers it, with more entries or others.
func past(publication wamp.ID, more wamp.Dict) wamp.Dict {
	d := wamp.Dict{
		"timestamp": "2030-01-02T03:04:05.678+01:00", "subscription": 5, "publication": publication, "details": wamp.Dict{},
	}
	for key, value := range more {
		d[key] = value
	}
	return d
}

// answered has the router answer the query for a history.
func answeredWith(r *fake, p wamp.Payload) {
	r.t.Helper()
	request := r.read().(*wamp.Call).Request
	r.send(&wamp.Result{Request: request, Payload: p})
}

func TestEvents_EVH05_EVH06(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		got := events(s, client.EventQuery{})
		answeredWith(r, wamp.Payload{
			Args: wamp.List{
				past(1, nil),
				past(2, wamp.Dict{
					"args": wamp.List{"x", 1.5, []byte{1}}, "kwargs": wamp.Dict{"k": nil},
					"details": wamp.Dict{
						"topic": "a.b", "publisher": 3, "publisher_authid": "ann", "trustlevel": 0, "_x_zone": "z",
					},
				}),
			},
			Kwargs: wamp.Dict{"is_limit_reached": true},
		})
		at := time.Date(2030, 1, 2, 2, 4, 5, 678e6, time.UTC)
		want := &client.EventHistory{LimitReached: true, Events: []client.PastEvent{
			{Timestamp: at, Event: client.Event{Publication: 1}},
			{Timestamp: at, Event: client.Event{
				Topic: "a.b", Publication: 2, Args: wamp.List{"x", 1.5, []byte{1}}, Kwargs: wamp.Dict{"k": nil},
				Details: wamp.EventDetails{
					Topic: "a.b", Publisher: 3, PublisherAuthID: "ann", HasTrustLevel: true, Extra: wamp.Dict{"_x_zone": "z"},
				},
			}},
		}}
		ignored := cmpopts.IgnoreFields(client.Event{}, "Payload")
		if diff := cmp.Diff(want, (<-got).must(t), ignored, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
	})
}

func TestEventsOfOwnSubscriptionHaveItsTopic(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.subscribe(s, 1, 5, "a.b", ignore)
		got := events(s, client.EventQuery{})
		answeredWith(r, values(past(1, nil)))
		if history := (<-got).must(t); len(history.Events) != 1 || history.Events[0].Topic != "a.b" {
			t.Errorf("history %+v", history)
		}
	})
}

func TestEventsInOneList_A31(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		got := events(s, client.EventQuery{})
		answeredWith(r, values(wamp.List{past(1, nil), past(2, nil)}))
		if history := (<-got).must(t); len(history.Events) != 2 || history.Events[1].Publication != 2 {
			t.Errorf("history %+v", history)
		}
	})
}

func TestEventsInPassthruMode_PPT10_PPT13(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		mode := func(serializer string) wamp.Dict {
			return wamp.Dict{"ppt_scheme": "x_custom", "ppt_serializer": serializer}
		}
		got := events(s, client.EventQuery{})
		answeredWith(r, values(
			past(1, wamp.Dict{"details": mode("json"), "args": wamp.List{[]byte(`{"args": ["x"], "kwargs": {"k": 1}}`)}}),
			past(2, wamp.Dict{"details": mode("unknown"), "args": wamp.List{[]byte(`?`)}}),
			past(3, wamp.Dict{"details": mode("native"), "args": wamp.List{"y"}}),
		))
		history := (<-got).must(t)
		if len(history.Events) != 2 {
			t.Fatalf("history %+v", history)
		}
		wantArgs(t, history.Events[0].Args, "x")
		wantArgs(t, history.Events[1].Args, "y")
		if r.log.has("past event not delivered") != 1 {
			t.Error("the event that cannot be unpacked is not in the log")
		}
	})
}

func TestEventsAreRefused_EVH11_EVH12(t *testing.T) {
	for _, uri := range []wamp.ErrorURI{wamp.ErrNoSuchProcedure, wamp.ErrNoSuchSubscription, wamp.ErrNotAuthorized} {
		inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
			got := events(s, client.EventQuery{})
			r.read()
			r.send(&wamp.Error{RequestType: wamp.TypeCall, Request: 1, URI: uri})
			wantErr(t, (<-got).err, uri)
		})
	}
}

// What a router answers is checked, and does not end the session.
func TestEventsOfWrongShape(t *testing.T) {
	for name, wrong := range map[string]any{
		"not a dictionary":     "x",
		"no timestamp":         wamp.Dict{"subscription": 5, "publication": 1},
		"timestamp as number":  past(1, wamp.Dict{"timestamp": 1.5}),
		"malformed timestamp":  past(1, wamp.Dict{"timestamp": "yesterday"}),
		"no publication":       past(0, wamp.Dict{"publication": nil}),
		"publication as text":  past(1, wamp.Dict{"publication": "1"}),
		"details not a dict":   past(1, wamp.Dict{"details": "x"}),
		"detail of wrong type": past(1, wamp.Dict{"details": wamp.Dict{"topic": 1}}),
		"args not a list":      past(1, wamp.Dict{"args": "x"}),
		"kwargs not a dict":    past(1, wamp.Dict{"kwargs": wamp.List{}}),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				got := events(s, client.EventQuery{})
				answeredWith(r, values(past(9, nil), wrong))
				if o := <-got; o.err == nil {
					t.Errorf("history %+v", o.value)
				}
				r.expectNothing()
				if s.Err() != nil {
					t.Error(s.Err())
				}
			})
		})
	}
}
