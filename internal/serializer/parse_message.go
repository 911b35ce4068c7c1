package serializer

import "github.com/tandemrouter/tandem/wamp"

// message makes the struct of the message that was scanned, by its type.
func (f *fields) message() wamp.Message {
	if f.m.n == 0 {
		f.err = wamp.Violation("the message is an empty list")
		return nil
	}
	code := f.number("message type")
	if f.err != nil {
		f.err = wamp.Violation("the message type is not a number")
		return nil
	}
	f.t = wamp.MessageType(min(code, 0xffff))
	if m := f.frequent(); m != nil {
		return m
	}
	if m := f.request(); m != nil {
		return m
	}
	if m := f.reply(); m != nil {
		return m
	}
	if m := f.session(); m != nil {
		return m
	}
	f.err = wamp.Violation("message type %d is not defined", code)
	return nil
}

// frequent makes the messages that carry payloads, and REGISTER, in memory that is used again. A REGISTER that got memory of
// its own would leave a gap in the heap beside each registration, which is as large.
func (f *fields) frequent() wamp.Message {
	switch f.t {
	case wamp.TypeCall:
		return f.call(next(f.p, &f.p.calls))
	case wamp.TypeYield:
		return f.yield(next(f.p, &f.p.yields))
	case wamp.TypeResult:
		return f.result(next(f.p, &f.p.results))
	case wamp.TypeInvocation:
		return f.invocation(next(f.p, &f.p.invocations))
	case wamp.TypePublish:
		return f.publish(next(f.p, &f.p.publishes))
	case wamp.TypeEvent:
		return f.event(next(f.p, &f.p.events))
	case wamp.TypeError:
		return f.error(next(f.p, &f.p.errors))
	case wamp.TypeRegister:
		return f.register(next(f.p, &f.p.registers))
	default:
		return nil
	}
}

func (f *fields) call(m *wamp.Call) wamp.Message {
	f.length(4, 6)
	m.Request = f.id("Request")
	f.callOptions(&m.Options)
	m.Procedure = f.text("Procedure")
	m.Payload = f.payload()
	return m
}

func (f *fields) yield(m *wamp.Yield) wamp.Message {
	f.length(3, 5)
	m.Request = f.id("INVOCATION.Request")
	f.resultDetails("Options", &m.Options.Progress, &m.Options.PPT, &m.Options.Extra)
	m.Payload = f.payload()
	return m
}

func (f *fields) result(m *wamp.Result) wamp.Message {
	f.length(3, 5)
	m.Request = f.id("CALL.Request")
	f.resultDetails("Details", &m.Details.Progress, &m.Details.PPT, &m.Details.Extra)
	m.Payload = f.payload()
	return m
}

func (f *fields) invocation(m *wamp.Invocation) wamp.Message {
	f.length(4, 6)
	m.Request = f.id("Request")
	m.Registration = f.id("REGISTERED.Registration")
	f.invocationDetails(&m.Details)
	m.Payload = f.payload()
	return m
}

func (f *fields) publish(m *wamp.Publish) wamp.Message {
	f.length(4, 6)
	m.Request = f.id("Request")
	f.publishOptions(&m.Options)
	m.Topic = f.text("Topic")
	m.Payload = f.payload()
	return m
}

func (f *fields) event(m *wamp.Event) wamp.Message {
	f.length(4, 6)
	m.Subscription = f.id("SUBSCRIBED.Subscription")
	m.Publication = f.id("PUBLISHED.Publication")
	f.eventDetails(&m.Details)
	m.Payload = f.payload()
	return m
}

func (f *fields) error(m *wamp.Error) wamp.Message {
	f.length(5, 7)
	m.RequestType = wamp.MessageType(min(f.number("REQUEST.Type"), 0xffff))
	m.Request = f.id("REQUEST.Request")
	f.errorDetails(&m.Details)
	m.URI = wamp.ErrorURI(f.text("Error"))
	m.Payload = f.payload()
	return m
}

func (f *fields) register(m *wamp.Register) wamp.Message {
	f.length(4, 4)
	m.Request = f.id("Request")
	f.registerOptions(&m.Options)
	m.Procedure = f.text("Procedure")
	return m
}

