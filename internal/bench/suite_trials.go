package bench

import (
	"context"
	"fmt"

	"github.com/tandemrouter/tandem/wamp"
)

// The trials by name.
const (
	calls416         = "calls, 4 pairs × 16"
	calls864         = "calls, 8 pairs × 64"
	calls4KiB        = "calls, 4 pairs × 16, 4 KiB"
	callsAlone       = "calls, 1 pair × 1"
	callsOpen        = "calls, 10,000/s offered"
	callsShared      = "calls, 8 callers × 16, 4 shared callees"
	callsMsgpack     = "calls, 4 pairs × 16, MessagePack"
	callsJSON        = "calls, 4 pairs × 16, JSON"
	callsWS          = "calls, 4 pairs × 16, WebSocket"
	callsMixed       = "calls, 4 pairs × 16, JSON to CBOR"
	callsMixedBinary = "calls, 4 pairs × 16, MessagePack to CBOR"
	fanout100        = "events, 1 publisher, 100 subscribers"
	shortSessions    = "connect + register + call + leave"
	slowEvents       = "events beside a stalled subscriber"
	slowCalls        = "calls beside a stalled subscriber"
	idleRawSocket    = "idle session, RawSocket"
	idleWebSocket    = "idle session, WebSocket"
)

// What trials are compared with: the same on a relay, before something happened, with few registrations, or another
// trial.
const (
	relay  = ", relay"
	before = ", before"
	few    = ", few"
)

// queueMiB is what may wait for one peer in a router that was told nothing else.
const queueMiB = 4

// goals are the bars of the table.
func goals(s *Suite) []goal {
	goals := []goal{
		{what: calls416, metric: rate, against: relay, least: 0.75},
		{what: calls416, metric: cpu, against: relay, most: 1.4},
		{what: calls416, metric: syscalls, most: 0.45},
		{what: calls416, metric: allocs, most: 0.5},
		{what: calls864, metric: cpu, against: relay, most: 2.5},
		{what: calls4KiB, metric: cpu, against: relay, most: 1.3},
		{what: calls4KiB, metric: allocs},
		{what: callsAlone, metric: rate, against: relay, least: 0.9},
		{what: callsOpen, metric: p99, against: relay, most: 1.2},
		{what: callsMsgpack, metric: rate, against: relay, least: 0.75},
		{what: callsMsgpack, metric: cpu, against: relay, most: 1.4},
		{what: callsJSON, metric: cpu, against: calls416, most: 1.6},
		{what: callsWS, metric: cpu, against: calls416, most: 1.3},
		{what: callsMixed, metric: cpu, against: calls416, most: 6},
		{what: callsMixedBinary, metric: cpu, against: calls416, most: 6},
		{what: callsShared, metric: cpu, most: 3},
		{what: fanout100, metric: cpu, most: 0.35},
		{what: fanout100, metric: syscalls},
		{what: fanout100, metric: allocs},
		{what: shortSessions, metric: cpu, most: 130},
		{what: shortSessions, metric: allocs},
		{what: idleRawSocket, metric: memKiB, most: 6.5},
		{what: idleWebSocket, metric: memKiB, most: 7},
		{what: slowEvents, metric: rate, against: before, least: 0.75},
		{what: slowCalls, metric: rate, against: before, least: 0.75},
		{what: slowCalls, metric: failed, none: true},
		{what: slowEvents, metric: silent, none: true},
		{what: slowEvents, metric: memMiB, most: queueMiB},
	}
	for _, k := range kinds(s) {
		goals = append(goals,
			goal{what: k.name(), metric: rate, against: few, least: k.least},
			goal{what: k.name(), metric: memory, most: 300})
	}
	return goals
}

// calls measures routed RPC on one router, and on a relay.
func (r *suiteRun) calls(ctx context.Context) error {
	return r.with(ctx, "router", func(router *child) error {
		return r.with(ctx, "relay", func(bare *child) error {
			return r.alternate(ctx, r.callTrials(router, bare))
		})
	})
}

