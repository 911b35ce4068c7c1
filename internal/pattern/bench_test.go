package pattern_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/internal/pattern"
)

var sizes = []int{1_000, 100_000, 1_000_000}

// workloads give, for the number of an entry, its pattern and a URI whose best
// match it is. Prefixes have some ten lengths, wildcards two shapes.
var workloads = []struct {
	name    string
	kind    pattern.Kind
	pattern func(i int) string
	uri     func(i int) string
}{
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

// BenchmarkBest and BenchmarkAll look entries up in random order. PBR-13, PBS-11:
// a million entries may cost at most a few times what a thousand do.
func BenchmarkBest(b *testing.B) {
	overWorkloads(b, func(x *pattern.Index[*int], uri string) bool {
		_, _, found := x.Best(uri)
		return found
	})
}

func BenchmarkAll(b *testing.B) {
	dst := make([]*int, 0, 4)
	overWorkloads(b, func(x *pattern.Index[*int], uri string) bool {
		return len(x.All(dst, uri)) == 1
	})
}

func overWorkloads(b *testing.B, lookUp func(*pattern.Index[*int], string) bool) {
	for _, w := range workloads {
		for _, size := range sizes {
			for _, t := range traffics {
				b.Run(fmt.Sprintf("%s/%s/%.0e", w.name, t.name, float64(size)), func(b *testing.B) {
					x, perEntry := filled(w.kind, size, w.pattern)
					uris := laidOut(t.order(size), w.uri)
					b.ReportAllocs()
					for i := 0; b.Loop(); i++ {
						if !lookUp(x, uris[i%len(uris)]) {
							b.Fatal("not found")
						}
					}
					b.ReportMetric(perEntry, "B/entry")
				})
			}
		}
	}
}

// traffics are which entries are looked up, one after the other. In the traffic of real systems few procedures get most
// of the calls, so most look-ups find what they need in the processor's caches; when all entries are looked up equally
// often hardly any does, and at a million what is measured is main memory.
var traffics = []struct {
	name  string
	order func(size int) []int
}{
	{"skewed", func(size int) []int {
		r := rand.New(rand.NewPCG(1, 1))
		zipf := rand.NewZipf(r, 1.1, 1, uint64(size-1))
		names := r.Perm(size) // the entries that are called most are not those that were entered first
		order := make([]int, 1<<20)
		for i := range order {
			order[i] = names[zipf.Uint64()]
		}
		return order
	}},
	{"uniform", func(size int) []int { return rand.New(rand.NewPCG(1, 1)).Perm(size) }},
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
