package client_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

func TestHandlersOneAtATime_CLI09(t *testing.T) {
	bubble(t, client.Config{Handlers: 1}, routerRoles(), func(t *testing.T, s *client.Session, r *fake) {
		var running atomic.Int32
		r.register(s, 1, "a.b", func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
			if running.Add(1) > 1 {
				t.Error("two handlers at once")
			}
			advance(time.Millisecond)
			running.Add(-1)
			return &client.Result{Args: inv.Args}, nil
		})
		for i := range 20 {
			r.send(&wamp.Invocation{Request: wamp.ID(i + 1), Registration: 7, Payload: values(i)})
			synctest.Wait() // one read each
		}
		for i := range 20 {
			r.expect(&wamp.Yield{Request: wamp.ID(i + 1), Payload: values(int64(i))})
		}
	})
}

func TestHandlersRunAtOnceUpToTheBound_CLI09(t *testing.T) {
	bubble(t, client.Config{Handlers: 3}, routerRoles(), func(t *testing.T, s *client.Session, r *fake) {
		var running atomic.Int32
		release := make(chan struct{})
		r.register(s, 1, "a.b", func(context.Context, *client.Invocation) (*client.Result, error) {
			running.Add(1)
			<-release
			return nil, nil
		})
		for i := range 5 {
			r.send(&wamp.Invocation{Request: wamp.ID(i + 1), Registration: 7})
		}
		synctest.Wait()
		if n := running.Load(); n != 3 {
			t.Errorf("%d handlers run, want 3", n)
		}
		close(release)
		for range 5 {
			r.read()
		}
	})
}

func TestOverloadIsAnsweredWithUnavailable(t *testing.T) {
	bubble(t, client.Config{Handlers: 1}, routerRoles(), func(t *testing.T, s *client.Session, r *fake) {
		release := make(chan struct{})
		r.register(s, 1, "a.b", func(context.Context, *client.Invocation) (*client.Result, error) {
			<-release
			return nil, nil
		})
		const waiting = 4096
		for i := range 1 + waiting + 1 {
			r.send(&wamp.Invocation{Request: wamp.ID(i + 1), Registration: 7})
		}
		r.expect(refusal(1+waiting+1, wamp.ErrUnavailable, "too many invocations are waiting"))
		close(release)
		for i := range 1 + waiting {
			r.expect(&wamp.Yield{Request: wamp.ID(i + 1)})
		}
	})
}

func TestOverloadIsMeasuredInBytes(t *testing.T) {
	bubble(t, client.Config{Handlers: 1}, routerRoles(), func(t *testing.T, s *client.Session, r *fake) {
		release := make(chan struct{})
		r.register(s, 1, "a.b", func(context.Context, *client.Invocation) (*client.Result, error) {
			<-release
			return nil, nil
		})
		large := strings.Repeat("x", 6<<20)
		for i := range wamp.ID(3) {
			first := 4*i + 1
			for request := first; request < first+4; request++ {
				r.send(&wamp.Invocation{Request: request, Registration: 7, Payload: values(large)})
			}
			// one runs, two of 6 MiB wait, the next does not fit into 16 MiB
			r.expect(refusal(first+3, wamp.ErrUnavailable, "too many invocations are waiting"))
			for request := first; request < first+3; request++ {
				release <- struct{}{}
				r.expect(&wamp.Yield{Request: request})
			}
			synctest.Wait()
		}
	})
}

func TestInterruptReachesWaitingInvocation(t *testing.T) {
	bubble(t, client.Config{Handlers: 1}, routerRoles(), func(t *testing.T, s *client.Session, r *fake) {
		release := make(chan struct{})
		r.register(s, 1, "a.b", func(context.Context, *client.Invocation) (*client.Result, error) {
			<-release
			return nil, nil
		})
		r.send(
			&wamp.Invocation{Request: 1, Registration: 7},
			&wamp.Invocation{Request: 2, Registration: 7},
			&wamp.Invocation{Request: 3, Registration: 7, Details: wamp.InvocationDetails{Timeout: 100}},
			&wamp.Interrupt{Request: 2, Options: wamp.InterruptOptions{Mode: wamp.CancelKill}},
		)
		advance(time.Second)
		close(release)
		r.expect(&wamp.Yield{Request: 1}, refusal(2, wamp.ErrCanceled), refusal(3, wamp.ErrTimeout))
	})
}
