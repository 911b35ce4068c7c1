package router

import (
	"slices"

	"github.com/tandemrouter/tandem/internal/routing"
)

// news is what a step of the dealer has to tell the broker: events of the router itself, or that a session leaves the
// realm.
type news struct {
	meta      []routing.MetaEvent
	departing *session // nil: nobody leaves
	departure routing.Departure
}

// leaveNews leaves what the step under way has to tell for whoever has the broker next, so that calls never wait for a
// broker that has an event for thousands. It reports whether there is anything. It is called with dealerMu and the
// receivers' queues held: so the news are in the order of the steps, and none is published before the step's own
// messages have their places in the queues (RMA-05).
func (rl *realm) leaveNews(w *worker) bool {
	if len(w.out.Meta) == 0 && w.departing == nil {
		return false
	}
	n := news{w.out.Meta, w.departing, w.departure}
	w.out.Meta, w.departing, w.departure = nil, nil, routing.Departure{}
	rl.newsMu.Lock()
	rl.news = append(rl.news, n)
	rl.newsMu.Unlock()
	return true
}

// hearNews has the broker hear everything that was left for it. When it returns, the worker's own news are heard, by
// whoever came first.
func (rl *realm) hearNews(w *worker) {
	rl.brokerMu.Lock()
	defer rl.brokerMu.Unlock()
	rl.newsMu.Lock()
	list := rl.news
	rl.news = nil
	rl.newsMu.Unlock()
	for i := range list {
		rl.tellBrokerLocked(w, &list[i])
	}
}

// tellBrokerLocked has the broker do its part in what the dealer has done.
func (rl *realm) tellBrokerLocked(w *worker, n *news) {
	meta := n.meta
	if s := n.departing; s != nil {
		n.departure.Dealt = meta
		rl.broker.RemoveSession(w.now, &s.core, n.departure, &w.metaOut)
		meta, w.metaOut.Meta = w.metaOut.Meta, nil
		rl.deliverBroker(w, &w.metaOut)
	}
	for piece := range slices.Chunk(meta, metaAtOnce) {
		rl.broker.PublishMeta(piece, &w.metaOut)
		rl.deliverBroker(w, &w.metaOut)
	}
}

// metaAtOnce is how many events of the router itself stand in memory for all their receivers: a session may leave tens of
// thousands of registrations and subscriptions behind.
const metaAtOnce = 4
