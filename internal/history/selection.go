package history

import (
	"context"

	"github.com/tandemrouter/tandem/wamp"
)

// DefaultMaxResult is how many events one result has at most (EVH-15).
const DefaultMaxResult = 1000

// Terms are what the router has to say about a query.
type Terms struct {
	Admits    func(*Event) bool // whether the caller may get the event (EVH-10); nil: all
	MaxEvents int               // default: DefaultMaxResult
	MaxBytes  int               // of payloads, topics and identities, however many they are, but at least one event; 0: no bound
}

// Selection is what a query found.
type Selection struct {
	Events       []*Event // with payloads that are their own
	LimitReached bool     // there is more that meets the conditions
}

// Select returns the first events that meet the query's conditions and may be seen, in the order that it asks for
// (EVH-08). The error is the store's.
func Select(ctx context.Context, s Store, key Key, q *Query, t Terms) (Selection, error) {
	sel := newSelector(q, t)
	if err := s.Scan(ctx, key, q.Reverse, sel.visit); err != nil {
		return Selection{}, err
	}
	if !sel.allSeen() {
		return Selection{}, nil // EVH-04
	}
	return sel.found, nil
}

// selector looks at the events of a history one by one, in the order of the result.
type selector struct {
	query  *Query
	terms  Terms
	bounds []bound
	limit  int
	bytes  int
	found  Selection
}

func newSelector(q *Query, t Terms) *selector {
	s := &selector{query: q, terms: t, limit: t.MaxEvents}
	if s.limit <= 0 {
		s.limit = DefaultMaxResult
	}
	if q.Limit > 0 {
		s.limit = min(s.limit, q.Limit)
	}
	// Who comes from the newest event meets the upper bounds first.
	s.bind(q.FromPublication, !q.Reverse, true)
	s.bind(q.AfterPublication, !q.Reverse, false)
	s.bind(q.BeforePublication, q.Reverse, false)
	s.bind(q.UntilPublication, q.Reverse, true)
	return s
}

func (s *selector) bind(id wamp.ID, opens, inclusive bool) {
	if id != 0 {
		s.bounds = append(s.bounds, bound{id: id, opens: opens, inclusive: inclusive})
	}
}

// visit reports whether the next event could matter.
func (s *selector) visit(e *Event) bool {
	within := true
	for i := range s.bounds {
		within = s.bounds[i].admits(e) && within
	}
	if within && !s.found.LimitReached && s.query.meets(e) && s.admits(e) {
		s.take(e)
	}
	return !s.found.LimitReached || !s.allSeen()
}

func (s *selector) admits(e *Event) bool { return s.terms.Admits == nil || s.terms.Admits(e) }

func (s *selector) take(e *Event) {
	s.bytes += e.size()
	n := len(s.found.Events)
	if n == s.limit || n > 0 && s.terms.MaxBytes > 0 && s.bytes > s.terms.MaxBytes {
		s.found.LimitReached = true
		return
	}
	e.Payload = e.Payload.Clone()
	s.found.Events = append(s.found.Events, e)
}

// size is about what the event takes in a message, besides the names of its entries.
func (e *Event) size() int {
	d := &e.Details
	return len(e.Payload.Raw) + len(e.Details.Topic) + len(d.PublisherAuthID) + len(d.PublisherAuthRole)
}

// allSeen reports whether the history has all publications that the query names.
func (s *selector) allSeen() bool {
	for i := range s.bounds {
		if !s.bounds[i].seen {
			return false
		}
	}
	return true
}

// bound is a publication at which the selection begins or ends.
type bound struct {
	id        wamp.ID
	opens     bool // the selection begins here, seen in the order of the visits
	inclusive bool
	seen      bool
}

func (b *bound) admits(e *Event) bool {
	before := b.seen
	b.seen = b.seen || e.Publication == b.id
	passed := before
	if b.opens == b.inclusive {
		passed = b.seen
	}
	return passed == b.opens
}

// meets reports whether the event meets the conditions that concern it alone.
func (q *Query) meets(e *Event) bool {
	return (q.Topic == "" || e.Topic == q.Topic) &&
		(q.FromTime.IsZero() || !e.Time.Before(q.FromTime)) &&
		(q.AfterTime.IsZero() || e.Time.After(q.AfterTime)) &&
		(q.BeforeTime.IsZero() || e.Time.Before(q.BeforeTime)) &&
		(q.UntilTime.IsZero() || !e.Time.After(q.UntilTime))
}
