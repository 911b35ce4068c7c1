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
//	bytes to message    parse.go: Parse, Parser
//	                    scan*.go: is it well formed, and where are its elements?
//	                    parse_message.go parse_fields.go: the elements of each message
//	                    parse_options_*.go parse_dict.go parse_scalar.go: options and details
//	message to bytes    append.go: Append; append_head.go: what it writes with
//	both                key.go: the keys of options and details
package serializer
