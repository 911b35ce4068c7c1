package pattern

// table finds values by URI: a hash table with linear probing. Unlike a map it can read the memory for several look-ups
// at once, which is what warm does. The zero value is empty, with a secret that everybody knows.
//
// A large table is divided into segments that grow one by one. So no insertion moves more than a small part of the
// entries: with a million some 3,000, which takes about a millisecond.
type table[V any] struct {
	secret   secret
	segments []segment[V] // none, 1 or fanOut
	shift    uint         // the segment of a hash is its number above so many bits
	count    int          // entries
	touched  uint64       // what warm read, lest the compiler thinks that nobody wants it
}

// segment has 1 << n slots, some of them free.
type segment[V any] struct {
	slots []slot[V]
	used  int
}

// slot is half a line of the processor's caches if the value is a pointer. With the hash in it, what is not the entry
// sought is passed over without reading its key; so finding one takes two lines from memory.
type slot[V any] struct {
	hash  uint64 // noHash: the slot is free
	key   string
	value V
}

const (
	fanOutBits = 8
	fanOut     = 1 << fanOutBits
	divideAt   = 4096 // entries of a table that gets segments
	minSlots   = 8
)

// get returns the value of a URI.
func (t *table[V]) get(key string) (v V, found bool) { return lookUp(t, key) }

// lookUp is get for URIs of either type. What is found has the same octets.
func lookUp[K string | []byte, V any](t *table[V], key K) (v V, found bool) {
	if t.count == 0 {
		return v, false
	}
	h := hash(&t.secret, key)
	slots := t.segments[h>>t.shift].slots
	last := len(slots) - 1
	for i := int(h) & last; slots[i].hash != noHash; i = (i + 1) & last {
		if s := &slots[i]; s.hash == h && s.key == string(key) { // the conversion does not allocate
			return s.value, true
		}
	}
	return v, false
}

// set sets the value of a URI and reports whether it had none.
func (t *table[V]) set(key string, v V) (added bool) {
	h := hash(&t.secret, key)
	if t.count > 0 {
		if s := t.segment(h).at(h, key); s.hash != noHash {
			s.value = v
			return false
		}
	}
	t.makeRoom()
	t.segment(h).add(slot[V]{h, key, v})
	t.count++
	return true
}

// remove takes away a URI that is present. A table that is empty then gives up the memory of all that it held.
func (t *table[V]) remove(key string) {
	h := hash(&t.secret, key)
	t.segment(h).remove(h, key)
	t.count--
	if t.count == 0 {
		t.segments = nil
	}
}

func (t *table[V]) segment(h uint64) *segment[V] { return &t.segments[h>>t.shift] }

// makeRoom divides the table if one more entry makes it large.
func (t *table[V]) makeRoom() {
	switch {
	case t.segments == nil:
		t.segments, t.shift = newSegments[V](1), 64
	case t.count == divideAt && len(t.segments) == 1:
		whole := t.segments[0].slots
		t.segments, t.shift = newSegments[V](fanOut), 64-fanOutBits
		for i := range whole {
			if whole[i].hash != noHash {
				t.segment(whole[i].hash).add(whole[i])
			}
		}
	}
}

func newSegments[V any](n int) []segment[V] {
	list := make([]segment[V], n)
	for i := range list {
		list[i].slots = make([]slot[V], minSlots)
	}
	return list
}

// at returns the slot of a URI, or a free one if it has none.
func (g *segment[V]) at(h uint64, key string) *slot[V] { return &g.slots[g.find(h, key)] }

// find returns where a URI is, or a free slot if it is not there.
func (g *segment[V]) find(h uint64, key string) int {
	last := len(g.slots) - 1
	i := int(h) & last
	for g.slots[i].hash != noHash && (g.slots[i].hash != h || g.slots[i].key != key) {
		i = (i + 1) & last
	}
	return i
}

// add puts an entry into the segment that is not there.
func (g *segment[V]) add(s slot[V]) {
	if 4*(g.used+1) > 3*len(g.slots) {
		g.resize(2 * len(g.slots))
	}
	g.slots[g.free(s.hash)] = s
	g.used++
}

func (g *segment[V]) free(h uint64) int {
	last := len(g.slots) - 1
	i := int(h) & last
	for g.slots[i].hash != noHash {
		i = (i + 1) & last
	}
	return i
}

func (g *segment[V]) resize(size int) {
	old := g.slots
	g.slots = make([]slot[V], size)
	for i := range old {
		if old[i].hash != noHash {
			g.slots[g.free(old[i].hash)] = old[i]
		}
	}
}

// remove frees the slot of an entry and moves those into the gap that a search would not find behind it.
func (g *segment[V]) remove(h uint64, key string) {
	last := len(g.slots) - 1
	gap := g.find(h, key)
	for i := (gap + 1) & last; g.slots[i].hash != noHash; i = (i + 1) & last {
		probes := (i - int(g.slots[i].hash)) & last // how far the entry is from where it belongs
		if probes >= (i-gap)&last {
			g.slots[gap] = g.slots[i]
			gap = i
		}
	}
	g.slots[gap] = slot[V]{}
	g.used--
	if len(g.slots) > minSlots && 8*g.used < len(g.slots) {
		g.resize(len(g.slots) / 2)
	}
}
