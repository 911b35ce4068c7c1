package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// RPC is a closed loop of calls: every caller keeps a number of calls under way.
type RPC struct {
	URL        string // ws://, tcp:// or unix://, on this machine
	Realm      string
	Serializer wamp.Serializer
	Pairs      int           // callers
	Callees    int           // that share one procedure; 0: each caller has a callee of its own
	Depth      int           // calls under way for each caller
	Size       int           // of the arguments, in bytes
	Warmup     time.Duration // before counting begins
	Duration   time.Duration // of counting
	RouterPID  int           // of the process to account for; 0: none
	Relay      bool          // the URL is that of a Relay, not of a router

	patience time.Duration // with peers that do not answer; default answerTimeout
}

// The bounds of a measurement.
const (
	maxPairs    = 10_000
	maxInFlight = 1 << 20
	maxBytes    = 1 << 30 // of the arguments in flight
	maxSize     = 15 << 20
	maxDuration = 5 * time.Minute
)

// answerTimeout is how long opening a session may take, and how long the last calls may take to come back.
const answerTimeout = 5 * time.Second

var schemes = []string{"ws", "tcp", "unix"}

// Validate returns what is wrong with the measurement, before anything is measured.
func (c *RPC) Validate() error {
	switch {
	case c.Pairs < 1 || c.Pairs > maxPairs || c.Callees < 0 || c.Callees > maxPairs:
		return fmt.Errorf("bench: pairs and callees must be between 1 and %d", maxPairs)
	case c.Depth < 1 || c.Depth > maxInFlight/c.Pairs:
		return fmt.Errorf("bench: depth must be at least 1, and pairs × depth at most %d", maxInFlight)
	case c.Size < minSize || c.Size > maxSize:
		return fmt.Errorf("bench: size must be between %d and %d", minSize, maxSize)
	case c.Pairs*c.Depth > maxBytes/c.Size:
		return fmt.Errorf("bench: pairs × depth × size must be at most %d", maxBytes)
	case c.Warmup < 0 || c.Duration <= 0 || c.Duration > maxDuration || c.Warmup > maxDuration-c.Duration:
		return fmt.Errorf("bench: duration must be positive, and at most %s with the warm-up", maxDuration)
	case c.Relay && c.Callees > 0:
		return errors.New("bench: a relay has no shared callees")
	case !slices.Contains([]wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR}, c.Serializer):
		return errors.New("bench: no serializer")
	}
	return checkURL(c.URL, c.Relay)
}

// checkURL refuses to measure anything that is not on this machine, or that cannot be talked to.
func checkURL(rawURL string, relay bool) error {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil:
		return fmt.Errorf("bench: %w", err)
	case !slices.Contains(schemes, u.Scheme):
		return fmt.Errorf("bench: %s is not measured; write ws://, tcp:// or unix://", rawURL)
	case relay && u.Scheme != "tcp":
		return fmt.Errorf("bench: %s is not a relay's; write tcp://", rawURL)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "unix" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("bench: %s is not on this machine; only loopback addresses are measured", rawURL)
}

// Report is what a measurement found. In JSON durations are numbers of nanoseconds.
type Report struct {
	Calls        uint64        `json:"calls"`            // finished while counting
	Errors       uint64        `json:"errors"`           // of them, those that ended with ERROR
	Elapsed      time.Duration `json:"elapsed_ns"`       // while counting
	CallsPerSec  float64       `json:"calls_per_second"` //
	P50          time.Duration `json:"p50_ns"`           // latency of a call as its caller sees it
	P90          time.Duration `json:"p90_ns"`
	P99          time.Duration `json:"p99_ns"`
	P999         time.Duration `json:"p999_ns"`
	Max          time.Duration `json:"max_ns"`
	CPUPerCall   time.Duration `json:"router_cpu_ns_per_call,omitempty"`   // the following are 0 without RouterPID
	SyscallsCall float64       `json:"router_syscalls_per_call,omitempty"` // reads and writes
	RSS          uint64        `json:"router_rss_bytes,omitempty"`         // when counting ended
}

