package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

func TestInvocationReachesHandler(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		seen := make(chan *client.Invocation, 2)
		r.register(s, 1, "a.b", func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
			seen <- inv
			return nil, nil
		})
		r.send(&wamp.Invocation{Request: 1, Registration: 7,
			Payload: wamp.Payload{Args: wamp.List{1}, Kwargs: wamp.Dict{"k": "v"}}})
		r.expect(&wamp.Yield{Request: 1})
		inv := <-seen
		wantArgs(t, inv.Args, int64(1))
		if inv.Procedure != "a.b" || inv.Kwargs["k"] != "v" || inv.Payload.Serializer != wamp.CBOR {
			t.Errorf("invocation %+v", inv)
		}
		r.send(&wamp.Invocation{Request: 2, Registration: 7, Details: wamp.InvocationDetails{
			Procedure: "a.b.c", Caller: 9, CallerAuthID: "anna", TrustLevel: 3, HasTrustLevel: true,
		}})
		r.expect(&wamp.Yield{Request: 2})
		inv = <-seen
		if inv.Procedure != "a.b.c" || inv.Details.Caller != 9 || inv.Details.CallerAuthID != "anna" || inv.Details.TrustLevel != 3 {
			t.Errorf("invocation %+v", inv)
		}
	})
}

func TestHandlerPassesPayloadOn(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
			return &client.Result{Payload: inv.Payload}, nil
		})
		r.send(&wamp.Invocation{Request: 1, Registration: 7, Payload: values("as it is")})
		r.expect(&wamp.Yield{Request: 1, Payload: values("as it is")})
	})
}

func TestInvocationOfUnknownRegistration_RPC23_A18(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.send(&wamp.Invocation{Request: 1, Registration: 3})
		r.expect(refusal(1, wamp.ErrNoSuchProcedure, "no such registration here"))
		if s.Err() != nil {
			t.Error(s.Err())
		}
	})
}

func TestHandlerErrors_CLI08_RPC22(t *testing.T) {
	var none *wamp.Error
	secret := errors.New("password is tandem")
	own := &wamp.Error{URI: "com.example.full", Payload: wamp.Payload{Args: wamp.List{"no"}, Kwargs: wamp.Dict{"k": "v"}}}
	ownReply := &wamp.Error{RequestType: wamp.TypeInvocation, Request: 1, URI: own.URI, Payload: own.Payload}
	tests := map[string]struct {
		err    error
		want   *wamp.Error
		logged string
	}{
		"own error":      {own, ownReply, ""},
		"wrapped":        {fmt.Errorf("secret: %w", own), ownReply, ""},
		"Errorf":         {wamp.Errorf(wamp.ErrInvalidArgument, "not %d", 5), refusal(1, wamp.ErrInvalidArgument, "not 5"), ""},
		"only a URI":     {wamp.ErrInvalidArgument, refusal(1, wamp.ErrInvalidArgument), ""},
		"any error":      {secret, refusal(1, wamp.ErrRuntimeError), "password is tandem"},
		"invalid URI":    {wamp.Errorf("no uri", "secret"), refusal(1, wamp.ErrRuntimeError), "no uri"},
		"empty URI":      {&wamp.Error{}, refusal(1, wamp.ErrRuntimeError), "invalid error URI"},
		"nil error":      {none, refusal(1, wamp.ErrRuntimeError), "handler failed"},
		"context's, own": {context.Canceled, refusal(1, wamp.ErrRuntimeError), "context canceled"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				r.register(s, 1, "a.b", func(context.Context, *client.Invocation) (*client.Result, error) {
					return client.Values("not sent"), test.err
				})
				r.send(&wamp.Invocation{Request: 1, Registration: 7})
				r.expect(test.want)
				if test.logged != "" && r.log.has(test.logged) == 0 {
					t.Errorf("not logged: %q", test.logged)
				}
			})
		})
	}
}

func TestHandlerPanics(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
			if len(inv.Args) == 0 {
				panic("oops")
			}
			return nil, nil
		})
		r.send(&wamp.Invocation{Request: 1, Registration: 7}, &wamp.Invocation{Request: 2, Registration: 7, Payload: values(1)})
		replies := map[wamp.ID]wamp.MessageType{}
		for range 2 {
			switch m := r.read().(type) {
			case *wamp.Error:
				replies[m.Request] = m.Type()
				if m.URI != wamp.ErrRuntimeError || !m.Payload.Empty() {
					t.Errorf("%s %+v", m.URI, m.Payload)
				}
			case *wamp.Yield:
				replies[m.Request] = m.Type()
			}
		}
		if replies[1] != wamp.TypeError || replies[2] != wamp.TypeYield {
			t.Errorf("replies %v", replies)
		}
		if r.log.has("oops") == 0 || r.log.has("invocation_test.go") == 0 {
			t.Error("panic and stack are not in the log")
		}
	})
}

