package pattern_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/pattern"
)

// PBS-03, PBS-08: all that match, exact first, prefixes by length, wildcards with
// the best first, whatever the order of creation was.
func TestAll_PBS03_PBS08(t *testing.T) {
	subscriptions := []entry{
		{1, wildcard, "a.."},
		{2, prefix, "a.b.c"},
		{3, wildcard, "a.b.c"},
		{4, prefix, ""},
		{5, wildcard, ".."},
		{6, exact, "a.b.c"},
		{7, prefix, "a.b.c.d"},
		{8, wildcard, "a.x."},
		{9, prefix, "a.b"},
		{10, exact, "a.b"},
		{11, wildcard, ".b."},
	}
	x := indexOf(t, subscriptions)
	for uri, want := range map[string][]int{
		"a.b.c": {6, 4, 9, 2, 3, 1, 11, 5},
		"a.x.c": {4, 8, 1, 5},
		"a.b":   {10, 4, 9},
		"z":     {4},
	} {
		if diff := cmp.Diff(want, x.All(nil, uri)); diff != "" {
			t.Errorf("All(%q): -want +got\n%s", uri, diff)
		}
	}
}

func TestAll_AppendsToDst(t *testing.T) {
	x := indexOf(t, []entry{{1, wildcard, "a."}, {2, wildcard, ".b"}, {3, prefix, "a"}})
	got := x.All([]int{9, 8}, "a.b")
	if diff := cmp.Diff([]int{9, 8, 3, 1, 2}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestIndex_ZeroValueIsEmpty(t *testing.T) {
	var x pattern.Index[int]
	if v, k, found := x.Best("a.b"); v != 0 || k != exact || found {
		t.Errorf("Best = %v, %v, %v", v, k, found)
	}
	if got := x.All(nil, "a.b"); got != nil {
		t.Errorf("All = %v", got)
	}
	for _, k := range []pattern.Kind{exact, prefix, wildcard} {
		if _, found := x.Get(k, "a.b"); found || x.Delete(k, "a.b") || x.Len(k) != 0 {
			t.Errorf("kind %d: an entry in an empty index", k)
		}
	}
}

// PBR-09, PBS-05, PBS-10: the same URI under three policies is three entries.
func TestIndex_PBR09_KindsAreApart(t *testing.T) {
	kinds := []pattern.Kind{exact, prefix, wildcard}
	x := indexOf(t, []entry{{1, exact, "a."}, {2, prefix, "a."}, {3, wildcard, "a."}})
	for i, k := range kinds {
		if v, found := x.Get(k, "a."); v != i+1 || !found {
			t.Errorf("Get(%d) = %d, %v", k, v, found)
		}
		if _, found := x.Get(k, "a.b"); found {
			t.Errorf("Get(%d) matched a URI", k)
		}
	}
	for i, k := range kinds {
		if !x.Delete(k, "a.") || x.Delete(k, "a.") {
			t.Errorf("kind %d was not deleted exactly once", k)
		}
		for j, other := range kinds {
			if want := j > i; (x.Len(other) == 1) != want {
				t.Errorf("after deleting kind %d: Len(%d) = %d", k, other, x.Len(other))
			}
		}
	}
}

// Deleting an entry must not hide another of the same length or shape.
func TestIndex_DeleteRestores(t *testing.T) {
	x := indexOf(t, []entry{
		{1, prefix, "a."}, {2, prefix, "b."}, {3, wildcard, "a."}, {4, wildcard, "b."},
	})
	restore(t, x, []entry{{5, prefix, "a."}, {6, wildcard, "a."}})
	x.Delete(prefix, "a.")
	x.Delete(wildcard, "a.")
	for uri, want := range map[string][]int{"a.z": nil, "b.z": {2, 4}} {
		if diff := cmp.Diff(want, x.All(nil, uri)); diff != "" {
			t.Errorf("All(%q): -want +got\n%s", uri, diff)
		}
	}
}

func TestIndex_UnknownKind(t *testing.T) {
	x := indexOf(t, []entry{{1, exact, "a"}, {2, prefix, "a"}, {3, wildcard, "a"}})
	unknown := pattern.Kind(3)
	if err := x.Insert(unknown, "a", 1); !errors.Is(err, pattern.ErrUnknownKind) {
		t.Errorf("Insert: %v", err)
	}
	if _, found := x.Get(unknown, "a"); found || x.Delete(unknown, "a") || x.Len(unknown) != 0 {
		t.Error("an entry of an unknown kind")
	}
	if pattern.Matches(unknown, "a", "a") {
		t.Error("an unknown kind matches")
	}
}

// maskedPattern returns a wildcard of n components; those in mask are empty.
func maskedPattern(n int, mask uint) string {
	parts := make([]string, n)
	for i := range parts {
		if mask&(1<<i) == 0 {
			parts[i] = "c"
		}
	}
	return strings.Join(parts, ".")
}

func TestInsert_ShapesAreBounded(t *testing.T) {
	var x pattern.Index[int]
	for mask := range uint(pattern.MaxShapes) {
		if err := x.Insert(wildcard, maskedPattern(6, mask), int(mask)); err != nil {
			t.Fatalf("shape %d: %v", mask, err)
		}
	}
	oneMore := maskedPattern(6, pattern.MaxShapes)
	if err := x.Insert(wildcard, oneMore, 99); !errors.Is(err, pattern.ErrTooManyShapes) {
		t.Fatalf("one shape more: %v, want ErrTooManyShapes", err)
	}
	if _, found := x.Get(wildcard, oneMore); found || x.Len(wildcard) != pattern.MaxShapes {
		t.Error("the refused pattern left a trace")
	}
	for _, accepted := range []string{maskedPattern(6, 1), "x.c.c.c.c.c", maskedPattern(5, 0), ""} {
		if err := x.Insert(wildcard, accepted, 0); err != nil {
			t.Errorf("%q adds no shape to a full list: %v", accepted, err)
		}
	}
	x.Delete(wildcard, maskedPattern(6, 1))
	if err := x.Insert(wildcard, oneMore, 99); err != nil {
		t.Errorf("the only pattern of a shape has gone: %v", err)
	}
}

// One owner cannot use up the shapes for all: it may have as many as are free.
func TestInsertFor_OwnersShareShapes(t *testing.T) {
	var x pattern.Index[int]
	mask := uint(0)
	bring := func(owner uint64) (shapes int, err error) {
		for ; err == nil; shapes++ {
			if err = x.InsertFor(owner, wildcard, maskedPattern(8, mask), 0); err == nil {
				mask++
			}
		}
		return shapes - 1, err
	}
	for i, want := range []int{16, 8, 4, 2, 1} {
		if got, err := bring(uint64(i + 1)); got != want || !errors.Is(err, pattern.ErrShareUsed) {
			t.Fatalf("owner %d brings %d shapes and then %v, want %d and ErrShareUsed", i+1, got, err, want)
		}
	}
	if err := x.InsertFor(1, wildcard, "x"+maskedPattern(8, 16)[1:], 0); err != nil {
		t.Errorf("a shape that others have brought: %v", err)
	}
	if err := x.InsertFor(1, wildcard, maskedPattern(7, 1), 0); err != nil {
		t.Errorf("another number of components: %v", err)
	}
	if got, err := bring(6); got != 1 || !errors.Is(err, pattern.ErrTooManyShapes) {
		t.Errorf("the last owner brings %d and then %v, want 1 and ErrTooManyShapes", got, err)
	}
	x.Delete(wildcard, maskedPattern(8, 3))
	if err := x.InsertFor(7, wildcard, maskedPattern(8, mask), 0); err != nil {
		t.Errorf("a shape has gone: %v", err)
	}
}

func TestInsert_ComponentsAreBounded(t *testing.T) {
	var x pattern.Index[int]
	most := strings.Repeat("c.", pattern.MaxComponents-1)
	for _, k := range []pattern.Kind{exact, prefix} {
		if err := x.Insert(k, most+"c.c", 0); err != nil {
			t.Errorf("kind %d has no such bound: %v", k, err)
		}
	}
	if err := x.Insert(wildcard, most+"c.", 0); !errors.Is(err, pattern.ErrTooManyComponents) {
		t.Errorf("one too many: %v, want ErrTooManyComponents", err)
	}
	if err := x.Insert(wildcard, most[1:], 1); err != nil { // the first and the last are empty
		t.Fatalf("as many as can be: %v", err)
	}
	if v, k, found := x.Best(most + "z"); v != 1 || k != wildcard || !found {
		t.Errorf("Best = %v, %v, %v", v, k, found)
	}
	if _, _, found := x.Best(most + "z.z"); found {
		t.Error("a URI with more components matched a wildcard")
	}
}

// PBR-03: an empty component of a pattern matches no empty component of a URI.
func TestBest_PBR03_EmptyComponentOfURI(t *testing.T) {
	x := indexOf(t, []entry{{1, wildcard, ""}, {2, wildcard, "."}, {3, wildcard, "a.."}})
	for _, uri := range []string{"", ".", "a.", ".a", "a..", "a..b", "a.b."} {
		if v, _, found := x.Best(uri); found {
			t.Errorf("Best(%q) = %d", uri, v)
		}
	}
}

// Every call and publication looks up, so a look-up must not make garbage.
func TestLookups_DoNotAllocate(t *testing.T) {
	x := indexOf(t, []entry{
		{1, exact, "a.b.c"}, {2, prefix, "p."}, {3, prefix, "a.b.c"}, {4, wildcard, "..c"},
		{5, wildcard, "a.."}, {6, wildcard, ".b."}, {7, wildcard, "a.b."},
	})
	dst := make([]int, 0, 16)
	long := "p." + strings.Repeat("component.", 60) + "end"
	for _, uri := range []string{"a.b.c", "p.q", "a.x.c", "a.b.x", "nothing", "x.y.z", long} {
		best := testing.AllocsPerRun(100, func() { x.Best(uri) })
		all := testing.AllocsPerRun(100, func() { x.All(dst, uri) })
		if best != 0 || all != 0 {
			t.Errorf("%.10q: Best allocates %v times, All %v times", uri, best, all)
		}
	}
}

// PBR-12 at random: 200 patterns, inserted in ten orders among others that go.
func TestBest_PBR12_Random(t *testing.T) {
	random := rand.New(rand.NewPCG(12, 12))
	var set, passing []entry
	for i := range 200 {
		set = append(set, entry{i, pattern.Kind(random.IntN(3)), randomURI(random)})
		passing = append(passing, entry{-1, pattern.Kind(random.IntN(3)), randomURI(random) + ".gone"})
	}
	set = distinct(set)
	first := indexOf(t, set)
	for range 10 {
		x := indexOf(t, shuffled(random, passing))
		restore(t, x, shuffled(random, set))
		for _, e := range passing {
			x.Delete(e.kind, e.uri)
		}
		for range 500 {
			uri := randomURI(random)
			v1, k1, found1 := first.Best(uri)
			v2, k2, found2 := x.Best(uri)
			if v1 != v2 || k1 != k2 || found1 != found2 {
				t.Fatalf("Best(%q) = %d or %d", uri, v1, v2)
			}
		}
	}
}

func randomURI(random *rand.Rand) string {
	parts := make([]string, 1+random.IntN(4))
	for i := range parts {
		parts[i] = []string{"", "a", "b", "ab"}[random.IntN(4)]
	}
	return strings.Join(parts, ".")
}

func distinct(set []entry) (out []entry) {
	seen := make(map[string]bool)
	for _, e := range set {
		identity := fmt.Sprint(e.kind, e.uri)
		if !seen[identity] {
			out = append(out, e)
		}
		seen[identity] = true
	}
	return out
}

// An index that everybody has left does not keep what they needed.
func TestEmptyIndexGivesItsMemoryBack(t *testing.T) {
	for _, w := range workloads {
		x := new(pattern.Index[*int])
		before := heap()
		for i := range 20_000 {
			if err := x.Insert(w.kind, w.pattern(i), nil); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 20_000 {
			x.Delete(w.kind, w.pattern(i))
		}
		if kept := heap() - before; kept > 100_000 {
			t.Errorf("%s: %.0f bytes are kept", w.name, kept)
		}
		runtime.KeepAlive(x)
	}
}
