package routing

import (
	"math/bits"

	"github.com/tandemrouter/tandem/wamp"
)

// table finds values by ID. A session has one for its pending calls, one for its pending invocations and one for
// its registrations. The zero value is empty and holds no memory. The methods of tables work on it.
type table[V any] struct {
	slots []slot[V] // 1 << class of them, or none if the table is empty
	used  int32     // slots that hold a value
	peak  int32     // the most that were used since the table was empty
	last  int32     // what peak was when the table became empty the last time
}

type slot[V any] struct {
	id    wamp.ID // 0: the slot is free
	value V
}

const (
	minClass   = 3       // a table that is not empty has at least 8 slots
	sparsest   = 32      // a table shrinks if less than one slot in so many is used
	fullest    = 4       // and grows if less than one in so many would be free
	numClasses = 16      // slots of larger classes are left to the garbage collector
	spareSlots = 1 << 13 // so many slots of each class are kept for use again
)

func (t *table[V]) len() int { return int(t.used) }

// values returns all values. Their order depends on the secret and the history of the table.
func (t *table[V]) values() []V {
	list := make([]V, 0, t.used)
	for i := range t.slots {
		if t.slots[i].id != 0 {
			list = append(list, t.slots[i].value)
		}
	}
	return list
}

// tables is what all tables of one kind in a realm share.
//
// A table is an array with linear probing. Where an ID belongs depends on the secret, so that a client, who chooses
// the IDs of its requests, cannot make them collide. A table that becomes empty gives its slots back, and begins
// with as many when it is used again as it needed the last time: sessions without anything pending hold no memory,
// and bursts of calls do not allocate.
type tables[V any] struct {
	secret [2]uint64
	spare  [numClasses][][]slot[V] // free slots by class, ready for use
}

func newTables[V any](random func() uint64) tables[V] {
	return tables[V]{secret: [2]uint64{random(), random() | 1}}
}

// get returns the value of an ID.
func (ts *tables[V]) get(t *table[V], id wamp.ID) (v V, found bool) {
	if t.used == 0 {
		return v, false
	}
	i, found := ts.find(t, id)
	return t.slots[i].value, found
}

// put sets the value of a valid ID.
func (ts *tables[V]) put(t *table[V], id wamp.ID, v V) {
	if fullest*int(t.used+1) > (fullest-1)*len(t.slots) {
		ts.grow(t)
	}
	i, found := ts.find(t, id)
	t.slots[i] = slot[V]{id, v}
	if !found {
		t.used++
		t.peak = max(t.peak, t.used)
	}
}

// delete removes the value of an ID if there is one.
func (ts *tables[V]) delete(t *table[V], id wamp.ID) {
	if t.used == 0 {
		return
	}
	i, found := ts.find(t, id)
	if !found {
		return
	}
	ts.vacate(t, i)
	t.used--
	switch {
	case t.used == 0:
		ts.release(t.slots)
		*t = table[V]{last: t.peak}
	case int(t.used)*sparsest < len(t.slots):
		ts.resize(t, classOf(len(t.slots))-1)
	}
}

// find returns where an ID is, or the free slot where it belongs. The table has slots and one of them is free.
func (ts *tables[V]) find(t *table[V], id wamp.ID) (i int, found bool) {
	last := len(t.slots) - 1
	for i = ts.home(id) & last; ; i = (i + 1) & last {
		switch t.slots[i].id {
		case id:
			return i, true
		case 0:
			return i, false
		}
	}
}

// home returns the place of an ID, of which a table takes as many low bits as it needs. One multiplication keeps
// something of the distance between IDs, which counting clients and attackers would find; two do not.
func (ts *tables[V]) home(id wamp.ID) int {
	return int(mix(mix(uint64(id)^ts.secret[0], ts.secret[1])^ts.secret[0], goldenRatio))
}

const goldenRatio = 0x9e3779b97f4a7c15 // of 2^64, odd

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// vacate frees a slot and moves those values into the gap that a search would not find behind it.
func (ts *tables[V]) vacate(t *table[V], gap int) {
	last := len(t.slots) - 1
	for i := (gap + 1) & last; t.slots[i].id != 0; i = (i + 1) & last {
		probes := (i - ts.home(t.slots[i].id)) & last // how far from home the value is
		if probes >= (i-gap)&last {
			t.slots[gap] = t.slots[i]
			gap = i
		}
	}
	t.slots[gap] = slot[V]{}
}

func (ts *tables[V]) grow(t *table[V]) {
	if len(t.slots) > 0 {
		ts.resize(t, classOf(len(t.slots))+1)
		return
	}
	needed := fullest * int(t.last) / (fullest - 1)
	ts.resize(t, max(minClass, classOf(needed)))
}

// resize moves the values to slots of another class.
func (ts *tables[V]) resize(t *table[V], class int) {
	old := t.slots
	t.slots = ts.take(class)
	for i := range old {
		if old[i].id != 0 {
			place, _ := ts.find(t, old[i].id)
			t.slots[place] = old[i]
		}
	}
	clear(old)
	ts.release(old)
}

// take returns 1 << class free slots.
func (ts *tables[V]) take(class int) []slot[V] {
	if class < numClasses {
		if n := len(ts.spare[class]); n > 0 {
			slots := ts.spare[class][n-1]
			ts.spare[class] = ts.spare[class][:n-1]
			return slots
		}
	}
	return make([]slot[V], 1<<class)
}

// release takes free slots back.
func (ts *tables[V]) release(slots []slot[V]) {
	class := classOf(len(slots))
	if len(slots) > 0 && class < numClasses && len(ts.spare[class])<<class < spareSlots {
		ts.spare[class] = append(ts.spare[class], slots)
	}
}

// classOf returns the smallest class with at least n slots.
func classOf(n int) int { return bits.Len(uint(max(n, 1) - 1)) }
