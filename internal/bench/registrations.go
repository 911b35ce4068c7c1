package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/tandemrouter/tandem/wamp"
)

// Registrations measures calls that are spread over many registrations against calls spread over few.
type Registrations struct {
	Target
	Timing
	Match   wamp.MatchPolicy
	Few     int
	Many    int
	Skewed  bool // a few are called most of the time (Zipf); else all equally often
	Callees int
	Callers int
	Depth   int // calls under way for each caller
	Size    int // of the arguments, in bytes
}

const (
	maxRegistrations = 2_000_000
	batch            = 1_000 // REGISTER messages that are sent before an answer is awaited
)

// Validate returns what is wrong with the measurement, before anything is measured.
func (l *Registrations) Validate() error {
	return errors.Join(
		between("registrations", l.Many, 1, maxRegistrations),
		between("the small number", l.Few, 1, max(l.Many, 1)),
		between("callees", l.Callees, 1, maxPeers),
		between("callers", l.Callers, 1, maxPeers),
		between("depth", l.Depth, 1, maxInFlight/max(l.Callers, 1)),
		between("size", l.Size, minSize, maxSize),
		l.Timing.validate(), l.Target.validate())
}

// RegistrationsReport is what was found with few and with many registrations.
type RegistrationsReport struct {
	Few                Spread  `json:"few"`
	Many               Spread  `json:"many"`
	Ratio              float64 `json:"calls_per_second_ratio"`                      // many to few
	URIBytes           float64 `json:"uri_bytes"`                                   // of one registration
	RSSPerRegistration float64 `json:"router_rss_per_registration_bytes,omitempty"` // beyond its URI
}

// Spread is what was found with one number of registrations.
type Spread struct {
	Registrations int     `json:"registrations"`
	Calls         uint64  `json:"calls"`
	CallsPerSec   float64 `json:"calls_per_second"`
	Latency       Latency `json:"latency"`
	Router        Cost    `json:"router,omitzero"` // per call
}

// Rows returns the report for a person.
func (r *RegistrationsReport) Rows() []Row {
	rows := append(r.Few.rows(), r.Many.rows()...)
	rows = append(rows, row("ratio of calls/s", "%.1f %%", 100*r.Ratio))
	if r.RSSPerRegistration != 0 {
		rows = append(rows, row("router RSS per registration", "%.0f bytes and its URI of %.0f", r.RSSPerRegistration, r.URIBytes))
	}
	return rows
}

func (s *Spread) rows() []Row {
	return append([]Row{
		row("registrations", "%d", s.Registrations),
		row("calls/s", "%.0f", s.CallsPerSec),
		s.Latency.row(),
	}, s.Router.rows("call")...)
}

// Run registers the few, measures, registers the rest, and measures again.
func (l Registrations) Run(ctx context.Context) (r *RegistrationsReport, err error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	err = l.run(ctx, func(ctx context.Context, c *crew) error {
		r, err = l.compare(ctx, &directory{crew: c, match: l.Match, callees: l.Callees})
		return err
	})
	return r, err
}

func (l *Registrations) compare(ctx context.Context, d *directory) (*RegistrationsReport, error) {
	r := &RegistrationsReport{}
	if err := d.grow(ctx, l.Few); err != nil {
		return nil, err
	}
	var err error
	if r.Few, err = l.measure(ctx, d); err != nil {
		return nil, err
	}
	if r.RSSPerRegistration, err = d.growAndWeigh(ctx, l.Many); err != nil {
		return nil, err
	}
	if r.Many, err = l.measure(ctx, d); err != nil {
		return nil, err
	}
	r.Ratio = r.Many.CallsPerSec / r.Few.CallsPerSec
	r.URIBytes = float64(len(d.pattern(0)))
	return r, nil
}

// hold registers so many for as long as do runs. It also finds out how much memory each takes beyond its URI.
func (l *Registrations) hold(ctx context.Context, n int, do func(context.Context, *directory, float64) error) error {
	return l.run(ctx, func(ctx context.Context, c *crew) error {
		d := &directory{crew: c, match: l.Match, callees: l.Callees}
		bytes, err := d.growAndWeigh(ctx, n)
		if err != nil {
			return err
		}
		return do(ctx, d, bytes)
	})
}

// measure calls what is registered now.
func (l *Registrations) measure(ctx context.Context, d *directory) (Spread, error) {
	rpc := RPC{Target: l.Target, Timing: l.Timing, Pairs: l.Callers, Depth: l.Depth, Size: l.Size}
	callers, err := d.callers(ctx, &rpc, l.Skewed)
	if err != nil {
		return Spread{}, err
	}
	r, err := rpc.measure(ctx, d.crew, callers)
	if err != nil {
		return Spread{}, err
	}
	for _, c := range callers {
		c.close()
	}
	if r.Errors > 0 {
		return Spread{}, fmt.Errorf("bench: %d of %d calls ended with an error", r.Errors, r.Calls)
	}
	return Spread{d.size, r.Calls, r.CallsPerSec, r.Latency, r.Router}, nil
}

