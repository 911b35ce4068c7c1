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

// open opens a call as the request with the given ID, and checks what is sent for it.
func (r *fake) open(s *client.Session, request wamp.ID, opts ...client.CallOption) *client.ProgressiveCall {
	r.t.Helper()
	c, err := s.OpenCall(context.Background(), "a.b", append(opts, client.Args("first"))...)
	if err != nil {
		r.t.Fatal(err)
	}
	m, ok := decoded(r.t, r.read()).(*wamp.Call)
	if !ok || m.Request != request || m.Procedure != "a.b" || !m.Options.Progress {
		r.t.Fatalf("client sent %+v", m)
	}
	wantArgs(r.t, m.Payload.Args, "first")
	return c
}

// part is what a further part looks like on the wire.
func part(request wamp.ID, more bool, args ...any) *wamp.Call {
	return &wamp.Call{
		Request: request, Procedure: "a.b", Options: wamp.CallOptions{Progress: more}, Payload: values(args...),
	}
}

func send(t testing.TB, c *client.ProgressiveCall, args ...any) {
	t.Helper()
	if err := c.Send(context.Background(), client.Args(args...)); err != nil {
		t.Fatal(err)
	}
}

func sendLast(t testing.TB, c *client.ProgressiveCall, args ...any) {
	t.Helper()
	if err := c.SendLast(context.Background(), client.Args(args...)); err != nil {
		t.Fatal(err)
	}
}

// result waits for the final result.
func result(ctx context.Context, c *client.ProgressiveCall) <-chan outcome[*client.Result] {
	return later(func() (*client.Result, error) { return c.Result(ctx) })
}

func TestPartsShareTheRequestID_IDS04_PCI01_PCI02(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		c := r.open(s, 1)
		send(t, c, 1)
		send(t, c) // PCI-23
		other := call(context.Background(), s)
		r.expect(part(1, true, int64(1)), part(1, true), &wamp.Call{Request: 2, Procedure: "a.b"})
		sendLast(t, c, "last")
		r.expect(part(1, false, "last"))
		r.send(&wamp.Result{Request: 2}, &wamp.Result{Request: 1, Payload: values("sum")})
		(<-other).must(t)
		wantArgs(t, (<-result(context.Background(), c)).must(t).Args, "sum")
		r.expectNothing()
	})
}

func TestOnlyTheFirstPartCarriesOptions_PCI11(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		c, err := s.OpenCall(ctx, "a.b", client.DiscloseMe(), client.RKey("k"), client.ReceiveProgress(),
			client.Option("_x_trace", "t1"), client.Kwargs(wamp.Dict{"name": "x"}))
		if err != nil {
			t.Fatal(err)
		}
		r.expect(&wamp.Call{Request: 1, Procedure: "a.b", Payload: wamp.Payload{Args: wamp.List{}, Kwargs: wamp.Dict{"name": "x"}},
			Options: wamp.CallOptions{Progress: true, DiscloseMe: true, RKey: "k", ReceiveProgress: true, Timeout: 1000,
				Extra: wamp.Dict{"_x_trace": "t1"}}})
		send(t, c, 1)
		sendLast(t, c)
		r.expect(part(1, true, int64(1)), part(1, false))
	})
}

func TestResultsWhilePartsAreSent_PCI18_CLI10(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		c := r.open(s, 1, client.ReceiveProgress())
		texts := later(func() (texts []string, err error) {
			for result, err := range c.Results(context.Background()) {
				if err != nil {
					return texts, err
				}
				texts = append(texts, result.Args[0].(string))
				switch result.Args[0] {
				case "more":
					send(t, c, "second")
				case "enough":
					sendLast(t, c, "third")
				}
			}
			return texts, nil
		})
		r.send(progress(1, "more"))
		r.expect(part(1, true, "second"))
		r.send(progress(1, "enough"))
		r.expect(part(1, false, "third"))
		r.send(&wamp.Result{Request: 1, Payload: values("bye")})
		if got := strings.Join((<-texts).must(t), " "); got != "more enough bye" {
			t.Errorf("results %s", got)
		}
	})
}

func TestProducerStopsAtTheFinalResult_ROU70(t *testing.T) {
	final := map[string]wamp.Message{
		"result": &wamp.Result{Request: 1, Payload: values("sum")},
		"error":  &wamp.Error{RequestType: wamp.TypeCall, Request: 1, URI: wamp.ErrFeatureNotSupported}, // PCI-06
	}
	for name, m := range final {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				c := r.open(s, 1)
				r.send(m)
				synctest.Wait()
				wantErr(t, c.Send(context.Background(), client.Args(1)), client.ErrNoMoreParts)
				wantErr(t, c.SendLast(context.Background()), client.ErrNoMoreParts)
				for range 2 { // the result stays
					got, err := c.Result(context.Background())
					if name == "error" {
						wantErr(t, err, wamp.ErrFeatureNotSupported)
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					wantArgs(t, got.Args, "sum")
				}
				c.Cancel()
				r.expectNothing()
			})
		})
	}
}

