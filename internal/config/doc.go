// Package config reads the configuration file of the router into typed structs.
//
//	listeners:                  listener.go
//	  NAME: {address, protocols, origins, tls}
//	realms:                     realm.go
//	  NAME: {anonymous, roles, uris, call_timeout, retention, slow_subscribers, …}
//	    retention: {events, …}  retention.go
//	    history: {topics, …}    history.go
//	limits: {message_size, …}   limits.go
//	i_know: […]                 exposed.go
//
// Load reports everything that is wrong with a file at once, each with its place in the file and a hint (problem.go,
// source.go). Keys that the router does not know are errors. For that the nodes of the file are read one by one
// (reader.go), not unmarshaled.
package config
