package client_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

// incoming is an INVOCATION with a part of the arguments.
func incoming(request wamp.ID, more bool, args ...any) *wamp.Invocation {
	return &wamp.Invocation{
		Request: request, Registration: 7, Details: wamp.InvocationDetails{Progress: more}, Payload: values(args...),
	}
}

// collect answers with the arguments of all parts.
func collect(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
	var all wamp.List
	for p, err := range inv.Parts(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, p.Args...)
	}
	return &client.Result{Args: all}, nil
}

func TestPartsReachOneHandlerInOrder_ROU68_PCI21(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", collect)
		r.send(incoming(1, true, 1), incoming(1, true, 2, 3))
		synctest.Wait()
		r.send(incoming(2, true, "other"), incoming(1, true), incoming(1, true, 4))
		synctest.Wait()
		r.send(incoming(1, false, 5))
		r.expect(&wamp.Yield{Request: 1, Payload: values(int64(1), int64(2), int64(3), int64(4), int64(5))})
		r.send(incoming(2, false))
		r.expect(&wamp.Yield{Request: 2, Payload: values("other")})
		r.expectNothing()
	})
}

func TestPlainCallHasOnePart(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", collect)
		r.send(incoming(1, false, "all"))
		r.expect(&wamp.Yield{Request: 1, Payload: values("all")})
	})
}

func TestDetailsOfTheFirstPartHold_PCI10(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.", func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
			for _, err := range inv.Parts(ctx) {
				if err != nil {
					return nil, err
				}
			}
			d := inv.Details
			return client.Values(inv.Procedure, d.CallerAuthID, d.ReceiveProgress), inv.Progress(ctx, client.Values("on"))
		})
		first, last := incoming(1, true), incoming(1, false)
		first.Details.Procedure, first.Details.CallerAuthID, first.Details.ReceiveProgress = "a.b", "anna", true
		last.Details.Procedure, last.Details.CallerAuthID = "a.c", "bert"
		r.send(first, last)
		r.expect(
			&wamp.Yield{Request: 1, Options: wamp.YieldOptions{Progress: true}, Payload: values("on")},
			&wamp.Yield{Request: 1, Payload: values("a.b", "anna", true)},
		)
	})
}

func TestWhatIsNoPartIsIgnored_PCI15(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		release := make(chan struct{})
		r.register(s, 1, "a.b", func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
			<-release
			return collect(ctx, inv)
		})
		r.send(incoming(1, true, 1), incoming(1, false, 2), incoming(1, true, "behind the last"), incoming(1, false))
		synctest.Wait()
		close(release)
		r.expect(&wamp.Yield{Request: 1, Payload: values(int64(1), int64(2))})
		r.expectNothing()
	})
}

func TestPartsBehindTheAnswerAreIgnored_PCI15_PCI16(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", echo)
		r.send(incoming(1, true, "enough"))
		r.expect(&wamp.Yield{Request: 1, Payload: values("enough")})
		r.send(incoming(1, true, "late"), incoming(1, false, "later"))
		r.send(incoming(2, false, "new"))
		r.expect(&wamp.Yield{Request: 2, Payload: values("new")})
		r.expectNothing()
	})
}

func TestRefusedInvocationIsRefusedOnce_PCI15(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.send(incoming(1, true), incoming(1, true), incoming(1, false))
		r.expect(refusal(1, wamp.ErrNoSuchProcedure, "no such registration here"))
		r.expectNothing()
	})
}

func TestPartsAfterUnregister_RPC17(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		g := r.register(s, 1, "a.b", collect)
		r.send(incoming(1, true, "before"))
		gone := laterErr(func() error { return g.Unregister(context.Background()) })
		r.read()
		r.send(&wamp.Unregistered{Request: 2}, incoming(1, false, "behind"))
		r.expect(&wamp.Yield{Request: 1, Payload: values("before", "behind")})
		if err := (<-gone).err; err != nil {
			t.Error(err)
		}
	})
}

func TestEndOfInvocationEndsItsParts_ROU67(t *testing.T) {
	interrupt := &wamp.Interrupt{Request: 1, Options: wamp.InterruptOptions{Mode: wamp.CancelKill}}
	timeout := incoming(1, true)
	timeout.Details.Timeout = 100
	for name, test := range map[string]struct {
		messages []wamp.Message
		want     wamp.Message
	}{
		"interrupt": {[]wamp.Message{incoming(1, true), interrupt}, refusal(1, wamp.ErrCanceled)},
		"while parts wait": {[]wamp.Message{incoming(1, true), incoming(1, true), incoming(1, true), interrupt},
			refusal(1, wamp.ErrCanceled)},
		"timeout": {[]wamp.Message{timeout}, refusal(1, wamp.ErrTimeout)},
		"goodbye": {[]wamp.Message{incoming(1, true), &wamp.Goodbye{Reason: wamp.CloseKilled}},
			&wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				ended := make(chan struct{})
				r.register(s, 1, "a.b", func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
					defer close(ended)
					return collect(ctx, inv)
				})
				r.send(test.messages[0])
				synctest.Wait()
				r.send(test.messages[1:]...)
				r.expect(test.want)
				<-ended
			})
		})
	}
}

