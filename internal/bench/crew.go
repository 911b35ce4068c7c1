package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// crew is the peers of one measurement, and what runs them.
type crew struct {
	// immutable after run

	*Target
	prefix string                  // of the URIs of this measurement
	fail   context.CancelCauseFunc // ends the measurement

	wg sync.WaitGroup // of what runs in the background
	mu sync.Mutex

	// guarded by mu

	peers []*peer
}

var (
	errSilent  = errors.New("the router does not answer")
	errOverdue = errors.New("calls were not answered in time after the end")
)

// run gathers a crew for the time that a measurement takes. Whoever of it fails ends the measurement, as ctx does.
func (t *Target) run(ctx context.Context, measure func(context.Context, *crew) error) error {
	if t.patience == 0 {
		t.patience = answerTimeout
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	// No two measurements share a name: the router may still be busy with the end of the one before.
	c := &crew{Target: t, prefix: fmt.Sprintf("com.bench.run%d.", rand.Uint32()), fail: fail}
	defer c.close()
	defer context.AfterFunc(ctx, c.hangUp)()
	if _, err := c.usage(); err != nil {
		return err
	}
	err := measure(ctx, c)
	if ctx.Err() != nil {
		return context.Cause(ctx) // which is why measure failed, if it did
	}
	return err
}

// join opens a session.
func (c *crew) join(ctx context.Context, s wamp.Serializer) (*peer, error) {
	p, err := c.dial(ctx, s)
	if err != nil {
		return nil, err
	}
	return p, p.join(ctx, c.Realm)
}

// dial opens a connection that is closed at the end of the measurement.
func (c *crew) dial(ctx context.Context, s wamp.Serializer) (*peer, error) {
	p, err := c.dialAlone(ctx, s)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peers = append(c.peers, p)
	return p, nil
}

// dialAlone opens a connection that its owner closes.
func (c *crew) dialAlone(ctx context.Context, s wamp.Serializer) (*peer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, errSilent)
	defer cancel()
	conn, err := dialURL(ctx, c.URL, s)
	if err != nil {
		return nil, err
	}
	return &peer{conn: conn, queue: transport.NewQueue(conn, queueLimit, &c.wg), patience: c.patience}, nil
}

// background runs do until the crew is sent home. It does not end before that unless something is wrong.
func (c *crew) background(who string, do func() error) {
	c.wg.Go(func() { c.fail(fmt.Errorf("bench: %s: %w", who, do())) })
}

// together runs do for every number below n at the same time, and returns how to wait for all of them.
func (c *crew) together(n int, do func(int) error) (wait func()) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := do(i); err != nil {
				c.fail(err)
			}
		})
	}
	return all.Wait
}

// limit ends the measurement if the last answers do not come back in time after the end of the window, unless stop is
// called before.
func (c *crew) limit(w window) (stop func() bool) {
	return time.AfterFunc(time.Until(w.until.Add(c.patience)), func() { c.fail(errOverdue) }).Stop
}

// account waits for the window's end and returns what the router used in it.
func (c *crew) account(ctx context.Context, w window) (used usage, err error) {
	before, err := c.usageAt(ctx, "warming up", w.begin, w.from)
	if err != nil {
		return usage{}, err
	}
	after, err := c.usageAt(ctx, "counting", w.from, w.until)
	return after.since(before), err
}

// usageAt waits until the time and reads what the router has used.
func (c *crew) usageAt(ctx context.Context, doing string, from, until time.Time) (usage, error) {
	if err := c.wait(ctx, doing, from, until); err != nil {
		return usage{}, err
	}
	return c.usage()
}

// progressInterval is how often waiting says how far it is.
const progressInterval = 200 * time.Millisecond

func (c *crew) wait(ctx context.Context, doing string, from, until time.Time) error {
	for now := time.Now(); now.Before(until); now = time.Now() {
		c.progress(doing, float64(now.Sub(from))/float64(until.Sub(from)))
		timer := time.NewTimer(min(until.Sub(now), progressInterval))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
	return nil
}

func (c *crew) progress(doing string, share float64) {
	if c.Progress != nil {
		c.Progress(doing, min(max(share, 0), 1))
	}
}

// usage returns what the router has used up to now.
func (c *crew) usage() (usage, error) {
	if c.RouterPID == 0 {
		return usage{}, nil
	}
	u, err := usageOf(c.RouterPID)
	if err == nil && c.asked != nil {
		u.allocs, err = c.asked.allocs()
	}
	return u, err
}

// hangUp closes all connections; whoever waits for one of them stops waiting.
func (c *crew) hangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.peers {
		p.close()
	}
}

func (c *crew) close() {
	c.hangUp()
	c.wg.Wait()
}
