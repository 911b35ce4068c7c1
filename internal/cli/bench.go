package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"text/tabwriter"
	"time"

	"github.com/tandemrouter/tandem/internal/bench"
	"github.com/tandemrouter/tandem/wamp"
)

type benchCmd struct {
	All           benchAllCmd           `cmd:"" help:"Start routers and relays, run all loads on them in turn, and print which bars are met (Linux)."`
	RPC           benchRPCCmd           `cmd:"" name:"rpc" help:"Call, as fast as the router answers or at a fixed rate."`
	Fanout        benchFanoutCmd        `cmd:"" help:"Publish to many subscribers."`
	Idle          benchIdleCmd          `cmd:"" help:"Open sessions and leave them alone: what memory do they take (Linux)?"`
	Registrations benchRegistrationsCmd `cmd:"" help:"Call among many registrations, and among few."`
	Churn         benchChurnCmd         `cmd:"" help:"Connect, register, call and leave, over and over."`
	Slow          benchSlowCmd          `cmd:"" help:"Let a subscriber stop reading: what do all others notice?"`
	Relay         benchRelayCmd         `cmd:"" help:"Run the bare relay to compare a router with, until stopped."`
	Child         benchChildCmd         `cmd:"" hidden:"" help:"A router or a relay that \"bench all\" started."`
}

// benchFlags are what every measurement of one router takes.
type benchFlags struct {
	connectFlags
	RouterPID int    `name:"router-pid" placeholder:"PID" help:"Account for the CPU time, system calls and memory of this process (Linux)."`
	Output    string `short:"o" default:"table" enum:"table,json" help:"table or json."`
}

// timingFlags are those of measurements that take as long as one likes.
type timingFlags struct {
	Duration time.Duration `default:"5s" help:"How long to count."`
	Warmup   time.Duration `default:"1s" help:"How long to go on before counting."`
}

func (f *timingFlags) timing() bench.Timing {
	return bench.Timing{Warmup: f.Warmup, Duration: f.Duration}
}

func (f *benchFlags) target(s *status) bench.Target {
	return bench.Target{
		URL: f.URL, Realm: f.Realm, Serializer: f.serializer(), RouterPID: f.RouterPID, Progress: s.show,
	}
}

// load is something to measure, and the report of it.
type load[R any] interface {
	Validate() error
	Run(context.Context) (R, error)
}

// measure runs the load and prints what it found.
func measure[R interface{ Rows() []bench.Row }](ctx context.Context, p *program, f *benchFlags, s *status, l load[R]) error {
	report, err := runLoad(ctx, p, s, f.URL, l)
	switch {
	case err != nil:
		return err
	case f.Output == "json":
		return json.NewEncoder(p.Out).Encode(report)
	}
	w := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
	for _, r := range report.Rows() {
		fmt.Fprintf(w, "%s\t%s\n", r.Name, r.Value)
	}
	return w.Flush()
}

func runLoad[R any](ctx context.Context, p *program, s *status, what string, l load[R]) (report R, err error) {
	if err := l.Validate(); err != nil {
		return report, &exitError{exitUsage, err}
	}
	fmt.Fprintf(p.Err, "measuring %s (Ctrl-C to stop)\n", what)
	defer s.clear()
	report, err = l.Run(ctx)
	return report, benchError(ctx, err)
}

func benchError(ctx context.Context, err error) error {
	var network *net.OpError
	switch {
	case err == nil:
		return nil
	case told(ctx):
		return errInterrupted
	case errors.As(err, &network) && network.Op == "dial":
		return exit(exitUnreachable, "cannot reach a router: %w%s", err, whereItMayBe("", err))
	default:
		return err
	}
}

type benchRPCCmd struct {
	benchFlags
	timingFlags
	Pairs            int    `default:"4" help:"Callers, each with a callee of its own unless --callees is given."`
	Callees          int    `help:"Callees that share one procedure."`
	CalleeSerializer string `default:"same" enum:"same,json,msgpack,cbor" help:"How the callees encode messages, if not as the callers do."`
	Depth            int    `help:"Calls under way for each caller (16); with --rate the most (1024)."`
	Rate             int    `placeholder:"N" help:"Make N calls a second, whatever the answers take; latency counts from when a call was due."`
	Size             int    `default:"256" help:"Size of the arguments in bytes."`
	Relay            bool   `help:"The URL is that of a relay (tandem bench relay)."`
}

// Run measures the router that is running at the URL.
func (c *benchRPCCmd) Run(ctx context.Context, p *program) error {
	s := newStatus(p.Err)
	callees, _ := wamp.ParseSerializer(c.CalleeSerializer) // none for "same"
	return measure(ctx, p, &c.benchFlags, s, &bench.RPC{
		Target: c.target(s), Timing: c.timing(), Pairs: c.Pairs, Callees: c.Callees, CalleeSerializer: callees,
		Depth: c.depth(), Rate: c.Rate, Size: c.Size, Relay: c.Relay,
	})
}

func (c *benchRPCCmd) depth() int {
	switch {
	case c.Depth != 0:
		return c.Depth
	case c.Rate != 0:
		return bench.OpenDepth
	default:
		return 16
	}
}

type benchFanoutCmd struct {
	benchFlags
	timingFlags
	Publishers  int `default:"1" help:"Publishers."`
	Subscribers int `default:"100" help:"Subscribers, who all receive every event."`
	Depth       int `default:"16" help:"Publications of each publisher that may be under way."`
	Size        int `default:"256" help:"Size of the arguments in bytes."`
}

