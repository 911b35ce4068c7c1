package client_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/wamp"
)

// A callee and a caller. They could be in two programs on two machines, in two languages.
func Example() {
	ctx := context.Background()
	callee, err := client.Connect(ctx, routerURL, client.Config{Realm: "realm1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer callee.Close()

	greet := func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
		if len(inv.Args) == 0 {
			return nil, wamp.Errorf(wamp.ErrInvalidArgument, "who shall be greeted?")
		}
		return client.Values(fmt.Sprintf("Hello, %v!", inv.Args[0])), nil
	}
	if _, err := callee.Register(ctx, "com.example.greet", greet); err != nil {
		fmt.Println(err)
		return
	}

	caller, err := client.Connect(ctx, routerURL, client.Config{Realm: "realm1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer caller.Close()
	result, err := caller.Call(ctx, "com.example.greet", client.Args("world"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Args[0])

	// Output: Hello, world!
}

// A router in the same process needs no network.
func ExampleJoin() {
	ctx := context.Background()
	r, err := router.New(router.Config{Realms: []router.RealmConfig{
		{Name: "realm1", AnonymousRole: "anonymous", Authorizer: auth.AllowAll{}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = r.Shutdown(ctx) }()

	s, err := client.Join(ctx, r.Connect(), client.Config{Realm: "realm1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println(s.Realm())

	// Output: realm1
}

// Whatever goes wrong is an error with a URI, which errors.Is compares.
func ExampleSession_Call_errors() {
	ctx := context.Background()
	s := connect()
	defer s.Close()
	soldOut := func(context.Context, *client.Invocation) (*client.Result, error) {
		return nil, wamp.Errorf("com.example.error.sold_out", "no tickets for %s", "Friday")
	}
	if _, err := s.Register(ctx, "com.example.order", soldOut); err != nil {
		fmt.Println(err)
		return
	}

	for _, procedure := range []string{"com.example.order", "com.example.ordr", "not a URI#"} {
		_, err := s.Call(ctx, procedure)
		var answer *wamp.Error // of the callee, or of the router in its place
		var closed *client.ClosedError
		switch {
		case errors.Is(err, wamp.ErrNoSuchProcedure):
			fmt.Println("nobody offers", procedure)
		case errors.As(err, &answer):
			fmt.Println(answer.URI, answer.Payload.Args)
		case errors.As(err, &closed):
			fmt.Println("the session is over:", closed.Reason)
		default:
			fmt.Println(err) // of the context, or of arguments that cannot be sent
		}
	}

	// Output:
	// com.example.error.sold_out [no tickets for Friday]
	// nobody offers com.example.ordr
	// wamp.error.invalid_uri [the procedure is not a valid URI]
}

// The context is the call. When it is done the callee learns of it, and Call returns.
func ExampleSession_Call_cancel() {
	ctx := context.Background()
	callee, caller := connect(), connect()
	defer callee.Close()
	defer caller.Close()
	asking, stop := context.WithCancel(ctx)
	defer stop()
	stopped := make(chan error, 1)
	slow := func(ctx context.Context, _ *client.Invocation) (*client.Result, error) {
		stop() // the caller changes its mind
		<-ctx.Done()
		stopped <- ctx.Err()
		return nil, ctx.Err()
	}
	if _, err := callee.Register(ctx, "com.example.slow", slow); err != nil {
		fmt.Println(err)
		return
	}

	_, err := caller.Call(asking, "com.example.slow")
	fmt.Println("caller:", err)
	fmt.Println("callee:", <-stopped)

	// Output:
	// caller: context canceled
	// callee: context canceled
}

// What the router itself offers is called, and subscribed to, as anything else.
func ExampleSession_Call_meta() {
	ctx := context.Background()
	s := connect()
	defer s.Close()

	details, err := s.Call(ctx, "wamp.session.get", client.Args(s.ID()))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(details.Args[0].(wamp.Dict)["authrole"])

	// Output: anonymous
}

// Results come one by one, as they are there.
func ExampleSession_CallProgress() {
	ctx := context.Background()
	s := connect()
	defer s.Close()
	countdown := func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
		for n := 3; n > 0; n-- {
			if err := inv.Progress(ctx, client.Values(n)); err != nil {
				return nil, err // nobody waits any more
			}
		}
		return client.Values("lift-off"), nil
	}
	if _, err := s.Register(ctx, "com.example.countdown", countdown); err != nil {
		fmt.Println(err)
		return
	}

	for result, err := range s.CallProgress(ctx, "com.example.countdown") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(result.Args[0], result.Details.Progress)
	}

	// Output:
	// 3 true
	// 2 true
	// 1 true
	// lift-off false
}

// Arguments go out in parts, as they are there.
func ExampleSession_OpenCall() {
	ctx := context.Background()
	callee, caller := connect(), connect()
	defer callee.Close()
	defer caller.Close()
	count := func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
		octets := 0
		for part, err := range inv.Parts(ctx) {
			if err != nil {
				return nil, err // nobody waits any more
			}
			for _, arg := range part.Args {
				octets += len(arg.(string))
			}
		}
		return client.Values(octets), nil
	}
	if _, err := callee.Register(ctx, "com.example.upload", count); err != nil {
		fmt.Println(err)
		return
	}

	upload, err := caller.OpenCall(ctx, "com.example.upload")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer upload.Cancel()
	for _, line := range []string{"hazel\n", "wal\n", "pea\n"} {
		if err := upload.Send(ctx, client.Args(line)); err != nil {
			break // the result says why
		}
	}
	_ = upload.SendLast(ctx) // here, too
	result, err := upload.Result(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Args...)

	// Output: 14
}

// Several callees share a procedure. Here they take turns.
func ExampleSession_Register_shared() {
	ctx := context.Background()
	caller := connect()
	defer caller.Close()
	for _, name := range []string{"Ann", "Bob"} {
		callee := connect()
		defer callee.Close()
		serve := func(context.Context, *client.Invocation) (*client.Result, error) { return client.Values(name), nil }
		_, err := callee.Register(ctx, "com.example.shared", serve, client.Invoke(wamp.InvokeRoundRobin))
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	for range 4 {
		result, err := caller.Call(ctx, "com.example.shared")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(result.Args[0])
	}

	// Output:
	// Ann
	// Bob
	// Ann
	// Bob
}

// One registration for many procedures: a part of the URI is a parameter.
func ExampleSession_Register_pattern() {
	ctx := context.Background()
	s := connect()
	defer s.Close()
	read := func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
		return client.Values("somebody called " + inv.Procedure), nil
	}
	if _, err := s.Register(ctx, "com.example.sensor..read", read, client.Match(wamp.MatchWildcard)); err != nil {
		fmt.Println(err)
		return
	}

	result, err := s.Call(ctx, "com.example.sensor.42.read")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Args[0])

	// Output: somebody called com.example.sensor.42.read
}

// Events go to all who have subscribed, but not to the publisher itself.
func ExampleSession_Subscribe() {
	ctx := context.Background()
	subscriber, publisher := connect(), connect()
	defer subscriber.Close()
	defer publisher.Close()
	printed := make(chan struct{})
	show := func(_ context.Context, e *client.Event) {
		fmt.Println(e.Topic, e.Args[0], e.Kwargs["priority"])
		close(printed)
	}
	if _, err := subscriber.Subscribe(ctx, "com.example.news.", show, client.Match(wamp.MatchPrefix)); err != nil {
		fmt.Println(err)
		return
	}

	// Without Acknowledge nothing is waited for, and nobody learns that publishing is forbidden.
	_, err := publisher.Publish(ctx, "com.example.news.local",
		client.Args("It rains."), client.Kwargs(wamp.Dict{"priority": 3}), client.Acknowledge())
	if err != nil {
		fmt.Println(err)
		return
	}
	<-printed

	// Output: com.example.news.local It rains. 3
}

func ExampleSession_AddTestament() {
	ctx := context.Background()
	sensor, watcher := connect(), connect()
	defer watcher.Close()
	printed := make(chan struct{})
	show := func(_ context.Context, e *client.Event) {
		fmt.Println(e.Args...)
		close(printed)
	}
	if _, err := watcher.Subscribe(ctx, "com.example.sensor.state", show); err != nil {
		fmt.Println(err)
		return
	}

	// Whatever ends the session, the others learn of it.
	if err := sensor.AddTestament(ctx, client.Destroyed, "com.example.sensor.state", client.Args("gone")); err != nil {
		fmt.Println(err)
		return
	}
	_ = sensor.Close()
	<-printed

	// Output: gone
}

func ExampleSession_Events() {
	ctx := context.Background()
	s := connect()
	defer s.Close()
	for _, line := range []string{"started", "working", "done"} {
		if _, err := s.Publish(ctx, "com.example.log", client.Args(line)); err != nil {
			fmt.Println(err)
			return
		}
	}

	show := func(_ context.Context, e *client.Event) { fmt.Println(e.Args...) }
	log, err := s.Subscribe(ctx, "com.example.log", show)
	if err != nil {
		fmt.Println(err)
		return
	}
	history, err := s.Events(ctx, log.ID(), client.EventQuery{Reverse: true, Limit: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range history.Events { // the newest first
		fmt.Println(e.Args...)
	}

	// Output:
	// done
	// working
}

// Why a session could not begin, or is over.
func ExampleClosedError() {
	_, err := client.Connect(context.Background(), routerURL, client.Config{Realm: "realm2"})
	var closed *client.ClosedError
	if errors.As(err, &closed) {
		fmt.Println(closed.Reason)
		fmt.Println(errors.Is(err, wamp.ErrNoSuchRealm))
	}

	// Output:
	// wamp.error.no_such_realm
	// true
}
