package wamp

// Message is one of the message structs of this package, always as a pointer: *Hello, *Call and so on. The set is
// closed; code that takes a Message switches over its concrete type.
type Message interface {
	// Type returns the code that the message has on the wire.
	Type() MessageType
}

// Dict is a dictionary of the protocol. Package client says of which Go types its values are.
type Dict = map[string]any

// List is a list of the protocol.
type List = []any

// Hello opens a session: [1, Realm, Details].
type Hello struct {
	Realm   string // empty if the client sent null: the authenticator chooses (SES-07)
	Details HelloDetails
}

// Welcome establishes a session: [2, Session, Details].
type Welcome struct {
	Session ID
	Details WelcomeDetails
}

// Abort ends a session that is not established, or one that violated the protocol: [3, Details, Reason].
// Arguments that a peer appends are read and dropped; they are never sent (SES-12, SES-13).
type Abort struct {
	Details AbortDetails
	Reason  string
}

// Challenge asks a client to prove its identity: [4, AuthMethod, Extra].
type Challenge struct {
	AuthMethod string
	Extra      Dict
}

// Authenticate answers a Challenge: [5, Signature, Extra].
type Authenticate struct {
	Signature string
	Extra     Dict
}

// Goodbye closes a session in order: [6, Details, Reason].
type Goodbye struct {
	Details GoodbyeDetails
	Reason  string
}

// Error refuses a request: [8, REQUEST.Type, REQUEST.Request, Details, Error, Arguments?, ArgumentsKw?].
// It is also the Go error that a client's call returns and that a handler may return.
type Error struct {
	RequestType MessageType
	Request     ID
	Details     ErrorDetails
	URI         ErrorURI
	Payload     Payload
}

// Publish sends an event to a topic: [16, Request, Options, Topic, Arguments?, ArgumentsKw?].
type Publish struct {
	Request ID
	Options PublishOptions
	Topic   string
	Payload Payload
}

// Published acknowledges a Publish that asked for it: [17, PUBLISH.Request, Publication].
type Published struct {
	Request     ID
	Publication ID
}

// Subscribe asks for the events of a topic or pattern: [32, Request, Options, Topic].
type Subscribe struct {
	Request ID
	Options SubscribeOptions
	Topic   string
}

// Subscribed acknowledges a Subscribe: [33, SUBSCRIBE.Request, Subscription].
type Subscribed struct {
	Request      ID
	Subscription ID
}

// Unsubscribe ends a subscription: [34, Request, SUBSCRIBED.Subscription]. A trailing dictionary is read and
// ignored (MSG-12).
type Unsubscribe struct {
	Request      ID
	Subscription ID
}

// Unsubscribed acknowledges an Unsubscribe: [35, UNSUBSCRIBE.Request]. With Request 0 it revokes a subscription:
// [35, 0, Details] (SRV-01).
type Unsubscribed struct {
	Request ID
	Details UnsubscribedDetails // only with Request 0
}

// Event delivers a publication: [36, Subscription, Publication, Details, Arguments?, ArgumentsKw?].
type Event struct {
	Subscription ID
	Publication  ID
	Details      EventDetails
	Payload      Payload
}

// EventReceived is a provisional extension that is read and ignored: [337, EVENT.Publication] (ACK-01).
type EventReceived struct {
	Publication ID
}

// Call calls a procedure: [48, Request, Options, Procedure, Arguments?, ArgumentsKw?].
type Call struct {
	Request   ID
	Options   CallOptions
	Procedure string
	Payload   Payload
}

// Cancel cancels a call: [49, CALL.Request, Options].
type Cancel struct {
	Request ID
	Options CancelOptions
}

// Result returns a call's result, or one of many: [50, CALL.Request, Details, Arguments?, ArgumentsKw?].
type Result struct {
	Request ID
	Details ResultDetails
	Payload Payload
}

// Register offers a procedure: [64, Request, Options, Procedure].
type Register struct {
	Request   ID
	Options   RegisterOptions
	Procedure string
}

// Registered acknowledges a Register: [65, REGISTER.Request, Registration].
type Registered struct {
	Request      ID
	Registration ID
}

// Unregister withdraws a procedure: [66, Request, REGISTERED.Registration]. A trailing dictionary is read and
// ignored (MSG-12).
type Unregister struct {
	Request      ID
	Registration ID
}

// Unregistered acknowledges an Unregister: [67, UNREGISTER.Request]. With Request 0 it revokes a registration:
// [67, 0, Details] (RRV-01).
type Unregistered struct {
	Request ID
	Details UnregisteredDetails // only with Request 0
}

// Invocation carries a call to a callee: [68, Request, Registration, Details, Arguments?, ArgumentsKw?].
type Invocation struct {
	Request      ID
	Registration ID
	Details      InvocationDetails
	Payload      Payload
}

// Interrupt tells a callee that an invocation was canceled: [69, INVOCATION.Request, Options].
type Interrupt struct {
	Request ID
	Options InterruptOptions
}

// Yield is a callee's result, or one of many: [70, INVOCATION.Request, Options, Arguments?, ArgumentsKw?].
type Yield struct {
	Request ID
	Options YieldOptions
	Payload Payload
}

func (*Hello) Type() MessageType         { return TypeHello }
func (*Welcome) Type() MessageType       { return TypeWelcome }
func (*Abort) Type() MessageType         { return TypeAbort }
func (*Challenge) Type() MessageType     { return TypeChallenge }
func (*Authenticate) Type() MessageType  { return TypeAuthenticate }
func (*Goodbye) Type() MessageType       { return TypeGoodbye }
func (*Error) Type() MessageType         { return TypeError }
func (*Publish) Type() MessageType       { return TypePublish }
func (*Published) Type() MessageType     { return TypePublished }
func (*Subscribe) Type() MessageType     { return TypeSubscribe }
func (*Subscribed) Type() MessageType    { return TypeSubscribed }
func (*Unsubscribe) Type() MessageType   { return TypeUnsubscribe }
func (*Unsubscribed) Type() MessageType  { return TypeUnsubscribed }
func (*Event) Type() MessageType         { return TypeEvent }
func (*EventReceived) Type() MessageType { return TypeEventReceived }
func (*Call) Type() MessageType          { return TypeCall }
func (*Cancel) Type() MessageType        { return TypeCancel }
func (*Result) Type() MessageType        { return TypeResult }
func (*Register) Type() MessageType      { return TypeRegister }
func (*Registered) Type() MessageType    { return TypeRegistered }
func (*Unregister) Type() MessageType    { return TypeUnregister }
func (*Unregistered) Type() MessageType  { return TypeUnregistered }
func (*Invocation) Type() MessageType    { return TypeInvocation }
func (*Interrupt) Type() MessageType     { return TypeInterrupt }
func (*Yield) Type() MessageType         { return TypeYield }
