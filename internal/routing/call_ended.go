package routing

import (
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// endings remembers when the last requests of one kind ended, so that what still comes for them is recognized. Most
// sessions need none.
type endings struct {
	known table[ending]
	order []wamp.ID // as they ended
}

type ending struct {
	at        time.Time
	procedure uint64 // hash of that of a call in parts
}

const (
	maxEndings = 1000             // that one session is remembered for (PCI-14)
	grace      = 60 * time.Second // for peers to notice that a call ended (PCI-14, PCR-02)
)

// remember notes that a request ended, and forgets the oldest if there are many.
func (d *Dealer) remember(where **endings, request wamp.ID, e ending) {
	if *where == nil {
		*where = new(endings)
	}
	all := *where
	if len(all.order) == maxEndings {
		d.ended.delete(&all.known, all.order[0])
		all.order = all.order[1:]
	}
	d.ended.put(&all.known, request, e)
	all.order = append(all.order, request)
}

// endedRecently reports whether the request is known to have ended, and the grace period is not over.
func (d *Dealer) endedRecently(all *endings, request wamp.ID, now time.Time) bool {
	e, known := d.ended.get(&all.known, request)
	return known && now.Sub(e.at) <= grace
}

// endedInParts reports whether the CALL belongs to a call in parts that ended not long ago.
func (d *Dealer) endedInParts(now time.Time, from *Session, m *wamp.Call) bool {
	all := from.dealer.endedCalls
	if all == nil || !d.endedRecently(all, m.Request, now) {
		return false
	}
	e, _ := d.ended.get(&all.known, m.Request)
	return e.procedure == hashOf(m.Procedure)
}

// endedBefore reports whether the request is known to have ended, and the grace period is over.
func (d *Dealer) endedBefore(all *endings, request wamp.ID, now time.Time) bool {
	if all == nil {
		return false
	}
	e, known := d.ended.get(&all.known, request)
	return known && now.Sub(e.at) > grace
}