// request makes the other requests of clients, and INTERRUPT.
func (f *fields) request() wamp.Message {
	switch f.t {
	case wamp.TypeSubscribe:
		f.length(4, 4)
		m := &wamp.Subscribe{Request: f.id("Request")}
		f.subscribeOptions(&m.Options)
		m.Topic = f.text("Topic")
		return m
	case wamp.TypeUnsubscribe:
		f.length(3, 4)
		m := &wamp.Unsubscribe{Request: f.id("Request"), Subscription: f.id("SUBSCRIBED.Subscription")}
		f.ignored()
		return m
	case wamp.TypeUnregister:
		f.length(3, 4)
		m := &wamp.Unregister{Request: f.id("Request"), Registration: f.id("REGISTERED.Registration")}
		f.ignored()
		return m
	case wamp.TypeCancel:
		f.length(3, 3)
		m := &wamp.Cancel{Request: f.id("CALL.Request")}
		f.cancelOptions(&m.Options)
		return m
	case wamp.TypeInterrupt:
		f.length(3, 3)
		m := &wamp.Interrupt{Request: f.id("INVOCATION.Request")}
		f.interruptOptions(&m.Options)
		return m
	default:
		return nil
	}
}

// ignored takes a trailing dictionary that some clients send (MSG-12).
func (f *fields) ignored() {
	if f.rest() > 0 {
		f.options("Options")
	}
}

// reply makes the router's acknowledgements, and EVENT_RECEIVED.
func (f *fields) reply() wamp.Message {
	switch f.t {
	case wamp.TypePublished:
		f.length(3, 3)
		return &wamp.Published{Request: f.id("PUBLISH.Request"), Publication: f.id("Publication")}
	case wamp.TypeSubscribed:
		f.length(3, 3)
		return &wamp.Subscribed{Request: f.id("SUBSCRIBE.Request"), Subscription: f.id("Subscription")}
	case wamp.TypeRegistered:
		f.length(3, 3)
		return &wamp.Registered{Request: f.id("REGISTER.Request"), Registration: f.id("Registration")}
	case wamp.TypeUnsubscribed:
		f.length(2, 3)
		m := &wamp.Unsubscribed{Request: f.requestOrZero("UNSUBSCRIBE.Request")}
		m.Details.Subscription, m.Details.Reason = f.revocation(m.Request, keySubscription)
		return m
	case wamp.TypeUnregistered:
		f.length(2, 3)
		m := &wamp.Unregistered{Request: f.requestOrZero("UNREGISTER.Request")}
		m.Details.Registration, m.Details.Reason = f.revocation(m.Request, keyRegistration)
		return m
	case wamp.TypeEventReceived:
		f.length(2, 2)
		return &wamp.EventReceived{Publication: f.id("EVENT.Publication")}
	default:
		return nil
	}
}

// revocation takes the details of a message with the request ID 0 (RRV-01, SRV-01). Others need none.
func (f *fields) revocation(request wamp.ID, subject key) (id wamp.ID, reason string) {
	if request != 0 {
		f.ignored()
		return 0, ""
	}
	f.length(3, 3)
	d := f.options("Details")
	for d.next() {
		switch d.key {
		case subject:
			id = d.id()
		case keyReason:
			reason = d.string()
		}
	}
	return id, reason
}

// session makes the messages that open and close sessions.
func (f *fields) session() wamp.Message {
	switch f.t {
	case wamp.TypeHello:
		f.length(3, 3)
		m := &wamp.Hello{Realm: f.textOrNull("Realm")}
		f.helloDetails(&m.Details)
		return m
	case wamp.TypeWelcome:
		f.length(3, 3)
		m := &wamp.Welcome{Session: f.id("Session")}
		f.welcomeDetails(&m.Details)
		return m
	case wamp.TypeAbort:
		f.length(3, 5)
		m := &wamp.Abort{}
		m.Details.Message, m.Details.Extra = f.farewellDetails()
		m.Reason = f.text("Reason")
		f.payload() // SES-13
		return m
	case wamp.TypeGoodbye:
		f.length(3, 3)
		m := &wamp.Goodbye{}
		m.Details.Message, m.Details.Extra = f.farewellDetails()
		m.Reason = f.text("Reason")
		return m
	case wamp.TypeChallenge:
		f.length(3, 3)
		return &wamp.Challenge{AuthMethod: f.text("AuthMethod"), Extra: f.extra("Extra")}
	case wamp.TypeAuthenticate:
		f.length(3, 3)
		return &wamp.Authenticate{Signature: f.text("Signature"), Extra: f.extra("Extra")}
	default:
		return nil
	}
}
