package pattern_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/pattern"
)

// An index agrees with a map while entries come and go, through every size at which its tables grow, are divided, shrink
// and become empty.
func TestIndex_AgreesWithMapAtEverySize(t *testing.T) {
	for _, k := range []pattern.Kind{exact, prefix, wildcard} {
		t.Run(fmt.Sprint("kind", k), func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(k), 5))
			c := comparison{x: pattern.New[int]([2]uint64{random.Uint64(), random.Uint64()}), all: map[string]int{}, kind: k}
			for _, chance := range []float64{0.9, 0.1, 0.5, 0.8, 0} {
				for range 12_000 {
					c.step(t, random, chance)
				}
				c.compare(t)
			}
			for uri := range c.all {
				c.remove(t, uri)
			}
			c.compare(t)
		})
	}
}

// comparison is an index with entries of one kind, and a map that holds the same.
type comparison struct {
	x    pattern.Index[int]
	all  map[string]int
	kind pattern.Kind
}

// step inserts an entry, new or known, or else removes one.
func (c *comparison) step(t *testing.T, random *rand.Rand, insert float64) {
	uri := "com.object" + strings.Repeat("x", random.IntN(30)) + fmt.Sprint(random.IntN(500))
	if random.Float64() >= insert {
		c.remove(t, uri)
		return
	}
	v := random.Int()
	if err := c.x.Insert(c.kind, uri, v); err != nil {
		t.Fatal(err)
	}
	c.all[uri] = v
}

func (c *comparison) remove(t *testing.T, uri string) {
	_, known := c.all[uri]
	if c.x.Delete(c.kind, uri) != known {
		t.Fatalf("Delete(%q) is not %v", uri, known)
	}
	delete(c.all, uri)
}

func (c *comparison) compare(t *testing.T) {
	if c.x.Len(c.kind) != len(c.all) {
		t.Fatalf("%d entries, want %d", c.x.Len(c.kind), len(c.all))
	}
	for uri, want := range c.all {
		if v, found := c.x.Get(c.kind, uri); v != want || !found {
			t.Fatalf("Get(%q) = %d, %v; want %d", uri, v, found, want)
		}
		if _, found := c.x.Get(c.kind, uri+"y"); found {
			t.Fatalf("Get(%q) found it", uri+"y")
		}
	}
}

// Warming changes no answer, and guesses right where there is nothing to choose.
func TestWarm_GuessesWhatBestFinds(t *testing.T) {
	for _, w := range workloads {
		x := new(pattern.Index[int])
		var uris []string
		var want []int
		for i := range 200 {
			if err := x.Insert(w.kind, w.pattern(i), i); err != nil {
				t.Fatal(err)
			}
			uris = append(uris, w.uri(i), fmt.Sprint("nobody.has", i))
			want = append(want, i)
		}
		guesses := x.Warm(nil, uris)
		seen := map[int]bool{}
		for _, v := range guesses {
			seen[v] = true
		}
		if len(guesses) != len(want) || len(seen) != len(want) {
			t.Errorf("%s: %d guesses, %d different, want %d", w.name, len(guesses), len(seen), len(want))
		}
		for i, v := range want {
			if got, _, found := x.Best(uris[2*i]); got != v || !found {
				t.Errorf("%s: Best(%q) = %d, %v", w.name, uris[2*i], got, found)
			}
		}
	}
}

func TestWarm_AppendsToDst(t *testing.T) {
	x := indexOf(t, []entry{{1, exact, "a"}})
	if diff := cmp.Diff([]int{7, 1}, x.Warm([]int{7}, []string{"b", "a"})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestWarm_DoesNotAllocate(t *testing.T) {
	x := indexOf(t, []entry{{1, exact, "a.b.c"}, {2, prefix, "p."}, {3, wildcard, "..c"}})
	uris := []string{"a.b.c", "p.q", "a.x.c", "nothing", "", "a..c"}
	dst := make([]int, 0, 16)
	if n := testing.AllocsPerRun(100, func() { x.Warm(dst, uris) }); n != 0 {
		t.Errorf("Warm allocates %v times", n)
	}
}
