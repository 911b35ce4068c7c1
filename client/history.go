package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// EventQuery says which events of a history are meant, and in which order. The zero value means all of them, the
// oldest first. An event must meet every condition (EVH-03).
type EventQuery struct {
	Reverse bool // the newest first
	Limit   int  // how many at most, counted in the order of the answer (EVH-08); 0: as many as the router gives

	Topic string // only what was published to this URI

	FromTime   time.Time // then or later
	AfterTime  time.Time // later
	BeforeTime time.Time // earlier
	UntilTime  time.Time // then or earlier

	// Publications stand for their places in the history (EVH-04).

	FromPublication   wamp.ID // this one and what follows it
	AfterPublication  wamp.ID // what follows this one
	BeforePublication wamp.ID // what precedes this one
	UntilPublication  wamp.ID // this one and what precedes it
}

// PastEvent is an event of a history, which came at that time to the router. Its Topic is empty if the router does not
// tell it and the session is not subscribed either.
type PastEvent struct {
	Event
	Timestamp time.Time
}

// EventHistory is what a router remembers.
type EventHistory struct {
	Events []PastEvent
	// LimitReached says that there is more than what was asked for or what the router gives at once; an
	// AfterPublication, or BeforePublication if Reverse, of the last event gets the rest. Some routers do not tell.
	LimitReached bool
}

// Events returns past events of a subscription (EVH-01), such as one of this session with its Subscription.ID, or one that
// `wamp.subscription.lookup` finds. Without a history there are none.
//
// The errors are those of Call: what the router refuses is a *wamp.Error, wamp.ErrNoSuchProcedure if it remembers
// nothing at all. An event that cannot be unpacked is left out and logged, as it is when it is received (PPT-13).
func (s *Session) Events(ctx context.Context, subscription wamp.ID, q EventQuery) (*EventHistory, error) {
	const procedure = "wamp.subscription.get_events"
	result, err := s.Call(ctx, procedure, Args(subscription), Kwargs(q.kwargs()))
	if err != nil {
		return nil, err
	}
	topic := s.topicOf(subscription)
	history := &EventHistory{}
	history.LimitReached, _ = result.Kwargs["is_limit_reached"].(bool)
	for _, arg := range pastEvents(result.Args) {
		m, at, err := parsePastEvent(result.Payload.Serializer, arg)
		if err != nil {
			return nil, fmt.Errorf("client: the router's answer to %s: %w", procedure, err)
		}
		e, err := newEvent(topic, m)
		if err != nil {
			s.logger.Error("past event not delivered", "publication", m.Publication, "err", err)
			continue
		}
		history.Events = append(history.Events, PastEvent{*e, at})
	}
	return history, nil
}

// kwargs returns the conditions as the procedure takes them.
func (q *EventQuery) kwargs() wamp.Dict {
	kwargs := wamp.Dict{}
	if q.Reverse {
		kwargs["reverse"] = true
	}
	if q.Limit != 0 {
		kwargs["limit"] = q.Limit
	}
	if q.Topic != "" {
		kwargs["topic"] = q.Topic
	}
	for key, t := range map[string]time.Time{
		"from_time": q.FromTime, "after_time": q.AfterTime, "before_time": q.BeforeTime, "until_time": q.UntilTime,
	} {
		if !t.IsZero() {
			kwargs[key] = t.Format(time.RFC3339Nano)
		}
	}
	for key, id := range map[string]wamp.ID{
		"from_publication": q.FromPublication, "after_publication": q.AfterPublication,
		"before_publication": q.BeforePublication, "until_publication": q.UntilPublication,
	} {
		if id != 0 {
			kwargs[key] = id
		}
	}
	return kwargs
}

// pastEvents returns the events of an answer: each is an argument, but some routers put all into one list.
func pastEvents(args wamp.List) wamp.List {
	if len(args) == 1 {
		if list, ok := args[0].(wamp.List); ok {
			return list
		}
	}
	return args
}

var errNoPastEvent = errors.New("not an event with a timestamp, a publication and its details")

// parsePastEvent returns an event of an answer (EVH-06) as the EVENT that it was, and when that was.
func parsePastEvent(from wamp.Serializer, arg any) (*wamp.Event, time.Time, error) {
	dict, _ := arg.(wamp.Dict)
	text, _ := dict["timestamp"].(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, at, errNoPastEvent
	}
	m, err := parseEvent(from, dict)
	return m, at, err
}

// parseEvent has the event read, and checked, as one that is received. What is wrong with it is no violation of the
// protocol.
func parseEvent(from wamp.Serializer, dict wamp.Dict) (*wamp.Event, error) {
	details, okDetails := absentOr[wamp.Dict](dict["details"])
	args, okArgs := absentOr[wamp.List](dict["args"])
	kwargs, okKwargs := absentOr[wamp.Dict](dict["kwargs"])
	if !okDetails || !okArgs || !okKwargs {
		return nil, errNoPastEvent
	}
	frame, err := payload.AppendValue(nil, from,
		wamp.List{wamp.TypeEvent, dict["subscription"], dict["publication"], details, args, kwargs})
	if err != nil {
		return nil, err
	}
	m, err := serializer.Parse(from, frame)
	if err != nil {
		return nil, errNoPastEvent
	}
	return m.(*wamp.Event), nil
}

// topicOf returns what this session subscribed to with that ID, or nothing.
func (s *Session) topicOf(subscription wamp.ID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.subscriptions[subscription]; t != nil {
		return t.key.uri
	}
	return ""
}