// waitForEnd returns what it is told to when its context is done.
func waitForEnd(result *client.Result, err error) client.InvocationHandler {
	return func(ctx context.Context, _ *client.Invocation) (*client.Result, error) {
		<-ctx.Done()
		if err == nil && result == nil {
			err = ctx.Err()
		}
		return result, err
	}
}

func TestInterruptCancelsHandler_CAN15_ROU67(t *testing.T) {
	interrupt := func(mode wamp.CancelMode, reason wamp.ErrorURI) *wamp.Interrupt {
		return &wamp.Interrupt{Request: 1, Options: wamp.InterruptOptions{Mode: mode, Reason: string(reason)}}
	}
	tests := map[string]struct {
		handler   client.InvocationHandler
		interrupt *wamp.Interrupt
		want      wamp.Message
	}{
		"kill": {waitForEnd(nil, nil), interrupt(wamp.CancelKill, ""), refusal(1, wamp.ErrCanceled)},
		"killnowait": {waitForEnd(nil, nil), interrupt(wamp.CancelKillNoWait, wamp.ErrCanceled),
			refusal(1, wamp.ErrCanceled)},
		"timeout": {waitForEnd(nil, nil), interrupt(wamp.CancelKillNoWait, wamp.ErrTimeout),
			refusal(1, wamp.ErrTimeout)},
		"result all the same": {waitForEnd(client.Values("done"), nil), interrupt(wamp.CancelKill, ""),
			&wamp.Yield{Request: 1, Payload: values("done")}},
		"error of its own": {waitForEnd(nil, wamp.ErrInvalidArgument), interrupt(wamp.CancelKill, ""),
			refusal(1, wamp.ErrInvalidArgument)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				r.register(s, 1, "a.b", test.handler)
				r.send(&wamp.Invocation{Request: 1, Registration: 7})
				synctest.Wait()
				r.send(test.interrupt)
				r.expect(test.want)
				r.send(test.interrupt, &wamp.Interrupt{Request: 555}) // CAN-16: finished, and never seen
				r.expectNothing()
			})
		})
	}
}

func TestTimeoutBecomesDeadline_ROU71_TMO09(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		deadlines := make(chan time.Duration, 1)
		r.register(s, 1, "a.b", func(ctx context.Context, _ *client.Invocation) (*client.Result, error) {
			deadline, _ := ctx.Deadline()
			deadlines <- time.Until(deadline)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		r.send(&wamp.Invocation{Request: 1, Registration: 7, Details: wamp.InvocationDetails{Timeout: 250}})
		if d := <-deadlines; d != 250*time.Millisecond {
			t.Errorf("the handler has %v", d)
		}
		start := time.Now()
		r.expect(refusal(1, wamp.ErrTimeout))
		if took := time.Since(start); took != 250*time.Millisecond {
			t.Errorf("answered after %v", took)
		}
		r.send(&wamp.Invocation{Request: 2, Registration: 7, Details: wamp.InvocationDetails{Timeout: 1 << 53}})
		if d := <-deadlines; d < 24*time.Hour {
			t.Errorf("a huge timeout became %v", d)
		}
	})
}

// Whatever becomes of a handler, its invocation has one answer that is final.
func TestEveryInvocationIsAnsweredOnce_RPC21(t *testing.T) {
	interrupt := &wamp.Interrupt{Request: 1, Options: wamp.InterruptOptions{Mode: wamp.CancelKillNoWait}}
	tests := map[string]struct {
		handler client.InvocationHandler
		then    wamp.Message
		want    wamp.MessageType
	}{
		"result": {func(context.Context, *client.Invocation) (*client.Result, error) { return nil, nil }, nil, wamp.TypeYield},
		"result and error": {func(context.Context, *client.Invocation) (*client.Result, error) {
			return client.Values(1), wamp.ErrInvalidArgument
		}, nil, wamp.TypeError},
		"panic": {func(context.Context, *client.Invocation) (*client.Result, error) { panic("oops") }, nil, wamp.TypeError},
		"panic after progress": {func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
			_ = inv.Progress(ctx, nil)
			panic("oops")
		}, nil, wamp.TypeError},
		"what cannot be sent": {func(context.Context, *client.Invocation) (*client.Result, error) {
			return client.Values(func() {}), nil
		}, nil, wamp.TypeError},
		"interrupted, twice": {waitForEnd(nil, nil), interrupt, wamp.TypeError},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				r.register(s, 1, "a.b", test.handler)
				r.send(&wamp.Invocation{Request: 1, Registration: 7, Details: wamp.InvocationDetails{ReceiveProgress: true}})
				synctest.Wait()
				if test.then != nil {
					r.send(test.then, test.then)
				}
				m := r.read()
				if y, ok := m.(*wamp.Yield); ok && y.Options.Progress {
					m = r.read()
				}
				if m.Type() != test.want {
					t.Errorf("answered with %s, want %s", m.Type(), test.want)
				}
				r.expectNothing()
			})
		})
	}
}

