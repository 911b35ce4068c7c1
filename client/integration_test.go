package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/wamp"
)

func newRouter(t testing.TB) *router.Router {
	r, err := router.New(router.Config{Realms: []router.RealmConfig{
		{Name: "realm1", AnonymousRole: "anonymous", Authorizer: auth.AllowAll{}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// joined returns a session with the router, which is in the same process.
func joined(t testing.TB, r *router.Router) *client.Session {
	s, err := client.Join(context.Background(), r.Connect(), client.Config{Realm: "realm1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestWithRouterInProcess_CLI18(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := newRouter(t)
		callee, caller := joined(t, r), joined(t, r)

		_, err := caller.Call(ctx, "com.example.double")
		wantErr(t, err, wamp.ErrNoSuchProcedure)
		g, err := callee.Register(ctx, "com.example.", double, client.Match(wamp.MatchPrefix))
		if err != nil {
			t.Fatal(err)
		}
		result, err := caller.Call(ctx, "com.example.double", client.Args(21))
		if err != nil {
			t.Fatal(err)
		}
		wantArgs(t, result.Args, int64(42), "com.example.double")
		_, err = caller.Call(ctx, "com.example.double", client.Args("x"))
		wantErr(t, err, wamp.ErrInvalidArgument)
		_, err = caller.Register(ctx, "com.example.", double, client.Match(wamp.MatchPrefix))
		wantErr(t, err, wamp.ErrProcedureAlreadyExists)
		if err := g.Unregister(ctx); err != nil {
			t.Fatal(err)
		}
		_, err = caller.Call(ctx, "com.example.double")
		wantErr(t, err, wamp.ErrNoSuchProcedure)
		if err := caller.Leave(ctx); err != nil {
			t.Error(err)
		}
	})
}

func double(_ context.Context, inv *client.Invocation) (*client.Result, error) {
	n, ok := inv.Args[0].(int64)
	if !ok {
		return nil, wamp.Errorf(wamp.ErrInvalidArgument, "not a number")
	}
	return client.Values(2*n, inv.Procedure), nil
}

func TestEventsWithRouter_PUB20(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := newRouter(t)
		publisher, subscriber := joined(t, r), joined(t, r)
		first, second := newBox(), newBox()
		a, errA := subscriber.Subscribe(ctx, "com.example.news", first.handle)
		b, errB := subscriber.Subscribe(ctx, "com.example.news", second.handle)
		if err := errors.Join(errA, errB); err != nil || a.ID() != b.ID() {
			t.Fatalf("subscriptions %d and %d, %v", a.ID(), b.ID(), err)
		}
		send := func(text string) {
			id, err := publisher.Publish(ctx, "com.example.news", client.Args(text), client.Acknowledge())
			if err != nil || !id.Valid() {
				t.Fatalf("publication %d, %v", id, err)
			}
			synctest.Wait() // until the subscriber has it, too
		}
		send("one")
		if err := a.Unsubscribe(ctx); err != nil {
			t.Fatal(err)
		}
		send("two")
		if err := b.Unsubscribe(ctx); err != nil {
			t.Fatal(err)
		}
		send("three")
		first.want(t, "one")
		second.want(t, "one", "two")
	})
}

func TestRouterShutsDown_CLI02(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRouter(t)
		callee, caller := joined(t, r), joined(t, r)
		_, err := callee.Register(context.Background(), "a.b", waitForEnd(nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		pending := call(context.Background(), caller)
		synctest.Wait()
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		wantClosed(t, caller.Err(), wamp.CloseSystemShutdown)
		if err := (<-pending).err; err == nil {
			t.Error("the call has a result")
		}
	})
}

// The callee counts in the midst of the parts and sums up behind the last (CLI-10, PCI-18).
func sum(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
	var sum int64
	for p, err := range inv.Parts(ctx) {
		if err != nil {
			return nil, err
		}
		for _, n := range p.Args {
			sum += n.(int64)
		}
		if err := inv.Progress(ctx, client.Values(sum)); err != nil {
			return nil, err
		}
	}
	return client.Values("sum", sum), nil
}

func TestPartsAndResultsWithRouter_CLI10_PCI18(t *testing.T) {
	for name, opts := range map[string][]client.CallOption{
		"plain":  {client.ReceiveProgress()},
		"packed": {client.ReceiveProgress(), client.Passthru(inCBOR)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkPartsAndResults(t, opts) })
		})
	}
}

