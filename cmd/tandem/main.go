// Command tandem is a WAMP router, and a client for the command line.
package main

import (
	"os"

	"github.com/tandemrouter/tandem/internal/cli"
)

// version is set when a release is built.
var version = "dev"

func main() {
	os.Exit(cli.Main(cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, version, os.Args[1:]))
}
