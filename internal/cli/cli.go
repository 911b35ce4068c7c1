package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

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
	Check     checkCmd     `cmd:"" help:"Say what is wrong with a configuration file."`
	Init      initCmd      `cmd:"" help:"Print a configuration file to begin with."`
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
}

// errInterrupted ends a command that a signal stopped before it was done.
var errInterrupted = errors.New("interrupted")

// Main runs the command that args name and returns the program's exit code. The first SIGINT or SIGTERM lets the
// command end in order, the second ends the program (S17).
func Main(s Streams, version string, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal has its usual effect
	return run(ctx, &program{s, version}, args)
}

const description = `A WAMP router, and a client for the command line.

What a command prints goes to the standard output, and what it has to say besides to the standard error. Exit codes:

  0  done                              6    not authorized
  1  any other failure                 7    no such procedure, session or registration
  2  the command line is wrong         8    timeout or canceled; peers of a stopping router were cut off
  3  the configuration file is wrong   9    the callee answered with an error of its own
  4  cannot reach a router; listen     10   refused by a limit; a router that would be dangerous
  5  no such realm, not let in         130  interrupted`

// run runs the command that args name. When ctx is done, the program is told to stop.
func run(ctx context.Context, p *program, args []string) int {
	var exited *int
	parser := kong.Must(&grammar{},
		kong.Name("tandem"),
		kong.Description(description),
		kong.Writers(p.Out, p.Err),
		kong.Exit(func(code int) { exited = &code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err := checkWords(args); err != nil {
		complain(p.Err, err)
		return exitCode(err)
	}
	command, err := parser.Parse(spareNumbers(asked(args)))
	switch {
	case exited != nil: // help was printed
		return *exited
	case err != nil:
		fmt.Fprintf(p.Err, "tandem: %s\nRun \"%s --help\" for what can be written here.\n", mistake(err), commandOf(err))
		return exitUsage
	}
	err = command.Run(p)
	complain(p.Err, err)
	return exitCode(err)
}

// asked returns the arguments as the parser knows them: people ask for help and the version in several ways.
func asked(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case args[0] == "--version":
		return append([]string{"version"}, args[1:]...)
	default:
		return args
	}
}

// mistake says what is wrong with the command line, in the words of people and not of parsers.
func mistake(err error) string { return peopleSay.Replace(err.Error()) }

var peopleSay = strings.NewReplacer(
	`"EOL" (<EOL>)`, "nothing",
	"a valid 64 bit int", "a whole number from 0",
	"a float", "a number",
	`but got " -`, `but got "-`, // see spareNumbers
)

// checkWords refuses words that are no texts: the parser would replace what it does not understand in them.
func checkWords(args []string) error {
	for _, arg := range args {
		if !utf8.ValidString(arg) {
			return exit(exitUsage, "%q is not UTF-8; b:@FILE sends bytes", arg)
		}
	}
	return nil
}

// spareNumbers keeps the parser from taking negative numbers for flags. JSON does not mind the blank.
func spareNumbers(args []string) []string {
	spared := make([]string, len(args))
	for i, arg := range args {
		if len(arg) > 1 && arg[0] == '-' && json.Valid([]byte(arg)) {
			arg = " " + arg
		}
		spared[i] = arg
	}
	return spared
}

// commandOf returns the command, as far as it was understood, in which a person made a mistake.
func commandOf(err error) string {
	var mistake *kong.ParseError
	if errors.As(err, &mistake) {
		if command := mistake.Context.Selected(); command != nil {
			return command.FullPath()
		}
	}
	return "tandem"
}

type versionCmd struct{}

// Run prints the version.
func (*versionCmd) Run(p *program) error {
	_, err := fmt.Fprintf(p.Out, "tandem %s %s %s/%s\n", p.version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
