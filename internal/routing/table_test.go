package routing

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tandemrouter/tandem/wamp"
)

// newTestTables returns tables with a secret that depends on the seed.
func newTestTables(seed uint64) tables[int] {
	return newTables[int](rand.New(rand.NewPCG(seed, 0)).Uint64)
}

// Tables behave like maps, through all sizes and back to nothing.
func TestTable_IsAMap(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		ts, want := newTestTables(seed), map[wamp.ID]int{}
		var table table[int]
		for phase := range 6 {
			target := []int{5, 3000, 40, 700, 1, 0}[phase]
			for len(want) != target {
				id := wamp.ID(random.Uint64N(4000) + 1)
				if grow := len(want) < target; grow {
					ts.put(&table, id, int(id)*7)
					want[id] = int(id) * 7
				} else {
					ts.delete(&table, id)
					delete(want, id)
				}
			}
			compareTable(t, &ts, &table, want)
		}
	}
}

func compareTable(t *testing.T, ts *tables[int], table *table[int], want map[wamp.ID]int) {
	t.Helper()
	if table.len() != len(want) {
		t.Fatalf("%d values, want %d", table.len(), len(want))
	}
	for id := wamp.ID(1); id <= 4000; id++ {
		v, found := ts.get(table, id)
		if wanted, ok := want[id]; found != ok || v != wanted {
			t.Fatalf("ID %d: %d, %v; want %d, %v", id, v, found, wanted, ok)
		}
	}
	values := table.values()
	slices.Sort(values)
	if len(values) != len(want) || len(slices.Compact(values)) != len(want) {
		t.Fatalf("%d values listed, want %d", len(values), len(want))
	}
}

func TestTable_PutReplaces(t *testing.T) {
	ts := newTestTables(1)
	var table table[int]
	ts.put(&table, 5, 1)
	ts.put(&table, 5, 2)
	if v, _ := ts.get(&table, 5); v != 2 || table.len() != 1 {
		t.Errorf("value %d of %d", v, table.len())
	}
}

// An empty table holds no memory, and one that once was large not much more than it needs.
func TestTable_GivesMemoryBack(t *testing.T) {
	ts := newTestTables(2)
	var table table[int]
	for id := wamp.ID(1); id <= 10_000; id++ {
		ts.put(&table, id, 1)
	}
	for id := wamp.ID(1); id < 10_000; id++ {
		ts.delete(&table, id)
	}
	if n := len(table.slots); n > 2*sparsest {
		t.Errorf("%d slots for one value", n)
	}
	ts.delete(&table, 10_000)
	if table.slots != nil {
		t.Error("slots for no value")
	}
	for class, list := range ts.spare {
		if kept := len(list) << class; kept > spareSlots && len(list) > 1 {
			t.Errorf("%d slots of class %d are spare", kept, class)
		}
	}
}

// A second burst finds the slots of the first, and allocates nothing.
func TestTable_BurstsAllocateNothing(t *testing.T) {
	ts := newTestTables(3)
	var table table[int]
	burst := func() {
		for id := wamp.ID(1); id <= 500; id++ {
			ts.put(&table, id, 1)
		}
		for id := wamp.ID(1); id <= 500; id++ {
			ts.delete(&table, id)
		}
	}
	burst()
	if allocs := testing.AllocsPerRun(10, burst); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// Used again, a table begins with as many slots as it needed the last time, so that a burst need not move its values.
func TestTable_BeginsWithWhatItNeededLast(t *testing.T) {
	ts := newTestTables(4)
	var table table[int]
	for _, burst := range []struct{ values, firstSlots int }{{20, 8}, {20, 32}, {1, 32}, {1, 8}} {
		for id := wamp.ID(1); id <= wamp.ID(burst.values); id++ {
			ts.put(&table, id, 1)
			if slots := len(table.slots); id == 1 && slots != burst.firstSlots {
				t.Errorf("%d slots for the first of %d values, want %d", slots, burst.values, burst.firstSlots)
			}
		}
		for id := wamp.ID(1); id <= wamp.ID(burst.values); id++ {
			ts.delete(&table, id)
		}
	}
}

// Whatever pattern there is in the IDs, values are found a few slots from where they belong. With another secret
// they belong elsewhere, so that nobody can prepare IDs that collide.
func TestTable_IDsSpread(t *testing.T) {
	patterns := map[string]func(i int) wamp.ID{
		"counting":       func(i int) wamp.ID { return wamp.ID(i + 1) },
		"multiples":      func(i int) wamp.ID { return wamp.ID(i+1) << 32 },
		"high and low":   func(i int) wamp.ID { return wamp.ID(i+1)<<40 | wamp.ID(i+1) },
		"close to 2^53":  func(i int) wamp.ID { return wamp.MaxID - wamp.ID(i) },
		"powers and ups": func(i int) wamp.ID { return wamp.ID(1)<<(i%53) + wamp.ID(i) },
	}
	for name, id := range patterns {
		for seed := range uint64(30) {
			ts := newTestTables(seed)
			var table table[int]
			for i := range 3000 {
				ts.put(&table, id(i), i)
			}
			if probes := meanProbes(&ts, &table); probes > 3 {
				t.Errorf("%s, seed %d: %.1f probes on average", name, seed, probes)
			}
		}
	}
}

func TestTable_SecretDecides(t *testing.T) {
	a, b := newTestTables(1), newTestTables(2)
	same := 0
	for id := wamp.ID(1); id <= 1024; id++ {
		if a.home(id)&1023 == b.home(id)&1023 {
			same++
		}
	}
	if same > 20 {
		t.Errorf("%d of 1024 IDs have the same home under two secrets", same)
	}
}

func meanProbes(ts *tables[int], t *table[int]) float64 {
	sum, last := 0, len(t.slots)-1
	for i, s := range t.slots {
		if s.id != 0 {
			sum += (i-ts.home(s.id))&last + 1
		}
	}
	return float64(sum) / float64(t.len())
}
