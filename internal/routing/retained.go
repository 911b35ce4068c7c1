package routing

import (
	"slices"
	"strings"

	"github.com/tandemrouter/tandem/wamp"
)

// retained is a retained event. It shares no memory with the message that brought it, and refers to no session, lest
// it keep what has left.
type retained struct {
	number    wamp.ID // counts up
	topic     *retainedTopic
	event     wamp.Event // but for the subscription and the topic (RET-09, PID-07)
	publisher wamp.ID    // the session that must not have it; 0: none (RET-06)
	audience  *audience  // nil: everybody else may have it
	rkey      uint64     // as Broker.rkey returns it
	listed    int        // sessions on the list of those that may have it that are still there
	size      int
	dropped   bool // though a session that is being killed may still know it

	older, newer *retained
}

// What it takes to keep an event, in bytes: measured, with the indexes that lead to it.
const (
	retainedSize   = 448
	restrictedSize = 256 // the lists
	listedSize     = 80  // one entry of a list, if it is long or names a session
	passthruSize   = 64
)

// retained returns the publication as it is kept.
func (p *publication) retained(number wamp.ID, t *retainedTopic, key uint64, size int) *retained {
	e := &retained{
		number: number, topic: t, event: p.event, rkey: key, size: size,
		audience: p.audience.clone(),
	}
	e.event.Payload = p.event.Payload.Clone()
	e.event.Details.Retained = true
	e.event.Details.PPT = clonePassthru(p.event.Details.PPT)
	if p.audience.excluded != nil {
		e.publisher = p.audience.excluded.ID
	}
	return e
}

// admits reports whether the session may have the event, whoever may have the topic.
func (e *retained) admits(s *Session) bool {
	return s.ID != e.publisher && (e.audience == nil || e.audience.listed(s))
}

// open reports whether the lists let everybody pass.
func (a *audience) open() bool {
	return a.eligible.values == nil && a.eligibleAuthID.values == nil && a.eligibleAuthRole.values == nil &&
		len(a.exclude.values) == 0 && len(a.excludeAuthID.values) == 0 && len(a.excludeAuthRole.values) == 0
}

// clone returns the lists in memory of their own, or nil if they let everybody pass.
func (a *audience) clone() *audience {
	if a.open() {
		return nil
	}
	return &audience{
		restricted:       true,
		eligible:         a.eligible.clone(sameID),
		eligibleAuthID:   a.eligibleAuthID.clone(strings.Clone),
		eligibleAuthRole: a.eligibleAuthRole.clone(strings.Clone),
		exclude:          a.exclude.clone(sameID),
		excludeAuthID:    a.excludeAuthID.clone(strings.Clone),
		excludeAuthRole:  a.excludeAuthRole.clone(strings.Clone),
	}
}

func sameID(id wamp.ID) wamp.ID { return id }

// clone returns a list with clones of the values. One that was absent stays so.
func (l *list[T]) clone(value func(T) T) list[T] {
	if l.values == nil {
		return list[T]{}
	}
	values := make([]T, len(l.values))
	for i, v := range l.values {
		values[i] = value(v)
	}
	return list[T]{values: values}
}

func clonePassthru(p *wamp.Passthru) *wamp.Passthru {
	if p == nil {
		return nil
	}
	return &wamp.Passthru{
		Scheme:     strings.Clone(p.Scheme),
		Serializer: strings.Clone(p.Serializer),
		Cipher:     strings.Clone(p.Cipher),
		KeyID:      strings.Clone(p.KeyID),
	}
}

// retainedSize returns how many bytes it takes to retain the publication.
func (p *publication) retainedSize() int {
	d := &p.event.Details
	size := retainedSize + len(p.topic) + len(d.PublisherAuthID) + len(d.PublisherAuthRole) +
		payloadSize(&p.event.Payload) + sizeOfPassthru(d.PPT)
	if !p.audience.open() {
		size += restrictedSize + p.audience.size()
	}
	return size
}

func sizeOfPassthru(p *wamp.Passthru) int {
	if p == nil {
		return 0
	}
	return passthruSize + len(p.Scheme) + len(p.Serializer) + len(p.Cipher) + len(p.KeyID)
}

func (a *audience) size() int {
	texts := slices.Concat(a.eligibleAuthID.values, a.eligibleAuthRole.values, a.excludeAuthID.values, a.excludeAuthRole.values)
	size := listedSize * (len(texts) + len(a.eligible.values) + len(a.exclude.values))
	for _, text := range texts {
		size += len(text)
	}
	return size
}

func payloadSize(p *wamp.Payload) int {
	if p.Serializer != wamp.NoSerializer {
		return len(p.Raw)
	}
	return weigh(p.Args) + weigh(p.Kwargs)
}
