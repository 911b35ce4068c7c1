package bench

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// A ratio is the median of the rounds' ratios, not the ratio of the medians: the machine is another one every round.
func TestBars(t *testing.T) {
	s := make(samples)
	for _, v := range []float64{100, 10, 50} {
		s.add("calls", measures{rate: 0.8 * v, cpu: 2, failed: 0})
		s.add("calls"+relay, measures{rate: v, cpu: 1})
		s.add("other", measures{rate: 2 * v})
	}
	for name, test := range map[string]struct {
		goal    goal
		ratio   float64 // 0: none
		must    string
		verdict string
	}{
		"reached":      {goal{what: "calls", metric: rate, against: relay, least: 0.75}, 0.8, "≥ 0.75", "yes"},
		"missed":       {goal{what: "calls", metric: cpu, against: relay, most: 1.4}, 2, "≤ 1.4", "NO"},
		"other":        {goal{what: "calls", metric: rate, against: "other", least: 0.4}, 0.4, "≥ 0.4", "yes"},
		"absolute":     {goal{what: "calls", metric: cpu, most: 2}, 0, "≤ 2", "yes"},
		"too much":     {goal{what: "calls", metric: cpu, most: 1.9}, 0, "≤ 1.9", "NO"},
		"none":         {goal{what: "calls", metric: failed, none: true}, 0, "0", "yes"},
		"some":         {goal{what: "calls", metric: cpu, none: true}, 0, "0", "NO"},
		"not measured": {goal{what: "nothing", metric: rate, against: relay, least: 0.75}, 0, "≥ 0.75", "NO"},
		"no bar":       {goal{what: "calls", metric: cpu}, 0, "", ""},
	} {
		b := test.goal.bar(s)
		if ratio := b.Ratio; ratio != nil && *ratio != test.ratio || ratio == nil && test.ratio != 0 {
			t.Errorf("%s: got %+v", name, b)
		}
		if b.Must != test.must || b.verdict() != test.verdict {
			t.Errorf("%s: got %+v, %s", name, b, b.verdict())
		}
	}
}

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{0: nil, 3: {3}, 2: {3, 1}, 5: {9, 1, 5}, 4: {8, 1, 5, 3}} {
		if got := median(values); got != want {
			t.Errorf("%v: %v", values, got)
		}
	}
}

func TestWriteTable(t *testing.T) {
	ratio := 0.8
	var out strings.Builder
	err := WriteTable(&out, []Bar{
		{What: "calls", Unit: "per second", Router: 80_000, Against: "relay", Reference: 100_000, Ratio: &ratio, Must: "≥ 0.75", Met: true},
		{What: "calls", Unit: "CPU µs", Router: 12.34, Must: "≤ 3"},
	})
	const want = `what               router  against          ratio  must    met
calls, per second  80000   relay    100000  0.80   ≥ 0.75  yes
calls, CPU µs      12.3                            ≤ 3     NO
`
	if err != nil || out.String() != want {
		t.Errorf("%v, got\n%s", err, out.String())
	}
}

// The whole suite runs with children of its own, in rounds, and every bar is found in what was measured.
func TestSuite(t *testing.T) {
	needProc(t)
	last := 0.0
	s := Suite{
		Timing: Timing{Duration: 30 * time.Millisecond}, Command: []string{os.Args[0], "child"}, Realm: "realm1",
		Rounds: 2, Sessions: 5, Registrations: 10_000, Stderr: os.Stderr,
		Progress: func(_ string, share float64) {
			if share < last || share > 1 {
				t.Errorf("%v of the whole was done, and then %v", last, share)
			}
			last = share
		},
	}
	run := &suiteRun{Suite: &s, found: make(samples)}
	if err := run.all(t.Context()); err != nil {
		t.Fatal(err)
	}
	if run.done != trialsPerRound*s.Rounds {
		t.Errorf("%d trials in %d rounds", run.done, s.Rounds)
	}
	for _, g := range goals(&s) {
		for _, m := range [][]measures{run.found[g.what], run.found[g.reference()]} {
			if len(m) != s.Rounds && g.reference() != "" {
				t.Errorf("%s: %d rounds", g.what, len(m))
			}
		}
		if _, ok := run.found[g.what][0][g.metric]; !ok {
			t.Errorf("%s: no %s", g.what, g.metric)
		}
	}
}

func TestSuiteEndsWithItsChildren(t *testing.T) {
	needProc(t)
	s := Suite{Timing: briefly, Command: []string{os.Args[0], "child"}, Realm: "nowhere", Rounds: 1, Sessions: 1, Registrations: 100}
	if _, err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), calls416+": ") {
		t.Errorf("got %v", err)
	}
	s.Command = []string{os.Args[0], "-test.run", "^$"}
	if _, err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "a child does not say where it listens") {
		t.Errorf("got %v", err)
	}
	s.Command, s.Realm = []string{os.Args[0], "child"}, "realm1"
	s.Duration = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	s.Progress = func(string, float64) { cancel() }
	if _, err := s.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A child answers until nobody asks any more.
func TestChild(t *testing.T) {
	c := startRouterProcess(t)
	if !strings.HasPrefix(c.RawSocket, "tcp://127.0.0.1:") || !strings.HasPrefix(c.WebSocket, "ws://127.0.0.1:") {
		t.Errorf("got %+v", c.Addresses)
	}
	first, err1 := c.allocs()
	err2 := c.collect()
	second, err3 := c.allocs()
	if err := errors.Join(err1, err2, err3); err != nil || first == 0 || second < first {
		t.Errorf("%d, then %d allocations, %v", first, second, err)
	}
}
