package client_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

func leave(s *client.Session) <-chan outcome[struct{}] {
	return laterErr(func() error { return s.Leave(context.Background()) })
}

func TestLeave_SES15_SES19(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		events := newBox()
		r.subscribe(s, 1, 5, "a.b", events.handle)
		pending := call(context.Background(), s)
		r.read()
		gone := leave(s)
		r.expect(&wamp.Goodbye{Reason: wamp.CloseRealm})
		_, err := s.Publish(context.Background(), "a.b")
		wantErr(t, err, client.ErrLeft)
		r.send(event(5, "ignored"), &wamp.Result{Request: 2}, &wamp.Invocation{Request: 1, Registration: 1})
		synctest.Wait()
		if len(pending) > 0 || len(gone) > 0 || isClosed(s.Done()) {
			t.Fatal("something ended before the router said GOODBYE")
		}
		r.send(&wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut})
		if err := (<-gone).err; err != nil {
			t.Error(err)
		}
		wantErr(t, (<-pending).err, client.ErrLeft)
		wantClosed(t, s.Err(), wamp.CloseRealm)
		wantErr(t, s.Err(), client.ErrLeft)
		r.expectClosed()
		events.want(t)
		if err := s.Leave(context.Background()); err != nil {
			t.Errorf("second Leave: %v", err)
		}
	})
}

func TestGoodbyesCross_SES16(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		gone := leave(s)
		synctest.Wait()
		r.send(&wamp.Goodbye{Reason: wamp.CloseSystemShutdown})
		if err := (<-gone).err; err != nil {
			t.Error(err)
		}
		r.expect(&wamp.Goodbye{Reason: wamp.CloseRealm})
		r.expectClosed() // no second GOODBYE
	})
}

func TestLeaveWaitsNoLongerThanFiveSeconds_SES17(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		start := time.Now()
		wantErr(t, s.Leave(context.Background()), context.DeadlineExceeded)
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
		r.expect(&wamp.Goodbye{Reason: wamp.CloseRealm})
		r.expectClosed()
		<-s.Done()
		wantErr(t, s.Err(), client.ErrLeft)
	})
}

func TestLeaveEndsWithItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		ctx, cancel := context.WithCancel(context.Background())
		gone := laterErr(func() error { return s.Leave(ctx) })
		r.expect(&wamp.Goodbye{Reason: wamp.CloseRealm})
		cancel()
		wantErr(t, (<-gone).err, context.Canceled)
		r.expectClosed()
	})
}

func TestLeaveWhenTheConnectionBreaks(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		gone := leave(s)
		r.read()
		_ = r.conn.Close()
		wantClosed(t, (<-gone).err, wamp.CloseTransportLost)
		wantClosed(t, s.Leave(context.Background()), wamp.CloseTransportLost)
	})
}

func TestHandlersMayLeave(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		errs := make(chan error, 2)
		var running sync.WaitGroup // else the one who leaves first may keep the other from being called
		running.Add(2)
		leave := func(ctx context.Context) {
			running.Done()
			running.Wait()
			errs <- s.Leave(ctx)
		}
		r.subscribe(s, 1, 5, "a.b", func(ctx context.Context, _ *client.Event) { leave(ctx) })
		r.register(s, 2, "a.c", func(ctx context.Context, _ *client.Invocation) (*client.Result, error) {
			leave(ctx)
			return nil, nil
		})
		r.send(event(5), &wamp.Invocation{Request: 1, Registration: 7})
		r.expect(&wamp.Goodbye{Reason: wamp.CloseRealm})
		r.send(&wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut})
		for range 2 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		r.expectClosed()
	})
}

func TestRouterSaysGoodbye_CLI02_CLI03_SES14_SES18(t *testing.T) {
	for _, reason := range []string{wamp.CloseSystemShutdown, wamp.CloseNormal, "wamp.close.logout", "whatever it is"} {
		inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
			pending := []<-chan outcome[error]{
				errorOf(func() error { _, err := s.Call(context.Background(), "a.b"); return err }),
				errorOf(func() error { _, err := s.Register(context.Background(), "a.b", echo); return err }),
				errorOf(func() error { _, err := s.Subscribe(context.Background(), "a.b", ignore); return err }),
				errorOf(func() error { _, err := s.Publish(context.Background(), "a.b", client.Acknowledge()); return err }),
			}
			synctest.Wait()
			for range pending {
				r.read()
			}
			r.send(&wamp.Goodbye{Reason: reason, Details: wamp.GoodbyeDetails{Message: "maintenance"}})
			r.expect(&wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut})
			r.expectClosed()
			for _, p := range pending {
				wantClosed(t, (<-p).value, reason)
			}
			<-s.Done()
			closed := closedError(t, s.Err())
			if closed.Message != "maintenance" || closed.Err != nil || closed.Error() != reason+": maintenance" {
				t.Errorf("%#v", closed)
			}
			_, err := s.Call(context.Background(), "a.b")
			wantClosed(t, err, reason)
			wantClosed(t, s.Leave(context.Background()), reason)
		})
	}
}

func errorOf(f func() error) <-chan outcome[error] {
	return later(func() (error, error) { return f(), nil })
}

