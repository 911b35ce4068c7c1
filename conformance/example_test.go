package conformance_test

import (
	"context"
	"fmt"
	"net"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/conformance"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/wamp"
)

// A script of one's own, played with a router in the same process.
func Example() {
	r, err := router.New(router.Config{Realms: []router.RealmConfig{
		{Name: "realm1", AnonymousRole: "anonymous", Authorizer: auth.AllowAll{}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = r.Shutdown(context.Background()) }()

	cases, err := conformance.Parse("mine.txtar", `What our callers rely on.

-- RPC-05 a procedure that nobody has registered --
A join
A > [48, 1, {}, "com.example.nope"]
A < [8, 48, 1, {}, "wamp.error.no_such_procedure", …]

-- RPC-06 a sum --
A join
B join
A > [64, 1, {}, "com.example.add"]
A < [65, 1, $add]
B > [48, 1, {}, "com.example.add", [2, 3]]
A < [68, $call, $add, {}, [2, 3]]
A > [70, $call, {}, [5]]
B < [50, 1, {}, [5]]
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	target := &conformance.Target{Realm: "realm1", Wires: []conformance.Wire{{
		URL:        "tcp://in.process",
		Serializer: wamp.JSON,
		Dial: func(context.Context) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				if conn, err := rawsocket.Accept(server, nil); err == nil {
					r.Serve(conn)
				}
			}()
			return client, nil
		},
	}}}
	for _, c := range cases {
		fmt.Printf("%s: %v\n", c.Name, c.Run(context.Background(), target))
	}
	// Output:
	// mine/RPC-05 a procedure that nobody has registered: <nil>
	// mine/RPC-06 a sum: <nil>
}
