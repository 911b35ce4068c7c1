package routing

import (
	"math"
	"slices"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// MetaEvent is an event that the router itself publishes because of what a step did (MTE-01). The dealer puts it into
// the outbox; the shell gives it to the broker, behind everything that the step sent (RMA-05).
type MetaEvent struct {
	topic   string
	session wamp.ID   // who joined, left, or did it
	object  wamp.ID   // the registration or subscription; not if it is created
	created described // the new registration or subscription, with on_create only
	who     *Session  // with on_join and on_leave only
}

// described is what an event of its creation tells about.
type described interface{ details() wamp.Dict }

// payload returns what the event says. It is made only if somebody wants to hear it (MTE-05).
func (e *MetaEvent) payload() wamp.Payload {
	switch {
	case e.topic == topicOnJoin:
		return wamp.Payload{Args: wamp.List{e.who.details()}}
	case e.topic == topicOnLeave:
		return wamp.Payload{Args: wamp.List{uint64(e.who.ID), e.who.AuthID, e.who.AuthRole}}
	case e.created != nil:
		return wamp.Payload{Args: wamp.List{uint64(e.session), e.created.details()}}
	default:
		return wamp.Payload{Args: wamp.List{uint64(e.session), uint64(e.object)}}
	}
}

// PublishMeta sends the router's own events to their subscribers, each with a publication ID of its own and without a
// publisher (MTE-02). Nobody is excluded, not even the session whose doing it was (RMA-14).
func (b *Broker) PublishMeta(events []MetaEvent, out *Outbox) {
	for i := range events {
		b.publishMeta(&events[i], out)
	}
}

// tell publishes what the broker's own step has to tell, behind all that the step sent.
func (b *Broker) tell(out *Outbox) {
	b.PublishMeta(out.Meta, out)
	clear(out.Meta)
	out.Meta = out.Meta[:0]
}

func (b *Broker) publishMeta(e *MetaEvent, out *Outbox) {
	b.matches = b.matching(b.matches[:0], e.topic)
	if len(b.matches) == 0 {
		return
	}
	p := publication{topic: e.topic}
	p.event.Publication = wamp.RandomID(b.config.Random())
	p.event.Payload = e.payload()
	for _, sub := range b.matches {
		p.sendTo(sub, 0, out)
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
	grant  Grant
	args   wamp.List
	kwargs wamp.Dict
}

// metaProcedure answers a call with the arguments of its RESULT, or refuses it. No arguments are nil.
type metaProcedure[Core any] func(core Core, c *metaCall, out *Outbox) (wamp.List, refusal)

// metaAPI has the router's own procedures by their URIs. No registration can get in their way (RPC-20).
type metaAPI[Core any] map[string]metaProcedure[Core]

// notInParts is the answer to a call of the router itself that is to have several parts (MET-04).
var notInParts = refusal{wamp.ErrFeatureNotSupported, "the router takes no call in parts"}

// answer answers a CALL of a procedure that the router itself has. The answer comes from the same step, so that a session
// finds what it has just changed (MET-01, MET-05).
func (api metaAPI[Core]) answer(core Core, now time.Time, from *Session, m *wamp.Call, g Grant, out *Outbox) refusal {
	procedure, known := api[m.Procedure]
	switch {
	case !known:
		return refusal{wamp.ErrNoSuchProcedure, "the router has no such procedure"}
	case m.Options.Progress:
		return notInParts
	case m.Options.PPT != nil:
		return refusal{wamp.ErrInvalidArgument, "the router does not look into passed-through payloads"} // PPT-12
	}
	c := metaCall{now: now, caller: from, grant: g, args: m.Payload.Args, kwargs: m.Payload.Kwargs}
	result, no := procedure(core, &c, out)
	if no.refuses() {
		return no
	}
	answer := out.result(from)
	answer.Request = m.Request
	answer.Payload.Args = result
	return refusal{}
}

// badArgument is the answer to arguments of the wrong number or type (MET-02).
func badArgument(want string) refusal { return refusal{wamp.ErrInvalidArgument, "want " + want} }

// id returns the positional argument at i as an ID, which may be written as a whole float (MET-06).
func (c *metaCall) id(i int) (wamp.ID, bool) {
	if i >= len(c.args) {
		return 0, false
	}
	return idIn(c.args[i])
}

func idIn(v any) (wamp.ID, bool) {
	switch v := v.(type) {
	case int64:
		return wamp.ID(v), wamp.ID(v).Valid()
	case float64:
		return wamp.ID(v), v >= 1 && v <= float64(wamp.MaxID) && v == math.Trunc(v)
	default:
		return 0, false
	}
}

// text returns the first positional argument as a text.
func (c *metaCall) text() (string, bool) {
	if len(c.args) == 0 {
		return "", false
	}
	text, ok := c.args[0].(string)
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

// reason returns the keyword argument that says why something is done, a URI (RRV-04); none is empty.
func (c *metaCall) reason() (string, refusal) { return reasonOf(c.kwargs["reason"]) }

// reasonAt is reason for a procedure that takes it as the positional argument at i, too (RRV-06, SRV-04).
func (c *metaCall) reasonAt(i int) (string, refusal) {
	if c.kwargs["reason"] == nil && i < len(c.args) {
		return reasonOf(c.args[i])
	}
	return c.reason()
}

func reasonOf(v any) (string, refusal) {
	text, ok := v.(string)
	switch {
	case v == nil:
		return "", refusal{}
	case !ok:
		return "", badArgument("a URI as reason") // MET-02
	case text == "" || !wamp.LooseURI.ValidURI(text):
		return "", refusal{wamp.ErrInvalidURI, "the reason is not a valid URI"} // SMA-07
	default:
		return text, refusal{}
	}
}

// texts returns the positional argument at i as a list of texts. It may be missing or null, and is not given then.
func (c *metaCall) texts(i int) (texts []string, given, ok bool) {
	if i >= len(c.args) || c.args[i] == nil {
		return nil, false, true
	}
	texts, ok = textsIn(c.args[i])
	return texts, true, ok
}

func textsIn(v any) (texts []string, ok bool) {
	list, ok := v.(wamp.List)
	if !ok {
		return nil, false
	}
	texts = make([]string, len(list))
	for i, item := range list {
		if texts[i], ok = item.(string); !ok {
			return nil, false
		}
	}
	return texts, true
}

// ids returns IDs as a list for a payload.
func ids[T any](items []T, id func(T) wamp.ID) wamp.List {
	list := make(wamp.List, len(items))
	for i, item := range items {
		list[i] = uint64(id(item))
	}
	return list
}

// listByMatch returns IDs as the procedures that list registrations or subscriptions do: sorted, by match policy.
func listByMatch(byMatch map[wamp.MatchPolicy][]wamp.ID) wamp.List {
	list := wamp.Dict{}
	for _, match := range []wamp.MatchPolicy{wamp.MatchExact, wamp.MatchPrefix, wamp.MatchWildcard} {
		found := byMatch[match]
		slices.Sort(found)
		list[match.String()] = ids(found, func(id wamp.ID) wamp.ID { return id })
	}
	return wamp.List{list}
}