func (r *suiteRun) callTrials(router, bare *child) []trial {
	base := RPC{Timing: r.Timing, Pairs: 4, Depth: 16, Size: 256}
	var trials []trial
	on := func(name, url string, s wamp.Serializer, change func(*RPC)) {
		l := base
		l.Target = r.target(router, url, s)
		change(&l)
		trials = append(trials, trial{name, l.trial})
	}
	both := func(name string, s wamp.Serializer, change func(*RPC)) {
		on(name, router.RawSocket, s, change)
		on(name+relay, bare.RawSocket, s, func(l *RPC) {
			change(l)
			l.RouterPID, l.asked, l.Relay = bare.pid(), bare, true
		})
	}
	same := func(*RPC) {}
	both(calls416, wamp.CBOR, same)
	both(callsMsgpack, wamp.MessagePack, same)
	on(callsJSON, router.RawSocket, wamp.JSON, same)
	on(callsWS, router.WebSocket, wamp.CBOR, same)
	on(callsMixed, router.RawSocket, wamp.JSON, func(l *RPC) { l.CalleeSerializer = wamp.CBOR })
	on(callsMixedBinary, router.RawSocket, wamp.MessagePack, func(l *RPC) { l.CalleeSerializer = wamp.CBOR })
	both(calls864, wamp.CBOR, func(l *RPC) { l.Pairs, l.Depth = 8, 64 })
	both(calls4KiB, wamp.CBOR, func(l *RPC) { l.Size = 4 << 10 })
	both(callsAlone, wamp.CBOR, func(l *RPC) { l.Pairs, l.Depth = 1, 1 })
	both(callsOpen, wamp.CBOR, func(l *RPC) { l.Rate, l.Depth = 10_000, OpenDepth })
	on(callsShared, router.RawSocket, wamp.CBOR, func(l *RPC) { l.Pairs, l.Callees = 8, 4 })
	return trials
}

func (l RPC) trial(ctx context.Context) (measures, error) {
	r, err := l.Run(ctx)
	if err != nil {
		return nil, err
	}
	m := r.Router.measures()
	m[rate], m[p99], m[failed] = r.CallsPerSec, micros(r.Latency.P99), float64(r.Errors)
	return m, nil
}

func (c *Cost) measures() measures {
	return measures{cpu: micros(c.CPU), syscalls: c.Syscalls, allocs: c.Allocs}
}

// events measures events, short sessions and what a slow subscriber does to others.
func (r *suiteRun) events(ctx context.Context) error {
	return r.with(ctx, "router", func(router *child) error {
		target := r.target(router, router.RawSocket, wamp.CBOR)
		fanout := Fanout{Target: target, Timing: r.Timing, Publishers: 1, Subscribers: 100, Depth: 64, Size: 256}
		churn := Churn{Target: target, Workers: 4, Cycles: min(r.Sessions, 2000), Size: 256}
		slow := Slow{Target: target, Timing: r.Timing, Publishers: 1, Subscribers: 10, Pairs: 2, Depth: 16, Size: 1024}
		return r.alternate(ctx, []trial{
			{fanout100, fanout.trial},
			{shortSessions, churn.trial},
			{slowEvents, func(ctx context.Context) (measures, error) { return r.slow(ctx, slow) }},
		})
	})
}

func (l Fanout) trial(ctx context.Context) (measures, error) {
	r, err := l.Run(ctx)
	if err != nil {
		return nil, err
	}
	m := r.Router.measures()
	m[rate] = r.EventsPerSec
	return m, nil
}

func (l Churn) trial(ctx context.Context) (measures, error) {
	r, err := l.Run(ctx)
	if err != nil {
		return nil, err
	}
	m := r.Router.measures()
	m[rate] = r.CyclesPerSec
	return m, nil
}

