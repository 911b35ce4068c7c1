package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

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

// Every call gets its own answer, also when handlers call each other and everybody shares two sessions.
func TestManyCallsAtOnce_CLI06_CLI09(t *testing.T) {
	r := newRouter(t)
	callee, caller := joined(t, r), joined(t, r)
	ctx := t.Context()
	for procedure, handler := range map[string]client.InvocationHandler{
		"a.echo": echo,
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
	wg.Wait()
}
