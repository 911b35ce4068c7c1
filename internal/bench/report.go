package bench

import (
	"fmt"
	"time"
)

// Cost is what the router's process used for one call, event or cycle. It is zero if no process was accounted for.
type Cost struct {
	CPU      time.Duration `json:"cpu_ns"`
	Syscalls float64       `json:"syscalls"`              // reads and writes
	Allocs   float64       `json:"allocations,omitempty"` // on the heap; only known of a router that this program started
	RSS      uint64        `json:"rss_bytes"`             // of the whole process, when counting ended
}

// per returns what one of n things cost.
func (u usage) per(n uint64) Cost {
	c := Cost{RSS: u.rss}
	if n > 0 {
		c.CPU = u.cpu / time.Duration(n)
		c.Syscalls = float64(u.syscalls) / float64(n)
		c.Allocs = float64(u.allocs) / float64(n)
	}
	return c
}

// Latency says how long calls took or events were under way.
type Latency struct {
	P50  time.Duration `json:"p50_ns"`
	P90  time.Duration `json:"p90_ns"`
	P99  time.Duration `json:"p99_ns"`
	P999 time.Duration `json:"p999_ns"`
	Max  time.Duration `json:"max_ns"`
}

func (h *histogram) latency() Latency {
	return Latency{h.quantile(0.5), h.quantile(0.9), h.quantile(0.99), h.quantile(0.999), h.max()}
}

// Row is a line of a report as a person reads it.
type Row struct{ Name, Value string }

func row(name, format string, args ...any) Row { return Row{name, fmt.Sprintf(format, args...)} }

func (l *Latency) row() Row {
	return row("latency", "p50 %s  p90 %s  p99 %s  p99.9 %s  max %s", l.P50, l.P90, l.P99, l.P999, l.Max)
}

// rows says what one thing, such as a call, cost.
func (c *Cost) rows(thing string) []Row {
	if c.RSS == 0 {
		return nil
	}
	rows := []Row{
		row("router CPU", "%.2f µs/%s", micros(c.CPU), thing),
		row("router system calls", "%.3f/%s (reads and writes)", c.Syscalls, thing),
	}
	if c.Allocs > 0 {
		rows = append(rows, row("router allocations", "%.3f/%s", c.Allocs, thing))
	}
	return append(rows, row("router RSS", "%.1f MiB", mib(c.RSS)))
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func mib(bytes uint64) float64 { return float64(bytes) / (1 << 20) }