// checkPartsAndResults sends three parts, each of the later ones when there is a result for the one before.
func checkPartsAndResults(t *testing.T, opts []client.CallOption) {
	ctx := context.Background()
	r := newRouter(t)
	callee, caller := joined(t, r), joined(t, r)
	if _, err := callee.Register(ctx, "a.sum", sum); err != nil {
		t.Fatal(err)
	}
	c, err := caller.OpenCall(ctx, "a.sum", append(opts, client.Args(1))...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Cancel()
	var got []string
	for result, err := range c.Results(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(result.Args, result.Details.Progress))
		switch len(got) {
		case 1:
			send(t, c, 2)
		case 2:
			sendLast(t, c, 3)
		}
	}
	want := []string{"[1] true", "[3] true", "[6] true", "[sum 6] false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantErr(t, c.Send(ctx), client.ErrNoMoreParts)
}

func TestPartsEndWithWhoeverLeaves_PCI17(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := newRouter(t)
		callee := joined(t, r)
		ended := make(chan error, 1)
		_, err := callee.Register(ctx, "a.sum", func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
			_, err := sum(ctx, inv)
			ended <- err
			return nil, err
		})
		if err != nil {
			t.Fatal(err)
		}
		start := func(s *client.Session) *client.ProgressiveCall {
			c, err := s.OpenCall(ctx, "a.sum", client.Args(1))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return c
		}
		caller := joined(t, r)
		start(caller).Cancel()
		wantErr(t, <-ended, wamp.ErrCanceled)
		start(caller)
		_ = caller.Close()
		wantErr(t, <-ended, wamp.ErrCanceled)
		c := start(joined(t, r))
		_ = callee.Close()
		wantErr(t, <-ended, context.Canceled)
		_, err = c.Result(ctx)
		wantErr(t, err, wamp.ErrCanceled)
	})
}

// Whatever a handler does not read of its caller's parts is discarded on the way, and no session suffers (PCI-13).
func TestCalleeThatAnswersEarly_PCI13_PCI16_ROU70(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := newRouter(t)
		callee, caller := joined(t, r), joined(t, r)
		if _, err := callee.Register(ctx, "a.echo", echo); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			c, err := caller.OpenCall(ctx, "a.echo", client.Args(i))
			if err != nil {
				t.Fatal(err)
			}
			for n := 1; err == nil; n++ {
				if n%100 == 0 {
					synctest.Wait() // else there are too many before the handler has begun
				}
				err = c.Send(ctx, client.Args("more"))
			}
			wantErr(t, err, client.ErrNoMoreParts)
			result, err := c.Result(ctx)
			if err != nil {
				t.Fatal(err)
			}
			wantArgs(t, result.Args, int64(i))
		}
		if err := errors.Join(caller.Err(), callee.Err()); err != nil {
			t.Error(err)
		}
	})
}

func TestPassthruWithRouter_PPT10(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := newRouter(t)
		callee, caller := joined(t, r), joined(t, r)
		answer := func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
			if inv.Details.PPT == nil || len(inv.Args) == 0 {
				return nil, &wamp.Error{URI: "a.error", Payload: plain, Details: wamp.ErrorDetails{PPT: &inCBOR}}
			}
			return &client.Result{Args: inv.Args, Kwargs: inv.Kwargs, Details: wamp.ResultDetails{PPT: &inCBOR}}, nil
		}
		if _, err := callee.Register(ctx, "a.b", answer); err != nil {
			t.Fatal(err)
		}
		events := newBox()
		if _, err := callee.Subscribe(ctx, "a.b", events.handle); err != nil {
			t.Fatal(err)
		}
		result, err := caller.Call(ctx, "a.b", client.Payload(plain), client.Passthru(inCBOR))
		if err != nil {
			t.Fatal(err)
		}
		wantPlain(t, result.Args, result.Kwargs)
		_, err = caller.Call(ctx, "a.b")
		var e *wamp.Error
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		wantPlain(t, e.Payload.Args, e.Payload.Kwargs)
		if _, err := caller.Publish(ctx, "a.b", client.Payload(plain), client.Passthru(inCBOR)); err != nil {
			t.Fatal(err)
		}
		event := <-events
		wantPlain(t, event.Args, event.Kwargs)
	})
}

// Every call gets its own answer, also when handlers call each other and everybody shares two sessions.
func TestManyCallsAtOnce_CLI06_CLI09(t *testing.T) {
	r := newRouter(t)
	callee, caller := joined(t, r), joined(t, r)
	ctx := t.Context()
	for procedure, handler := range map[string]client.InvocationHandler{
		"a.echo": echo,
		"a.sum":  sum,
		"a.ask": func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
			return callee.Call(ctx, "a.echo", client.Args(inv.Args...))
		},
	} {
		if _, err := callee.Register(ctx, procedure, handler); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for worker := range 32 {
		wg.Go(func() {
			for i := range 100 {
				procedure := []string{"a.echo", "a.ask"}[i%2]
				want := fmt.Sprint(worker, i)
				result, err := caller.Call(ctx, procedure, client.Args(want))
				if err != nil || len(result.Args) != 1 || result.Args[0] != want {
					t.Errorf("%s(%q) = %+v, %v", procedure, want, result, err)
					return
				}
			}
		})
	}
	for worker := range 8 {
		wg.Go(func() {
			for i := range 20 {
				if got, err := sumUp(ctx, caller, worker, i); err != nil || got != int64(worker*i) {
					t.Errorf("%d times %d = %d, %v", i, worker, got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// sumUp has the callee add n up so many times.
func sumUp(ctx context.Context, s *client.Session, n, times int) (int64, error) {
	c, err := s.OpenCall(ctx, "a.sum", client.ReceiveProgress())
	if err != nil {
		return 0, err
	}
	defer c.Cancel()
	for range times {
		if err := c.Send(ctx, client.Args(n)); err != nil {
			return 0, err
		}
	}
	if err := c.SendLast(ctx); err != nil {
		return 0, err
	}
	result, err := c.Result(ctx)
	if err != nil {
		return 0, err
	}
	return result.Args[1].(int64), nil
}
