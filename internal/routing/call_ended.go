package routing

import (
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// endings remembers when the last requests of one kind ended, so that what still comes for them is recognized. Most
// sessions need none.
type endings struct {
	times table[time.Time]
	order []wamp.ID // as they ended
}

const (
	maxEndings = 1000             // that one session is remembered for (PCI-14)
	grace      = 60 * time.Second // for peers to notice that a call ended (PCI-14, PCR-02)
)

// remember notes that a request ended, and forgets the oldest if there are many.
func (d *Dealer) remember(e **endings, request wamp.ID, now time.Time) {
	if *e == nil {
		*e = new(endings)
	}
	known := *e
	if len(known.order) == maxEndings {
		d.ended.delete(&known.times, known.order[0])
		known.order = known.order[1:]
	}
	d.ended.put(&known.times, request, now)
	known.order = append(known.order, request)
}

// endedWithin reports whether the request is known to have ended, and the grace period is not over.
func (d *Dealer) endedWithin(e *endings, request wamp.ID, now time.Time) bool {
	at, known := d.whenEnded(e, request)
	return known && now.Sub(at) <= grace
}

// endedBefore reports whether the request is known to have ended, and the grace period is over.
func (d *Dealer) endedBefore(e *endings, request wamp.ID, now time.Time) bool {
	at, known := d.whenEnded(e, request)
	return known && now.Sub(at) > grace
}

func (d *Dealer) whenEnded(e *endings, request wamp.ID) (at time.Time, known bool) {
	if e == nil {
		return at, false
	}
	return d.ended.get(&e.times, request)
}
