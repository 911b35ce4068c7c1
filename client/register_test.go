package client_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

func echo(_ context.Context, inv *client.Invocation) (*client.Result, error) {
	return &client.Result{Args: inv.Args, Kwargs: inv.Kwargs}, nil
}

func TestRegisterOptionsReachTheWire_CLI11(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		g := later(func() (*client.Registration, error) {
			return s.Register(context.Background(), "a.", echo, client.Match(wamp.MatchPrefix),
				client.Invoke(wamp.InvokeRoundRobin), client.DiscloseCaller(), client.ForwardTimeout(),
				client.Concurrency(3), client.ForceReregister(), client.Option("_x_zone", "z"))
		})
		r.expect(&wamp.Register{Request: 1, Procedure: "a.", Options: wamp.RegisterOptions{
			Match: wamp.MatchPrefix, Invoke: wamp.InvokeRoundRobin, DiscloseCaller: true, ForwardTimeout: true,
			Concurrency: 3, ForceReregister: true, Extra: wamp.Dict{"_x_zone": "z"},
		}})
		r.send(&wamp.Registered{Request: 1, Registration: 12})
		if got := (<-g).must(t); got.ID() != 12 || got.Procedure() != "a." || got.Err() != nil || isClosed(got.Done()) {
			t.Errorf("registration %d of %s", got.ID(), got.Procedure())
		}
	})
}

func TestRegisterIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		g := later(func() (*client.Registration, error) { return s.Register(context.Background(), "a.b", echo) })
		r.read()
		r.send(&wamp.Error{RequestType: wamp.TypeRegister, Request: 1, URI: wamp.ErrProcedureAlreadyExists})
		wantErr(t, (<-g).err, wamp.ErrProcedureAlreadyExists)
	})
}

func TestInvocationRightBehindRegistered_CLI04(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		g := later(func() (*client.Registration, error) { return s.Register(context.Background(), "a.b", echo) })
		r.read()
		r.send(
			&wamp.Registered{Request: 1, Registration: 7},
			&wamp.Invocation{Request: 1, Registration: 7, Payload: values("x")},
		)
		r.expect(&wamp.Yield{Request: 1, Payload: values("x")})
		(<-g).must(t)
	})
}

func TestUnregister_CLI05(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		g := r.register(s, 1, "a.b", echo)
		gone := laterErr(func() error { return g.Unregister(context.Background()) })
		r.expect(&wamp.Unregister{Request: 2, Registration: 7})
		r.send(&wamp.Invocation{Request: 1, Registration: 7, Payload: values("late")}) // still served
		r.expect(&wamp.Yield{Request: 1, Payload: values("late")})
		r.send(&wamp.Unregistered{Request: 2}, &wamp.Invocation{Request: 2, Registration: 7})
		r.expect(refusal(2, wamp.ErrNoSuchProcedure, "no such registration here"))
		if err := (<-gone).err; err != nil {
			t.Fatal(err)
		}
		if !isClosed(g.Done()) || g.Err() != nil {
			t.Errorf("over: %v, because %v", isClosed(g.Done()), g.Err())
		}
		if err := g.Unregister(context.Background()); err != nil {
			t.Errorf("second Unregister: %v", err)
		}
	})
}

func TestUnregisterIsRefused(t *testing.T) {
	for uri, over := range map[wamp.ErrorURI]bool{wamp.ErrNoSuchRegistration: true, wamp.ErrNotAuthorized: false} {
		inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
			g := r.register(s, 1, "a.b", echo)
			gone := laterErr(func() error { return g.Unregister(context.Background()) })
			r.read()
			r.send(&wamp.Error{RequestType: wamp.TypeUnregister, Request: 2, URI: uri})
			wantErr(t, (<-gone).err, uri)
			if isClosed(g.Done()) != over {
				t.Errorf("after %s the registration's end is %v, want %v", uri, !over, over)
			}
		})
	}
}

func TestUnregisteredAfterNobodyWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		g := r.register(s, 1, "a.b", echo)
		ctx, cancel := context.WithCancel(context.Background())
		gone := laterErr(func() error { return g.Unregister(ctx) })
		r.read()
		cancel()
		wantErr(t, (<-gone).err, context.Canceled)
		if isClosed(g.Done()) {
			t.Error("over before the router said so")
		}
		r.send(&wamp.Unregistered{Request: 2})
		<-g.Done()
	})
}

func TestRegistrationThatNobodyWaitsForIsTakenBack(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		ctx, cancel := context.WithCancel(context.Background())
		g := later(func() (*client.Registration, error) { return s.Register(ctx, "a.b", echo) })
		r.read()
		cancel()
		wantErr(t, (<-g).err, context.Canceled)
		r.send(&wamp.Registered{Request: 1, Registration: 7})
		r.expect(&wamp.Unregister{Request: 2, Registration: 7})
		r.send(&wamp.Unregistered{Request: 2})
		r.expectNothing()
	})
}

func TestRevokedRegistration_RRV07_RRV08_CLI16(t *testing.T) {
	for _, reason := range []string{"", "wamp.error.unregistered", "just so"} {
		inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
			g := r.register(s, 1, "a.b", echo)
			r.send(
				&wamp.Unregistered{Details: wamp.UnregisteredDetails{Registration: 8, Reason: reason}}, // unknown
				&wamp.Unregistered{Details: wamp.UnregisteredDetails{Registration: 7, Reason: reason}},
				&wamp.Invocation{Request: 1, Registration: 7},
			)
			r.expect(refusal(1, wamp.ErrNoSuchProcedure, "no such registration here"))
			<-g.Done()
			wantClosed(t, g.Err(), reason)
			wantErr(t, g.Err(), client.ErrRevoked)
			wantErr(t, g.Unregister(context.Background()), client.ErrRevoked)
		})
	}
}

func TestHandlerMayUseTheSession_CLI06(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		var g *client.Registration
		ready := make(chan struct{})
		g = r.register(s, 1, "a.b", func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
			<-ready
			if _, err := s.Publish(ctx, "a.topic", client.Acknowledge()); err != nil {
				return nil, err
			}
			result, err := s.Call(ctx, "a.other")
			if err != nil {
				return nil, err
			}
			return result, g.Unregister(ctx)
		})
		close(ready)
		r.send(&wamp.Invocation{Request: 1, Registration: 7})
		r.expect(&wamp.Publish{Request: 2, Topic: "a.topic", Options: wamp.PublishOptions{Acknowledge: true}})
		r.send(&wamp.Published{Request: 2, Publication: 1})
		r.expect(&wamp.Call{Request: 3, Procedure: "a.other"})
		r.send(&wamp.Result{Request: 3, Payload: values("nested")})
		r.expect(&wamp.Unregister{Request: 4, Registration: 7})
		r.send(&wamp.Unregistered{Request: 4})
		r.expect(&wamp.Yield{Request: 1, Payload: values("nested")})
	})
}

func TestEndOfSessionEndsRegistration(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		g := r.register(s, 1, "a.b", echo)
		_ = r.conn.Close()
		<-g.Done()
		wantClosed(t, g.Err(), wamp.CloseTransportLost)
		synctest.Wait()
		wantClosed(t, g.Unregister(context.Background()), wamp.CloseTransportLost)
	})
}
