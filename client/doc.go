// Package client is WAMP for application code: a Session calls and offers procedures, publishes and subscribes.
//
//	s, err := client.Connect(ctx, "ws://127.0.0.1:8080/ws", client.Config{Realm: "realm1"})
//	defer s.Close()
//
//	result, err := s.Call(ctx, "com.example.add", client.Args(2, 3))
//	_, err = s.Register(ctx, "com.example.add", add)
//	_, err = s.Subscribe(ctx, "com.example.news", read)
//	_, err = s.Publish(ctx, "com.example.news", client.Args("hello"))
//
// All methods of a Session, ProgressiveCall, Registration and Subscription may be called by many goroutines at once, and
// by handlers. Only Close may not be called by a handler, because it waits for the handlers; a handler may Leave.
//
// # Values
//
// Whatever the serializer, arguments and results arrive as these Go types:
//
//	nil, bool, string
//	int64                  any integer that fits, whoever sent it and however wide it was there
//	uint64, *big.Int       integers beyond
//	float64                any other number
//	[]byte                 binary data
//	wamp.List, wamp.Dict   which are []any and map[string]any
//
// What can be sent is everything that encoding/json takes, such as structs with json tags, with binary data as []byte.
// A handler that gets something else than it wants answers with wamp.Errorf(wamp.ErrInvalidArgument, …).
//
// # Who runs what
//
//	application ── Call, Publish … ──► Queue ──► connection
//	                   ▲ answers
//	reader ◄── connection
//	   ├── answers ──────► the goroutine that asked
//	   ├── INVOCATION ───► a handler, at most Config.Handlers at once
//	   └── EVENT ────────► the subscription's handler, one event after the other
//
// One goroutine reads. It never waits: not for a handler, not for the application, not for the router. Whoever sends
// waits while the connection's queue is full, until there is room, its context is done or the session is over.
//
// # What is bounded
//
//	what waits                         bound                        when it is full
//	bytes to be written                transport.DefaultQueueLimit  the sender waits; CANCEL and the reader's own
//	                                                                replies have the last quarter to themselves, and
//	                                                                a reply that finds no room ends the session
//	invocations for a free handler     4,096 and 16 MiB             ERROR wamp.error.unavailable to the caller
//	events of one subscription         4,096 and 16 MiB             the event is dropped, counted and logged
//	progressive results of one call    256 and 16 MiB               the call is canceled with ErrResultsOverflow
//	parts of calls for their handlers  1,024 each, 16 MiB in all    ERROR wamp.error.unavailable to the caller, and
//	                                                                the handler's context is done
//
// A handler that waits for a call to another handler of the same session takes two of Config.Handlers. If all of them
// wait in this way nothing goes on until the callers' contexts are done.
//
// # Payload passthru mode
//
// Arguments can be packed so that routers do not look into them, by the option Passthru and by Result.Details.PPT. What
// comes packed is unpacked, whoever packed it (PPT-10, PPT-11):
//
//	ppt_scheme  ppt_serializer              the arguments travel
//	wamp        cbor                        as one binary
//	mqtt, x_*   json, msgpack, cbor         as one binary
//	mqtt, x_*   native, or none             as they are
//
// Ciphers and other serializers are not supported: what would need them is not sent, and what comes with them is not
// delivered: the call fails, the invocation is answered with wamp.error.invalid_payload, the event is logged (PPT-13).
//
// # Meta procedures and events
//
// What the router itself offers is called and subscribed to as anything else: `wamp.session.count` by Call,
// `wamp.session.on_leave` by Subscribe. Testaments and the history of events have methods, because their arguments
// and results are more than values: AddTestament, FlushTestaments and Events.
//
// # What a session announces
//
// The roles caller, callee, publisher and subscriber with the features that work (CLI-01). Reconnecting is not the
// session's business: it ends once, with a *ClosedError, and stays so.
package client
