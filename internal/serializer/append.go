package serializer

import (
	"fmt"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// Append appends the message to dst in the given serializer. A payload that is in the same serializer is copied as it
// is, any other is converted. If the payload, or a value in options, cannot be expressed, dst is returned as it was
// with an error that is wamp.ErrInvalidPayload to errors.Is (FLW-06). Append may be called by many goroutines at once.
func Append(dst []byte, s wamp.Serializer, m wamp.Message) ([]byte, error) {
	w := headWriter{serializer: s, b: dst}
	return w.append(dst, m)
}

// append appends the message to dst, which is also w.b.
func (w *headWriter) append(dst []byte, m wamp.Message) ([]byte, error) {
	switch m := m.(type) {
	case *wamp.Invocation:
		w.invocation(m)
	case *wamp.Result:
		w.result(m)
	case *wamp.Event:
		w.event(m)
	case *wamp.Call:
		w.call(m)
	case *wamp.Yield:
		w.yield(m)
	case *wamp.Publish:
		w.publish(m)
	case *wamp.Error:
		w.error(m)
	default:
		w.other(m)
	}
	if w.err != nil {
		return dst, w.err
	}
	return w.b, nil
}

// AppendHead appends the part of the message that stands before its payload. What AppendTail appends for the payload in
// the same serializer makes it the message that Append appends. Errors are those of Append.
func AppendHead(dst []byte, s wamp.Serializer, m wamp.Message) ([]byte, error) {
	w := headWriter{serializer: s, b: dst, headOnly: true}
	return w.append(dst, m)
}

// AppendTail appends the payload as the end of a message: see AppendHead. On an error dst is returned as it was.
func AppendTail(dst []byte, s wamp.Serializer, p *wamp.Payload) ([]byte, error) {
	b, err := payload.Append(dst, s, p)
	if err == nil && s == wamp.JSON {
		b = append(b, ']')
	}
	return b, err
}

// begin writes the type of a message that has n elements before its payload, and as many as the payload has.
func (w *headWriter) begin(t wamp.MessageType, n int) {
	w.list(n)
	w.number(uint64(t))
}

// beginWith is begin for a message with a payload.
func (w *headWriter) beginWith(t wamp.MessageType, n int, p *wamp.Payload) {
	w.begin(t, n+payload.Elements(p))
}

func (w *headWriter) id(id wamp.ID) {
	w.comma()
	w.number(uint64(id))
}

func (w *headWriter) uri(s string) {
	w.comma()
	w.text(s)
}

// options begins a dictionary among the elements.
func (w *headWriter) options() openDict {
	w.comma()
	return w.dict()
}

// payload writes the payload and ends the message.
func (w *headWriter) payload(p *wamp.Payload) {
	if w.headOnly {
		return
	}
	if p.Serializer == w.serializer && p.Elements > 0 {
		w.comma()
		w.b = append(w.b, p.Raw...)
	} else if b, err := payload.Append(w.b, w.serializer, p); err != nil {
		w.err = err
	} else {
		w.b = b
	}
	w.endList()
}

func (w *headWriter) invocation(m *wamp.Invocation) {
	w.beginWith(wamp.TypeInvocation, 4, &m.Payload)
	w.id(m.Request)
	w.id(m.Registration)
	o := w.options()
	d := &m.Details
	o.text(keyProcedure, d.Procedure)
	o.id(keyCaller, d.Caller)
	o.text(keyCallerAuthID, d.CallerAuthID)
	o.text(keyCallerAuthRole, d.CallerAuthRole)
	o.flag(keyReceiveProgress, d.ReceiveProgress)
	o.flag(keyProgress, d.Progress)
	o.number(keyTimeout, d.Timeout)
	o.trustLevel(d.TrustLevel, d.HasTrustLevel)
	o.passthru(d.PPT)
	o.extra(d.Extra)
	o.end()
	w.payload(&m.Payload)
}

func (d *openDict) trustLevel(level uint64, has bool) {
	if has {
		d.key(keyTrustLevel)
		d.w.number(level)
	}
}

func (w *headWriter) result(m *wamp.Result) {
	w.beginWith(wamp.TypeResult, 3, &m.Payload)
	w.id(m.Request)
	w.resultDetails(m.Details.Progress, m.Details.PPT, m.Details.Extra)
	w.payload(&m.Payload)
}

func (w *headWriter) yield(m *wamp.Yield) {
	w.beginWith(wamp.TypeYield, 3, &m.Payload)
	w.id(m.Request)
	w.resultDetails(m.Options.Progress, m.Options.PPT, m.Options.Extra)
	w.payload(&m.Payload)
}

func (w *headWriter) resultDetails(progress bool, ppt *wamp.Passthru, extra wamp.Dict) {
	o := w.options()
	o.flag(keyProgress, progress)
	o.passthru(ppt)
	o.extra(extra)
	o.end()
}

func (w *headWriter) event(m *wamp.Event) {
	w.beginWith(wamp.TypeEvent, 4, &m.Payload)
	w.id(m.Subscription)
	w.id(m.Publication)
	o := w.options()
	d := &m.Details
	o.id(keyPublisher, d.Publisher)
	o.text(keyPublisherAuthID, d.PublisherAuthID)
	o.text(keyPublisherAuthRole, d.PublisherAuthRole)
	o.text(keyTopic, d.Topic)
	o.trustLevel(d.TrustLevel, d.HasTrustLevel)
	o.flag(keyRetained, d.Retained)
	o.number(keyLost, d.Lost)
	o.passthru(d.PPT)
	o.extra(d.Extra)
	o.end()
	w.payload(&m.Payload)
}

func (w *headWriter) call(m *wamp.Call) {
	w.beginWith(wamp.TypeCall, 4, &m.Payload)
	w.id(m.Request)
	o := w.options()
	c := &m.Options
	o.flag(keyReceiveProgress, c.ReceiveProgress)
	o.flag(keyProgress, c.Progress)
	o.number(keyTimeout, c.Timeout)
	o.flag(keyDiscloseMe, c.DiscloseMe)
	o.text(keyRKey, c.RKey)
	o.text(keyRunMode, c.RunMode)
	o.passthru(c.PPT)
	o.extra(c.Extra)
	o.end()
	w.uri(m.Procedure)
	w.payload(&m.Payload)
}

func (w *headWriter) publish(m *wamp.Publish) {
	w.beginWith(wamp.TypePublish, 4, &m.Payload)
	w.id(m.Request)
	o := w.options()
	p := &m.Options
	o.flag(keyAcknowledge, p.Acknowledge)
	if p.IncludeMe {
		o.key(keyExcludeMe)
		w.bool(false)
	}
	o.flag(keyDiscloseMe, p.DiscloseMe)
	o.flag(keyRetain, p.Retain)
	o.text(keyRKey, p.RKey)
	o.receivers(p.Receivers)
	o.passthru(p.PPT)
	o.extra(p.Extra)
	o.end()
	w.uri(m.Topic)
	w.payload(&m.Payload)
}

func (d *openDict) receivers(r *wamp.Receivers) {
	if r == nil {
		return
	}
	d.ids(keyExclude, r.Exclude)
	d.texts(keyExcludeAuthID, r.ExcludeAuthID)
	d.texts(keyExcludeAuthRole, r.ExcludeAuthRole)
	d.ids(keyEligible, r.Eligible)
	d.texts(keyEligibleAuthID, r.EligibleAuthID)
	d.texts(keyEligibleAuthRole, r.EligibleAuthRole)
}

func (w *headWriter) error(m *wamp.Error) {
	w.beginWith(wamp.TypeError, 5, &m.Payload)
	w.comma()
	w.number(uint64(m.RequestType))
	w.id(m.Request)
	o := w.options()
	o.passthru(m.Details.PPT)
	o.extra(m.Details.Extra)
	o.end()
	w.uri(string(m.URI))
	w.payload(&m.Payload)
}

// other writes the messages without a payload.
func (w *headWriter) other(m wamp.Message) {
	switch m := m.(type) {
	case *wamp.Register:
		w.register(m)
	case *wamp.Subscribe:
		w.subscribe(m)
	case *wamp.Unregister:
		w.ids(m.Type(), m.Request, m.Registration)
	case *wamp.Unsubscribe:
		w.ids(m.Type(), m.Request, m.Subscription)
	case *wamp.Registered:
		w.ids(m.Type(), m.Request, m.Registration)
	case *wamp.Subscribed:
		w.ids(m.Type(), m.Request, m.Subscription)
	case *wamp.Published:
		w.ids(m.Type(), m.Request, m.Publication)
	case *wamp.EventReceived:
		w.ids(m.Type(), m.Publication)
	case *wamp.Unregistered:
		w.revocable(m.Type(), m.Request, keyRegistration, m.Details.Registration, m.Details.Reason)
	case *wamp.Unsubscribed:
		w.revocable(m.Type(), m.Request, keySubscription, m.Details.Subscription, m.Details.Reason)
	case *wamp.Cancel:
		w.cancellation(m.Type(), m.Request, m.Options.Mode, "")
	case *wamp.Interrupt:
		w.cancellation(m.Type(), m.Request, m.Options.Mode, m.Options.Reason)
	default:
		w.session(m)
	}
	w.endList()
}

// ids writes a message that consists of IDs.
func (w *headWriter) ids(t wamp.MessageType, ids ...wamp.ID) {
	w.begin(t, 1+len(ids))
	for _, id := range ids {
		w.id(id)
	}
}

// revocable writes an acknowledgement, or a revocation if the request is 0 (RRV-01, SRV-01).
func (w *headWriter) revocable(t wamp.MessageType, request wamp.ID, subject key, id wamp.ID, reason string) {
	if request != 0 {
		w.ids(t, request)
		return
	}
	w.begin(t, 3)
	w.id(0)
	o := w.options()
	o.id(subject, id)
	o.text(keyReason, reason)
	o.end()
}

func (w *headWriter) cancellation(t wamp.MessageType, request wamp.ID, mode wamp.CancelMode, reason string) {
	w.begin(t, 3)
	w.id(request)
	o := w.options()
	o.text(keyMode, mode.String())
	o.text(keyReason, reason)
	o.end()
}

func (w *headWriter) register(m *wamp.Register) {
	w.begin(m.Type(), 4)
	w.id(m.Request)
	o := w.options()
	r := &m.Options
	o.match(r.Match)
	if r.Invoke != wamp.InvokeSingle {
		o.text(keyInvoke, r.Invoke.String())
	}
	o.flag(keyDiscloseCaller, r.DiscloseCaller)
	o.flag(keyForwardTimeout, r.ForwardTimeout)
	o.number(keyConcurrency, r.Concurrency)
	o.flag(keyForceReregister, r.ForceReregister)
	o.extra(r.Extra)
	o.end()
	w.uri(m.Procedure)
}

func (d *openDict) match(p wamp.MatchPolicy) {
	if p != wamp.MatchExact {
		d.text(keyMatch, p.String())
	}
}

func (w *headWriter) subscribe(m *wamp.Subscribe) {
	w.begin(m.Type(), 4)
	w.id(m.Request)
	o := w.options()
	o.match(m.Options.Match)
	o.flag(keyGetRetained, m.Options.GetRetained)
	o.text(keyNKey, m.Options.NKey)
	o.extra(m.Options.Extra)
	o.end()
	w.uri(m.Topic)
}

// session writes the messages that open and close sessions.
func (w *headWriter) session(m wamp.Message) {
	switch m := m.(type) {
	case *wamp.Hello:
		w.hello(m)
	case *wamp.Welcome:
		w.welcome(m)
	case *wamp.Abort:
		w.farewell(m.Type(), m.Details.Message, m.Details.Extra, m.Reason)
	case *wamp.Goodbye:
		w.farewell(m.Type(), m.Details.Message, m.Details.Extra, m.Reason)
	case *wamp.Challenge:
		w.authentication(m.Type(), m.AuthMethod, m.Extra)
	case *wamp.Authenticate:
		w.authentication(m.Type(), m.Signature, m.Extra)
	default:
		w.err = fmt.Errorf("serializer: %T is not a message", m)
	}
}

func (w *headWriter) hello(m *wamp.Hello) {
	w.begin(m.Type(), 3)
	w.uri(m.Realm)
	o := w.options()
	d := &m.Details
	o.roles(&d.Roles)
	o.text(keyAgent, d.Agent)
	o.texts(keyAuthMethods, d.AuthMethods)
	o.text(keyAuthID, d.AuthID)
	o.text(keyAuthRole, d.AuthRole)
	o.dict(keyAuthExtra, d.AuthExtra)
	o.extra(d.Extra)
	o.end()
}

func (w *headWriter) welcome(m *wamp.Welcome) {
	w.begin(m.Type(), 3)
	w.id(m.Session)
	o := w.options()
	d := &m.Details
	o.roles(&d.Roles)
	o.text(keyAgent, d.Agent)
	o.text(keyRealm, d.Realm)
	o.text(keyAuthID, d.AuthID)
	o.text(keyAuthRole, d.AuthRole)
	o.text(keyAuthMethod, d.AuthMethod)
	o.text(keyAuthProvider, d.AuthProvider)
	o.dict(keyAuthExtra, d.AuthExtra)
	o.extra(d.Extra)
	o.end()
}

// roles writes the roles, each with its features even if it has none, because some clients look there without asking
// (SES-09).
func (d *openDict) roles(r *wamp.Roles) {
	d.key(keyRoles)
	roles := d.w.dict()
	for _, role := range r.List() {
		roles.name(role.String())
		details := d.w.dict()
		details.key(keyFeatures)
		features := d.w.dict()
		for _, f := range r.Features(role) {
			features.name(f.String())
			d.w.bool(true)
		}
		features.end()
		details.end()
	}
	roles.end()
}

// farewell writes ABORT and GOODBYE, which are laid out alike.
func (w *headWriter) farewell(t wamp.MessageType, message string, extra wamp.Dict, reason string) {
	w.begin(t, 3)
	o := w.options()
	o.text(keyMessage, message)
	o.extra(extra)
	o.end()
	w.uri(reason)
}

// authentication writes CHALLENGE and AUTHENTICATE, which are laid out alike. The dictionary is always there (ATH-16).
func (w *headWriter) authentication(t wamp.MessageType, word string, extra wamp.Dict) {
	w.begin(t, 3)
	w.uri(word)
	o := w.options()
	o.extra(extra)
	o.end()
}
