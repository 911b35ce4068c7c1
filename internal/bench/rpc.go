package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
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
}

// The bounds of a measurement.
const (
	maxPairs    = 10_000
	maxInFlight = 1 << 20
	maxSize     = 15 << 20
	maxDuration = 5 * time.Minute
)

func (c *RPC) validate() error {
	switch {
	case c.Pairs < 1 || c.Pairs > maxPairs || c.Callees < 0 || c.Callees > maxPairs:
		return fmt.Errorf("bench: pairs and callees must be between 1 and %d", maxPairs)
	case c.Depth < 1 || c.Depth > maxInFlight/c.Pairs:
		return fmt.Errorf("bench: depth must be at least 1, and pairs × depth at most %d", maxInFlight)
	case c.Size < minSize || c.Size > maxSize:
		return fmt.Errorf("bench: size must be between %d and %d", minSize, maxSize)
	case c.Warmup < 0 || c.Duration <= 0 || c.Duration+c.Warmup > maxDuration:
		return fmt.Errorf("bench: duration must be positive, and at most %s with the warm-up", maxDuration)
	case c.Relay && c.Callees > 0:
		return errors.New("bench: a relay has no shared callees")
	}
	return checkLoopback(c.URL)
}

// checkLoopback refuses to measure anything that is not on this machine.
func checkLoopback(rawURL string) error {
	u, err := url.Parse(rawURL)
	if err != nil {
		return err
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "unix" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("bench: %s is not on this machine; only loopback addresses are measured", rawURL)
}

// Report is what a measurement found.
type Report struct {
	Calls        uint64        // finished while counting
	Errors       uint64        // of them, those that ended with ERROR
	Elapsed      time.Duration // while counting
	CallsPerSec  float64
	P50, P90     time.Duration // latency of a call as its caller sees it
	P99, P999    time.Duration
	Max          time.Duration
	CPUPerCall   time.Duration // of the router's process; the following are 0 without RouterPID
	SyscallsCall float64       // reads and writes for each call
	RSS          uint64        // of the router's process when counting ended, in bytes
}

// Run measures. It opens all sessions, warms up, counts, and closes the sessions. Calls that do not come back within
// a few seconds after the end are an error: a router may not lose any.
func (c RPC) Run(ctx context.Context) (*Report, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	g := &generator{config: &c}
	defer g.close()
	if err := g.open(ctx); err != nil {
		return nil, err
	}
	return g.measure(ctx)
}

// generator is a measurement under way.
type generator struct {
	config  *RPC
	callers []*caller
	callees []*callee
	wg      sync.WaitGroup
}

func (g *generator) open(ctx context.Context) error {
	arguments, err := arguments(g.config.Serializer, g.config.Size)
	if err != nil {
		return err
	}
	for i := range max(g.config.Callees, 1) {
		if g.config.Callees == 0 {
			break
		}
		if err := g.addCallee(ctx, "com.bench.shared", wamp.InvokeRoundRobin); err != nil {
			return fmt.Errorf("callee %d: %w", i, err)
		}
	}
	for i := range g.config.Pairs {
		procedure := "com.bench.shared"
		if g.config.Callees == 0 {
			procedure = fmt.Sprintf("com.bench.procedure%d", i)
			if err := g.addCallee(ctx, procedure, wamp.InvokeSingle); err != nil {
				return fmt.Errorf("callee %d: %w", i, err)
			}
		}
		if err := g.addCaller(ctx, procedure, arguments); err != nil {
			return fmt.Errorf("caller %d: %w", i, err)
		}
	}
	return nil
}

func (g *generator) addCallee(ctx context.Context, procedure string, invoke wamp.InvocationPolicy) error {
	p, err := dial(ctx, g.config, &g.wg)
	if err != nil {
		return err
	}
	c := &callee{peer: p}
	g.callees = append(g.callees, c)
	if !g.config.Relay {
		if err := c.register(procedure, invoke); err != nil {
			return err
		}
	}
	g.wg.Go(c.serve)
	return nil
}

func (g *generator) addCaller(ctx context.Context, procedure string, arguments wamp.Payload) error {
	p, err := dial(ctx, g.config, &g.wg)
	if err != nil {
		return err
	}
	g.callers = append(g.callers, newCaller(p, procedure, arguments, g.config.Depth))
	return nil
}

// measure runs the callers: first to warm up, then to count. The phases are told apart by the time at which a call
// ends, so that no call is interrupted.
func (g *generator) measure(ctx context.Context) (*Report, error) {
	from := time.Now().Add(g.config.Warmup)
	until := from.Add(g.config.Duration)
	var callers sync.WaitGroup
	for _, c := range g.callers {
		callers.Go(func() { c.run(from, until) })
	}
	stop := context.AfterFunc(ctx, g.close)
	defer stop()
	overdue := time.AfterFunc(time.Until(until)+drainTimeout, g.close)
	defer overdue.Stop()

	before, errBefore := g.usageAt(ctx, from)
	after, errAfter := g.usageAt(ctx, until)
	callers.Wait()
	if err := errors.Join(ctx.Err(), errBefore, errAfter); err != nil {
		return nil, err
	}
	return g.report(before, after)
}

// drainTimeout is how long the last calls may take to come back.
const drainTimeout = 5 * time.Second

// usageAt waits until the time and reads what the router has used.
func (g *generator) usageAt(ctx context.Context, at time.Time) (usage, error) {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return usage{}, ctx.Err()
	}
	if g.config.RouterPID == 0 {
		return usage{}, nil
	}
	return usageOf(g.config.RouterPID)
}

func (g *generator) report(before, after usage) (*Report, error) {
	var latency histogram
	r := &Report{Elapsed: g.config.Duration}
	for i, c := range g.callers {
		if c.err != nil {
			return nil, fmt.Errorf("bench: caller %d: %w", i, c.err)
		}
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
	return r, nil
}

func (g *generator) close() {
	for _, c := range g.callers {
		c.close()
	}
	for _, c := range g.callees {
		c.close()
	}
	g.wg.Wait()
}
