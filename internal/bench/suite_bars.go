package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Bar is one line of the table: what was measured, what it is compared with, and what Tandem must reach.
type Bar struct {
	What      string   `json:"what"`
	Unit      string   `json:"unit"`
	Router    float64  `json:"router"`              // median of the rounds
	Against   string   `json:"against,omitempty"`   // what the reference is; empty: there is none
	Reference float64  `json:"reference,omitempty"` // median of the rounds
	Ratio     *float64 `json:"ratio,omitempty"`     // median of the rounds' ratios
	Must      string   `json:"must"`                // of the ratio if there is one, else of the router; empty: nothing
	Met       bool     `json:"met"`
}

// measures are what one trial found, by metric.
type measures map[string]float64

// The metrics of trials. All are per call, event or cycle where that makes sense.
const (
	rate     = "per second"
	cpu      = "CPU µs"
	syscalls = "system calls"
	allocs   = "allocations"
	p99      = "p99 µs"
	memory   = "bytes"
	memKiB   = "KiB"
	memMiB   = "MiB"
	silent   = "lost silently"
	failed   = "errors"
)

// samples are what all trials have found so far, by trial, round by round.
type samples map[string][]measures

func (s samples) add(trial string, m measures) { s[trial] = append(s[trial], m) }

// goal is a bar before anything is measured.
type goal struct {
	what    string // the trial
	metric  string
	against string  // the trial to compare with, or how the name of that goes on; empty: none
	least   float64 // 0: no such bound
	most    float64 // 0: no such bound
	none    bool    // nothing but 0 will do
}

func (g *goal) bar(s samples) Bar {
	measured := s.values(g.what, g.metric)
	b := Bar{What: g.what, Unit: g.metric, Router: median(measured), Must: g.must()}
	judged := b.Router
	if g.against != "" {
		reference := s.values(g.reference(), g.metric)
		b.Against, b.Reference = strings.TrimPrefix(g.against, ", "), median(reference)
		judged = median(ratios(measured, reference))
		b.Ratio = &judged
	}
	b.Met = g.holds(judged)
	return b
}

// reference returns the name of the trial to compare with.
func (g *goal) reference() string {
	if strings.HasPrefix(g.against, ",") {
		return g.what + g.against
	}
	return g.against
}

func (g *goal) must() string {
	switch {
	case g.least > 0:
		return fmt.Sprintf("≥ %g", g.least)
	case g.most > 0:
		return fmt.Sprintf("≤ %g", g.most)
	case g.none:
		return "0"
	default:
		return ""
	}
}

func (g *goal) holds(value float64) bool {
	return (g.least == 0 || value >= g.least) && (g.most == 0 || value <= g.most) && (!g.none || value == 0)
}

func (s samples) values(trial, metric string) []float64 {
	var values []float64
	for _, m := range s[trial] {
		values = append(values, m[metric])
	}
	return values
}

// ratios returns the ratio of each round, whose two trials followed one another.
func ratios(a, b []float64) []float64 {
	r := make([]float64, min(len(a), len(b)))
	for i := range r {
		if b[i] != 0 {
			r[i] = a[i] / b[i]
		}
	}
	return r
}

// median returns the middle value, or the mean of the two in the middle.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// WriteTable writes the bars as a person reads them.
func WriteTable(out io.Writer, bars []Bar) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\trouter\tagainst\t\tratio\tmust\tmet")
	for _, b := range bars {
		reference, ratio := "", ""
		if b.Ratio != nil {
			reference, ratio = number(b.Reference), fmt.Sprintf("%.2f", *b.Ratio)
		}
		fmt.Fprintf(w, "%s, %s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			b.What, b.Unit, number(b.Router), b.Against, reference, ratio, b.Must, b.verdict())
	}
	return w.Flush()
}

func (b *Bar) verdict() string {
	switch {
	case b.Must == "":
		return ""
	case b.Met:
		return "yes"
	default:
		return "NO"
	}
}

// number writes a number with about four digits.
func number(v float64) string {
	switch size := max(v, -v); {
	case size >= 1000 || size == 0:
		return fmt.Sprintf("%.0f", v)
	case size >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.3f", v)
	}
}
