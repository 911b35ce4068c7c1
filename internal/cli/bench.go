package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"text/tabwriter"
	"time"

	"github.com/tandemrouter/tandem/internal/bench"
)

type benchCmd struct {
	RPC   benchRPCCmd   `cmd:"" name:"rpc" help:"Call as fast as the router answers, and print rate, latency and cost."`
	Relay benchRelayCmd `cmd:"" help:"Run the bare relay to compare a router with, until stopped."`
}

type benchRPCCmd struct {
	connectFlags
	Pairs     int           `default:"4" help:"Callers, each with a callee of its own unless --callees is given."`
	Callees   int           `help:"Callees that share one procedure."`
	Depth     int           `default:"16" help:"Calls under way for each caller."`
	Size      int           `default:"256" help:"Size of the arguments in bytes."`
	Duration  time.Duration `default:"5s" help:"How long to count."`
	Warmup    time.Duration `default:"1s" help:"How long to call before counting."`
	RouterPID int           `name:"router-pid" placeholder:"PID" help:"Account for the CPU time, system calls and memory of this process (Linux)."`
	Relay     bool          `help:"The URL is that of a relay (tandem bench relay)."`
	Output    string        `short:"o" default:"table" enum:"table,json" help:"table or json."`
}

// Run measures the router that is running at the URL.
func (c *benchRPCCmd) Run(ctx context.Context, p *program) error {
	load := bench.RPC{
		URL:        c.URL,
		Realm:      c.Realm,
		Serializer: c.serializer(),
		Pairs:      c.Pairs,
		Callees:    c.Callees,
		Depth:      c.Depth,
		Size:       c.Size,
		Warmup:     c.Warmup,
		Duration:   c.Duration,
		RouterPID:  c.RouterPID,
		Relay:      c.Relay,
	}
	if err := load.Validate(); err != nil {
		return &exitError{exitUsage, err}
	}
	fmt.Fprintf(p.Err, "measuring %s for %s (Ctrl-C to stop)\n", c.URL, c.Warmup+c.Duration)
	report, err := load.Run(ctx)
	if err != nil {
		return benchError(ctx, err)
	}
	if c.Output == "json" {
		return json.NewEncoder(p.Out).Encode(report)
	}
	return c.table(p, report)
}

func benchError(ctx context.Context, err error) error {
	var network *net.OpError
	switch {
	case told(ctx):
		return errInterrupted
	case errors.As(err, &network) && network.Op == "dial":
		return exit(exitUnreachable, "cannot reach a router: %w%s", err, whereItMayBe(err))
	default:
		return err
	}
}

func (c *benchRPCCmd) table(p *program, r *bench.Report) error {
	w := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	row("calls", "%d in %s, %d with an error", r.Calls, r.Elapsed, r.Errors)
	row("calls/s", "%.0f", r.CallsPerSec)
	row("latency", "p50 %s  p90 %s  p99 %s  p99.9 %s  max %s", r.P50, r.P90, r.P99, r.P999, r.Max)
	if c.RouterPID != 0 {
		row("router CPU", "%.2f µs/call", float64(r.CPUPerCall)/float64(time.Microsecond))
		row("router system calls", "%.3f/call (reads and writes)", r.SyscallsCall)
		row("router RSS", "%.1f MiB", float64(r.RSS)/(1<<20))
	}
	return w.Flush()
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
