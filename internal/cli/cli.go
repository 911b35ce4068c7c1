package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/alecthomas/kong"
)

// Streams are the standard streams of a command.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// grammar is the tree of commands.
type grammar struct {
	Dev       devCmd       `cmd:"" help:"Run a router for development: loopback only, in memory, everybody may do everything."`
	Serve     serveCmd     `cmd:"" help:"Run a router as a configuration file says."`
	Call      callCmd      `cmd:"" help:"Call a procedure and print its result."`
	Register  registerCmd  `cmd:"" help:"Offer a procedure until stopped."`
	Publish   publishCmd   `cmd:"" help:"Publish an event."`
	Subscribe subscribeCmd `cmd:"" help:"Print the events of a topic until stopped."`
	Bench     benchCmd     `cmd:"" help:"Measure a router on this machine."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

// program is what every command gets to work with.
type program struct {
	Streams
	version string
	ctx     context.Context // done when the program is told to stop
}

// errInterrupted ends a command that a signal stopped before it was done.
var errInterrupted = errors.New("interrupted")

// Main runs the command that args name and returns the program's exit code. The first SIGINT or SIGTERM lets the
// command end in order, the second ends the program.
func Main(s Streams, version string, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal has its usual effect
	return run(&program{s, version, ctx}, args)
}

func run(p *program, args []string) int {
	var exited *int
	parser := kong.Must(&grammar{},
		kong.Name("tandem"),
		kong.Description("A WAMP router, and a client for the command line."),
		kong.Writers(p.Out, p.Err),
		kong.Exit(func(code int) { exited = &code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	switch {
	case exited != nil: // help was printed
		return *exited
	case err != nil:
		fmt.Fprintf(p.Err, "tandem: %v\nRun \"tandem --help\" for the commands and their flags.\n", err)
		return exitUsage
	}
	err = command.Run(p)
	complain(p.Err, err)
	return exitCode(err)
}

type versionCmd struct{}

// Run prints the version.
func (*versionCmd) Run(p *program) error {
	_, err := fmt.Fprintf(p.Out, "tandem %s %s %s/%s\n", p.version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
