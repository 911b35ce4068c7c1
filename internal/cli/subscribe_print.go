package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

// eventPrinter prints events until there are enough.
type eventPrinter struct {
	*program
	form    string // text, json or raw
	count   int64  // how many are enough; 0: there are never enough
	printed int64
	past    map[wamp.ID]bool // publications of the history, which are not printed again when they come
}

func (p *eventPrinter) done() bool { return p.count > 0 && p.printed >= p.count }

// begin prints past events, and those that came while they were looked up.
func (p *eventPrinter) begin(past, came []client.PastEvent) error {
	if err := p.print(inOrder(past, came)...); err != nil {
		return err
	}
	p.past = publications(past)
	return nil
}

// inOrder returns the events in the order in which they were published, each of them once. What is retained and not in the
// history is older than that.
func inOrder(past, came []client.PastEvent) []client.PastEvent {
	known := publications(past)
	var retained, live []client.PastEvent
	for _, e := range came {
		switch {
		case !e.Details.Retained:
			live = append(live, e)
		case !known[e.Publication]:
			retained = append(retained, e)
		}
	}
	later := publications(live)
	past = slices.DeleteFunc(past, func(e client.PastEvent) bool { return later[e.Publication] })
	return slices.Concat(retained, past, live)
}

func publications(events []client.PastEvent) map[wamp.ID]bool {
	set := make(map[wamp.ID]bool, len(events))
	for _, e := range events {
		set[e.Publication] = true
	}
	return set
}

// printUntil prints events as they come, until there are enough, the context is done, or the subscription is over, which
// is an error.
func (p *eventPrinter) printUntil(ctx context.Context, b *client.Subscription, live <-chan *client.Event) error {
	for !p.done() {
		select {
		case e := <-live:
			if err := p.print(client.PastEvent{Event: *e}); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		case <-b.Done():
			return ended(b.Err())
		}
	}
	return nil
}

// print prints the events until there are enough. The error says that nothing can be printed any more.
func (p *eventPrinter) print(events ...client.PastEvent) error {
	for i := range events {
		e := &events[i]
		if p.done() || p.past[e.Publication] {
			continue
		}
		if e.Details.Lost > 0 {
			fmt.Fprintf(p.Err, "%d events were lost before event %d\n", e.Details.Lost, e.Publication)
		}
		text, err := formatEvent(p.form, e)
		if err != nil {
			fmt.Fprintf(p.Err, "event %d cannot be printed: %v\n", e.Publication, err)
			continue
		}
		if _, err := fmt.Fprint(p.Out, text); err != nil {
			return err
		}
		p.printed++
	}
	return nil
}

func formatEvent(form string, e *client.PastEvent) (string, error) {
	payload := e.Payload
	if e.Details.PPT != nil { // as they are packed nobody can read them
		payload = wamp.Payload{Args: e.Args, Kwargs: e.Kwargs}
	}
	switch form {
	case "json":
		return eventObject(e, &payload)
	case "raw":
		if text, ok := rawEvent(e); ok {
			return text, nil
		}
	}
	text, err := formatPayload(&payload)
	if form == "text" {
		text = strings.TrimSpace(printable(e.Details.Topic) + " " + text)
	}
	return text + "\n", err
}

// rawEvent returns the only argument if it can be written as it is.
func rawEvent(e *client.PastEvent) (string, bool) {
	if len(e.Args) != 1 || len(e.Kwargs) > 0 {
		return "", false
	}
	switch value := e.Args[0].(type) {
	case string:
		return value + "\n", true
	case []byte:
		return string(value), true
	default:
		return "", false
	}
}

// eventObject returns the event as a line of JSON with everything that is known of it. The names are those of the
// protocol; scripts rely on them.
func eventObject(e *client.PastEvent, p *wamp.Payload) (string, error) {
	args, kwargs, err := elementsOf(p)
	if err != nil {
		return "", err
	}
	object := struct {
		Topic             string          `json:"topic"`
		Publication       wamp.ID         `json:"publication"`
		Timestamp         time.Time       `json:"timestamp,omitzero"`
		Retained          bool            `json:"retained,omitempty"`
		Lost              uint64          `json:"_lost,omitempty"`
		Publisher         wamp.ID         `json:"publisher,omitempty"`
		PublisherAuthID   string          `json:"publisher_authid,omitempty"`
		PublisherAuthRole string          `json:"publisher_authrole,omitempty"`
		TrustLevel        *uint64         `json:"trustlevel,omitempty"`
		Args              json.RawMessage `json:"args"`
		Kwargs            json.RawMessage `json:"kwargs"`
	}{
		e.Topic, e.Publication, e.Timestamp, e.Details.Retained, e.Details.Lost, e.Details.Publisher,
		e.Details.PublisherAuthID, e.Details.PublisherAuthRole, nil, args, kwargs,
	}
	if e.Details.HasTrustLevel {
		object.TrustLevel = &e.Details.TrustLevel
	}
	line, err := marshal(object)
	return string(line) + "\n", err
}
