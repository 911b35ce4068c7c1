package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// RPC is a load of calls. In a closed loop every caller keeps a number of calls under way. In an open loop calls are due
// at a fixed rate, whether the router keeps up or not, and their latency counts from the time at which they were due.
type RPC struct {
	Target
	Timing
	Pairs            int             // callers
	Callees          int             // that share one procedure; 0: each caller has a callee of its own
	CalleeSerializer wamp.Serializer // NoSerializer: the same as the callers'
	Depth            int             // calls under way for each caller; in an open loop it is a bound
	Rate             int             // calls per second that all callers together make; 0: a closed loop
	Size             int             // of the arguments, in bytes
	Relay            bool            // the URL is that of a Relay, not of a router
}

// OpenDepth is how many calls of one caller may be under way in an open loop, if nothing else is said.
const OpenDepth = 1024

// maxRate is more than a generator can make.
const maxRate = 10_000_000

// Validate returns what is wrong with the measurement, before anything is measured.
func (l *RPC) Validate() error {
	switch {
	case l.Pairs < 1 || l.Pairs > maxPeers || l.Callees < 0 || l.Callees > maxPeers:
		return fmt.Errorf("bench: pairs and callees must be between 1 and %d", maxPeers)
	case l.Depth < 1 || l.Depth > maxInFlight/l.Pairs:
		return fmt.Errorf("bench: depth must be at least 1, and pairs × depth at most %d", maxInFlight)
	case l.Size < minSize || l.Size > maxSize:
		return fmt.Errorf("bench: size must be between %d and %d", minSize, maxSize)
	case l.Pairs*l.Depth > maxBytes/l.Size:
		return fmt.Errorf("bench: pairs × depth × size must be at most %d", maxBytes)
	case l.CalleeSerializer != wamp.NoSerializer && !slices.Contains(serializers, l.CalleeSerializer):
		return errors.New("bench: no serializer")
	}
	return errors.Join(between("rate", l.Rate, 0, maxRate), l.validateRelay(), l.Timing.validate(), l.Target.validate())
}

func (l *RPC) validateRelay() error {
	switch {
	case !l.Relay:
		return nil
	case l.Callees > 0 || l.CalleeSerializer != wamp.NoSerializer:
		return errors.New("bench: a relay has no shared callees, and no serializers")
	case !strings.HasPrefix(l.URL, "tcp:"):
		return fmt.Errorf("bench: %s is not a relay's; write tcp://", l.URL)
	default:
		return nil
	}
}

// RPCReport is what an RPC measurement found. In JSON durations are numbers of nanoseconds.
type RPCReport struct {
	Calls       uint64        `json:"calls"`            // answered while counting; in an open loop, that were due then
	Errors      uint64        `json:"errors"`           // of them, those that ended with ERROR
	Elapsed     time.Duration `json:"elapsed_ns"`       // while counting
	CallsPerSec float64       `json:"calls_per_second"` //
	Latency     Latency       `json:"latency"`          // of a call as its caller sees it
	Router      Cost          `json:"router,omitzero"`  // per call
}

// Rows returns the report for a person.
func (r *RPCReport) Rows() []Row {
	return append([]Row{
		row("calls", "%d in %s, %d with an error", r.Calls, r.Elapsed, r.Errors),
		row("calls/s", "%.0f", r.CallsPerSec),
		r.Latency.row(),
	}, r.Router.rows("call")...)
}

// Run measures. It opens all sessions, warms up, counts, and closes the sessions. Calls that do not come back within
// a few seconds after the end are an error: a router may not lose any. So is a session that the router ends.
func (l RPC) Run(ctx context.Context) (r *RPCReport, err error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	err = l.run(ctx, func(ctx context.Context, c *crew) error {
		callers, err := l.staff(ctx, c)
		if err == nil {
			r, err = l.measure(ctx, c, callers)
		}
		return err
	})
	return r, err
}

// staff connects callers and callees.
func (l *RPC) staff(ctx context.Context, c *crew) (callers []*caller, err error) {
	arguments, err := arguments(l.Serializer, l.Size)
	if err != nil {
		return nil, err
	}
	shared := c.prefix + "shared"
	for range l.Callees {
		if err := l.addCallee(ctx, c, shared, wamp.InvokeRoundRobin); err != nil {
			return nil, err
		}
	}
	for i := range l.Pairs {
		procedure := shared
		if l.Callees == 0 {
			procedure = fmt.Sprintf("%sprocedure%d", c.prefix, i)
			if err := l.addCallee(ctx, c, procedure, wamp.InvokeSingle); err != nil {
				return nil, err
			}
		}
		p, err := l.connect(ctx, c, l.Serializer)
		if err != nil {
			return nil, fmt.Errorf("bench: connecting a caller: %w", err)
		}
		callers = append(callers, newCaller(p, procedure, arguments, l.Depth))
	}
	return callers, nil
}

func (l *RPC) addCallee(ctx context.Context, c *crew, procedure string, invoke wamp.InvocationPolicy) error {
	s := l.CalleeSerializer
	if s == wamp.NoSerializer {
		s = l.Serializer
	}
	p, err := l.connect(ctx, c, s)
	if err != nil {
		return fmt.Errorf("bench: connecting a callee: %w", err)
	}
	callee := &callee{peer: p}
	if !l.Relay {
		if err := callee.register(ctx, procedure, wamp.RegisterOptions{Invoke: invoke}); err != nil {
			return fmt.Errorf("bench: registering %s: %w", procedure, err)
		}
	}
	c.background("a callee of "+procedure, callee.serve)
	return nil
}

// connect opens a session, or only a connection if it is a relay that is measured.
func (l *RPC) connect(ctx context.Context, c *crew, s wamp.Serializer) (*peer, error) {
	if l.Relay {
		return c.dial(ctx, s)
	}
	return c.join(ctx, s)
}

// measure runs the callers: first to warm up, then to count. The phases are told apart by the time at which a call
// ends, or was due, so that no call is interrupted.
func (l *RPC) measure(ctx context.Context, c *crew, callers []*caller) (*RPCReport, error) {
	w := l.open()
	defer c.limit(w)()
	wait := l.call(ctx, c, callers, w)
	used, err := c.account(ctx, w)
	wait()
	if err := cmp.Or(context.Cause(ctx), err); err != nil {
		return nil, err
	}
	return l.report(callers, used), nil
}

// call starts the callers.
func (l *RPC) call(ctx context.Context, c *crew, callers []*caller, w window) (wait func()) {
	if l.Rate == 0 {
		return c.together(len(callers), func(i int) error { return callers[i].named(i, callers[i].run(w)) })
	}
	for i, caller := range callers {
		c.background("in an open loop", func() error { return caller.named(i, caller.answers(w)) })
	}
	p := pacer{callers, time.Second / time.Duration(l.Rate)}
	return c.together(1, func(int) error { return p.run(ctx, w) })
}

func (l *RPC) report(callers []*caller, used usage) *RPCReport {
	var latency histogram
	r := &RPCReport{Elapsed: l.Duration}
	for _, c := range callers {
		latency.merge(&c.latency)
		r.Errors += c.errors
	}
	r.Calls = latency.total
	r.CallsPerSec = float64(r.Calls) / r.Elapsed.Seconds()
	r.Latency = latency.latency()
	r.Router = used.per(r.Calls)
	return r
}
