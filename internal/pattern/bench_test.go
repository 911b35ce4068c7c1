package pattern_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/internal/pattern"
)

var sizes = []int{1_000, 100_000, 1_000_000}

// workload gives, for the number of an entry, its pattern and a URI whose best
// match it is. Prefixes have up to six lengths, wildcards two shapes.
type workload struct {
	name    string
	kind    pattern.Kind
	pattern func(i int) string
	uri     func(i int) string
}

var workloads = []workload{
	{"exact", exact, numbered("com.shop.object%d.get"), numbered("com.shop.object%d.get")},
	{"prefix", prefix, numbered("com.shop.object%d."), numbered("com.shop.object%d.get")},
	{"wildcard", wildcard, alternating("com.shop.object%d..get", "com.shop..object%d.get"),
		alternating("com.shop.object%d.item.get", "com.shop.item.object%d.get")},
}

func numbered(format string) func(int) string {
	before, after, _ := strings.Cut(format, "%d")
	return func(i int) string { return before + strconv.Itoa(i) + after }
}

func alternating(even, odd string) func(int) string {
	formats := []func(int) string{numbered(even), numbered(odd)}
	return func(i int) string { return formats[i%2](i) }
}

// BenchmarkBest and BenchmarkAll look entries up one by one, BenchmarkRun as the dealer does.
func BenchmarkBest(b *testing.B) {
	overWorkloads(b, func(x *pattern.Index[*int], uris []string) bool { return allFound(x, uris) })
}

func BenchmarkAll(b *testing.B) {
	dst := make([]*int, 0, 4)
	overWorkloads(b, func(x *pattern.Index[*int], uris []string) bool {
		for _, uri := range uris {
			if len(x.All(dst, uri)) != 1 {
				return false
			}
		}
		return true
	})
}

func BenchmarkRun(b *testing.B) { overWorkloads(b, new(dealer).run) }

const (
	wholeRun      = 64      // CALLs: the most that the router routes at once
	warmingFrom   = 1 << 15 // entries: what a dealer with fewer registrations needs is in the caches anyway
	lookUpsInTurn = 1 << 15
)

// dealer looks up what one read brought, as package routing does: in a large index it warms first.
type dealer struct{ guesses []*int }

func (d *dealer) run(x *pattern.Index[*int], uris []string) bool {
	if x.Len(exact)+x.Len(prefix)+x.Len(wildcard) >= warmingFrom {
		d.guesses = x.Warm(d.guesses[:0], uris)
	}
	return allFound(x, uris)
}

func allFound(x *pattern.Index[*int], uris []string) bool {
	for _, uri := range uris {
		if _, _, found := x.Best(uri); !found {
			return false
		}
	}
	return true
}

func overWorkloads(b *testing.B, lookUp func(*pattern.Index[*int], []string) bool) {
	for _, w := range workloads {
		for _, size := range sizes {
			for _, t := range traffics {
				b.Run(fmt.Sprintf("%s/%s/%.0e", w.name, t.name, float64(size)), func(b *testing.B) {
					x, perEntry := filled(w.kind, size, w.pattern)
					uris := laidOut(t.order(size), w.uri)
					b.ReportAllocs()
					b.ResetTimer()
					for n := 0; n < b.N; n += wholeRun {
						at := n % len(uris)
						if !lookUp(x, uris[at:at+wholeRun]) {
							b.Fatal("not found")
						}
					}
					b.ReportMetric(perEntry, "B/entry")
				})
			}
		}
	}
}

