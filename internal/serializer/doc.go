// Package serializer turns bytes into messages and messages into bytes, in JSON, MessagePack and CBOR.
//
//	bytes ──► scan ──► spans of the elements ──► typed message, its payload still bytes
//	message ──► head written, payload spliced ──► bytes
//	                        └─ transcoded only if the payload is in another serializer
//
// Every byte of an incoming message is checked once, in one loop without recursion, before anything is made of it:
// its structure, its depth, in JSON its UTF-8. Nothing is allocated from a length that a peer declared. What is well
// formed is then safe to splice into another message, because it cannot reach beyond its place.
//
// An application's arguments are never decoded on the way through a router; the package below, payload, converts them
// for those who want to look at them, and for receivers with another serializer.
//
//	Append, Parse    append.go    message.go, fields.go, options_*.go
//	what they use    writer.go    scan*.go: is it well formed, and where are its elements?
//	                              scalar.go, dict.go, key.go: what are the values and the entries in its head?
package serializer
