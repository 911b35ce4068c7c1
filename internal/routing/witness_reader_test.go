package routing_test

import (
	"fmt"
	"strings"

	"github.com/tandemrouter/tandem/wamp"
)

// reader is what a peer knows of its subscriptions and of the events that reached it.
type reader struct {
	asked   map[wamp.ID]string  // SUBSCRIBE requests with their topics, if these are to match exactly
	ending  map[wamp.ID]wamp.ID // UNSUBSCRIBE requests with their subscriptions
	holds   map[wamp.ID]*feed   // from SUBSCRIBED to UNSUBSCRIBED, by subscription
	heardOf map[uint64]uint64   // the last publication, by publisher
}

// feed is what has come for one subscription.
type feed struct {
	topic  string // if all events have the same
	phases map[string]phase
}

// phase is how far something has come of which the router itself tells.
type phase int

const (
	unheard phase = iota
	present
	absent
	over
)

func newReader() reader {
	return reader{
		asked: map[wamp.ID]string{}, ending: map[wamp.ID]wamp.ID{}, holds: map[wamp.ID]*feed{}, heardOf: map[uint64]uint64{},
	}
}

func (r *reader) asks(m *wamp.Subscribe) {
	if m.Options.Match == wamp.MatchExact {
		r.asked[m.Request] = m.Topic
	}
}

func (r *reader) subscribed(m *wamp.Subscribed) {
	r.holds[m.Subscription] = &feed{r.asked[m.Request], map[string]phase{}}
}

func (r *reader) unsubscribed(m *wamp.Unsubscribed) {
	delete(r.holds, r.ending[m.Request])
	delete(r.holds, m.Details.Subscription)
}

// event checks that the peer holds the subscription (PUB-11, PUB-12), that what a publisher said comes in the order in
// which it said it, whatever the topic (PUB-13), and that what the router says makes sense.
func (r *reader) event(m *wamp.Event) error {
	f := r.holds[m.Subscription]
	if f == nil {
		return fmt.Errorf("EVENT of subscription %d before SUBSCRIBED or after UNSUBSCRIBED (PUB-11, PUB-12)", m.Subscription)
	}
	topic := m.Details.Topic
	if topic == "" {
		topic = f.topic
	}
	args := m.Payload.Args
	if strings.HasPrefix(topic, "wamp.") {
		if m.Details.Publisher != 0 {
			return fmt.Errorf("%s has a publisher (MTE-02)", topic)
		}
		return f.own(strings.TrimPrefix(topic, "wamp."), args)
	}
	if m.Details.Retained || len(args) < 2 || args[0] == "will" {
		return nil
	}
	publisher, number := args[0].(uint64), args[1].(uint64)
	if number < r.heardOf[publisher] {
		return fmt.Errorf("EVENT %d of publisher %d after its %d (PUB-13)", number, publisher, r.heardOf[publisher])
	}
	r.heardOf[publisher] = number
	return nil
}

// own checks the order of events in the life of sessions, registrations and subscriptions, and that each comes once
// (RMA-02, UMA-01). A subscriber to few of them sees gaps, but nothing out of order.
func (f *feed) own(topic string, args wamp.List) error {
	api, what, _ := strings.Cut(topic, ".")
	switch what {
	case "on_join":
		return f.enter(fmt.Sprint("session ", args[0].(wamp.Dict)["session"]), present, unheard)
	case "on_leave":
		return f.enter(fmt.Sprint("session ", args[0]), over, unheard, present)
	case "on_create":
		object := fmt.Sprint(api, " ", args[1].(wamp.Dict)["id"])
		return f.firstOf(args[0], f.enter(object, present, unheard))
	}
	object := fmt.Sprint(api, " ", args[1])
	member := fmt.Sprint(object, " of ", args[0])
	switch what {
	case "on_delete":
		return f.firstOf(args[0], f.enter(object, over, unheard, present))
	case "on_register", "on_subscribe":
		return f.firstOf(args[0], f.both(object, f.enter(member, present, unheard, absent)))
	default:
		return f.firstOf(args[0], f.both(object, f.enter(member, absent, unheard, present)))
	}
}

// firstOf adds that the session has not left.
func (f *feed) firstOf(session any, err error) error {
	if key := fmt.Sprint("session ", session); f.phases[key] == over {
		return fmt.Errorf("something of %s after its on_leave (MTE-03)", key)
	}
	return err
}

// both adds that the object is there.
func (f *feed) both(object string, err error) error {
	if err != nil {
		return err
	}
	return f.enter(object, present, unheard, present)
}

// enter notes that something has come to another phase, which it can only from certain ones.
func (f *feed) enter(key string, next phase, from ...phase) error {
	now := f.phases[key]
	f.phases[key] = next
	for _, allowed := range from {
		if now == allowed {
			return nil
		}
	}
	return fmt.Errorf("%s goes from phase %d to %d (RMA-02, UMA-01)", key, now, next)
}
