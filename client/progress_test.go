package client_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

func TestProgressiveResultsComeInOrder_PCR12(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		results := later(func() (texts []string, err error) {
			for result, err := range s.CallProgress(context.Background(), "a.b", client.Args("q")) {
				if err != nil {
					return texts, err
				}
				texts = append(texts, fmt.Sprint(result.Args[0], result.Details.Progress))
			}
			return texts, nil
		})
		r.expect(&wamp.Call{
			Request: 1, Procedure: "a.b", Payload: values("q"), Options: wamp.CallOptions{ReceiveProgress: true},
		})
		r.send(progress(1, "a"), progress(1, "b"))
		synctest.Wait()
		r.send(progress(1, "c"), &wamp.Result{Request: 1, Payload: values("d")})
		if got := strings.Join((<-results).must(t), " "); got != "atrue btrue ctrue dfalse" {
			t.Errorf("results %s", got)
		}
		r.expectNothing()
	})
}

func progress(request wamp.ID, args ...any) *wamp.Result {
	return &wamp.Result{Request: request, Details: wamp.ResultDetails{Progress: true}, Payload: values(args...)}
}

// count takes n results, or all if n is 0, and returns how many came before the end or the error.
func count(ctx context.Context, s *client.Session, n int) <-chan outcome[int] {
	return later(func() (taken int, err error) {
		for _, err := range s.CallProgress(ctx, "a.b") {
			if err != nil {
				return taken, err
			}
			if taken++; taken == n {
				break
			}
		}
		return taken, nil
	})
}

func TestResultsThatWaitStayWhatTheyWere(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		start := make(chan struct{})
		args := later(func() (args []any, err error) {
			for result, err := range s.CallProgress(context.Background(), "a.b") {
				<-start
				if err != nil {
					return nil, err
				}
				args = append(args, result.Args...)
			}
			return args, nil
		})
		r.read()
		var want []any
		for i := range 20 {
			r.send(progress(1, strings.Repeat("x", i), i)) // one read each
			synctest.Wait()
			want = append(want, strings.Repeat("x", i), int64(i))
		}
		r.send(&wamp.Result{Request: 1})
		close(start)
		wantArgs(t, (<-args).must(t), want...)
	})
}

func TestErrorAfterProgress_PCR12(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		taken := count(context.Background(), s, 0)
		r.read()
		r.send(progress(1), progress(1), &wamp.Error{RequestType: wamp.TypeCall, Request: 1, URI: wamp.ErrCanceled})
		got := <-taken
		wantErr(t, got.err, wamp.ErrCanceled)
		if got.value != 2 {
			t.Errorf("%d results before the error, want 2", got.value)
		}
		r.expectNothing()
	})
}

func TestLeavingTheLoopCancelsTheCall_CLI07(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		taken := count(context.Background(), s, 1)
		r.read()
		r.send(progress(1), progress(1))
		if got := (<-taken).must(t); got != 1 {
			t.Errorf("%d results", got)
		}
		r.expect(&wamp.Cancel{Request: 1})
		r.send(progress(1), &wamp.Error{RequestType: wamp.TypeCall, Request: 1, URI: wamp.ErrCanceled})
		r.expectNothing()
	})
}

func TestContextEndsProgressiveCall_CLI07(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		ctx, cancel := context.WithCancel(context.Background())
		taken := count(ctx, s, 0)
		r.read()
		r.send(progress(1))
		synctest.Wait()
		cancel()
		got := <-taken
		wantErr(t, got.err, context.Canceled)
		if got.value != 1 {
			t.Errorf("%d results", got.value)
		}
		r.expect(&wamp.Cancel{Request: 1})
	})
}

func TestProgressThatNobodyTakesIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		start := make(chan struct{})
		taken := later(func() (taken int, err error) {
			for _, err := range s.CallProgress(context.Background(), "a.b") {
				<-start
				if err != nil {
					return taken, err
				}
				taken++
			}
			return taken, nil
		})
		r.read()
		r.send(progress(1))
		synctest.Wait() // the first result is taken, and the loop is busy with it
		for range 257 {
			r.send(progress(1))
		}
		r.expect(&wamp.Cancel{Request: 1})
		close(start)
		got := <-taken
		wantErr(t, got.err, client.ErrResultsOverflow)
		if got.value != 257 {
			t.Errorf("%d results before the overflow, want those that were taken in", got.value)
		}
	})
}

func TestProgressIsBoundedInBytes(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		step := make(chan struct{})
		taken := later(func() (taken int, err error) {
			for _, err := range s.CallProgress(context.Background(), "a.b") {
				<-step
				if err != nil {
					return taken, err
				}
				taken++
			}
			return taken, nil
		})
		r.read()
		large := strings.Repeat("x", 6<<20)
		for range 5 { // one is taken and one waits, time and again
			r.send(progress(1, large))
			synctest.Wait()
			step <- struct{}{}
		}
		for range 4 { // one is taken, two wait, the next does not fit into 16 MiB
			r.send(progress(1, large))
		}
		r.expect(&wamp.Cancel{Request: 1})
		close(step)
		got := <-taken
		wantErr(t, got.err, client.ErrResultsOverflow)
		if got.value != 8 {
			t.Errorf("%d results before the overflow, want 8", got.value)
		}
	})
}

func TestProgressThatWasNotAskedForIsIgnored(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		result := call(context.Background(), s)
		r.read()
		r.send(progress(1, "early"), &wamp.Result{Request: 1, Payload: values("final")})
		wantArgs(t, (<-result).must(t).Args, "final")
	})
}

func TestResultThatIsThereWinsOverCancel(t *testing.T) {
	inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
		for i := range wamp.ID(20) {
			ctx, cancel := context.WithCancel(context.Background())
			taken := later(func() (taken int, err error) {
				for _, err := range s.CallProgress(ctx, "a.b") {
					if err != nil {
						return taken, err
					}
					taken++
					synctest.Wait() // until the final result is there
					cancel()
				}
				return taken, nil
			})
			r.read()
			r.send(progress(i+1), &wamp.Result{Request: i + 1})
			if got := (<-taken).must(t); got != 2 {
				t.Fatalf("%d results", got)
			}
		}
		r.expectNothing()
	})
}
