// Package cli is the command line: the grammar of the commands, what they print, and their exit codes.
//
//	cli.go        Main, and the tree of commands
//	dev, serve    serve.go                    a router
//	check, init   config.go                   the configuration file
//	call          call*.go       ┐
//	register      register*.go   │ connect.go   flags that all of these have
//	publish       publish.go     │ values.go    arguments, as written and as printed
//	subscribe     subscribe*.go  ┘
//	bench …       bench*.go                   loads, as package bench has them; status.go is their progress
//
// What a command finds out goes to the standard output, everything else to the standard error. The exit codes are a
// public contract: see exit.go.
package cli
