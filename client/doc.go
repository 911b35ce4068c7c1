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
// All methods of a Session, Registration and Subscription may be called by many goroutines at once, and by handlers.
// Only Close may not be called by a handler, because it waits for the handlers; a handler may Leave.
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
//	bytes to be written                transport.DefaultQueueLimit  the sender waits; a reply that the reader itself
//	                                                                has to send ends the session
//	invocations for a free handler     4,096 and 16 MiB             ERROR wamp.error.unavailable to the caller
//	events of one subscription         4,096 and 16 MiB             the event is dropped, counted and logged
//	progressive results of one call    256 and 16 MiB               the call is canceled with ErrResultsOverflow
//
// A handler that waits for a call to another handler of the same session takes two of Config.Handlers. If all of them
// wait in this way nothing goes on until the callers' contexts are done.
//
// # What a session announces
//
// The roles caller, callee, publisher and subscriber with the features that work (CLI-01). Reconnecting is not the
// session's business: it ends once, with a *ClosedError, and stays so.
package client
