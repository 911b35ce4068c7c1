package client_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

func publish(s *client.Session, opts ...client.PublishOption) <-chan outcome[wamp.ID] {
	return later(func() (wamp.ID, error) { return s.Publish(context.Background(), "a.b", opts...) })
}

func TestPublishReturnsAtOnce_CLI13(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		if id := (<-publish(s, client.Args("x"), client.Kwargs(wamp.Dict{"k": "v"}))).must(t); id != 0 {
			t.Errorf("publication %d", id)
		}
		r.expect(&wamp.Publish{
			Request: 1, Topic: "a.b", Payload: wamp.Payload{Args: wamp.List{"x"}, Kwargs: wamp.Dict{"k": "v"}},
		})
		r.send(&wamp.Error{RequestType: wamp.TypePublish, Request: 1, URI: wamp.ErrNotAuthorized}) // PUB-06 forbids it
		r.expectNothing()
	})
}

func TestAcknowledgedPublishReturnsPublication_CLI13(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		id := publish(s, client.Acknowledge())
		r.expect(&wamp.Publish{Request: 1, Topic: "a.b", Options: wamp.PublishOptions{Acknowledge: true}})
		r.send(&wamp.Published{Request: 1, Publication: 77})
		if got := (<-id).must(t); got != 77 {
			t.Errorf("publication %d", got)
		}
	})
}

func TestAcknowledgedPublishIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		id := publish(s, client.Acknowledge())
		r.read()
		r.send(&wamp.Error{RequestType: wamp.TypePublish, Request: 1, URI: wamp.ErrNotAuthorized})
		wantErr(t, (<-id).err, wamp.ErrNotAuthorized)
	})
}

func TestPublishOptionsReachTheWire_CLI11(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		publish(s, client.IncludeMe(), client.DiscloseMe(), client.Retain(), client.RKey("k"),
			client.Receivers(wamp.Receivers{Exclude: []wamp.ID{4}, EligibleAuthRole: []string{"staff"}}),
			client.Option("_x_trace", "t1"), client.Option("_x_span", "s1"))
		r.expect(&wamp.Publish{Request: 1, Topic: "a.b", Options: wamp.PublishOptions{
			IncludeMe: true, DiscloseMe: true, Retain: true, RKey: "k",
			Receivers: &wamp.Receivers{Exclude: []wamp.ID{4}, EligibleAuthRole: []string{"staff"}},
			Extra:     wamp.Dict{"_x_trace": "t1", "_x_span": "s1"},
		}})
	})
}

func TestReceiversReachTheWire_BWL01_BWL03_BWL04(t *testing.T) {
	tests := map[string]wamp.Receivers{
		"all lists": {
			Exclude: []wamp.ID{4, 5}, ExcludeAuthID: []string{"ann"}, ExcludeAuthRole: []string{"guest"},
			Eligible: []wamp.ID{6}, EligibleAuthID: []string{"bob"}, EligibleAuthRole: []string{"staff"},
		},
		"nobody":         {Eligible: []wamp.ID{}},
		"no restriction": {Exclude: []wamp.ID{}},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				publish(s, client.Receivers(want))
				got := r.read().(*wamp.Publish).Options.Receivers
				if diff := cmp.Diff(&want, got); diff != "" { // an empty list is not an absent one
					t.Errorf("receivers (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A router that does not know the lists would give the event to everybody.
func TestReceiversNeedTheFeature_FEA06(t *testing.T) {
	var roles wamp.Roles
	roles.Announce(wamp.RoleBroker, wamp.FeaturePayloadPassthruMode)
	bubble(t, client.Config{}, roles, func(t *testing.T, s *client.Session, r *fake) {
		restricted := client.Receivers(wamp.Receivers{Eligible: []wamp.ID{6}})
		wantErr(t, (<-publish(s, restricted)).err, wamp.ErrFeatureNotSupported)
		wantErr(t, s.AddTestament(context.Background(), client.Destroyed, "a.b", restricted), wamp.ErrFeatureNotSupported)
		r.expectNothing()
	})
}