// Run measures the router that is running at the URL.
func (c *benchFanoutCmd) Run(ctx context.Context, p *program) error {
	s := newStatus(p.Err)
	return measure(ctx, p, &c.benchFlags, s, &bench.Fanout{
		Target: c.target(s), Timing: c.timing(), Publishers: c.Publishers, Subscribers: c.Subscribers,
		Depth: c.Depth, Size: c.Size,
	})
}

type benchIdleCmd struct {
	benchFlags
	Sessions int `default:"2000" help:"Sessions to open."`
}

// Run measures the router that is running at the URL.
func (c *benchIdleCmd) Run(ctx context.Context, p *program) error {
	s := newStatus(p.Err)
	return measure(ctx, p, &c.benchFlags, s, &bench.Idle{Target: c.target(s), Sessions: c.Sessions})
}

type benchRegistrationsCmd struct {
	benchFlags
	timingFlags
	Match   string `default:"exact" enum:"exact,prefix,wildcard" help:"exact, prefix or wildcard."`
	Count   int    `default:"100000" help:"Registrations."`
	Few     int    `default:"100" help:"The small number of registrations to compare with."`
	Skewed  bool   `help:"Call a few of them most of the time, instead of all equally often."`
	Callees int    `default:"4" help:"Callees that have them."`
	Callers int    `default:"4" help:"Callers."`
	Depth   int    `default:"16" help:"Calls under way for each caller."`
	Size    int    `default:"256" help:"Size of the arguments in bytes."`
}

// Run measures the router that is running at the URL.
func (c *benchRegistrationsCmd) Run(ctx context.Context, p *program) error {
	s := newStatus(p.Err)
	match, _ := wamp.ParseMatchPolicy(c.Match) // the grammar allows no other
	return measure(ctx, p, &c.benchFlags, s, &bench.Registrations{
		Target: c.target(s), Timing: c.timing(), Match: match, Few: c.Few, Many: c.Count, Skewed: c.Skewed,
		Callees: c.Callees, Callers: c.Callers, Depth: c.Depth, Size: c.Size,
	})
}

type benchChurnCmd struct {
	benchFlags
	Workers int `default:"4" help:"Sessions at a time."`
	Cycles  int `default:"5000" help:"Sessions in all."`
	Size    int `default:"256" help:"Size of the arguments in bytes."`
}

// Run measures the router that is running at the URL.
func (c *benchChurnCmd) Run(ctx context.Context, p *program) error {
	s := newStatus(p.Err)
	return measure(ctx, p, &c.benchFlags, s, &bench.Churn{Target: c.target(s), Workers: c.Workers, Cycles: c.Cycles, Size: c.Size})
}

type benchSlowCmd struct {
	benchFlags
	Duration    time.Duration `default:"3s" help:"How long to go on before the subscriber stops reading, and again after."`
	Publishers  int           `default:"1" help:"Publishers."`
	Subscribers int           `default:"10" help:"Subscribers that read."`
	Pairs       int           `default:"2" help:"Callers, each with a callee of its own."`
	Depth       int           `default:"16" help:"Calls and publications under way for each caller and publisher."`
	Size        int           `default:"1024" help:"Size of the arguments in bytes."`
}

// Run measures the router that is running at the URL.
func (c *benchSlowCmd) Run(ctx context.Context, p *program) error {
	s := newStatus(p.Err)
	return measure(ctx, p, &c.benchFlags, s, &bench.Slow{
		Target: c.target(s), Timing: bench.Timing{Duration: c.Duration}, Publishers: c.Publishers,
		Subscribers: c.Subscribers, Pairs: c.Pairs, Depth: c.Depth, Size: c.Size,
	})
}

type benchRelayCmd struct {
	Listen string `default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"The loopback address to listen on (${default})."`
}

// Run relays until the program is told to stop.
func (c *benchRelayCmd) Run(ctx context.Context, p *program) error {
	if err := checkLoopback(c.Listen, "the relay listens on loopback only"); err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return exit(exitUnreachable, "cannot listen: %w%s", err, whoListens(err))
	}
	fmt.Fprintf(p.Out, "relaying pairs of connections on tcp://%s\n", l.Addr())
	return bench.Relay(ctx, l)
}

type benchAllCmd struct {
	Time          time.Duration `default:"1s" help:"How long each trial counts."`
	Rounds        int           `default:"3" help:"How often each trial is made; medians are printed."`
	Sessions      int           `default:"2000" help:"Sessions to leave idle."`
	Registrations int           `default:"1000000" help:"Exact registrations; of patterns there are a tenth."`
	Output        string        `short:"o" default:"table" enum:"table,json" help:"table or json."`
}

// Run measures a router that it starts itself.
func (c *benchAllCmd) Run(ctx context.Context, p *program) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s := newStatus(p.Err)
	report, err := runLoad(ctx, p, s, "a router and a relay in turn", &bench.Suite{
		Timing:  bench.Timing{Warmup: c.Time / 5, Duration: c.Time},
		Command: []string{self, "bench", "child"}, Realm: defaultRealm,
		Rounds: c.Rounds, Sessions: c.Sessions, Registrations: c.Registrations,
		Stderr: p.Err, Progress: s.show,
	})
	switch {
	case err != nil:
		return err
	case c.Output == "json":
		return json.NewEncoder(p.Out).Encode(report)
	}
	fmt.Fprintf(p.Out, "Tandem %s, %s, %s, %d CPUs; %d rounds of %s\n\n", p.version, report.Go, report.System, report.CPUs,
		report.Rounds, report.Duration)
	if err := bench.WriteTable(p.Out, report.Bars); err != nil {
		return err
	}
	fmt.Fprint(p.Out, "\nFigures are medians of the rounds, ratios the medians of the rounds' ratios; the load generator shares the CPUs.\n")
	return nil
}
