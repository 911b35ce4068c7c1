package bench

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Fanout is a load of events: publishers keep publications under way to one topic, which all subscribers receive.
type Fanout struct {
	Target
	Timing
	Publishers  int
	Subscribers int
	Depth       int // publications of each publisher that may be under way to some subscribers
	Size        int // of the arguments, in bytes
}

// Validate returns what is wrong with the measurement, before anything is measured.
func (l *Fanout) Validate() error {
	return errors.Join(
		between("publishers", l.Publishers, 1, maxPeers),
		between("subscribers", l.Subscribers, 1, maxPeers),
		between("depth", l.Depth, 1, maxInFlight/(max(l.Publishers, 1)*max(l.Subscribers, 1))),
		between("size", l.Size, minEventSize, maxSize),
		l.Timing.validate(), l.Target.validate())
}

// FanoutReport is what a fan-out measurement found. In JSON durations are numbers of nanoseconds.
type FanoutReport struct {
	Events       uint64        `json:"events"` // received while counting, by all subscribers together
	Lost         uint64        `json:"lost"`   // not received although published
	Elapsed      time.Duration `json:"elapsed_ns"`
	EventsPerSec float64       `json:"events_per_second"`
	Latency      Latency       `json:"latency"`         // from PUBLISH to EVENT
	Router       Cost          `json:"router,omitzero"` // per event
}

// Rows returns the report for a person.
func (r *FanoutReport) Rows() []Row {
	return append([]Row{
		row("events", "%d in %s, %d lost", r.Events, r.Elapsed, r.Lost),
		row("events/s", "%.0f", r.EventsPerSec),
		r.Latency.row(),
	}, r.Router.rows("event")...)
}

// Run measures.
func (l Fanout) Run(ctx context.Context) (r *FanoutReport, err error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	err = l.run(ctx, func(ctx context.Context, c *crew) error {
		s, err := newStream(ctx, c, l.Publishers, l.Subscribers, l.Size, l.Depth)
		if err != nil {
			return err
		}
		w := l.open()
		wait := s.publish(ctx, w)
		used, err := c.account(ctx, w)
		wait()
		if err := cmp.Or(context.Cause(ctx), err); err != nil {
			return err
		}
		r = l.report(s, used)
		return nil
	})
	return r, err
}

func (l *Fanout) report(s *stream, used usage) *FanoutReport {
	latency, lost := s.sum()
	r := &FanoutReport{Events: latency.total, Lost: lost, Elapsed: l.Duration, Latency: latency.latency()}
	r.EventsPerSec = float64(r.Events) / r.Elapsed.Seconds()
	r.Router = used.per(r.Events)
	return r
}
