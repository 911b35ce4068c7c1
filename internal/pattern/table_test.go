package pattern_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/internal/pattern"
)

const (
	exact    = pattern.Exact
	prefix   = pattern.Prefix
	wildcard = pattern.Wildcard
)

// entry is a pattern and, as its value in an index, its number in a set of
// requirements 5.2.
type entry struct {
	number int
	kind   pattern.Kind
	uri    string
}

var sets = map[string][]entry{
	"A": {
		{1, exact, "a1.b2.c3.d4.e55"},
		{2, prefix, "a1.b2.c3"},
		{3, prefix, "a1.b2.c3.d4"},
		{4, wildcard, "a1.b2..d4.e5"},
		{5, wildcard, "a1.b2.c33..e5"},
		{6, wildcard, "a1.b2..d4.e5..g7"},
		{7, wildcard, "a1.b2..d4..f6.g7"},
	},
	"B": {{1, prefix, "com.myapp.myobject1"}},
	"C": {{1, wildcard, "com.myapp..myprocedure1"}},
	"D": {
		{1, exact, "com.myapp.manage.47837483.create"},
		{2, prefix, "com.myapp"},
		{3, prefix, "com.myapp.manage"},
		{4, wildcard, "com.myapp.manage..."},
		{5, wildcard, "com.myapp...create"},
	},
	"E": {
		{1, prefix, ""},
		{2, prefix, "x."},
		{3, wildcard, ".."},
		{4, wildcard, ".b."},
		{5, wildcard, "a.."},
		{6, wildcard, "a.b.c"},
		{7, wildcard, "a.b."},
	},
	"F": {
		{1, prefix, "a.b"},
		{2, prefix, "a.b.c"},
		{3, wildcard, "a.b..d"},
	},
	"G": {
		{1, exact, "a.b"},
		{2, prefix, "a.b"},
		{3, wildcard, "a.b"},
	},
	"R2": {
		{1, prefix, "x."},
		{2, prefix, "x.y"},
		{3, wildcard, "x."},
	},
}

const none = 0 // no_such_procedure

// rows is requirements 5.2 but for T-45 and T-46, which are about rule R0, and
// what its rows leave open about alignment.
var rows = []struct {
	id   string
	set  string
	less string // numbers of the entries that were unregistered
	call string
	want int
}{
	{"T-01", "A", "", "a1.b2.c3.d4.e55", 1},
	{"T-02", "A", "", "a1.b2.c3.d98.e74", 2},
	{"T-03", "A", "", "a1.b2.c3.d4.e325", 3},
	{"T-04", "A", "", "a1.b2.c55.d4.e5", 4},
	{"T-05", "A", "", "a1.b2.c33.d4.e5", 5},
	{"T-06", "A", "", "a1.b2.c88.d4.e5.f6.g7", 6},
	{"T-07", "A", "", "a2.b2.c2.d2.e2", none},
	{"T-08", "A", "", "a1.b2.c3", 2},
	{"T-09", "A", "", "a1.b2.c3.d4", 3},
	{"T-10", "A", "", "a1.b2.c3.d4.e5", 3},
	{"T-11", "A", "", "a1.b2.c3.d4.e5.f6.g7", 3},
	{"T-12", "A", "", "a1.b2.c34", 2},
	{"T-13", "A", "", "a1.b2.c33.d5.e5", 5},
	{"T-14", "A", "", "a1.b2.c99.d4.e9.f6.g7", 7},
	{"T-15", "A", "", "a1.b2.c99.d4.e5.f5.g7", 6},
	{"T-16", "A", "", "a1.b2.c3.d4.e55.f6", 3},
	{"T-17", "A", "1", "a1.b2.c3.d4.e55", 3},
	{"T-18", "A", "13", "a1.b2.c3.d4.e55", 2},
	{"T-19", "A", "123", "a1.b2.c3.d4.e55", none},

	{"T-20", "B", "", "com.myapp.myobject1.myprocedure1", 1},
	{"T-21", "B", "", "com.myapp.myobject1-mysubobject1", 1},
	{"T-22", "B", "", "com.myapp.myobject1.mysubobject1.myprocedure1", 1},
	{"T-23", "B", "", "com.myapp.myobject1", 1},
	{"T-24", "B", "", "com.myapp.myobject2", none},
	{"T-25", "B", "", "com.myapp.myobject", none},

	{"T-26", "C", "", "com.myapp.myobject1.myprocedure1", 1},
	{"T-27", "C", "", "com.myapp.myobject2.myprocedure1", 1},
	{"T-28", "C", "", "com.myapp.myobject1.myprocedure1.mysubprocedure1", none},
	{"T-29", "C", "", "com.myapp.myobject1.myprocedure2", none},
	{"T-30", "C", "", "com.myapp2.myobject1.myprocedure1", none},

	{"T-31", "D", "", "com.myapp.manage.47837483.create", 1},
	{"T-32", "D", "1", "com.myapp.manage.47837483.create", 3},
	{"T-33", "D", "13", "com.myapp.manage.47837483.create", 2},
	{"T-34", "D", "123", "com.myapp.manage.47837483.create", 5},
	{"T-35", "D", "123", "com.myapp.manage.a.b.c", 4},

	{"T-36", "E", "", "q", 1},
	{"T-37", "E", "", "x.y", 2},
	{"T-38", "E", "", "x", 1},
	{"T-39", "E", "12", "a.b.c", 6},
	{"T-40", "E", "126", "a.b.c", 7},
	{"T-41", "E", "1267", "a.b.c", 5},
	{"T-42", "E", "12567", "a.b.c", 4},
	{"T-43", "E", "124567", "a.b.c", 3},
	{"T-44", "E", "12", "a.b", none},

	{"T-47", "F", "", "a.b.c.d", 2},
	{"T-48", "F", "", "a.b.cc.d", 2},
	{"T-49", "F", "1", "a.b.cc.d", 3},
	{"T-50", "F", "13", "a.b.cc.d", 2},

	{"T-51", "G", "", "a.b", 1},
	{"T-52", "G", "1", "a.b", 2},

	{"R2 the aligned prefix ends with a dot", "R2", "2", "x.yy", 1},
	{"R2 and a longer one does not", "R2", "", "x.yy", 2},
	{"R3 no aligned prefix", "R2", "1", "x.yy", 3},
}

