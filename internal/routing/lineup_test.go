package routing

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tandemrouter/tandem/wamp"
)

// lined is a lineup next to a plain list of the same callees.
type lined struct {
	*testing.T
	random *rand.Rand
	drawn  uint64
	r      registration
	list   []*callee
	next   *callee // in turn; nil: the first
	nextID wamp.ID
}

// Lineups behave like lists, through all sizes and back to nothing (ROU-10, ROU-16, ROU-21, RMA-12).
func TestLineup_IsAList(t *testing.T) {
	for seed := range uint64(20) {
		l := lined{T: t, random: rand.New(rand.NewPCG(seed, 3)), nextID: 1}
		for _, target := range []int{3, 1, 20, 2, 120, 5, 40, 0} {
			for len(l.list) != target {
				l.change(target)
				l.compare()
			}
		}
	}
}

func (l *lined) change(target int) {
	grow := len(l.list) < target
	switch n := l.random.IntN(6); {
	case n == 0 || n == 1 && grow || len(l.list) == 0:
		l.add()
	case n == 2 || n == 1:
		l.remove(l.list[l.random.IntN(len(l.list))])
	case n == 3:
		l.setBusy(l.list[l.random.IntN(len(l.list))])
	case n == 4:
		l.takeTurn()
	case grow:
		l.add()
	default:
		l.remove(pickEnd(l.random, l.list))
	}
}

func pickEnd(random *rand.Rand, list []*callee) *callee {
	if random.IntN(2) == 0 {
		return list[0]
	}
	return list[len(list)-1]
}

func (l *lined) add() {
	c := &callee{session: &Session{ID: l.nextID}, registration: &l.r, concurrency: 1}
	l.nextID++
	l.r.callees.add(c)
	l.list = append(l.list, c)
}

func (l *lined) remove(c *callee) {
	at := slices.Index(l.list, c)
	if c == l.next {
		l.next = l.list[(at+1)%len(l.list)]
	}
	l.list = slices.Delete(l.list, at, at+1)
	if len(l.list) == 0 {
		l.next = nil
	}
	l.r.callees.remove(c)
	if l.r.callees.of(c.session) != nil {
		l.Fatalf("session %d is found after it withdrew", c.session.ID)
	}
}

func (l *lined) setBusy(c *callee) {
	if !c.busy() {
		c.occupy()
		return
	}
	c.inFlight--
	l.r.callees.mark(c, 1)
}

// takeTurn looks for the next free callee one after the other.
func (l *lined) takeTurn() {
	l.Helper()
	var want *callee
	at := max(0, slices.Index(l.list, l.next))
	for i := range l.list {
		if c := l.list[(at+i)%len(l.list)]; !c.busy() {
			want, l.next = c, l.list[(at+i+1)%len(l.list)]
			break
		}
	}
	got := l.r.callees.inTurn()
	if got != want {
		l.Fatalf("next in turn: session %d, want %d", sessionOf(got), sessionOf(want))
	}
	if got != nil {
		l.r.callees.turn(got)
	}
}

func (l *lined) compare() {
	l.Helper()
	if all := l.r.callees.all(); !slices.Equal(all, l.list) {
		l.Fatalf("%v, want %v", sessionsOf(all), sessionsOf(l.list))
	}
	if len(l.list) == 0 {
		if l.r.callees != (callees{}) {
			l.Fatal("memory for nobody")
		}
		return
	}
	if oldest, newest := l.r.callees.oldest(), l.r.callees.newest(); oldest != l.list[0] || newest != l.list[len(l.list)-1] {
		l.Fatalf("oldest %d, newest %d of %v", sessionOf(oldest), sessionOf(newest), sessionsOf(l.list))
	}
	for _, c := range l.list {
		if l.r.callees.of(c.session) != c {
			l.Fatalf("session %d is not found", c.session.ID)
		}
	}
	if l.r.callees.of(new(Session)) != nil {
		l.Fatal("a session that is no callee was found")
	}
	if lineup := l.r.callees.lineup; (lineup == nil) != (len(l.list) == 1) || lineup != nil && cap(lineup.slots) > 8*len(l.list) {
		l.Fatalf("lineup %v for %d callees", lineup, len(l.list))
	}
	free := slices.DeleteFunc(slices.Clone(l.list), (*callee).busy)
	got := l.r.callees.atRandom(func() uint64 { l.drawn = l.random.Uint64(); return l.drawn })
	if len(free) == 0 && got != nil || len(free) > 0 && got != free[scale(l.drawn, len(free))] {
		l.Fatalf("at random: session %d", sessionOf(got))
	}
}

func sessionsOf(list []*callee) (ids []wamp.ID) {
	for _, c := range list {
		ids = append(ids, sessionOf(c))
	}
	return ids
}

func sessionOf(c *callee) wamp.ID {
	if c == nil {
		return 0
	}
	return c.session.ID
}

// Each callee has about the same number of keys, and if one of n goes, about one in n keys moves: its own (SHD-03).
func TestSHD03_KeysMoveOnlyWithTheirCallee(t *testing.T) {
	const callees, keys = 10, 20_000
	random := rand.New(rand.NewPCG(5, 6))
	var r registration
	for i := range callees {
		id := wamp.ID(i + 1) // small, as tests have them
		if i%2 == 0 {
			id = wamp.RandomID(random.Uint64())
		}
		r.callees.add(&callee{session: &Session{ID: id}, registration: &r})
	}
	before, count := map[string]*callee{}, map[*callee]int{}
	for i := range keys {
		key := "customer-" + string(rune('a'+i%26)) + string(rune(0x4e00+i))
		before[key] = r.callees.shard(key)
		count[before[key]]++
	}
	for c, n := range count {
		if n < keys/callees*8/10 || n > keys/callees*12/10 {
			t.Errorf("session %d has %d of %d keys", c.session.ID, n, keys)
		}
	}
	gone := r.callees.all()[4]
	r.callees.remove(gone)
	for key, owner := range before {
		if now := r.callees.shard(key); owner != gone && now != owner || now == gone {
			t.Fatalf("key %q moved from session %d to %d", key, owner.session.ID, now.session.ID)
		}
	}
}

// The hash may never change: nodes of different versions have to agree. This is the published FNV-1a of the text.
func TestSHD03_HashIsFNV1a(t *testing.T) {
	for text, want := range map[string]uint64{"": 0xcbf29ce484222325, "a": 0xaf63dc4c8601ec8c, "foobar": 0x85944171f73967e8} {
		if got := hashOf(text); got != want {
			t.Errorf("%q: %x, want %x", text, got, want)
		}
	}
}
