// Package cli is the command line: the grammar of the commands, what they print, and their exit codes.
//
// What a command finds out goes to the standard output, everything else to the standard error. The exit codes are a
// public contract: see exit.go.
package cli
