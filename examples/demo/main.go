// Command demo starts a router and tells the story of routed remote procedure calls on it, over real sockets:
// registering and unregistering, patterns, shared registrations, and what a caller gets when its callee dies.
//
//	go run ./examples/demo bin/tandem
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

func main() {
	binary := "bin/tandem"
	if len(os.Args) > 1 {
		binary = os.Args[1]
	}
	if err := run(binary); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(binary string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	url, stop, err := startRouter(ctx, binary)
	if err != nil {
		return err
	}
	defer stop()
	s := &story{ctx: ctx, url: url}
	for _, chapter := range []struct {
		title string
		tell  func() error
	}{
		{"A procedure is registered, called, and unregistered by its registration ID", s.registerAndCall},
		{"Patterns: a prefix and a wildcard", s.patterns},
		{"A procedure has one callee", s.secondRegistration},
		{"A shared registration has several, invoked in turn", s.roundRobin},
		{"A callee dies in the middle of a call", s.calleeDies},
	} {
		fmt.Printf("\n%s\n", chapter.title)
		if err := chapter.tell(); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
	}
	fmt.Println("\nAll of it went as it should.")
	return nil
}

// startRouter starts a development router on a free port and returns its RawSocket URL.
func startRouter(ctx context.Context, binary string) (url string, stop func(), err error) {
	cmd := exec.CommandContext(ctx, binary, "dev", "--listen", "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		if cmd.Process.Signal(os.Interrupt) != nil { // as on Windows
			_ = cmd.Process.Kill()
		}
		_ = cmd.Wait() // how the router ends is not the story
	}
	url, err = findURL(out)
	if err != nil {
		stop()
	}
	return url, stop, err
}

// findURL reads what the router prints until it says where it listens. The rest is short and not read.
func findURL(out io.Reader) (string, error) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, found := strings.Cut(lines.Text(), "RawSocket"); found {
			return strings.TrimSpace(url), nil
		}
	}
	return "", errors.Join(errors.New("the router did not say where it listens"), lines.Err())
}

// story has the chapters. Each opens the sessions that it needs and checks everything that it tells.
type story struct {
	ctx context.Context //nolint:containedctx // one story is one run
	url string
}

func (s *story) join() (*client.Session, error) {
	return client.Connect(s.ctx, s.url, client.Config{Realm: "realm1"})
}

// pair opens a session for a callee and one for a caller. done closes both.
func (s *story) pair() (callee, caller *client.Session, done func(), err error) {
	callee, err = s.join()
	if err != nil {
		return nil, nil, nil, err
	}
	caller, err = s.join()
	if err != nil {
		_ = callee.Close()
		return nil, nil, nil, err
	}
	return callee, caller, func() { _, _ = callee.Close(), caller.Close() }, nil
}

// says returns a handler that answers with a name and the procedure that was called.
func says(name string) client.InvocationHandler {
	return func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
		return client.Values(fmt.Sprintf("%s serves %s", name, inv.Procedure)), nil
	}
}

// expect calls the procedure and checks what comes back.
func (s *story) expect(caller *client.Session, procedure, want string) error {
	result, err := caller.Call(s.ctx, procedure)
	if err != nil {
		return err
	}
	if len(result.Args) != 1 || result.Args[0] != want {
		return fmt.Errorf("calling %s returned %v, want %q", procedure, result.Args, want)
	}
	fmt.Printf("  call %-28s → %q\n", procedure, want)
	return nil
}

// expectError calls the procedure and checks that it is refused.
func (s *story) expectError(caller *client.Session, procedure string, want wamp.ErrorURI) error {
	if _, err := caller.Call(s.ctx, procedure); !errors.Is(err, want) {
		return fmt.Errorf("calling %s returned %w, want %s", procedure, err, string(want))
	}
	fmt.Printf("  call %-28s → ERROR %s\n", procedure, want)
	return nil
}

func (s *story) registerAndCall() error {
	callee, caller, done, err := s.pair()
	if err != nil {
		return err
	}
	defer done()
	registration, err := callee.Register(s.ctx, "com.myapp.create", says("a callee"))
	if err != nil {
		return err
	}
	fmt.Printf("  com.myapp.create is registration %d\n", registration.ID())
	if err := s.expect(caller, "com.myapp.create", "a callee serves com.myapp.create"); err != nil {
		return err
	}
	if err := registration.Unregister(s.ctx); err != nil {
		return err
	}
	fmt.Printf("  registration %d is unregistered\n", registration.ID())
	return s.expectError(caller, "com.myapp.create", wamp.ErrNoSuchProcedure)
}

func (s *story) patterns() error {
	callee, caller, done, err := s.pair()
	if err != nil {
		return err
	}
	defer done()
	if _, err := callee.Register(s.ctx, "com.myapp.create", says("the prefix"), client.Match(wamp.MatchPrefix)); err != nil {
		return err
	}
	if _, err := callee.Register(s.ctx, "com..remove", says("the wildcard"), client.Match(wamp.MatchWildcard)); err != nil {
		return err
	}
	fmt.Println("  registered: com.myapp.create (prefix), com..remove (wildcard)")
	for _, call := range []struct{ procedure, server string }{
		{"com.myapp.create.user", "the prefix"},
		{"com.myapp.create.device", "the prefix"},
		{"com.myapp.remove", "the wildcard"},
	} {
		if err := s.expect(caller, call.procedure, call.server+" serves "+call.procedure); err != nil {
			return err
		}
	}
	return s.expectError(caller, "com.myapp.list", wamp.ErrNoSuchProcedure)
}

func (s *story) secondRegistration() error {
	first, second, done, err := s.pair()
	if err != nil {
		return err
	}
	defer done()
	if _, err := first.Register(s.ctx, "com.myapp.single", says("the first")); err != nil {
		return err
	}
	_, err = second.Register(s.ctx, "com.myapp.single", says("the second"))
	if !errors.Is(err, wamp.ErrProcedureAlreadyExists) {
		return fmt.Errorf("a second registration returned %w", err)
	}
	fmt.Printf("  a second registration           → ERROR %s\n", wamp.ErrProcedureAlreadyExists)
	return s.expect(second, "com.myapp.single", "the first serves com.myapp.single")
}

func (s *story) roundRobin() error {
	caller, err := s.join()
	if err != nil {
		return err
	}
	defer func() { _ = caller.Close() }()
	names := []string{"Ann", "Bob", "Cleo"}
	for _, name := range names {
		callee, err := s.join()
		if err != nil {
			return err
		}
		defer func() { _ = callee.Close() }()
		if _, err := callee.Register(s.ctx, "com.myapp.shared", says(name), client.Invoke(wamp.InvokeRoundRobin)); err != nil {
			return err
		}
	}
	for i := range 2 * len(names) {
		if err := s.expect(caller, "com.myapp.shared", names[i%len(names)]+" serves com.myapp.shared"); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) calleeDies() error {
	callee, caller, done, err := s.pair()
	if err != nil {
		return err
	}
	defer done()
	invoked, tell := context.WithCancel(s.ctx)
	defer tell()
	_, err = callee.Register(s.ctx, "com.myapp.slow", func(ctx context.Context, _ *client.Invocation) (*client.Result, error) {
		tell()
		<-ctx.Done() // until the session is gone
		return nil, ctx.Err()
	})
	if err != nil {
		return err
	}
	context.AfterFunc(invoked, func() {
		fmt.Println("  the callee has the call, and its connection is cut")
		_ = callee.Close()
	})
	return s.expectError(caller, "com.myapp.slow", wamp.ErrCanceled)
}