func TestCanceledInvocationYieldsNoMoreParts_ROU67(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
			<-ctx.Done()
			for p, err := range inv.Parts(ctx) {
				if p != nil {
					t.Error("a part was yielded")
				}
				return nil, err
			}
			return nil, nil
		})
		r.send(incoming(1, true))
		synctest.Wait()
		r.send(incoming(1, true), incoming(1, false), &wamp.Interrupt{Request: 1})
		r.expect(refusal(1, wamp.ErrCanceled))
	})
}

func TestLeavingThePartsLosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
			taken := 0
			for _, err := range inv.Parts(ctx) {
				if taken++; err != nil || taken == 2 {
					break
				}
			}
			return collect(ctx, inv)
		})
		r.send(incoming(1, true, 1), incoming(1, true, 2), incoming(1, true, 3), incoming(1, false, 4))
		r.expect(&wamp.Yield{Request: 1, Payload: values(int64(3), int64(4))})
	})
}

// busy is a handler that takes no parts until it is released, and then all.
type busy struct {
	release chan struct{}
	causes  chan error
}

func newBusy() busy { return busy{make(chan struct{}), make(chan error, 10)} }

func (b busy) handle(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
	select {
	case <-b.release:
		return collect(ctx, inv)
	case <-ctx.Done():
		b.causes <- context.Cause(ctx)
		return client.Values("too late"), nil
	}
}

func TestPartsThatNobodyTakesAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		b := newBusy()
		r.register(s, 1, "a.b", b.handle)
		for range 1 + 1024 { // the first is with the handler
			r.send(incoming(1, true))
		}
		synctest.Wait()
		r.send(incoming(2, true), incoming(1, true), incoming(1, true), incoming(2, false, "fits"))
		r.expect(refusal(1, wamp.ErrUnavailable, "too many parts of calls are waiting"))
		wantErr(t, <-b.causes, wamp.ErrUnavailable)
		close(b.release)
		r.expect(&wamp.Yield{Request: 2, Payload: values("fits")})
		r.expectNothing() // the handler's answer comes too late
	})
}

func TestPartsAreBoundedInBytes(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		large := strings.Repeat("x", 6<<20)
		for i := range wamp.ID(3) { // what was taken or given up leaves room
			b := newBusy()
			g := r.register(s, 2*i+1, "a.b", b.handle)
			first, second := 2*i+1, 2*i+2
			r.send(incoming(first, true), incoming(second, true))
			r.send(incoming(first, true, large), incoming(second, true, large))
			r.send(incoming(second, true, large)) // the third of 6 MiB does not fit into 16 MiB
			r.expect(refusal(second, wamp.ErrUnavailable, "too many parts of calls are waiting"))
			wantErr(t, <-b.causes, wamp.ErrUnavailable)
			r.send(incoming(first, false, large)) // there is room again
			synctest.Wait()
			close(b.release)
			r.expect(&wamp.Yield{Request: first, Payload: values(large, large)})
			r.unregister(g, 2*i+2)
		}
	})
}

// unregister has the client unregister with the given request ID.
func (r *fake) unregister(g *client.Registration, request wamp.ID) {
	r.t.Helper()
	gone := laterErr(func() error { return g.Unregister(context.Background()) })
	r.expect(&wamp.Unregister{Request: request, Registration: 7})
	r.send(&wamp.Unregistered{Request: request})
	(<-gone).must(r.t)
}

func TestPartsOfWaitingInvocation(t *testing.T) {
	bubble(t, client.Config{Handlers: 1}, routerRoles(), func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", collect)
		r.send(incoming(1, true, "a"), incoming(2, true, "b"), incoming(2, false, "c"))
		advance(time.Second)
		r.send(incoming(1, false))
		r.expect(&wamp.Yield{Request: 1, Payload: values("a")}, &wamp.Yield{Request: 2, Payload: values("b", "c")})
	})
}

func TestInvocationsCutShortAreRememberedForAWhile_PCI15(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", echo)
		const remembered = 1000
		for i := range wamp.ID(remembered + 1) {
			r.send(incoming(i+1, true))
			r.expect(&wamp.Yield{Request: i + 1})
		}
		for i := range wamp.ID(remembered) {
			r.send(incoming(i+2, true))
		}
		r.send(incoming(1, true, "forgotten")) // memory is bounded
		r.expect(&wamp.Yield{Request: 1, Payload: values("forgotten")})
		r.send(incoming(2, true, "forgotten in its turn"))
		r.expect(&wamp.Yield{Request: 2, Payload: values("forgotten in its turn")})
	})
}

func TestPartThatCannotBeDecoded_PPT13(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		r.register(s, 1, "a.b", collect)
		first := incoming(1, true, []byte("\xa0"))
		first.Details.PPT = &wamp.Passthru{Scheme: "wamp", Serializer: "cbor"}
		r.send(first, incoming(1, true, "not packed"))
		m := r.read().(*wamp.Error)
		if m.URI != wamp.ErrInvalidPayload || m.Request != 1 {
			t.Errorf("%s for %d", m.URI, m.Request)
		}
	})
}