// Run measures. It opens all sessions, warms up, counts, and closes the sessions. Calls that do not come back within
// a few seconds after the end are an error: a router may not lose any. So is a session that the router ends.
func (c RPC) Run(ctx context.Context) (*Report, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.patience == 0 {
		c.patience = answerTimeout
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	g := &generator{config: &c, fail: fail}
	defer g.close()
	if _, err := g.usage(); err != nil {
		return nil, err
	}
	if err := g.open(ctx); err != nil {
		return nil, err
	}
	return g.measure(ctx)
}

// generator is a measurement under way.
type generator struct {
	// immutable after open

	config  *RPC
	fail    context.CancelCauseFunc // ends the measurement
	peers   []*peer
	callers []*caller

	wg sync.WaitGroup // of the callees, and of what writes in the background
}

func (g *generator) open(ctx context.Context) error {
	arguments, err := arguments(g.config.Serializer, g.config.Size)
	if err != nil {
		return err
	}
	// No two measurements share a name: the router may still be busy with the end of the one before.
	prefix := fmt.Sprintf("com.bench.run%d.", rand.Uint32())
	shared := prefix + "shared"
	for range g.config.Callees {
		if err := g.addCallee(ctx, shared, wamp.InvokeRoundRobin); err != nil {
			return err
		}
	}
	for i := range g.config.Pairs {
		procedure := shared
		if g.config.Callees == 0 {
			procedure = fmt.Sprintf("%sprocedure%d", prefix, i)
			if err := g.addCallee(ctx, procedure, wamp.InvokeSingle); err != nil {
				return err
			}
		}
		if err := g.addCaller(ctx, procedure, arguments); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) addCallee(ctx context.Context, procedure string, invoke wamp.InvocationPolicy) error {
	ctx, cancel := context.WithTimeoutCause(ctx, g.config.patience, errSilent)
	defer cancel()
	p, err := g.connect(ctx)
	if err != nil {
		return fmt.Errorf("bench: connecting a callee: %w", err)
	}
	c := &callee{peer: p}
	if !g.config.Relay {
		if err := c.register(ctx, procedure, invoke); err != nil {
			return fmt.Errorf("bench: registering %s: %w", procedure, err)
		}
	}
	g.wg.Go(func() { g.fail(fmt.Errorf("bench: a callee of %s: %w", procedure, c.serve())) })
	return nil
}

func (g *generator) addCaller(ctx context.Context, procedure string, arguments wamp.Payload) error {
	ctx, cancel := context.WithTimeoutCause(ctx, g.config.patience, errSilent)
	defer cancel()
	p, err := g.connect(ctx)
	if err != nil {
		return fmt.Errorf("bench: connecting a caller: %w", err)
	}
	g.callers = append(g.callers, newCaller(p, procedure, arguments, g.config.Depth))
	return nil
}

func (g *generator) connect(ctx context.Context) (*peer, error) {
	p, err := dial(ctx, g.config, &g.wg)
	if err != nil {
		return nil, err
	}
	g.peers = append(g.peers, p)
	if g.config.Relay {
		return p, nil
	}
	return p, p.join(ctx, g.config.Realm)
}

var (
	errSilent  = errors.New("the router does not answer")
	errOverdue = errors.New("calls were not answered in time after the end")
)

// measure runs the callers: first to warm up, then to count. The phases are told apart by the time at which a call
// ends, so that no call is interrupted.
func (g *generator) measure(ctx context.Context) (*Report, error) {
	from := time.Now().Add(g.config.Warmup)
	until := from.Add(g.config.Duration)
	ctx, cancel := context.WithDeadlineCause(ctx, until.Add(g.config.patience), errOverdue)
	defer cancel()
	defer context.AfterFunc(ctx, g.hangUp)()
	var callers sync.WaitGroup
	for i, c := range g.callers {
		callers.Go(func() {
			if err := c.run(from, until); err != nil {
				g.fail(fmt.Errorf("bench: caller %d, with %d calls under way: %w", i, c.pending, err))
			}
		})
	}
	before, errBefore := g.usageAt(ctx, from)
	after, errAfter := g.usageAt(ctx, until)
	callers.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := errors.Join(errBefore, errAfter); err != nil {
		return nil, err
	}
	return g.report(before, after), nil
}

// usageAt waits until the time and reads what the router has used.
func (g *generator) usageAt(ctx context.Context, at time.Time) (usage, error) {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return g.usage()
	case <-ctx.Done():
		return usage{}, context.Cause(ctx)
	}
}

func (g *generator) usage() (usage, error) {
	if g.config.RouterPID == 0 {
		return usage{}, nil
	}
	return usageOf(g.config.RouterPID)
}

func (g *generator) report(before, after usage) *Report {
	var latency histogram
	r := &Report{Elapsed: g.config.Duration}
	for _, c := range g.callers {
		latency.merge(&c.latency)
		r.Errors += c.errors
	}
	r.Calls = latency.total
	r.CallsPerSec = float64(r.Calls) / r.Elapsed.Seconds()
	r.P50, r.P90 = latency.quantile(0.5), latency.quantile(0.9)
	r.P99, r.P999 = latency.quantile(0.99), latency.quantile(0.999)
	r.Max = latency.max()
	if r.Calls > 0 {
		r.CPUPerCall = (after.cpu - before.cpu) / time.Duration(r.Calls)
		r.SyscallsCall = float64(after.syscalls-before.syscalls) / float64(r.Calls)
	}
	r.RSS = after.rss
	return r
}

// hangUp closes all connections; whoever waits for one of them stops waiting.
func (g *generator) hangUp() {
	for _, p := range g.peers {
		p.close()
	}
}

func (g *generator) close() {
	g.hangUp()
	g.wg.Wait()
}
