// Package websocket carries WAMP over WebSocket (RFC 6455), one WAMP message in each WebSocket message.
//
//	subprotocol       serializer     frames
//	wamp.2.json       JSON           text
//	wamp.2.msgpack    MessagePack    binary
//	wamp.2.cbor       CBOR           binary
//
// Upgrade makes a connection of an HTTP request, Dial connects to a router. Both return a transport.Conn. The HTTP
// part and the masking come from a library. The frames are cut here, so that one read can bring many messages, one
// write can take many away, and a connection on which nothing happens holds no buffer.
//
// Batched subprotocols and compression are not offered. That the text of a message is valid UTF-8 is not checked here
// but by the JSON parser, which reads it anyway (SER-08).
package websocket
