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

func Example() {
	ctx := context.Background()
	r, err := router.New(router.Config{Realms: []router.RealmConfig{
		{Name: "realm1", AnonymousRole: "anonymous", Authorizer: auth.AllowAll{}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = r.Shutdown(ctx) }()

	// With a router somewhere else this is client.Connect(ctx, "ws://host:8080/ws", …).
	s, err := client.Join(ctx, r.Connect(), client.Config{Realm: "realm1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()

	greet := func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
		if len(inv.Args) == 0 {
			return nil, wamp.Errorf(wamp.ErrInvalidArgument, "who shall be greeted?")
		}
		return client.Values(fmt.Sprintf("Hello, %v!", inv.Args[0])), nil
	}
	if _, err := s.Register(ctx, "com.example.greet", greet); err != nil {
		fmt.Println(err)
		return
	}

	result, err := s.Call(ctx, "com.example.greet", client.Args("world"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Args[0])

	_, err = s.Call(ctx, "com.example.greet")
	fmt.Println(errors.Is(err, wamp.ErrInvalidArgument), err)

	// Output:
	// Hello, world!
	// true wamp.error.invalid_argument: who shall be greeted?
}

func ExampleSession_CallProgress() {
	ctx := context.Background()
	s, err := client.Connect(ctx, "ws://127.0.0.1:8080/ws", client.Config{Realm: "realm1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()

	for result, err := range s.CallProgress(ctx, "com.example.search", client.Args("tandem")) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(result.Args...)
	}
}

func ExampleInvocation_Progress() {
	ctx := context.Background()
	s, err := client.Connect(ctx, "ws://127.0.0.1:8080/ws", client.Config{Realm: "realm1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()

	countdown := func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
		for n := range 3 {
			if err := inv.Progress(ctx, client.Values(3-n)); err != nil {
				return nil, err // nobody waits any more
			}
		}
		return client.Values("lift-off"), nil
	}
	if _, err := s.Register(ctx, "com.example.countdown", countdown); err != nil {
		fmt.Println(err)
		return
	}
	<-s.Done()
}

func ExampleSession_OpenCall() {
	ctx := context.Background()
	s, err := client.Connect(ctx, "ws://127.0.0.1:8080/ws", client.Config{Realm: "realm1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()

	upload, err := s.OpenCall(ctx, "com.example.upload", client.Args("nuts.txt"))
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
}

func ExampleInvocation_Parts() {
	ctx := context.Background()
	s, err := client.Connect(ctx, "ws://127.0.0.1:8080/ws", client.Config{Realm: "realm1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()

	count := func(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
		parts := 0
		for part, err := range inv.Parts(ctx) {
			if err != nil {
				return nil, err // nobody waits any more
			}
			parts++
			if err := inv.Progress(ctx, client.Values("taken", part.Args)); err != nil {
				return nil, err
			}
		}
		return client.Values(parts), nil
	}
	if _, err := s.Register(ctx, "com.example.upload", count); err != nil {
		fmt.Println(err)
		return
	}
	<-s.Done()
}

// What the router itself offers is called, and subscribed to, as anything else.
func ExampleSession_Call_meta() {
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
	defer func() { _ = s.Close() }()

	count, err := s.Call(ctx, "wamp.session.count")
	if err != nil {
		fmt.Println(err)
		return
	}
	details, err := s.Call(ctx, "wamp.session.get", client.Args(s.ID()))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(count.Args[0], details.Args[0].(wamp.Dict)["authrole"])

	// Output: 1 anonymous
}

func ExampleSession_AddTestament() {
	ctx := context.Background()
	s, err := client.Connect(ctx, "ws://127.0.0.1:8080/ws", client.Config{Realm: "realm1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()

	// Whatever ends the session, the others learn of it; and so does who comes later.
	err = s.AddTestament(ctx, client.Destroyed, "com.example.sensor.state", client.Args("gone"), client.Retain())
	if err != nil {
		fmt.Println(err)
		return
	}
	<-s.Done()
}

func ExampleSession_Events() {
	ctx := context.Background()
	s, err := client.Connect(ctx, "ws://127.0.0.1:8080/ws", client.Config{Realm: "realm1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()

	show := func(_ context.Context, e *client.Event) { fmt.Println(e.Args...) }
	news, err := s.Subscribe(ctx, "com.example.news", show)
	if err != nil {
		fmt.Println(err)
		return
	}
	history, err := s.Events(ctx, news.ID(), client.EventQuery{Reverse: true, Limit: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range history.Events { // the newest first
		fmt.Println(e.Timestamp, e.Args)
	}
}