func TestEndOfSessionCancelsHandlers(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		causes := make(chan error, 1)
		r.register(s, 1, "a.b", func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return nil, inv.Progress(ctx, nil)
		})
		r.send(&wamp.Invocation{Request: 1, Registration: 7, Details: wamp.InvocationDetails{ReceiveProgress: true}})
		synctest.Wait()
		r.send(&wamp.Goodbye{Reason: wamp.CloseKilled})
		wantClosed(t, <-causes, wamp.CloseKilled)
		r.expect(&wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut}) // SES-15: and nothing of the handler
		r.expectClosed()
	})
}

func TestProgressiveYields_PCR11_ROU66(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
			for i := range 3 {
				if err := inv.Progress(ctx, client.Values(i)); err != nil {
					return nil, err
				}
			}
			return client.Values("sum"), nil
		})
		more := wamp.YieldOptions{Progress: true}
		r.send(&wamp.Invocation{Request: 1, Registration: 7, Details: wamp.InvocationDetails{ReceiveProgress: true}})
		r.expect(
			&wamp.Yield{Request: 1, Options: more, Payload: values(int64(0))},
			&wamp.Yield{Request: 1, Options: more, Payload: values(int64(1))},
			&wamp.Yield{Request: 1, Options: more, Payload: values(int64(2))},
			&wamp.Yield{Request: 1, Payload: values("sum")},
		)
		r.send(&wamp.Invocation{Request: 2, Registration: 7})
		r.expect(&wamp.Yield{Request: 2, Payload: values("sum")})
	})
}

func TestInterruptStopsProgress_CAN15(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
			for {
				if err := inv.Progress(ctx, client.Values("tick")); err != nil {
					return nil, err
				}
				advance(time.Second)
			}
		})
		r.send(&wamp.Invocation{Request: 1, Registration: 7, Details: wamp.InvocationDetails{ReceiveProgress: true}})
		r.read()
		r.send(&wamp.Interrupt{Request: 1, Options: wamp.InterruptOptions{Mode: wamp.CancelKill}})
		r.expect(refusal(1, wamp.ErrCanceled))
		r.expectNothing()
	})
}

func TestProgressAfterTheAnswerIsNotSent_ROU66(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		kept := make(chan *client.Invocation, 1)
		r.register(s, 1, "a.b", func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
			kept <- inv
			return nil, nil
		})
		r.send(&wamp.Invocation{Request: 1, Registration: 7, Details: wamp.InvocationDetails{ReceiveProgress: true}})
		r.expect(&wamp.Yield{Request: 1})
		if err := (<-kept).Progress(context.Background(), client.Values("late")); err != nil {
			t.Error(err)
		}
		r.expectNothing()
	})
}

func TestInvocationWithUsedRequestIDIsIgnored(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		release := make(chan struct{})
		r.register(s, 1, "a.b", func(context.Context, *client.Invocation) (*client.Result, error) {
			<-release
			return nil, nil
		})
		r.send(&wamp.Invocation{Request: 1, Registration: 7}, &wamp.Invocation{Request: 1, Registration: 7})
		synctest.Wait()
		close(release)
		r.expect(&wamp.Yield{Request: 1})
		r.expectNothing()
	})
}

func TestAnswerThatCannotBeEncoded(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", func(context.Context, *client.Invocation) (*client.Result, error) {
			return client.Values(func() {}), nil
		})
		r.send(&wamp.Invocation{Request: 1, Registration: 7})
		m := r.read().(*wamp.Error)
		if m.URI != wamp.ErrInvalidPayload || m.Request != 1 || m.RequestType != wamp.TypeInvocation {
			t.Errorf("%s %d %s", m.RequestType, m.Request, m.URI)
		}
	})
}

func TestAnswerThatIsTooLarge(t *testing.T) {
	l, accepted := listen(t, "tcp", "127.0.0.1:0")
	s, r := connectTo(t, l, accepted)
	r.register(s, 1, "a.b", func(context.Context, *client.Invocation) (*client.Result, error) {
		return client.Values(strings.Repeat("x", 4000)), nil // the router accepts 2048
	})
	r.send(&wamp.Invocation{Request: 1, Registration: 7})
	m := r.read().(*wamp.Error)
	if m.URI != wamp.ErrPayloadSizeExceeded {
		t.Errorf("%s", m.URI)
	}
}

func connectTo(t *testing.T, l net.Listener, accepted <-chan *fake) (*client.Session, *fake) {
	connected := later(func() (*client.Session, error) {
		return client.Connect(context.Background(), "tcp://"+l.Addr().String(), client.Config{Realm: "realm1"})
	})
	r := <-accepted
	t.Cleanup(func() { _ = r.conn.Close() })
	r.read()
	r.send(&wamp.Welcome{Session: 5, Details: wamp.WelcomeDetails{Roles: routerRoles()}})
	s := (<-connected).must(t)
	t.Cleanup(func() { _ = s.Close() })
	return s, r
}
