package client_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

// subscribed returns the events of a topic from now on.
func subscribed(t testing.TB, s *client.Session, topic string, opts ...client.SubscribeOption) (box, *client.Subscription) {
	t.Helper()
	events := newBox()
	b, err := s.Subscribe(context.Background(), topic, events.handle, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return events, b
}

func TestTestamentsWithRouter_TES05_TES06_TES07(t *testing.T) {
	ways := map[string]func(s *client.Session) error{
		"lost": (*client.Session).Close,
		"left": func(s *client.Session) error { return s.Leave(context.Background()) },
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkTestaments(t, end) })
		})
	}
}

// checkTestaments has a session leave testaments, and end.
func checkTestaments(t *testing.T, end func(*client.Session) error) {
	ctx := context.Background()
	r := newRouter(t)
	testator := joined(t, r)
	events, _ := subscribed(t, joined(t, r), "a.gone")
	add := func(scope client.TestamentScope, arg string) {
		if err := testator.AddTestament(ctx, scope, "a.gone", client.Args(arg), client.DiscloseMe()); err != nil {
			t.Fatal(err)
		}
	}
	add(client.Destroyed, "flushed")
	if err := testator.FlushTestaments(ctx, client.Destroyed); err != nil {
		t.Fatal(err)
	}
	add(client.Destroyed, "second")
	add(client.Destroyed, "third")
	add(client.Detached, "first")
	events.want(t)
	if err := end(testator); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	if len(events) != 3 {
		t.Fatalf("%d events", len(events))
	}
	for _, want := range []string{"first", "second", "third"} {
		e := <-events
		wantArgs(t, e.Args, want)
		if e.Details.Publisher != testator.ID() { // TES-15
			t.Errorf("published by %d", e.Details.Publisher)
		}
	}
}

func TestTestamentForSomeWithRouter_TES09(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRouter(t)
		testator, ann, bob := joined(t, r), joined(t, r), joined(t, r)
		forAnn, _ := subscribed(t, ann, "a.gone")
		forBob, _ := subscribed(t, bob, "a.gone")
		err := testator.AddTestament(context.Background(), client.Destroyed, "a.gone", client.Payload(plain),
			client.Passthru(inCBOR), client.Receivers(wamp.Receivers{Eligible: []wamp.ID{ann.ID()}}))
		if err != nil {
			t.Fatal(err)
		}
		_ = testator.Close()
		synctest.Wait()
		if len(forAnn) != 1 || len(forBob) != 0 {
			t.Fatalf("%d and %d events", len(forAnn), len(forBob))
		}
		e := <-forAnn
		wantPlain(t, e.Args, e.Kwargs)
	})
}

func TestTestamentsAreRefusedByRouter_TES03_TES10(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := joined(t, newRouter(t))
		ctx := context.Background()
		wantErr(t, s.AddTestament(ctx, client.Destroyed, "not a URI"), wamp.ErrInvalidURI)
		wantErr(t, s.AddTestament(ctx, client.Destroyed, "wamp.session.on_join"), wamp.ErrInvalidURI)
		wantErr(t, s.AddTestament(ctx, "later", "a.gone"), wamp.ErrInvalidArgument)
		wantErr(t, s.FlushTestaments(ctx, ""), wamp.ErrInvalidArgument)
	})
}

// Whoever the router takes a subscription from learns of it, and can subscribe again.
func TestRevocationWithRouter_SRV06(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := newRouter(t)
		admin, subscriber := joined(t, r), joined(t, r)
		events, b := subscribed(t, subscriber, "a.b")
		_, err := admin.Call(ctx, "wamp.subscription.remove_subscriber",
			client.Args(b.ID(), subscriber.ID()), client.Kwargs(wamp.Dict{"reason": "com.example.enough"}))
		if err != nil {
			t.Fatal(err)
		}
		<-b.Done()
		wantErr(t, b.Err(), client.ErrRevoked)
		wantClosed(t, b.Err(), "com.example.enough")
		publishTo(t, admin, "nobody")
		again, _ := subscribed(t, subscriber, "a.b")
		publishTo(t, admin, "again")
		events.want(t)
		again.want(t, "again")
	})
}