// BenchmarkThousandAndMillion says how many times as long a look-up among a million entries takes as one among a thousand
// (PBR-13, PBS-11): one by one, and as the dealer does it with runs of 64 and of 8 CALLs. The sizes take turns, and what is
// compared are medians, so that a busy machine is busy for all of them.
func BenchmarkThousandAndMillion(b *testing.B) {
	for _, w := range workloads {
		for _, t := range traffics {
			b.Run(w.name+"/"+t.name, func(b *testing.B) {
				single := func(x *pattern.Index[*int], uris []string) bool { return allFound(x, uris) }
				thousand, million := newContestant(w, t, 1000), newContestant(w, t, 1_000_000)
				for b.Loop() {
					thousand.lookUp("single", wholeRun, single)
					thousand.lookUp("run64", 64, new(dealer).run)
					thousand.lookUp("run8", 8, new(dealer).run)
					million.lookUp("single", wholeRun, single)
					million.lookUp("run64", 64, new(dealer).run)
					million.lookUp("run8", 8, new(dealer).run)
				}
				for _, way := range []string{"single", "run64", "run8"} {
					b.ReportMetric(million.median(way)/thousand.median(way), "x-"+way)
				}
				b.ReportMetric(thousand.median("run64"), "ns-1e3-run64")
				b.ReportMetric(million.median("run64"), "ns-1e6-run64")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// contestant is an index, what is looked up in it, and how long that took each time.
type contestant struct {
	index *pattern.Index[*int]
	uris  []string
	next  int
	times map[string][]time.Duration
}

func newContestant(w workload, t traffic, size int) *contestant {
	x, _ := filled(w.kind, size, w.pattern)
	return &contestant{index: x, uris: laidOut(t.order(size), w.uri), times: map[string][]time.Duration{}}
}

// lookUp takes the next of the URIs, in runs.
func (c *contestant) lookUp(way string, run int, find func(*pattern.Index[*int], []string) bool) {
	part := c.uris[c.next : c.next+lookUpsInTurn]
	c.next = (c.next + lookUpsInTurn) % len(c.uris)
	start := time.Now()
	for uris := range slices.Chunk(part, run) {
		if !find(c.index, uris) {
			panic("not found")
		}
	}
	c.times[way] = append(c.times[way], time.Since(start))
}

// median returns how many nanoseconds a look-up took.
func (c *contestant) median(way string) float64 {
	slices.Sort(c.times[way])
	return float64(c.times[way][len(c.times[way])/2]) / lookUpsInTurn
}

// lookUps is how many look-ups there are before they repeat, whatever the size of the index: so what the URIs themselves
// cost is the same.
const lookUps = 1 << 20

// traffic is which entries are looked up, one after the other. In the traffic of real systems few procedures get most of
// the calls, so most look-ups find what they need in the processor's caches; when all entries are looked up equally often
// hardly any does, and at a million what is measured is main memory.
type traffic struct {
	name  string
	order func(size int) []int
}

var traffics = []traffic{
	{"skewed", func(size int) []int {
		r := rand.New(rand.NewPCG(1, 1))
		zipf := rand.NewZipf(r, 1.1, 1, uint64(size-1))
		names := r.Perm(size) // the entries that are called most are not those that were entered first
		return drawn(func() int { return names[zipf.Uint64()] })
	}},
	{"uniform", func(size int) []int {
		r := rand.New(rand.NewPCG(1, 1))
		return drawn(func() int { return r.IntN(size) })
	}},
}

func drawn(draw func() int) []int {
	order := make([]int, lookUps)
	for i := range order {
		order[i] = draw()
	}
	return order
}

// filled returns an index and the memory per entry that it takes, URIs included.
func filled(kind pattern.Kind, size int, uri func(int) string) (*pattern.Index[*int], float64) {
	before := heap()
	x := new(pattern.Index[*int])
	for i := range size {
		if err := x.Insert(kind, uri(i), nil); err != nil {
			panic(err)
		}
	}
	return x, (heap() - before) / float64(size)
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// laidOut lays the URIs out one after the other, as a reader's buffer does, so that what is measured is the index and not
// how the keys lie about.
func laidOut(order []int, uri func(int) string) []string {
	var text strings.Builder
	ends := make([]int, len(order))
	for at, i := range order {
		text.WriteString(uri(i))
		ends[at] = text.Len()
	}
	all := text.String()
	uris := make([]string, len(order))
	start := 0
	for i, end := range ends {
		uris[i], start = all[start:end], end
	}
	return uris
}

// BenchmarkWorst is what an enemy can prepare: prefixes of every length and all
// the shapes of a number of components, none of which matches.
func BenchmarkWorst(b *testing.B) {
	var x pattern.Index[*int]
	for n := range 1025 {
		if err := x.Insert(prefix, strings.Repeat("x", n)+"y", nil); err != nil {
			b.Fatal(err)
		}
	}
	for mask := range uint(pattern.MaxShapes) {
		if err := x.Insert(wildcard, maskedPattern(6, mask)+".none", nil); err != nil {
			b.Fatal(err)
		}
	}
	part := strings.Repeat("x", 145)
	long := strings.Join([]string{part, part, part, part, part, part, part}, ".")
	for name, uri := range map[string]string{"short": "com.shop.object.item.field.get.now", "1KiB": long} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, found := x.Best(uri); found {
					b.Fatal("found")
				}
			}
		})
	}
}
