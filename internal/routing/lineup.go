package routing

import (
	"math/bits"
	"slices"
)

// lineup holds several callees of a registration in the order in which they registered (requirements 5.4). Where one
// withdraws a gap stays, until most of the room is unused; so that adding, removing and finding a callee take time that
// grows with the logarithm of their number, if the cost of closing the gaps is spread over the withdrawals that made
// them. The first and the last slot are never gaps.
type lineup struct {
	slots     []*callee            // nil: a gap
	bySession map[*Session]*callee // nil: there are so few slots that one can look through them
	free      *counts              // which slots have a callee that can take a call; nil: all have
	count     int32                // callees
	first     int32                // the first slot that is not a gap
	cursor    int32                // InvokeRoundRobin: the first slot that is next in turn
}

// fewSlots are looked through faster than a map, and need none.
const fewSlots = 16

// newLineup returns a lineup of these callees, the first of whom is next in turn.
func newLineup(list []*callee) lineup {
	l := lineup{slots: make([]*callee, 0, len(list))}
	for _, c := range list {
		l.add(c)
	}
	for _, c := range list {
		if c.busy() {
			l.mark(c, -1)
		}
	}
	return l
}

// withdrawn is the place of a callee that is in no lineup any more.
const withdrawn = -1

func (l *lineup) oldest() *callee { return l.slots[l.first] }

func (l *lineup) newest() *callee { return l.slots[len(l.slots)-1] }

// all returns the callees.
func (l *lineup) all() []*callee {
	list := make([]*callee, 0, l.count)
	for _, c := range l.slots {
		if c != nil {
			list = append(list, c)
		}
	}
	return list
}

// of returns the callee that a session is, or nil.
func (l *lineup) of(s *Session) *callee {
	if l.bySession != nil {
		return l.bySession[s]
	}
	for _, c := range l.slots {
		if c != nil && c.session == s {
			return c
		}
	}
	return nil
}

// inTurn returns the free callee that is next, or nil if all are busy (ROU-21).
func (l *lineup) inTurn() *callee {
	at := int(l.cursor)
	if l.free != nil {
		passed, free := l.free.before(at), l.free.before(len(l.slots))
		switch {
		case free == 0:
			return nil
		case passed == free:
			passed = 0
		}
		at = l.free.find(passed)
	}
	return l.slots[at]
}

// nextAmong returns which of some callees, in the order in which they registered, is next.
func (l *lineup) nextAmong(candidates []*callee) *callee {
	i := slices.IndexFunc(candidates, func(c *callee) bool { return c.place >= l.cursor })
	return candidates[max(0, i)]
}

// turn moves the cursor behind a callee.
func (l *lineup) turn(c *callee) {
	l.cursor = c.place + 1
	if int(l.cursor) == len(l.slots) {
		l.cursor = 0
	}
}

// atRandom returns a free callee, each with the same probability (ROU-16), or nil if all are busy.
func (l *lineup) atRandom(random func() uint64) *callee {
	if l.free == nil {
		return l.slots[scale(random(), len(l.slots))]
	}
	free := l.free.before(len(l.slots))
	if free == 0 {
		return nil
	}
	return l.slots[l.free.find(scale(random(), free))]
}

// scale maps uniformly random bits to a uniformly random number below n.
func scale(random uint64, n int) int {
	hi, _ := bits.Mul64(random, uint64(n))
	return int(hi)
}

// add appends a callee that is not busy. It does not change whose turn it is (ROU-10).
func (l *lineup) add(c *callee) {
	c.place = int32(len(l.slots))
	l.slots = append(l.slots, c)
	l.count++
	if l.free != nil {
		l.free.push(1)
	}
	switch {
	case l.bySession != nil:
		l.bySession[c.session] = c
	case len(l.slots) > fewSlots:
		l.listBySession()
	}
}

func (l *lineup) listBySession() {
	l.bySession = make(map[*Session]*callee, len(l.slots))
	for _, c := range l.slots {
		if c != nil {
			l.bySession[c.session] = c
		}
	}
}

// remove takes a callee out, but not the last. The cursor stays on the callee that is next; if that is the one who goes,
// on the one behind it (ROU-10).
func (l *lineup) remove(c *callee) {
	at := int(c.place)
	if at != len(l.slots)-1 && !c.busy() {
		l.mark(c, -1)
	}
	c.place = withdrawn
	l.slots[at] = nil
	delete(l.bySession, c.session)
	l.count--
	l.trim()
	if 4*int(l.count) < cap(l.slots) {
		l.close()
	}
}

// trim restores what is said of the first and the last slot.
func (l *lineup) trim() {
	n := len(l.slots)
	for l.slots[n-1] == nil {
		n--
	}
	l.slots = l.slots[:n]
	if l.free != nil {
		*l.free = (*l.free)[:n]
	}
	for l.slots[l.first] == nil {
		l.first++
	}
	if int(l.cursor) >= n {
		l.cursor = 0
	}
}

// close closes the gaps and gives back what memory is not needed.
func (l *lineup) close() {
	old := *l
	*l = newLineup(old.all())
	for _, c := range old.slots[:old.cursor] {
		if c != nil {
			l.cursor++
		}
	}
}

// mark notes that a callee can take a call (+1) or can not (-1) from now on.
func (l *lineup) mark(c *callee, change int32) {
	if l.free == nil {
		l.free = newCounts(len(l.slots))
	}
	l.free.add(int(c.place), change)
}

// counts is a row of numbers, none of them negative, that knows their sums: a Fenwick tree. Element i is the sum of
// the numbers from i&(i+1) to i.
type counts []int32

// newCounts returns a row of n ones.
func newCounts(n int) *counts {
	t := make(counts, n)
	for i := range t {
		t[i] = int32(i - i&(i+1) + 1)
	}
	return &t
}

// add changes the number at i.
func (t counts) add(i int, change int32) {
	for ; i < len(t); i |= i + 1 {
		t[i] += change
	}
}

// before returns the sum of the numbers before i.
func (t counts) before(i int) int {
	sum := int32(0)
	for ; i > 0; i &= i - 1 {
		sum += t[i-1]
	}
	return int(sum)
}

// find returns the first place up to which, inclusively, the sum is greater than n.
func (t counts) find(n int) int {
	at := 0
	for step := 1 << bits.Len(uint(len(t))) >> 1; step > 0; step >>= 1 {
		if end := at + step; end <= len(t) && int(t[end-1]) <= n {
			at = end
			n -= int(t[end-1])
		}
	}
	return at
}

// push appends a number.
func (t *counts) push(number int32) {
	i := len(*t)
	*t = append(*t, number+int32(t.before(i)-t.before(i&(i+1))))
}