func TestRouterAborts_SES11_CLI17(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		pending := call(context.Background(), s)
		r.read()
		r.send(&wamp.Abort{Reason: "some.reason", Details: wamp.AbortDetails{Message: "no"}})
		r.expectClosed() // ABORT is not answered
		wantClosed(t, (<-pending).err, "some.reason")
		wantErr(t, s.Err(), wamp.ErrorURI("some.reason"))
	})
}

func TestConnectionBreaks_CLI03(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		pending := call(context.Background(), s)
		r.read()
		_ = r.conn.Close()
		err := (<-pending).err
		wantClosed(t, err, wamp.CloseTransportLost)
		wantErr(t, err, io.EOF)
		_, err = s.Publish(context.Background(), "a.b")
		wantClosed(t, err, wamp.CloseTransportLost)
	})
}

func TestBrokenConnectionFailsSenders_CLI03(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		sent := laterErr(func() error {
			for {
				if _, err := s.Publish(context.Background(), "a.b", client.Args(make([]byte, 1<<20))); err != nil {
					return err
				}
			}
		})
		synctest.Wait() // it waits for room in the queue
		_ = r.conn.Close()
		wantClosed(t, (<-sent).err, wamp.CloseTransportLost)
	})
}

func TestMessagesThatOnlyClientsSend_PER06(t *testing.T) {
	for _, m := range []wamp.Message{
		&wamp.Hello{Realm: "r"}, &wamp.Welcome{Session: 1}, &wamp.Challenge{AuthMethod: "ticket"}, &wamp.Authenticate{},
		&wamp.Publish{Request: 1, Topic: "a"}, &wamp.Subscribe{Request: 1, Topic: "a"},
		&wamp.Unsubscribe{Request: 1, Subscription: 1}, &wamp.Call{Request: 1, Procedure: "a"}, &wamp.Cancel{Request: 1},
		&wamp.Register{Request: 1, Procedure: "a"}, &wamp.Unregister{Request: 1, Registration: 1}, &wamp.Yield{Request: 1},
	} {
		t.Run(m.Type().String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				r.send(m)
				r.expect(&wamp.Abort{Reason: string(wamp.ErrProtocolViolation), Details: wamp.AbortDetails{
					Message: m.Type().String() + " in an established session",
				}})
				r.expectClosed()
				<-s.Done()
				wantErr(t, s.Err(), wamp.ErrProtocolViolation)
			})
		})
	}
}

func TestGarbageEndsSession_PER01(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		if _, err := r.conn.Write([]byte{0, 0, 0, 0, 0, 0, 0, 2, 0xff, 0xff}); err != nil {
			t.Fatal(err)
		}
		if m, ok := r.read().(*wamp.Abort); !ok || m.Reason != string(wamp.ErrProtocolViolation) {
			t.Fatalf("client sent %+v, want ABORT", m)
		}
		r.expectClosed()
		wantErr(t, s.Err(), wamp.ErrProtocolViolation)
	})
}

func TestReaderThatCannotReplyEndsSession(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		for sendUntilFull(s) {
		}
		for i := range wamp.ID(20_000) { // the answers are more than what is left for them
			r.send(&wamp.Invocation{Request: i + 1, Registration: 99})
		}
		advance(time.Minute) // nobody reads; the reader gives up
		wantClosed(t, s.Err(), wamp.CloseTransportLost)
		wantErr(t, s.Err(), transport.ErrQueueFull)
	})
}

func TestCancelFindsRoomInAFullQueue_CLI07(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		c := r.open(s, 1)
		for sendUntilFull(s) {
		}
		c.Cancel()
		r.send(&wamp.Invocation{Request: 1, Registration: 99})
		synctest.Wait()
		for {
			m := r.read()
			if m.Type() == wamp.TypePublish {
				continue
			}
			if m, ok := m.(*wamp.Cancel); !ok || m.Request != 1 {
				t.Fatalf("client sent %+v, want CANCEL", m)
			}
			break
		}
		r.expect(refusal(1, wamp.ErrNoSuchProcedure, "no such registration here"))
	})
}

// sendUntilFull publishes, and reports whether there was room.
func sendUntilFull(s *client.Session) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := s.Publish(ctx, "a.b", client.Args(make([]byte, 30)))
	return err == nil
}

func TestCloseWaitsForHandlers(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		events := newBox()
		ended := make(chan string, 2)
		r.subscribe(s, 1, 5, "a.b", func(ctx context.Context, e *client.Event) {
			events <- e
			<-ctx.Done()
			advance(time.Second)
			ended <- "event"
		})
		r.register(s, 2, "a.c", func(ctx context.Context, _ *client.Invocation) (*client.Result, error) {
			<-ctx.Done()
			advance(time.Second)
			ended <- "invocation"
			return nil, errors.New("nobody hears this")
		})
		r.send(event(5, "runs"), event(5, "waits"), &wamp.Invocation{Request: 1, Registration: 7})
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if len(ended) != 2 {
			t.Errorf("%d handlers have returned before Close", len(ended))
		}
		events.want(t, "runs") // what waited is dropped
		wantErr(t, s.Err(), client.ErrLeft)
		wantClosed(t, s.Err(), wamp.CloseRealm)
		r.expectClosed()
		_ = s.Close()
	})
}
