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
// The packages below this one each implement one wire: the handshake and a Framing. Pipe connects two peers of the
// same process.
package transport