// directory is registrations, and the callees that they lead to.
type directory struct {
	crew    *crew
	match   wamp.MatchPolicy
	callees int // that share what is registered at a time
	size    int
}

// grow registers until there are so many.
func (d *directory) grow(ctx context.Context, size int) error {
	share := (size - d.size + d.callees - 1) / d.callees
	for d.size < size {
		p, err := d.crew.join(ctx, d.crew.Serializer)
		if err != nil {
			return fmt.Errorf("bench: connecting a callee: %w", err)
		}
		callee := &callee{peer: p}
		if err := d.fill(ctx, callee, min(size-d.size, share), size); err != nil {
			return fmt.Errorf("bench: registering %s: %w", d.pattern(d.size), err)
		}
		d.crew.background("a callee", callee.serve)
	}
	return nil
}

// growAndWeigh is grow, and returns by how much the router's memory has grown for each registration beyond its URI.
func (d *directory) growAndWeigh(ctx context.Context, size int) (bytes float64, err error) {
	added := size - d.size
	if d.crew.RouterPID == 0 || added == 0 {
		return 0, d.grow(ctx, size)
	}
	before, err := d.crew.resident(ctx)
	if err != nil {
		return 0, err
	}
	if err := d.grow(ctx, size); err != nil {
		return 0, err
	}
	after, err := d.crew.resident(ctx)
	return (float64(after)-float64(before))/float64(added) - float64(len(d.pattern(0))), err
}

// fill makes so many registrations with one callee, many with one write.
func (d *directory) fill(ctx context.Context, c *callee, n, of int) error {
	for n > 0 {
		count := min(n, batch)
		if err := d.registerBatch(ctx, c, count); err != nil {
			return err
		}
		n -= count
		d.crew.progress("registering", float64(d.size)/float64(of))
	}
	return nil
}

func (d *directory) registerBatch(ctx context.Context, c *callee, count int) error {
	c.queue.Lock()
	for i := range count {
		m := wamp.Register{Request: c.nextRequest(), Procedure: d.pattern(d.size + i), Options: wamp.RegisterOptions{Match: d.match}}
		if err := c.queue.AppendLocked(&m); err != nil {
			c.queue.Unlock()
			return err
		}
	}
	c.queue.Unlock()
	c.queue.Flush()
	for registered := 0; registered < count; {
		if err := cmp.Or(context.Cause(ctx), c.receive()); err != nil {
			return err
		}
		for _, m := range c.received.Messages {
			if _, ok := m.(*wamp.Registered); !ok {
				return unexpected(m)
			}
			registered++
			d.size++
		}
	}
	return nil
}

// pattern returns the URI of the i-th registration. All have the same length. Wildcards stand in different places.
func (d *directory) pattern(i int) string {
	switch d.match {
	case wamp.MatchPrefix:
		return d.item(i, "")
	case wamp.MatchWildcard:
		return d.item(i, []string{"..box.open", ".shelf..open", ".shelf.box."}[i%3])
	default:
		return d.item(i, ".open")
	}
}

// procedure returns a URI that leads to the i-th registration and to no other.
func (d *directory) procedure(i int) string {
	if d.match == wamp.MatchWildcard {
		return d.item(i, ".shelf.box.open")
	}
	return d.item(i, ".open")
}

// item returns the URI of the i-th item with something behind it. It is on the way of every call.
func (d *directory) item(i int, rest string) string {
	uri := make([]byte, 0, 64)
	uri = append(append(uri, d.crew.prefix...), "item"...)
	uri = strconv.AppendInt(uri, int64(maxRegistrations+i), 10) // as many digits for all
	return string(append(uri, rest...))
}

// callers connects callers that spread their calls over all that is registered.
func (d *directory) callers(ctx context.Context, rpc *RPC, skewed bool) (callers []*caller, err error) {
	arguments, err := arguments(rpc.Serializer, rpc.Size)
	if err != nil {
		return nil, err
	}
	for i := range rpc.Pairs {
		p, err := d.crew.join(ctx, rpc.Serializer)
		if err != nil {
			return nil, fmt.Errorf("bench: connecting a caller: %w", err)
		}
		c := newCaller(p, "", arguments, rpc.Depth)
		c.next = d.choice(uint64(i), skewed)
		callers = append(callers, c)
	}
	return callers, nil
}

// choice returns a function that says what to call next. It draws the same lots in every measurement.
func (d *directory) choice(seed uint64, skewed bool) func() string {
	lots := rand.New(rand.NewPCG(seed, 0))
	if !skewed {
		return func() string { return d.procedure(lots.IntN(d.size)) }
	}
	const exponent = 1.1
	zipf := rand.NewZipf(lots, exponent, 1, uint64(d.size-1))
	return func() string { return d.procedure(int(zipf.Uint64())) }
}