func TestNoPartBehindTheLast(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		c := r.open(s, 1)
		sendLast(t, c)
		r.expect(part(1, false))
		wantErr(t, c.Send(context.Background()), client.ErrNoMoreParts)
		wantErr(t, c.SendLast(context.Background()), client.ErrNoMoreParts)
		r.expectNothing()
		r.send(&wamp.Result{Request: 1})
		(<-result(context.Background(), c)).must(t)
	})
}

func TestPartsNeedTheRouter_FEA06(t *testing.T) {
	var roles wamp.Roles
	roles.Announce(wamp.RoleDealer, wamp.FeatureProgressiveCallResults, wamp.FeatureCallCanceling)
	bubble(t, client.Config{}, roles, func(t *testing.T, s *client.Session, r *fake) {
		_, err := s.OpenCall(context.Background(), "a.b")
		wantErr(t, err, wamp.ErrFeatureNotSupported)
		_, err = s.Call(context.Background(), "a.b", client.RunMode("partition"), client.RKey("k"))
		wantErr(t, err, wamp.ErrFeatureNotSupported)
		r.expectNothing()
	})
}

func TestCanceledProgressiveCall_CLI07_CAN17(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		c := r.open(s, 1, client.ReceiveProgress(), client.CancelMode(wamp.CancelKill))
		waiting := result(context.Background(), c)
		synctest.Wait()
		c.Cancel()
		c.Cancel()
		wantErr(t, (<-waiting).err, context.Canceled)
		wantErr(t, c.Send(context.Background()), client.ErrNoMoreParts)
		r.expect(&wamp.Cancel{Request: 1, Options: wamp.CancelOptions{Mode: wamp.CancelKill}})
		r.send(progress(1), &wamp.Error{RequestType: wamp.TypeCall, Request: 1, URI: wamp.ErrCanceled})
		r.expectNothing()
	})
}

func TestContextOfResultIsTheCall_CLI07(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		c := r.open(s, 1)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		patient := result(context.Background(), c)
		wantErr(t, (<-result(ctx, c)).err, context.DeadlineExceeded)
		wantErr(t, (<-patient).err, context.DeadlineExceeded)
		r.expect(&wamp.Cancel{Request: 1})
		r.expectNothing()
	})
}

func TestLeavingTheResultsKeepsTheCallOpen(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		c := r.open(s, 1, client.ReceiveProgress())
		r.send(progress(1, "a"), progress(1, "b"))
		for result, err := range c.Results(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			wantArgs(t, result.Args, "a")
			break
		}
		sendLast(t, c)
		r.expect(part(1, false))
		r.send(&wamp.Result{Request: 1, Payload: values("c")})
		var rest []any
		for result, err := range c.Results(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			rest = append(rest, result.Args...)
		}
		wantArgs(t, rest, "b", "c")
	})
}

func TestEndOfSessionEndsProgressiveCall_CLI03(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		c := r.open(s, 1)
		pending := result(context.Background(), c)
		r.send(&wamp.Goodbye{Reason: wamp.CloseKilled})
		wantClosed(t, (<-pending).err, wamp.CloseKilled)
		wantClosed(t, c.Send(context.Background()), wamp.CloseKilled)
	})
}

func TestPartThatCannotBeSentFailsAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		c := r.open(s, 1)
		wantErr(t, c.Send(context.Background(), client.Args(func() {})), wamp.ErrInvalidPayload)
		sendLast(t, c, "good")
		r.expect(part(1, false, "good"))
	})
}

func TestSendWaitsWhileTheRouterDoesNotRead(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		c := r.open(s, 1)
		megabyte := strings.Repeat("x", 1<<20)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		sent := 0
		var err error
		for ; err == nil; sent++ {
			err = c.Send(ctx, client.Args(megabyte))
		}
		wantErr(t, err, context.DeadlineExceeded)
		last := laterErr(func() error { return c.SendLast(context.Background(), client.Args("last")) })
		for range sent - 1 {
			r.expect(part(1, true, megabyte))
		}
		r.expect(part(1, false, "last"))
		if err := (<-last).err; err != nil {
			t.Error(err)
		}
	})
}
