package client_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

func TestEventReachesHandler(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		events := newBox()
		r.subscribe(s, 1, 5, "a.b", events.handle)
		r.send(
			&wamp.Event{Subscription: 5, Publication: 9, Payload: wamp.Payload{Args: wamp.List{"x"}, Kwargs: wamp.Dict{"k": 1}}},
			&wamp.Event{Subscription: 5, Publication: 10, Details: wamp.EventDetails{Topic: "a.b.c", Publisher: 3, Retained: true, Lost: 7}},
		)
		e := <-events
		if e.Topic != "a.b" || e.Publication != 9 || e.Kwargs["k"] != int64(1) || e.Payload.Serializer != wamp.CBOR {
			t.Errorf("event %+v", e)
		}
		wantArgs(t, e.Args, "x")
		if e = <-events; e.Topic != "a.b.c" || e.Details.Publisher != 3 || !e.Details.Retained || e.Details.Lost != 7 {
			t.Errorf("event %+v", e)
		}
	})
}

func TestEventRightBehindSubscribed_CLI04(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		events := newBox()
		b := later(func() (*client.Subscription, error) {
			return s.Subscribe(context.Background(), "a.b", events.handle)
		})
		r.read()
		r.send(&wamp.Subscribed{Request: 1, Subscription: 5}, event(5, "first"))
		(<-b).must(t)
		events.want(t, "first")
	})
}

func TestEventsInOrder_PUB19_CLI09(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		slow := newBox()
		r.subscribe(s, 1, 5, "a.slow", func(ctx context.Context, e *client.Event) {
			advance(time.Second)
			slow.handle(ctx, e)
		})
		quick := newBox()
		r.subscribe(s, 2, 6, "a.quick", quick.handle)
		var want []any
		for i := range 100 {
			r.send(event(5, i), event(6, i))
			synctest.Wait() // one read each
			want = append(want, int64(i))
		}
		quick.want(t, want...)
		advance(time.Hour)
		slow.want(t, want...)
	})
}

func TestEventOfUnknownSubscription_PER08(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.send(event(5, "x"))
		r.expectNothing()
		if s.Err() != nil {
			t.Error(s.Err())
		}
	})
}

func TestSlowHandlerLosesEventsOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		const waiting = 4096
		release := make(chan struct{})
		events := newBox()
		b := r.subscribe(s, 1, 5, "a.b", func(ctx context.Context, e *client.Event) {
			<-release
			events.handle(ctx, e)
		})
		for i := range 1 + waiting + 5 {
			r.send(event(5, i))
		}
		result := call(context.Background(), s) // the reader is not held up
		r.expect(&wamp.Call{Request: 2, Procedure: "a.b"})
		r.send(&wamp.Result{Request: 2})
		(<-result).must(t)
		if b.Dropped() != 5 {
			t.Errorf("%d events dropped, want 5", b.Dropped())
		}
		if n := r.log.has("events dropped"); n != 3 { // at 1, 2 and 4
			t.Errorf("%d log lines", n)
		}
		close(release)
		got := events.firsts()
		if len(got) != 1+waiting || got[waiting] != int64(waiting) {
			t.Errorf("%d events delivered, want the first %d", len(got), 1+waiting)
		}
	})
}

func TestEventHandlerPanics(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		events := newBox()
		r.subscribe(s, 1, 5, "a.b", func(ctx context.Context, e *client.Event) {
			if e.Args[0] == "bad" {
				panic("oops")
			}
			events.handle(ctx, e)
		})
		r.send(event(5, "bad"), event(5, "good"))
		events.want(t, "good")
		if r.log.has("oops") == 0 {
			t.Error("the panic is not in the log")
		}
	})
}

func TestEventHandlerMayUseTheSession_CLI06(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		var b *client.Subscription
		ready := make(chan struct{})
		errs := make(chan error, 1)
		b = r.subscribe(s, 1, 5, "a.b", func(ctx context.Context, _ *client.Event) {
			<-ready
			if _, err := s.Call(ctx, "a.other"); err != nil {
				errs <- err
			}
			errs <- b.Unsubscribe(ctx)
		})
		close(ready)
		r.send(event(5))
		r.expect(&wamp.Call{Request: 2, Procedure: "a.other"})
		r.send(&wamp.Result{Request: 2})
		r.expect(&wamp.Unsubscribe{Request: 3, Subscription: 5})
		r.send(&wamp.Unsubscribed{Request: 3})
		if err := <-errs; err != nil {
			t.Error(err)
		}
	})
}

func TestReceivedEventsOutliveTheSession(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		release := make(chan struct{})
		events := newBox()
		b := r.subscribe(s, 1, 5, "a.b", func(ctx context.Context, e *client.Event) {
			<-release
			if ctx.Err() == nil {
				events.handle(ctx, e)
			}
		})
		r.send(event(5, 1), event(5, 2), &wamp.Goodbye{Reason: wamp.CloseSystemShutdown})
		<-s.Done()
		wantClosed(t, b.Err(), wamp.CloseSystemShutdown)
		close(release)
		events.want(t, int64(1), int64(2))
	})
}

func retained(subscription wamp.ID, args ...any) *wamp.Event {
	e := event(subscription, args...)
	e.Details.Retained = true
	return e
}

// The router sends the retained event again whenever it is asked for, and each time it is for the handler that asked.
func TestRetainedEventsForWhoAsked_PUB20_RET08(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		subscribe := func(request wamp.ID, asks bool, events box, more ...wamp.Message) *client.Subscription {
			opts := []client.SubscribeOption{}
			if asks {
				opts = append(opts, client.GetRetained())
			}
			b := later(func() (*client.Subscription, error) {
				return s.Subscribe(context.Background(), "a.b", events.handle, opts...)
			})
			r.expect(&wamp.Subscribe{Request: request, Topic: "a.b", Options: wamp.SubscribeOptions{GetRetained: asks}})
			r.send(append([]wamp.Message{&wamp.Subscribed{Request: request, Subscription: 5}}, more...)...)
			return (<-b).must(t)
		}
		quiet, first, second := newBox(), newBox(), newBox()
		subscribe(1, false, quiet)
		subscribe(2, true, first, retained(5, "kept"), event(5, "live"))
		b := subscribe(3, true, second, retained(5, "kept again"))
		quiet.want(t, "live")
		first.want(t, "kept", "live")
		second.want(t, "kept again")

		(<-unsubscribe(b)).must(t)
		r.send(retained(5, "late"), event(5, "x"))
		first.want(t, "x")
		second.want(t)
	})
}

func TestRetainedEventsThatNobodyAskedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		events := newBox()
		r.subscribe(s, 1, 5, "a.b", events.handle)
		r.send(retained(5, "kept"))
		events.want(t, "kept")
	})
}

func TestEventTellsWhoPublished_PID01(t *testing.T) {
	want := wamp.EventDetails{
		Publisher: 3, PublisherAuthID: "ann", PublisherAuthRole: "staff", TrustLevel: 2, HasTrustLevel: true,
		Extra: wamp.Dict{"_x_zone": "z"},
	}
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		events := newBox()
		r.subscribe(s, 1, 5, "a.b", events.handle)
		r.send(&wamp.Event{Subscription: 5, Publication: 9, Details: want})
		if diff := cmp.Diff(want, (<-events).Details); diff != "" {
			t.Errorf("details (-want +got):\n%s", diff)
		}
	})
}
