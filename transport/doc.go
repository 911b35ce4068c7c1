// Package transport moves WAMP messages between two peers, whatever the wire.
//
//	              Run ◄── Receive ──┐
//	reader ── Wait ──►              │   Stream:  bytes ◄─ Framing + serializer ─► messages
//	                                ├── Conn
//	sender ── Queue ── TryWrite ────┘   carried by a socket, a TLS connection or a pipe
//
// A Conn is used by one reader and, for sending, by the holder of its Queue. One read brings many messages (a Run),
// and one write takes many messages away (a Queue). A connection on which nothing happens holds no buffer.
//
//	conn.go stream.go framing.go    what a connection is; a stream of bytes as one; how frames are cut
//	carrier.go socket_*.go pipe*.go who brings the bytes: the network as each system has it, or a pipe
//	inbox.go run.go                 what one read brought
//	queue.go waiting.go segment.go  what waits to be written, and droppable.go: what may be dropped from it
//	outgoing.go                     one message for many receivers
//	listen_*.go closer_*.go         a listener that does not wake the scheduler, on Linux
//
// The packages below this one each implement one wire: the handshake and a Framing. Pipe connects two peers of the
// same process.
package transport
