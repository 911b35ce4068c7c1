package routing

import (
	"github.com/tandemrouter/tandem/internal/slab"
	"github.com/tandemrouter/tandem/wamp"
)

// Send is one effect of a step: a message for a session. An ABORT ends the session that it goes to.
type Send struct {
	To  *Session
	Msg wamp.Message
}

// Outbox collects the effects of core steps in the order in which they must be carried out. The shell owns it and
// resets it when it has carried them out; a message in it is valid until then. An event that goes to many
// subscribers is one message, the same pointer in consecutive sends, so that the shell can encode it once.
//
// The outbox keeps the memory of the messages that every call needs and uses it again, so that a step allocates
// nothing for them.
type Outbox struct {
	Sends  []Send
	Meta   []MetaEvent // to be published behind the sends
	Kept   []Kept      // to be written into the history of events
	Killed []Killed    // to be ended behind the sends

	Vacancies []Vacancy // to be filled behind the sends

	violated    bool
	resumed     int // bytes of calls that waited
	results     slab.Slab[wamp.Result]
	invocations slab.Slab[wamp.Invocation]
	errors      slab.Slab[wamp.Error]
	events      slab.Slab[wamp.Event]
	published   slab.Slab[wamp.Published]
}

// Reset empties the outbox and takes back the memory of its messages.
func (o *Outbox) Reset() {
	clear(o.Sends)
	o.Sends = o.Sends[:0]
	clear(o.Meta)
	o.Meta = o.Meta[:0]
	clear(o.Kept)
	o.Kept = o.Kept[:0]
	clear(o.Killed)
	o.Killed = o.Killed[:0]
	clear(o.Vacancies)
	o.Vacancies = o.Vacancies[:0]
	o.violated, o.resumed = false, 0
	o.results.Reset()
	o.invocations.Reset()
	o.errors.Reset()
	o.events.Reset()
	o.published.Reset()
}

// Violated reports whether a step since the last Reset found that its session broke the protocol. The shell then
// gives the core nothing more of that session but its removal.
func (o *Outbox) Violated() bool { return o.violated }

// send adds a message whose memory the outbox does not own.
func (o *Outbox) send(to *Session, m wamp.Message) {
	o.Sends = append(o.Sends, Send{to, m})
}

// result adds a RESULT for the step to fill in.
func (o *Outbox) result(to *Session) *wamp.Result {
	m := o.results.Next()
	o.send(to, m)
	return m
}

// invocation adds an INVOCATION for the step to fill in.
func (o *Outbox) invocation(to *Session) *wamp.Invocation {
	m := o.invocations.Next()
	o.send(to, m)
	return m
}

// event returns an EVENT for the step to fill in and to send to its receivers.
func (o *Outbox) event() *wamp.Event { return o.events.Next() }

// acknowledge adds a PUBLISHED.
func (o *Outbox) acknowledge(to *Session, request, publication wamp.ID) {
	m := o.published.Next()
	m.Request, m.Publication = request, publication
	o.send(to, m)
}

// refuse adds an ERROR that the router itself makes, with a text for a person as its argument (ERR-03).
func (o *Outbox) refuse(to *Session, t wamp.MessageType, request wamp.ID, uri wamp.ErrorURI, text string) {
	m := o.error(to, t, request, uri)
	m.Payload.Args = wamp.List{text}
}

// error adds an ERROR for the step to give a payload.
func (o *Outbox) error(to *Session, t wamp.MessageType, request wamp.ID, uri wamp.ErrorURI) *wamp.Error {
	m := o.errors.Next()
	m.RequestType, m.Request, m.URI = t, request, uri
	o.send(to, m)
	return m
}

// violation adds the ABORT that ends a session which broke the protocol (PER-01).
func (o *Outbox) violation(to *Session, text string) {
	o.violated = true
	o.send(to, &wamp.Abort{Reason: string(wamp.ErrProtocolViolation), Details: wamp.AbortDetails{Message: text}})
}
