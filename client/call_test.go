package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

func TestCallReturnsResult(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		result := call(context.Background(), s, client.Args(1, "two"), client.Kwargs(wamp.Dict{"three": 3}))
		r.expect(&wamp.Call{Request: 1, Procedure: "a.b", Payload: wamp.Payload{
			Args:   wamp.List{int64(1), "two"},
			Kwargs: wamp.Dict{"three": int64(3)},
		}})
		r.send(&wamp.Result{Request: 1, Payload: wamp.Payload{Args: wamp.List{"yes"}, Kwargs: wamp.Dict{"k": true}}})
		got := (<-result).must(t)
		wantArgs(t, got.Args, "yes")
		if got.Kwargs["k"] != true || len(got.Kwargs) != 1 {
			t.Errorf("kwargs %v", got.Kwargs)
		}
		if got.Payload.Serializer != wamp.CBOR || len(got.Payload.Raw) == 0 {
			t.Errorf("the received bytes are not there: %+v", got.Payload)
		}
	})
}

func TestCallOptionsReachTheWire_CLI11(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		call(context.Background(), s, client.DiscloseMe(), client.RKey("k"), client.RunMode("partition"),
			client.ReceiveProgress(), // which Call does not want
			client.Option("_x_trace", "t1"), client.Payload(wamp.Payload{Args: wamp.List{"p"}}))
		r.expect(&wamp.Call{Request: 1, Procedure: "a.b", Payload: values("p"), Options: wamp.CallOptions{
			DiscloseMe: true, RKey: "k", RunMode: "partition", Extra: wamp.Dict{"_x_trace": "t1"},
		}})
	})
}

func TestCallReturnsErrorOfPeer_CLI08_ERR02(t *testing.T) {
	for _, uri := range []wamp.ErrorURI{wamp.ErrNoSuchProcedure, "com.example.out_of_stock"} {
		inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
			result := call(context.Background(), s)
			r.expect(&wamp.Call{Request: 1, Procedure: "a.b"})
			r.send(&wamp.Error{RequestType: wamp.TypeCall, Request: 1, URI: uri, Payload: wamp.Payload{
				Args: wamp.List{"none left", 5}, Kwargs: wamp.Dict{"item": "nut"},
			}})
			err := (<-result).err
			wantErr(t, err, uri)
			var e *wamp.Error
			if !errors.As(err, &e) {
				t.Fatalf("error is a %T", err)
			}
			wantArgs(t, e.Payload.Args, "none left", int64(5))
			if e.Payload.Kwargs["item"] != "nut" {
				t.Errorf("kwargs %v", e.Payload.Kwargs)
			}
			if want := string(uri) + ": none left"; err.Error() != want {
				t.Errorf("text %q, want %q", err, want)
			}
		})
	}
}

func TestAnswersMayComeInAnyOrder_RPC10(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		first := call(context.Background(), s)
		r.expect(&wamp.Call{Request: 1, Procedure: "a.b"})
		second := call(context.Background(), s)
		r.expect(&wamp.Call{Request: 2, Procedure: "a.b"})
		r.send(&wamp.Result{Request: 2, Payload: values("second")}, &wamp.Result{Request: 1, Payload: values("first")})
		wantArgs(t, (<-first).must(t).Args, "first")
		wantArgs(t, (<-second).must(t).Args, "second")
	})
}

func TestRequestIDsLeaveInOrder_IDS03(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		const n = 200
		for i := range n {
			later(func() (any, error) {
				if i%2 == 0 {
					return s.Call(context.Background(), "a.b")
				}
				return s.Publish(context.Background(), "a.b")
			})
		}
		for want := wamp.ID(1); want <= n; want++ {
			switch m := r.read().(type) {
			case *wamp.Call:
				if m.Request != want {
					t.Fatalf("CALL %d, want %d", m.Request, want)
				}
			case *wamp.Publish:
				if m.Request != want {
					t.Fatalf("PUBLISH %d, want %d", m.Request, want)
				}
			}
		}
	})
}

func TestDeadlineBecomesTimeout_TMO10(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond+time.Microsecond)
		defer cancel()
		result := call(ctx, s)
		r.expect(&wamp.Call{Request: 1, Procedure: "a.b", Options: wamp.CallOptions{Timeout: 1501}})
		wantErr(t, (<-result).err, context.DeadlineExceeded)
		r.expect(&wamp.Cancel{Request: 1})
	})
}

