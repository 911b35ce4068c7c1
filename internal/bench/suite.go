package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Suite measures whole: it starts routers and relays of its own, runs all loads on them in turn for several rounds, and
// says which bars are met.
type Suite struct {
	Timing
	Command       []string // starts a child, to which "router" or "relay" is appended; the child calls Answer
	Realm         string   // that the router has
	Rounds        int
	Sessions      int       // that are opened and left idle
	Registrations int       // exact ones; of patterns there are a tenth
	Stderr        io.Writer // of the children

	// Progress is called now and then with what is going on and how much of the whole is done. It may be nil.
	Progress func(doing string, share float64)
}

// Validate returns what is wrong with the suite, before anything is measured.
func (s *Suite) Validate() error {
	return errors.Join(
		between("rounds", s.Rounds, 1, 100),
		between("sessions", s.Sessions, 1, maxSessions),
		between("registrations", s.Registrations, 100, maxRegistrations),
		s.Timing.validate())
}

// SuiteReport is the table with how it came about.
type SuiteReport struct {
	Go       string        `json:"go"`
	System   string        `json:"system"`
	CPUs     int           `json:"cpus"`
	Rounds   int           `json:"rounds"`
	Duration time.Duration `json:"duration_ns"` // of a trial
	Bars     []Bar         `json:"bars"`
}

// Run measures. It takes 28 trials of the duration for each round, and the time to prepare them.
func (s Suite) Run(ctx context.Context) (*SuiteReport, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	run := &suiteRun{Suite: &s, found: make(samples)}
	if err := run.all(ctx); err != nil {
		return nil, cmp.Or(context.Cause(ctx), err) // a canceled suite loses its children
	}
	r := &SuiteReport{
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(),
		Rounds: s.Rounds, Duration: s.Duration,
	}
	for _, g := range goals(&s) {
		r.Bars = append(r.Bars, g.bar(run.found))
	}
	return r, nil
}

// suiteRun is a suite at work.
type suiteRun struct {
	*Suite
	found samples
	done  int // trials
}

func (r *suiteRun) all(ctx context.Context) error {
	for _, part := range []func(context.Context) error{r.calls, r.events, r.registrations, r.idle} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// trial is one measurement, which is repeated every round.
type trial struct {
	name string
	run  func(context.Context) (measures, error)
}

// trialsPerRound is how many trials the parts of the suite have together, for the progress.
const trialsPerRound = 28

// alternate runs the trials one after the other, round by round.
func (r *suiteRun) alternate(ctx context.Context, trials []trial) error {
	for range r.Rounds {
		for _, t := range trials {
			r.say(t.name)
			m, err := t.run(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			r.found.add(t.name, m)
			r.done++
		}
	}
	return nil
}

func (r *suiteRun) say(doing string) {
	if r.Progress != nil {
		r.Progress(doing, min(1, float64(r.done)/float64(trialsPerRound*r.Rounds)))
	}
}

// with runs do with a child, and ends the child.
func (r *suiteRun) with(ctx context.Context, role string, do func(*child) error) error {
	c, err := startChild(ctx, append(r.Command[:len(r.Command):len(r.Command)], role), r.Stderr)
	if err != nil {
		return err
	}
	return errors.Join(do(c), c.stop())
}

// target returns how to measure the child.
func (r *suiteRun) target(c *child, url string, s wamp.Serializer) Target {
	return Target{URL: url, Realm: r.Realm, Serializer: s, RouterPID: c.pid(), asked: c, settle: min(r.Duration, settleTime)}
}
