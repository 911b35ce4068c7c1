package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// pacer sends calls at the times at which they are due, for several callers in turn.
type pacer struct {
	callers  []*caller
	interval time.Duration // from one call to the next
}

// shortestNap is how long a pacer sleeps at least: calls that are due within it go out together.
const shortestNap = 50 * time.Microsecond

// run sends calls until the window is over and waits until all have been answered. Meanwhile it has a thread to
// itself: that can sleep for less than the millisecond that is the least a timer of Go takes on Linux.
func (p *pacer) run(ctx context.Context, w window) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for due, n := w.begin, 0; due.Before(w.until) && ctx.Err() == nil; due = w.begin.Add(time.Duration(n) * p.interval) {
		nap(max(time.Until(due), shortestNap))
		sent, err := p.sendDue(w, n, time.Now())
		if err != nil {
			return fmt.Errorf("bench: calling at a fixed rate: %w", err)
		}
		n += sent
	}
	return p.settle(ctx)
}

// sendDue sends the calls from the n-th on that are due now, up to one whose caller has too many under way: it is sent
// later, and its latency counts from now all the same.
func (p *pacer) sendDue(w window, n int, now time.Time) (sent int, err error) {
	if now.After(w.until) {
		now = w.until
	}
	last := int(now.Sub(w.begin) / p.interval)
	for ; n+sent <= last; sent++ {
		caller := p.callers[(n+sent)%len(p.callers)]
		ok, failed := caller.put(w.begin.Add(time.Duration(n+sent) * p.interval))
		if err = failed; !ok || err != nil {
			break
		}
	}
	for i := range min(sent, len(p.callers)) {
		p.callers[(n+i)%len(p.callers)].queue.Flush()
	}
	return sent, err
}

// settle waits until all calls have been answered.
func (p *pacer) settle(ctx context.Context) error {
	for _, caller := range p.callers {
		caller.end()
		select {
		case <-caller.settled:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
