// Package conformance puts a router through scripted conversations and tells where it does something else than the
// protocol demands. It sees the router from outside only: any router that listens on a WebSocket or RawSocket can be
// tested.
//
//	testdata/<section of the requirements>/<topic>.txtar ──Cases──► Case ──Run(Target)──► nil, or the line that failed
//
// Each file begins with a comment. A section of it is a case, and its title begins with the requirements that the case
// is about. A section with the title setup is not a case but how each of the file's cases begins.
//
//	-- RPC-05 nobody has registered the procedure --
//	A join
//	A > [48, 1, {}, "com.example.nope"]
//	A < [8, 48, 1, {}, "wamp.error.no_such_procedure", …]
//
// A line says what one peer does or finds; a name that was not mentioned before is a new peer with a connection of its
// own. An indented line continues the one before it. Nothing that the script does not mention may come: at the end of
// every case the router has to prove that nothing is on its way to anybody.
//
//	A join [@realm] [role.feature ...]   opens a session with all four roles; $A, $A.authid and $A.authrole are who it is
//	A > [...]                            sends a message, or anything else
//	A < [...]                            the message that comes next is this one
//	A < nothing                          none has come, now that the router is done with what all have sent
//	A aborted [uri]                      ABORT comes, by default for a protocol violation, and the connection ends
//	A closed [code]                      the connection ends and nothing comes before, in WebSocket with this code
//	A ends                               the connection ends, whatever comes before
//	A drop, A reset                      loses the connection: in order, waiting until the router has noticed; abruptly
//	A works                              the session can publish, subscribe, register and call
//	A on websocket json                  chooses the wire; otherwise the peers take the target's wires in turn
//	A connect, A dial                    opens the connection with, or without, a handshake; > does so where needed
//	A frame 5b "48" 5d*100000            sends raw bytes as one message
//	A bytes 7f f1 $realm                 sends raw bytes as they are
//	A < bytes 7f ?1 00 00                these raw bytes come next; ? is any digit
//	A upgrade "a, wamp.2.json" 101 "b"   asks for a WebSocket; wants this status and subprotocol
//	distinct $x $y                       no two of these are the same
//
// Values are written as in JSON, and besides: _ is any one value; … as the last element of a list or an entry of a
// dictionary is whatever else there is; $name is an ID that is learnt where it is first received, and known from then
// on; b64"AAEC" is binary data; undefined is what MessagePack and CBOR have besides null; 1.0 is a float and not an
// integer; NaN and +INF are floats too; "x"*1000 is a long text. Known from the start are $realm, $realm.<key of
// Target.Realms> and, for a number of times, $max, the size of the largest message that the router takes.
//
// Before the steps, or in the file's comment for all of its cases, there may be: "only: rawsocket json" for
// the transports and serializers on which the case makes sense, "needs: strict" for a realm that the target must have,
// and "skip: reason" for what is known to fail.
//
// Cases of files whose name begins with hostile_ end by showing that a session of somebody else works.
package conformance
