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

// box keeps what a handler has received.
type box chan *client.Event

func newBox() box { return make(box, 10_000) }

func (b box) handle(_ context.Context, e *client.Event) { b <- e }

// firsts returns the first argument of every event.
func (b box) firsts() (args []any) {
	synctest.Wait()
	for len(b) > 0 {
		args = append(args, (<-b).Args[0])
	}
	return args
}

func (b box) want(t testing.TB, args ...any) {
	t.Helper()
	if diff := cmp.Diff(args, b.firsts()); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
}

func ignore(context.Context, *client.Event) {}

func event(subscription wamp.ID, args ...any) *wamp.Event {
	return &wamp.Event{Subscription: subscription, Publication: 1, Payload: values(args...)}
}

func unsubscribe(b *client.Subscription) <-chan outcome[struct{}] {
	return laterErr(func() error { return b.Unsubscribe(context.Background()) })
}

func TestSubscribeOptionsReachTheWire_CLI11(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		b := later(func() (*client.Subscription, error) {
			return s.Subscribe(context.Background(), "a..c", ignore, client.Match(wamp.MatchWildcard), client.GetRetained(),
				client.NKey("n"), client.Option("_x_zone", "z"))
		})
		r.expect(&wamp.Subscribe{Request: 1, Topic: "a..c", Options: wamp.SubscribeOptions{
			Match: wamp.MatchWildcard, GetRetained: true, NKey: "n", Extra: wamp.Dict{"_x_zone": "z"},
		}})
		r.send(&wamp.Subscribed{Request: 1, Subscription: 12})
		if got := (<-b).must(t); got.ID() != 12 || got.Topic() != "a..c" || got.Err() != nil || isClosed(got.Done()) {
			t.Errorf("subscription %d of %s", got.ID(), got.Topic())
		}
	})
}

func TestSubscribeIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		b := later(func() (*client.Subscription, error) { return s.Subscribe(context.Background(), "a.b", ignore) })
		r.read()
		r.send(&wamp.Error{RequestType: wamp.TypeSubscribe, Request: 1, URI: wamp.ErrNotAuthorized})
		wantErr(t, (<-b).err, wamp.ErrNotAuthorized)
		r.expectNothing()
	})
}

func TestEventReachesHandler(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		events := newBox()
		r.subscribe(s, 1, 5, "a.b", events.handle)
		r.send(
			&wamp.Event{Subscription: 5, Publication: 9, Payload: wamp.Payload{Args: wamp.List{"x"}, Kwargs: wamp.Dict{"k": 1}}},
			&wamp.Event{Subscription: 5, Publication: 10, Details: wamp.EventDetails{Topic: "a.b.c", Publisher: 3, Retained: true}},
		)
		e := <-events
		if e.Topic != "a.b" || e.Publication != 9 || e.Kwargs["k"] != int64(1) || e.Payload.Serializer != wamp.CBOR {
			t.Errorf("event %+v", e)
		}
		wantArgs(t, e.Args, "x")
		if e = <-events; e.Topic != "a.b.c" || e.Details.Publisher != 3 || !e.Details.Retained {
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

func TestHandlersShareSubscription_PUB20(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		first, second := newBox(), newBox()
		a := r.subscribe(s, 1, 5, "a.b", first.handle)
		b := r.subscribe(s, 2, 5, "a.b", second.handle)
		r.send(event(5, "both"))
		first.want(t, "both")
		second.want(t, "both")

		if err := a.Unsubscribe(context.Background()); err != nil { // without asking the router
			t.Fatal(err)
		}
		if !isClosed(a.Done()) || a.Err() != nil {
			t.Errorf("over: %v, because %v", isClosed(a.Done()), a.Err())
		}
		r.send(event(5, "second only"))
		first.want(t)
		second.want(t, "second only")

		gone := unsubscribe(b)
		r.expect(&wamp.Unsubscribe{Request: 3, Subscription: 5})
		r.send(&wamp.Unsubscribed{Request: 3})
		if err := (<-gone).err; err != nil {
			t.Fatal(err)
		}
	})
}

func TestPatternsAreSubscriptionsOfTheirOwn_PBS05(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		exact := r.subscribe(s, 1, 5, "a.b", ignore)
		prefix := later(func() (*client.Subscription, error) {
			return s.Subscribe(context.Background(), "a.b", ignore, client.Match(wamp.MatchPrefix))
		})
		r.read()
		r.send(&wamp.Subscribed{Request: 2, Subscription: 6})
		(<-prefix).must(t)
		unsubscribe(exact)
		r.expect(&wamp.Unsubscribe{Request: 3, Subscription: 5})
	})
}

