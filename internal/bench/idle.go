package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// Idle measures the memory of sessions that do nothing.
type Idle struct {
	Target
	Sessions int
}

// maxSessions is bounded by the ports that connections from one address to another can have.
const maxSessions = 25_000

// Validate returns what is wrong with the measurement, before anything is measured.
func (l *Idle) Validate() error {
	return errors.Join(between("sessions", l.Sessions, 1, maxSessions), l.Target.validate(), l.needsPID())
}

func (t *Target) needsPID() error {
	if t.RouterPID == 0 {
		return errors.New("bench: memory is measured from outside; say which process the router is (--router-pid)")
	}
	return nil
}

// IdleReport is what an idle measurement found.
type IdleReport struct {
	Sessions      int     `json:"sessions"`
	RSSBefore     uint64  `json:"router_rss_before_bytes"`
	RSSAfter      uint64  `json:"router_rss_after_bytes"`
	RSSPerSession float64 `json:"router_rss_per_session_bytes"`
}

// Rows returns the report for a person.
func (r *IdleReport) Rows() []Row {
	return []Row{
		row("sessions", "%d", r.Sessions),
		row("router RSS", "%.1f MiB, %.1f MiB before", mib(r.RSSAfter), mib(r.RSSBefore)),
		row("router RSS per session", "%.2f KiB", r.RSSPerSession/(1<<10)),
	}
}

// Run measures. The memory is that which the operating system has given to the router's process, with whatever garbage
// is in it.
func (l Idle) Run(ctx context.Context) (r *IdleReport, err error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	err = l.run(ctx, func(ctx context.Context, c *crew) error {
		r = &IdleReport{Sessions: l.Sessions}
		if err := l.open(ctx, c, firstSessions); err != nil {
			return err
		}
		if r.RSSBefore, err = c.resident(ctx); err != nil {
			return err
		}
		if err := l.open(ctx, c, l.Sessions); err != nil {
			return err
		}
		r.RSSAfter, err = c.resident(ctx)
		r.RSSPerSession = (float64(r.RSSAfter) - float64(r.RSSBefore)) / float64(l.Sessions)
		return err
	})
	return r, err
}

// firstSessions are opened before the rest: they bring what a router needs once, such as its program, into memory.
const firstSessions = 100

func (l *Idle) open(ctx context.Context, c *crew, n int) error {
	for i := range n {
		if _, err := c.join(ctx, l.Serializer); err != nil {
			return fmt.Errorf("bench: opening session %d: %w", i+1, err)
		}
		if i%100 == 0 {
			c.progress("opening sessions", float64(i)/float64(n))
		}
	}
	return nil
}

// settleTime is how long memory is left to settle before it is read.
const settleTime = 500 * time.Millisecond

// resident returns the router's memory when it has come to rest. A router that can be asked to do so collects its
// garbage first.
func (c *crew) resident(ctx context.Context) (uint64, error) {
	now := time.Now()
	if err := c.wait(ctx, "letting memory settle", now, now.Add(cmp.Or(c.settle, settleTime))); err != nil {
		return 0, err
	}
	if c.asked != nil {
		if err := c.asked.collect(); err != nil {
			return 0, err
		}
	}
	u, err := c.usage()
	return u.rss, err
}
