// Package wamp holds the nouns of the Web Application Messaging Protocol, version 2: its messages, their options
// and details, URIs, IDs, roles and features, error URIs, and the application payload.
//
// The package computes nothing that waits: no I/O, goroutine, lock or clock. It does not know how a message is
// encoded (that is the serializer's work) or routed.
//
//	message        a struct per message type, with the options or details as a typed struct
//	Options        what a client asks for        Details   what the router tells
//	Payload        Arguments and ArgumentsKw, either as Go values or as the sender's own bytes
//
// The zero value of every options and details struct means "nothing said", which is what an empty dictionary on
// the wire means. Keys that the protocol does not define are kept in Extra.
//
// Messages are plain data. A message that a parser returned may share memory with the parser's input; whoever
// wants to keep it longer than the parser allows must copy it.
package wamp