// publishTo publishes to a.b and waits for the router.
func publishTo(t testing.TB, s *client.Session, arg any, opts ...client.PublishOption) wamp.ID {
	t.Helper()
	opts = append([]client.PublishOption{client.Args(arg), client.Acknowledge()}, opts...)
	id, err := s.Publish(context.Background(), "a.b", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Meta events are received as all others are.
func TestMetaEventsWithRouter_UMA05(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRouter(t)
		watcher := joined(t, r)
		events, _ := subscribed(t, watcher, "wamp.", client.Match(wamp.MatchPrefix))
		s := joined(t, r)
		_, b := subscribed(t, s, "a.b")
		if err := b.Unsubscribe(context.Background()); err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
		synctest.Wait()
		var got []string
		for len(events) > 0 {
			e := <-events
			got = append(got, fmt.Sprint(e.Topic, " ", e.Args[0] == int64(s.ID())))
		}
		want := []string{
			"wamp.session.on_join false", "wamp.subscription.on_create true", "wamp.subscription.on_subscribe true",
			"wamp.subscription.on_unsubscribe true", "wamp.subscription.on_delete true", "wamp.session.on_leave true",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("meta events (-want +got):\n%s", diff)
		}
	})
}

func TestReceiversWithRouter_BWL02_BWL03_PEX02(t *testing.T) {
	ids := func(ids ...wamp.ID) []wamp.ID { return append([]wamp.ID{}, ids...) }
	tests := map[string]struct {
		receivers func(ann, bob wamp.ID) wamp.Receivers
		want      [3]int // events of the publisher, who asked for its own, of Ann and of Bob
	}{
		"all": {func(_, _ wamp.ID) wamp.Receivers { return wamp.Receivers{} }, [3]int{1, 1, 1}},
		"not Bob": {
			func(_, bob wamp.ID) wamp.Receivers { return wamp.Receivers{Exclude: ids(bob)} }, [3]int{1, 1, 0},
		},
		"Ann": {
			func(ann, _ wamp.ID) wamp.Receivers { return wamp.Receivers{Eligible: ids(ann)} }, [3]int{0, 1, 0},
		},
		"nobody": {func(_, _ wamp.ID) wamp.Receivers { return wamp.Receivers{Eligible: ids()} }, [3]int{}},
		"another role": {
			func(_, _ wamp.ID) wamp.Receivers { return wamp.Receivers{EligibleAuthRole: []string{"staff"}} }, [3]int{},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRouter(t)
				publisher, ann, bob := joined(t, r), joined(t, r), joined(t, r)
				var boxes [3]box
				for i, s := range []*client.Session{publisher, ann, bob} {
					boxes[i], _ = subscribed(t, s, "a.b")
				}
				publishTo(t, publisher, "x", client.IncludeMe(), client.Receivers(test.receivers(ann.ID(), bob.ID())))
				synctest.Wait()
				if got := [3]int{len(boxes[0]), len(boxes[1]), len(boxes[2])}; got != test.want {
					t.Errorf("events %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestRetainedEventsWithRouter_RET03_RET07_RET13(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRouter(t)
		publisher, subscriber := joined(t, r), joined(t, r)
		publishTo(t, publisher, "old", client.Retain())
		id := publishTo(t, publisher, "kept", client.Retain())
		publishTo(t, publisher, "passing")
		quiet, _ := subscribed(t, subscriber, "a.b")
		asked, _ := subscribed(t, subscriber, "a.b", client.GetRetained())
		prefix, _ := subscribed(t, subscriber, "a.", client.Match(wamp.MatchPrefix), client.GetRetained())
		publishTo(t, publisher, "live")
		synctest.Wait()
		quiet.want(t, "live")
		for name, events := range map[string]box{"exact": asked, "prefix": prefix} {
			if len(events) != 2 {
				t.Fatalf("%s: %d events", name, len(events))
			}
			kept, live := <-events, <-events
			if !kept.Details.Retained || kept.Publication != id || kept.Topic != "a.b" || live.Details.Retained {
				t.Errorf("%s: %+v, then %+v", name, kept, live)
			}
			wantArgs(t, kept.Args, "kept")
			wantArgs(t, live.Args, "live")
		}
	})
}

// Who is not among the receivers does not get the event later either (RET-04).
func TestRetainedEventForSomeWithRouter_RET04(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRouter(t)
		publisher, ann, bob := joined(t, r), joined(t, r), joined(t, r)
		publishTo(t, publisher, "for all", client.Retain())
		publishTo(t, publisher, "for Ann", client.Retain(), client.Receivers(wamp.Receivers{Eligible: []wamp.ID{ann.ID()}}))
		forAnn, _ := subscribed(t, ann, "a.b", client.GetRetained())
		forBob, _ := subscribed(t, bob, "a.b", client.GetRetained())
		forAnn.want(t, "for Ann")
		forBob.want(t, "for all")
	})
}
