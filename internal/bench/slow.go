package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Slow measures what a subscriber that stops reading does to all others: publishers flood a topic, subscribers read it,
// callers call. Then one more subscribes and reads nothing, while all others go on.
type Slow struct {
	Target
	Timing          // of each of the two halves
	Publishers  int //
	Subscribers int // that read
	Pairs       int // callers, each with a callee of its own
	Depth       int // calls under way for each caller, and publications for each publisher
	Size        int // of an event's and a call's arguments, in bytes
}

// Validate returns what is wrong with the measurement, before anything is measured.
func (l *Slow) Validate() error {
	f := Fanout{l.Target, l.Timing, l.Publishers, l.Subscribers, l.Depth, l.Size}
	return errors.Join(f.Validate(), between("pairs", l.Pairs, 1, maxPeers/4))
}

// SlowReport is what was found. In JSON durations are numbers of nanoseconds.
type SlowReport struct {
	Before Health `json:"before"` // while all subscribers read
	During Health `json:"during"` // while one more does not
	Victim Victim `json:"slow"`
}

// Health is how those fare who do nothing wrong. That all calls were answered goes without saying: the measurement fails
// if one is not.
type Health struct {
	EventsPerSec float64 `json:"events_per_second"` // of all subscribers that read
	Lost         uint64  `json:"lost_events"`
	CallsPerSec  float64 `json:"calls_per_second"`
	CallErrors   uint64  `json:"call_errors"`
	Calls        Latency `json:"call_latency"`
	RSS          uint64  `json:"router_rss_bytes,omitempty"` // the most that was seen
}

// Victim is what became of the subscriber that stopped reading, when it reads again.
type Victim struct {
	Received  uint64 `json:"received"`        // events
	Missed    uint64 `json:"missed"`          // events that should have come before one that came
	Announced uint64 `json:"announced"`       // of these, what the router owned up to (_lost)
	Ended     string `json:"ended,omitempty"` // with which reason the router ended its session, if it did
}

// Rows returns the report for a person.
func (r *SlowReport) Rows() []Row {
	rows := append(r.Before.rows("before"), r.During.rows("during")...)
	if r.Before.RSS > 0 {
		rows = append(rows, row("router RSS", "%.1f MiB, %.1f MiB before", mib(r.During.RSS), mib(r.Before.RSS)))
	}
	return append(rows, row("slow subscriber", "%s", r.Victim.String()))
}

func (h *Health) rows(when string) []Row {
	return []Row{
		row("events/s "+when, "%.0f, %d lost", h.EventsPerSec, h.Lost),
		row("calls/s "+when, "%.0f, %d with an error, p50 %s  p99 %s", h.CallsPerSec, h.CallErrors, h.Calls.P50, h.Calls.P99),
	}
}

// String says what became of it.
func (v *Victim) String() string {
	text := fmt.Sprintf("received %d events, missed %d, of which %d were announced", v.Received, v.Missed, v.Announced)
	if v.Ended != "" {
		text += "; its session was ended: " + v.Ended
	}
	return text
}

// Silent returns how many events it lost without having been told. One whose session was ended has been told.
func (v *Victim) Silent() uint64 { return v.Missed - min(v.Missed, v.Announced) }

// Run measures.
func (l Slow) Run(ctx context.Context) (r *SlowReport, err error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	err = l.run(ctx, func(ctx context.Context, c *crew) error {
		sl := &slowing{crew: c, rpc: RPC{Target: l.Target, Timing: l.Timing, Pairs: l.Pairs, Depth: l.Depth, Size: l.Size}}
		if sl.stream, err = newStream(ctx, c, l.Publishers, l.Subscribers, l.Size, l.Depth); err != nil {
			return err
		}
		if sl.callers, err = sl.rpc.staff(ctx, c); err != nil {
			return err
		}
		r, err = sl.measure(ctx)
		return err
	})
	return r, err
}

// slowing is the measurement under way.
type slowing struct {
	crew    *crew
	rpc     RPC
	stream  *stream
	callers []*caller
}

func (sl *slowing) measure(ctx context.Context) (*SlowReport, error) {
	before, err := sl.half(ctx)
	if err != nil {
		return nil, err
	}
	p, err := sl.stream.subscribe(ctx)
	if err != nil {
		return nil, err
	}
	victim := newVictim(p, sl.stream)
	during, err := sl.half(ctx)
	if err != nil {
		return nil, err
	}
	return &SlowReport{before, during, victim.catchUp(ctx)}, context.Cause(ctx)
}

// half runs all but the slow subscriber for a while.
func (sl *slowing) half(ctx context.Context) (Health, error) {
	w := sl.rpc.open()
	defer sl.crew.limit(w)()
	for _, c := range sl.callers {
		c.forget()
	}
	published := sl.stream.publish(ctx, w)
	called := sl.rpc.call(ctx, sl.crew, sl.callers, w)
	peak, err := sl.crew.peak(ctx, w)
	called()
	published()
	if err := cmp.Or(context.Cause(ctx), err); err != nil {
		return Health{}, err
	}
	calls := sl.rpc.report(sl.callers, usage{})
	events, lost := sl.stream.sum()
	perSec := float64(events.total) / sl.rpc.Duration.Seconds()
	return Health{perSec, lost, calls.CallsPerSec, calls.Errors, calls.Latency, peak}, nil
}

// peak waits until the window is over and returns the most memory that the router was seen to have.
func (c *crew) peak(ctx context.Context, w window) (most uint64, err error) {
	for now := w.begin; now.Before(w.until); now = time.Now() {
		next := now.Add(min(progressInterval/4, w.until.Sub(now)))
		if err := c.wait(ctx, "counting", now, next); err != nil {
			return 0, err
		}
		u, err := c.usage()
		if err != nil {
			return 0, err
		}
		most = max(most, u.rss)
	}
	return most, nil
}