// slow notes both halves of the measurement.
func (r *suiteRun) slow(ctx context.Context, l Slow) (measures, error) {
	report, err := l.Run(ctx)
	if err != nil {
		return nil, err
	}
	healthy, during := &report.Before, &report.During
	r.found.add(slowEvents+before, measures{rate: healthy.EventsPerSec})
	r.found.add(slowCalls+before, measures{rate: healthy.CallsPerSec})
	r.found.add(slowCalls, measures{rate: during.CallsPerSec, failed: float64(during.CallErrors)})
	return measures{
		rate:   during.EventsPerSec,
		silent: float64(report.Victim.Silent() + during.Lost),
		memMiB: (float64(during.RSS) - float64(healthy.RSS)) / (1 << 20),
	}, nil
}

// idle measures the memory of sessions, each time of a router that has had none.
func (r *suiteRun) idle(ctx context.Context) error {
	return r.alternate(ctx, []trial{
		{idleRawSocket, func(ctx context.Context) (measures, error) {
			return r.idleOn(ctx, func(c *child) string { return c.RawSocket })
		}},
		{idleWebSocket, func(ctx context.Context) (measures, error) {
			return r.idleOn(ctx, func(c *child) string { return c.WebSocket })
		}},
	})
}

func (r *suiteRun) idleOn(ctx context.Context, url func(*child) string) (m measures, err error) {
	err = r.with(ctx, "router", func(router *child) error {
		report, err := Idle{Target: r.target(router, url(router), wamp.CBOR), Sessions: r.Sessions}.Run(ctx)
		if err == nil {
			m = measures{memKiB: report.RSSPerSession / (1 << 10)}
		}
		return err
	})
	return m, err
}

// kind is one of the three ways to register, with the numbers that are compared.
type kind struct {
	match        wamp.MatchPolicy
	small, large int
	least        float64 // share of the calls/s with few that there must be with many
}

func kinds(s *Suite) []kind {
	return []kind{
		{wamp.MatchExact, s.Registrations / 1000, s.Registrations, 0.78},
		{wamp.MatchPrefix, s.Registrations / 10_000, s.Registrations / 10, 0.90},
		{wamp.MatchWildcard, s.Registrations / 10_000, s.Registrations / 10, 0.80},
	}
}

func (k *kind) name() string { return fmt.Sprintf("%d registrations, %s", k.large, k.match) }

// registrations measures routers that have many against routers that have few, at the same time.
func (r *suiteRun) registrations(ctx context.Context) error {
	for _, k := range kinds(r.Suite) {
		err := r.with(ctx, "router", func(a *child) error {
			return r.with(ctx, "router", func(b *child) error { return r.compare(ctx, k, a, b) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// compare measures both in turn.
func (r *suiteRun) compare(ctx context.Context, k kind, a, b *child) error {
	r.say(k.name())
	on := func(c *child) *Registrations {
		return &Registrations{
			Target: r.target(c, c.RawSocket, wamp.CBOR), Timing: r.Timing, Match: k.match, Callees: 4, Callers: 4, Depth: 16, Size: 256,
		}
	}
	small, large := on(a), on(b)
	return small.hold(ctx, k.small, func(ctx context.Context, f *directory, _ float64) error {
		return large.hold(ctx, k.large, func(ctx context.Context, m *directory, bytes float64) error {
			return r.alternate(ctx, []trial{
				{k.name() + few, func(ctx context.Context) (measures, error) { return small.trial(ctx, f, 0) }},
				{k.name(), func(ctx context.Context) (measures, error) { return large.trial(ctx, m, bytes) }},
			})
		})
	})
}

func (l *Registrations) trial(ctx context.Context, d *directory, bytes float64) (measures, error) {
	s, err := l.measure(ctx, d)
	if err != nil {
		return nil, err
	}
	m := s.Router.measures()
	m[rate], m[memory] = s.CallsPerSec, bytes
	return m, nil
}