func TestFeaturesThatTheRouterLacksAreNotUsed_FEA06(t *testing.T) {
	var roles wamp.Roles
	roles.Announce(wamp.RoleDealer)
	bubble(t, client.Config{}, roles, func(t *testing.T, s *client.Session, r *fake) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		result := later(func() (*client.Result, error) {
			for _, err := range s.CallProgress(ctx, "a.b") {
				return nil, err
			}
			return nil, nil
		})
		r.expect(&wamp.Call{Request: 1, Procedure: "a.b"}) // neither timeout nor receive_progress
		wantErr(t, (<-result).err, context.DeadlineExceeded)
		r.expectNothing() // nor CANCEL
	})
}

func TestCanceledCallIsCanceled_CLI07_CAN17(t *testing.T) {
	for _, mode := range []wamp.CancelMode{wamp.CancelKillNoWait, wamp.CancelKill, wamp.CancelSkip} {
		inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
			ctx, cancel := context.WithCancel(context.Background())
			result := call(ctx, s, client.CancelMode(mode))
			r.expect(&wamp.Call{Request: 1, Procedure: "a.b"})
			cancel()
			wantErr(t, (<-result).err, context.Canceled) // the router has said nothing yet
			r.expect(&wamp.Cancel{Request: 1, Options: wamp.CancelOptions{Mode: mode}})
			r.send(
				&wamp.Error{RequestType: wamp.TypeCall, Request: 1, URI: wamp.ErrCanceled},
				&wamp.Result{Request: 1}, // ROU-69: swallowed
			)
			r.expectNothing()
		})
	}
}

func TestCallWithDoneContextSendsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		wantErr(t, (<-call(ctx, s)).err, context.Canceled)
		r.expectNothing()
		call(context.Background(), s)
		r.expect(&wamp.Call{Request: 1, Procedure: "a.b"}) // no ID was used up
	})
}

func TestErrorThatAnswersCancelEndsCall(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		result := call(context.Background(), s)
		r.expect(&wamp.Call{Request: 1, Procedure: "a.b"})
		r.send(&wamp.Error{RequestType: wamp.TypeCancel, Request: 1, URI: wamp.ErrCanceled})
		wantErr(t, (<-result).err, wamp.ErrCanceled)
	})
}

func TestUnsendableArgumentsFailTheCallOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		_, err := s.Call(context.Background(), "a.b", client.Args(func() {}))
		wantErr(t, err, wamp.ErrInvalidPayload)
		call(context.Background(), s)
		r.expect(&wamp.Call{Request: 1, Procedure: "a.b"})
	})
}

func TestSenderWaitsWhileTheRouterDoesNotRead(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		const n = 8
		megabyte := strings.Repeat("x", 1<<20)
		sent := laterErr(func() error {
			for range n {
				if _, err := s.Publish(context.Background(), "a.b", client.Args(megabyte)); err != nil {
					return err
				}
			}
			return nil
		})
		synctest.Wait()
		if len(sent) > 0 {
			t.Fatal("everything was taken though nobody reads: the queue has no bound")
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := s.Publish(ctx, "a.b", client.Args(megabyte))
		wantErr(t, err, context.DeadlineExceeded)
		for want := wamp.ID(1); want <= n; want++ {
			if m := r.read().(*wamp.Publish); m.Request != want {
				t.Fatalf("PUBLISH %d, want %d", m.Request, want)
			}
		}
		if err := (<-sent).err; err != nil {
			t.Error(err)
		}
	})
}

func TestAnswersThatViolateTheProtocol_PER07(t *testing.T) {
	for name, answer := range map[string]wamp.Message{
		"result never asked for":     &wamp.Result{Request: 2},
		"result to nothing":          &wamp.Result{},
		"progress never asked for":   progress(2),
		"error to no request":        &wamp.Error{RequestType: wamp.TypeCall, Request: 9, URI: wamp.ErrCanceled},
		"error to a YIELD":           &wamp.Error{RequestType: wamp.TypeYield, Request: 1, URI: wamp.ErrCanceled},
		"registered instead":         &wamp.Registered{Request: 1, Registration: 1},
		"error to a SUBSCRIBE":       &wamp.Error{RequestType: wamp.TypeSubscribe, Request: 1, URI: wamp.ErrCanceled},
		"unsubscribed never sent":    &wamp.Unsubscribed{Request: 3},
		"unregistered never sent":    &wamp.Unregistered{Request: 3},
		"published, never published": &wamp.Published{Request: 3, Publication: 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				result := call(context.Background(), s)
				r.read()
				r.send(answer)
				if m, ok := r.read().(*wamp.Abort); !ok || m.Reason != string(wamp.ErrProtocolViolation) {
					t.Fatalf("client sent %+v, want ABORT", m)
				}
				r.expectClosed()
				err := (<-result).err
				wantClosed(t, err, string(wamp.ErrProtocolViolation))
				var violation *wamp.ViolationError
				if !errors.As(err, &violation) {
					t.Errorf("%v does not say what was wrong", err)
				}
			})
		})
	}
}