func TestUnsubscribe_CLI05(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		events := newBox()
		b := r.subscribe(s, 1, 5, "a.b", events.handle)
		gone, again := unsubscribe(b), unsubscribe(b)
		r.expect(&wamp.Unsubscribe{Request: 2, Subscription: 5})
		r.expectNothing() // asked once is enough
		r.send(event(5, "in flight"))
		events.want(t, "in flight")
		r.send(&wamp.Unsubscribed{Request: 2}, event(5, "too late")) // PER-08: the second is ignored
		for _, err := range []error{(<-gone).err, (<-again).err, b.Unsubscribe(context.Background()), b.Err(), s.Err()} {
			if err != nil {
				t.Error(err)
			}
		}
		events.want(t)
	})
}

func TestUnsubscribeIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		b := r.subscribe(s, 1, 5, "a.b", ignore)
		gone := unsubscribe(b)
		r.read()
		r.send(&wamp.Error{RequestType: wamp.TypeUnsubscribe, Request: 2, URI: wamp.ErrNoSuchSubscription})
		wantErr(t, (<-gone).err, wamp.ErrNoSuchSubscription)
		if !isClosed(b.Done()) {
			t.Error("the subscription is not over")
		}
	})
}

func TestSubscribeAgainWhileUnsubscribing_PUB20(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		old, fresh := newBox(), newBox()
		gone := unsubscribe(r.subscribe(s, 1, 5, "a.b", old.handle))
		r.expect(&wamp.Unsubscribe{Request: 2, Subscription: 5})
		b := later(func() (*client.Subscription, error) {
			return s.Subscribe(context.Background(), "a.b", fresh.handle)
		})
		r.expect(&wamp.Subscribe{Request: 3, Topic: "a.b"})
		r.send(&wamp.Unsubscribed{Request: 2}, &wamp.Subscribed{Request: 3, Subscription: 5}, event(5, "x"))
		(<-gone).must(t)
		(<-b).must(t)
		old.want(t)
		fresh.want(t, "x")
	})
}

func TestUnsubscribeWhileAnotherSubscribes_PUB20(t *testing.T) {
	for name, accepted := range map[string]bool{"accepted": true, "refused": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				events := newBox()
				first := r.subscribe(s, 1, 5, "a.b", ignore)
				later(func() (*client.Subscription, error) {
					return s.Subscribe(context.Background(), "a.b", events.handle)
				})
				r.expect(&wamp.Subscribe{Request: 2, Topic: "a.b"})
				if err := first.Unsubscribe(context.Background()); err != nil {
					t.Fatal(err)
				}
				r.expectNothing() // an UNSUBSCRIBE would end the new one too
				if accepted {
					r.send(&wamp.Subscribed{Request: 2, Subscription: 5}, event(5, "x"))
					events.want(t, "x")
					return
				}
				r.send(&wamp.Error{RequestType: wamp.TypeSubscribe, Request: 2, URI: wamp.ErrNotAuthorized})
				r.expect(&wamp.Unsubscribe{Request: 3, Subscription: 5})
			})
		})
	}
}

func TestSubscriptionThatNobodyWaitsForIsTakenBack(t *testing.T) {
	for name, shared := range map[string]bool{"alone": false, "shared": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				if shared {
					r.subscribe(s, 1, 5, "a.b", ignore)
				} else {
					_, _ = s.Publish(context.Background(), "a.b") // takes the request ID
					r.read()
				}
				ctx, cancel := context.WithCancel(context.Background())
				b := later(func() (*client.Subscription, error) { return s.Subscribe(ctx, "a.b", ignore) })
				r.expect(&wamp.Subscribe{Request: 2, Topic: "a.b"})
				cancel()
				wantErr(t, (<-b).err, context.Canceled)
				r.send(&wamp.Subscribed{Request: 2, Subscription: 5})
				if !shared {
					r.expect(&wamp.Unsubscribe{Request: 3, Subscription: 5})
				}
				r.expectNothing()
			})
		})
	}
}

func TestRevokedSubscription_SRV06_CLI16(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		first, second := newBox(), newBox()
		a := r.subscribe(s, 1, 5, "a.b", first.handle)
		b := later(func() (*client.Subscription, error) {
			return s.Subscribe(context.Background(), "a.b", second.handle)
		})
		r.read()
		r.send(
			&wamp.Unsubscribed{Details: wamp.UnsubscribedDetails{Subscription: 6}}, // unknown
			&wamp.Unsubscribed{Details: wamp.UnsubscribedDetails{Subscription: 5, Reason: "wamp.error.not_authorized"}},
			event(5, "nobody"),
		)
		<-a.Done()
		wantClosed(t, a.Err(), "wamp.error.not_authorized")
		wantErr(t, a.Err(), client.ErrRevoked)
		wantErr(t, a.Unsubscribe(context.Background()), client.ErrRevoked)

		r.send(&wamp.Subscribed{Request: 2, Subscription: 8}, event(8, "again"))
		(<-b).must(t)
		first.want(t)
		second.want(t, "again")
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
