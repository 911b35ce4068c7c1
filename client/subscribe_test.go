package client_test

import (
	"context"
	"testing"
	"testing/synctest"

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

func TestRevokedWithoutReason_SRV06(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		b := r.subscribe(s, 1, 5, "a.b", ignore)
		r.send(&wamp.Unsubscribed{Details: wamp.UnsubscribedDetails{Subscription: 5}})
		<-b.Done()
		if got, want := b.Err().Error(), client.ErrRevoked.Error(); got != want {
			t.Errorf("error %q, want %q", got, want)
		}
	})
}

func TestSubscribeIsRefusedAfterRevocation(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.subscribe(s, 1, 5, "a.b", ignore)
		b := later(func() (*client.Subscription, error) { return s.Subscribe(context.Background(), "a.b", ignore) })
		r.read()
		r.send(
			&wamp.Unsubscribed{Details: wamp.UnsubscribedDetails{Subscription: 5}},
			&wamp.Error{RequestType: wamp.TypeSubscribe, Request: 2, URI: wamp.ErrNotAuthorized},
		)
		wantErr(t, (<-b).err, wamp.ErrNotAuthorized)
		r.expectNothing() // there is nothing left to unsubscribe
	})
}
