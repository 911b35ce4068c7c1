package routing

import (
	"math"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// MetaEvent is an event that the router itself publishes because of what a step did (MTE-01). The dealer puts it into
// the outbox; the shell gives it to the broker, behind everything that the step sent (RMA-05).
type MetaEvent struct {
	topic   string
	session wamp.ID       // who joined, left, or did it
	object  wamp.ID       // the registration; not if it is created
	created *registration // with on_create only
}

// payload returns what the event says. It is made only if somebody wants to hear it (MTE-05).
func (e *MetaEvent) payload() wamp.Payload {
	if e.created != nil {
		return wamp.Payload{Args: wamp.List{uint64(e.session), e.created.details()}}
	}
	return wamp.Payload{Args: wamp.List{uint64(e.session), uint64(e.object)}}
}

// PublishMeta sends the router's own events to their subscribers, each with a publication ID of its own and without a
// publisher (MTE-02). Nobody is excluded, not even the session whose doing it was (RMA-14).
func (b *Broker) PublishMeta(events []MetaEvent, out *Outbox) {
	for i := range events {
		b.publishMeta(&events[i], out)
	}
}

func (b *Broker) publishMeta(e *MetaEvent, out *Outbox) {
	b.matches = b.topics.All(b.matches[:0], e.topic)
	if len(b.matches) == 0 {
		return
	}
	p := publication{topic: e.topic}
	p.event.Publication = wamp.RandomID(b.config.Random())
	p.event.Payload = e.payload()
	for _, sub := range b.matches {
		p.sendTo(sub, out)
	}
	clear(b.matches)
}

// metaTime writes a time as meta procedures and events have it (MTE-04).
func metaTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// metaCall is a CALL of a procedure that the router itself has. Its payload consists of Go values; a payload that
// could not be decoded counts as none.
type metaCall struct {
	now    time.Time
	caller *Session
	args   wamp.List
	kwargs wamp.Dict
}

// badArgument is the answer to arguments of the wrong number or type (MET-02).
func badArgument(want string) refusal { return refusal{wamp.ErrInvalidArgument, "want " + want} }

// id returns the positional argument at i as an ID, which may be written as a whole float (MET-06).
func (c *metaCall) id(i int) (wamp.ID, bool) {
	if i >= len(c.args) {
		return 0, false
	}
	switch v := c.args[i].(type) {
	case int64:
		return wamp.ID(v), wamp.ID(v).Valid()
	case float64:
		return wamp.ID(v), v >= 1 && v <= float64(wamp.MaxID) && v == math.Trunc(v)
	default:
		return 0, false
	}
}

// text returns the positional argument at i as a text.
func (c *metaCall) text(i int) (string, bool) {
	if i >= len(c.args) {
		return "", false
	}
	text, ok := c.args[i].(string)
	return text, ok
}

// match returns the match policy in the dictionary of options that may be the positional argument at i.
func (c *metaCall) match(i int) (wamp.MatchPolicy, bool) {
	if i >= len(c.args) || c.args[i] == nil {
		return wamp.MatchExact, true
	}
	options, ok := c.args[i].(wamp.Dict)
	if !ok {
		return 0, false
	}
	word, given := options["match"]
	if !given || word == nil {
		return wamp.MatchExact, true
	}
	text, ok := word.(string)
	if !ok {
		return 0, false
	}
	return wamp.ParseMatchPolicy(text)
}

// reason returns the keyword argument that says why something is done, a URI (RRV-04).
func (c *metaCall) reason() (string, bool) {
	v, given := c.kwargs["reason"]
	if !given || v == nil {
		return "", true
	}
	text, ok := v.(string)
	return text, ok && wamp.LooseURI.ValidURI(text)
}

// ids returns IDs as a list for a payload.
func ids[T any](items []T, id func(T) wamp.ID) wamp.List {
	list := make(wamp.List, len(items))
	for i, item := range items {
		list[i] = uint64(id(item))
	}
	return list
}