// PBR-05, ROU-01: every row, with the entries that are gone first registered and
// then unregistered; PBR-12: in whatever order they were registered.
func TestBest_PBR05_PBR12(t *testing.T) {
	order := rand.New(rand.NewPCG(5, 2))
	for _, row := range rows {
		t.Run(row.id, func(t *testing.T) {
			for range 20 {
				set := shuffled(order, sets[row.set])
				x := indexOf(t, set)
				gone := removeNumbers(t, x, set, row.less)
				checkBest(t, x, row.call, sets[row.set], row.want)

				restore(t, x, shuffled(order, gone))
				removeNumbers(t, x, set, row.less)
				checkBest(t, x, row.call, sets[row.set], row.want)
			}
		})
	}
}

// T-45 and T-46, R0, RPC-20: the index itself would give wamp.* calls to an
// entry of set E, so that the caller must not ask it for them.
func TestBest_T45_T46(t *testing.T) {
	x := indexOf(t, sets["E"])
	checkBest(t, x, "wamp.session.count", sets["E"], 1)
	checkBest(t, x, "wamp.nope", sets["E"], 1)
}

func indexOf(t *testing.T, set []entry) *pattern.Index[int] {
	t.Helper()
	x := new(pattern.Index[int])
	restore(t, x, set)
	return x
}

func restore(t *testing.T, x *pattern.Index[int], set []entry) {
	t.Helper()
	for _, e := range set {
		if err := x.Insert(e.kind, e.uri, e.number); err != nil {
			t.Fatalf("Insert %q: %v", e.uri, err)
		}
	}
}

// removeNumbers deletes the entries whose numbers are listed, and returns them.
func removeNumbers(t *testing.T, x *pattern.Index[int], set []entry, numbers string) (gone []entry) {
	t.Helper()
	for _, e := range set {
		if !strings.Contains(numbers, string(rune('0'+e.number))) {
			continue
		}
		if !x.Delete(e.kind, e.uri) {
			t.Fatalf("Delete %q: not found", e.uri)
		}
		gone = append(gone, e)
	}
	return gone
}

func checkBest(t *testing.T, x *pattern.Index[int], uri string, set []entry, want int) {
	t.Helper()
	got, kind, found := x.Best(uri)
	if got != want || found != (want != none) {
		t.Fatalf("Best(%q) = %d, %v; want %d", uri, got, found, want)
	}
	for _, e := range set {
		if e.number == got && e.kind != kind {
			t.Fatalf("Best(%q) is of kind %d; want %d", uri, kind, e.kind)
		}
	}
}

func shuffled(order *rand.Rand, set []entry) []entry {
	s := append([]entry(nil), set...)
	order.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
	return s
}
