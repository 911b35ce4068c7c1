// Command hello offers a procedure and calls it. Its router is the one of `make run`.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/tandemrouter/tandem/client"
)

func main() {
	ctx := context.Background()
	session, err := client.Connect(ctx, "ws://127.0.0.1:8080/ws", client.Config{Realm: "realm1"})
	if err != nil {
		log.Fatal(err)
	}
	hello := func(_ context.Context, inv *client.Invocation) (*client.Result, error) {
		return client.Values(fmt.Sprintf("hello %v", inv.Args...)), nil
	}
	if _, err := session.Register(ctx, "com.example.greet", hello); err != nil {
		log.Fatal(err)
	}
	result, err := session.Call(ctx, "com.example.greet", client.Args("Ann"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Args[0])
	session.Close()
}
