package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Churn is a load of short sessions: connect, join, register a procedure, call it, leave, and again.
type Churn struct {
	Target
	Workers int // that do so at the same time
	Cycles  int // of all workers together; each takes a port from the system for a while
	Size    int // of the arguments, in bytes
}

// Validate returns what is wrong with the measurement, before anything is measured.
func (l *Churn) Validate() error {
	return errors.Join(
		between("workers", l.Workers, 1, 1000),
		between("cycles", l.Cycles, 1, maxSessions),
		between("size", l.Size, minSize, 1<<20),
		l.Target.validate())
}

// ChurnReport is what a churn measurement found. In JSON durations are numbers of nanoseconds.
type ChurnReport struct {
	Cycles       uint64        `json:"cycles"`
	Elapsed      time.Duration `json:"elapsed_ns"`
	CyclesPerSec float64       `json:"cycles_per_second"`
	Latency      Latency       `json:"latency"`         // of a whole cycle
	Router       Cost          `json:"router,omitzero"` // per cycle
}

// Rows returns the report for a person.
func (r *ChurnReport) Rows() []Row {
	return append([]Row{
		row("cycles", "%d in %s", r.Cycles, r.Elapsed.Round(time.Millisecond)),
		row("cycles/s", "%.0f", r.CyclesPerSec),
		r.Latency.row(),
	}, r.Router.rows("cycle")...)
}

// Run measures. One cycle of ten is done to warm up, and not counted.
func (l Churn) Run(ctx context.Context) (r *ChurnReport, err error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	arguments, err := arguments(l.Serializer, l.Size)
	if err != nil {
		return nil, err
	}
	err = l.run(ctx, func(ctx context.Context, c *crew) error {
		ch := &churning{crew: c, arguments: arguments}
		if err := ch.cycle(ctx, "warming up", l.Workers, max(l.Cycles/10, 1)); err != nil {
			return err
		}
		ch.latency = histogram{}
		r, err = ch.measure(ctx, &l)
		return err
	})
	return r, err
}

// churning is a churn measurement under way.
type churning struct {
	crew      *crew
	arguments wamp.Payload
	begun     atomic.Int64
	mu        sync.Mutex

	// guarded by mu

	latency histogram
}

func (ch *churning) measure(ctx context.Context, l *Churn) (*ChurnReport, error) {
	before, err := ch.crew.usage()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := ch.cycle(ctx, "counting", l.Workers, l.Cycles); err != nil {
		return nil, err
	}
	elapsed := time.Since(begin)
	after, err := ch.crew.usage()
	n := ch.latency.total
	return &ChurnReport{
		Cycles: n, Elapsed: elapsed, CyclesPerSec: float64(n) / elapsed.Seconds(),
		Latency: ch.latency.latency(), Router: after.since(before).per(n),
	}, err
}

// cycle does so many cycles.
func (ch *churning) cycle(ctx context.Context, doing string, workers, cycles int) error {
	ch.begun.Store(0)
	ch.crew.together(workers, func(worker int) error {
		for i := int(ch.begun.Add(1)); i <= cycles; i = int(ch.begun.Add(1)) {
			begin := time.Now()
			if err := ch.once(ctx, fmt.Sprintf("%sprocedure%d", ch.crew.prefix, worker)); err != nil {
				return fmt.Errorf("bench: cycle %d: %w", i, err)
			}
			ch.note(time.Since(begin))
			if i%100 == 0 {
				ch.crew.progress(doing, float64(i)/float64(cycles))
			}
		}
		return nil
	})()
	return context.Cause(ctx)
}

func (ch *churning) note(d time.Duration) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.latency.add(d)
}

// once is one cycle: the session calls its own procedure.
func (ch *churning) once(ctx context.Context, procedure string) error {
	p, err := ch.crew.dialAlone(ctx, ch.crew.Serializer)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.join(ctx, ch.crew.Realm); err != nil {
		return err
	}
	callee := callee{peer: p}
	if err := callee.register(ctx, procedure, wamp.RegisterOptions{}); err != nil {
		return err
	}
	if err := callee.callItself(ctx, procedure, ch.arguments); err != nil {
		return err
	}
	return p.leave(ctx)
}
