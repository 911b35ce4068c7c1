// Package rawsocket carries WAMP over the bare bytes of a TCP, TLS or Unix connection.
//
//	handshake, each side once       0x7F │ LLLL SSSS │ 0 │ 0      L: 2^(9+L) bytes are accepted, S: serializer
//	refusal, the router's           0x7F │ EEEE 0000 │ 0 │ 0      E: why
//	frame                           0000 XTTT │ 24 bits of length │ payload
//
// T is 0 for a message, 1 for a ping, 2 for a pong. X stands for a length of 2^24, which 24 bits cannot say.
//
// Accept is the router's side of the handshake and Dial the client's. Both return a transport.Conn. Listening is not
// done here.
package rawsocket
