package history

// index is what a store knows of its events: where they are, in what order, and which must go.
type index struct {
	config  *Config
	shelves map[Key]*shelf
	order   []*shelf // all of them, as they were made
	bytes   int
	last    uint64 // the newest sequence number; they say which of two events is older
}

// shelf is the history of one key, the oldest event first.
type shelf struct {
	key    Key
	limits Limits
	items  []item
	head   int // items before it are gone
	bytes  int
}

// item is an event on a shelf.
type item struct {
	sequence uint64
	time     int64 // milliseconds
	size     int
	record   []byte // nil if it is in a file
}

func newIndex(c *Config) *index { return &index{config: c, shelves: make(map[Key]*shelf)} }

// shelf returns the history of the key, a new one if there is none.
func (x *index) shelf(key Key) *shelf {
	sh := x.shelves[key]
	if sh == nil {
		sh = &shelf{key: key, limits: x.config.limits(key)}
		x.shelves[key] = sh
		x.order = append(x.order, sh)
	}
	return sh
}

// add puts an event at the end of the shelf.
func (x *index) add(sh *shelf, it item) {
	sh.items = append(sh.items, it)
	sh.bytes += it.size
	x.bytes += it.size
	x.last = max(x.last, it.sequence)
}

// trim takes out what exceeds the limits of the shelf or of the realm, and tells drop of each event.
func (x *index) trim(sh *shelf, now int64, drop func(*shelf, *item)) {
	for sh.exceeds(now) {
		x.remove(sh, drop)
	}
	for x.bytes > x.config.maxBytes() {
		x.remove(x.oldest(), drop)
	}
}

func (x *index) remove(sh *shelf, drop func(*shelf, *item)) {
	it := &sh.items[sh.head]
	drop(sh, it)
	sh.bytes -= it.size
	x.bytes -= it.size
	*it = item{}
	sh.head++
	if sh.head > len(sh.items)/2 {
		n := copy(sh.items, sh.items[sh.head:])
		clear(sh.items[n:])
		sh.items, sh.head = sh.items[:n], 0
	}
}

// oldest returns the shelf with the oldest event of all. There is one.
func (x *index) oldest() *shelf {
	var found *shelf
	for _, sh := range x.order {
		if sh.len() > 0 && (found == nil || sh.items[sh.head].sequence < found.items[found.head].sequence) {
			found = sh
		}
	}
	return found
}

func (sh *shelf) len() int { return len(sh.items) - sh.head }

func (sh *shelf) exceeds(now int64) bool {
	return sh.len() > sh.limits.MaxEvents || sh.bytes > sh.limits.MaxBytes ||
		sh.len() > 0 && sh.limits.expired(sh.items[sh.head].time, now)
}

// expired reports whether an event of the time is too old. Both are in milliseconds.
func (l *Limits) expired(time, now int64) bool {
	return l.MaxAge > 0 && now-time > l.MaxAge.Milliseconds()
}

// checkEvent returns why the store cannot keep the event, or nil.
func checkEvent(c *Config, key Key, e *Event, size int) error {
	limits := c.limits(key)
	switch {
	case size > min(limits.MaxBytes, c.maxBytes()):
		return ErrTooLarge // to make room for it would cost everything else
	case len(e.Payload.Args)+len(e.Payload.Kwargs) > 0:
		return ErrGoValues
	default:
		return nil
	}
}
