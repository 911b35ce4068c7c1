package client

import "github.com/tandemrouter/tandem/wamp"

// CallOption is an argument of a call, or says how to call.
type CallOption interface{ applyCall(*callSettings) }

// PublishOption is an argument of a publication, or says how to publish.
type PublishOption interface{ applyPublish(*wamp.Publish) }

// RegisterOption says how to register.
type RegisterOption interface{ applyRegister(*wamp.RegisterOptions) }

// SubscribeOption says how to subscribe.
type SubscribeOption interface{ applySubscribe(*wamp.SubscribeOptions) }

// SendOption is for calls and publications.
type SendOption interface {
	CallOption
	PublishOption
}

// PayloadOption gives arguments: of a call, of a publication, or of a part of a ProgressiveCall.
type PayloadOption interface {
	SendOption
	applyPayload(*wamp.Payload)
}

// PatternOption is for registrations and subscriptions.
type PatternOption interface {
	RegisterOption
	SubscribeOption
}

// AnyOption is for everything.
type AnyOption interface {
	SendOption
	PatternOption
}

type callSettings struct {
	message wamp.Call
	mode    wamp.CancelMode
}

type (
	payloadOption   func(*wamp.Payload)
	callOption      func(*callSettings)
	publishOption   func(*wamp.Publish)
	registerOption  func(*wamp.RegisterOptions)
	subscribeOption func(*wamp.SubscribeOptions)
)

func (o payloadOption) applyPayload(p *wamp.Payload)                { o(p) }
func (o payloadOption) applyCall(c *callSettings)                   { o(&c.message.Payload) }
func (o payloadOption) applyPublish(m *wamp.Publish)                { o(&m.Payload) }
func (o callOption) applyCall(c *callSettings)                      { o(c) }
func (o publishOption) applyPublish(m *wamp.Publish)                { o(m) }
func (o registerOption) applyRegister(r *wamp.RegisterOptions)      { o(r) }
func (o subscribeOption) applySubscribe(sub *wamp.SubscribeOptions) { o(sub) }

type (
	sendOption struct {
		callOption
		publishOption
	}
	patternOption struct {
		registerOption
		subscribeOption
	}
	anyOption struct {
		sendOption
		patternOption
	}
)

// Args gives the positional arguments. What can be sent is everything that encoding/json takes, with binary data as
// []byte.
func Args(args ...any) PayloadOption {
	return payloadOption(func(p *wamp.Payload) { p.Args = args })
}

// Kwargs gives the keyword arguments.
func Kwargs(kwargs wamp.Dict) PayloadOption {
	return payloadOption(func(p *wamp.Payload) { p.Kwargs = kwargs })
}

// Payload gives all arguments at once, encoded or as values, such as a payload that is passed on as it was received.
func Payload(payload wamp.Payload) PayloadOption {
	return payloadOption(func(p *wamp.Payload) { *p = payload })
}

// DiscloseMe asks the router to tell the receivers who calls or publishes. It can refuse (CID-04, PID-02).
func DiscloseMe() SendOption {
	return sendOption{
		func(c *callSettings) { c.message.Options.DiscloseMe = true },
		func(m *wamp.Publish) { m.Options.DiscloseMe = true },
	}
}

// Passthru has the arguments packed so that they are opaque to routers (PPT-10), as the package's introduction
// says. Receivers get them unpacked. A Payload that is encoded counts as packed already and is sent as it is.
//
// Sending fails with wamp.ErrFeatureNotSupported if the router did not announce payload passthru mode, and with
// wamp.ErrInvalidArgument if the scheme, serializer or cipher is none that this package can pack.
func Passthru(p wamp.Passthru) SendOption {
	return sendOption{
		func(c *callSettings) { c.message.Options.PPT = &p },
		func(m *wamp.Publish) { m.Options.PPT = &p },
	}
}

// RKey gives the key by which a sharded registration or subscription is divided.
func RKey(key string) SendOption {
	return sendOption{
		func(c *callSettings) { c.message.Options.RKey = key },
		func(m *wamp.Publish) { m.Options.RKey = key },
	}
}

// RunMode says how a sharded registration is called: "partition", which needs an RKey. The call fails with
// wamp.ErrFeatureNotSupported if the router did not announce sharded registrations.
func RunMode(mode string) CallOption {
	return callOption(func(c *callSettings) { c.message.Options.RunMode = mode })
}

// ReceiveProgress asks for the progressive results of an OpenCall. CallProgress always asks for them, Call never does.
func ReceiveProgress() CallOption {
	return callOption(func(c *callSettings) { c.message.Options.ReceiveProgress = true })
}

// CancelMode says what canceling the call does to the callee. Default: wamp.CancelKillNoWait. Whatever the mode, the
// application does not wait.
func CancelMode(mode wamp.CancelMode) CallOption {
	return callOption(func(c *callSettings) { c.mode = mode })
}

// Acknowledge makes Publish wait until the router has accepted the publication or refused it (CLI-13).
func Acknowledge() PublishOption {
	return publishOption(func(m *wamp.Publish) { m.Options.Acknowledge = true })
}

// IncludeMe says that the publisher receives its own event if it is subscribed (PEX-02).
func IncludeMe() PublishOption {
	return publishOption(func(m *wamp.Publish) { m.Options.IncludeMe = true })
}

// Receivers restricts who gets the event (BWL-01). An eligible list that is present but empty means nobody (BWL-03).
// Publishing fails with wamp.ErrFeatureNotSupported if the router did not announce black- and whitelisting, because it
// would give the event to everybody.
func Receivers(r wamp.Receivers) PublishOption {
	return publishOption(func(m *wamp.Publish) { m.Options.Receivers = &r })
}

// Retain asks the router to keep the event for later subscribers, who get it with GetRetained (RET-01). Routers that do
// not announce event retention only publish it.
func Retain() PublishOption {
	return publishOption(func(m *wamp.Publish) { m.Options.Retain = true })
}

// Match says how URIs are compared with the one that is registered or subscribed to. Default: wamp.MatchExact.
func Match(p wamp.MatchPolicy) PatternOption {
	return patternOption{
		func(r *wamp.RegisterOptions) { r.Match = p },
		func(sub *wamp.SubscribeOptions) { sub.Match = p },
	}
}

// Invoke lets others register the same procedure with the same policy, and says which of them is invoked. Default:
// wamp.InvokeSingle, nobody else.
func Invoke(p wamp.InvocationPolicy) RegisterOption {
	return registerOption(func(r *wamp.RegisterOptions) { r.Invoke = p })
}

// DiscloseCaller asks the router to tell who calls, in Invocation.Details. It can refuse (CID-05).
func DiscloseCaller() RegisterOption {
	return registerOption(func(r *wamp.RegisterOptions) { r.DiscloseCaller = true })
}

// ForwardTimeout leaves the callers' timeouts to this side, where they become the deadline of the handler's context,
// instead of to the router (TMO-03).
func ForwardTimeout() RegisterOption {
	return registerOption(func(r *wamp.RegisterOptions) { r.ForwardTimeout = true })
}

// Concurrency bounds how many invocations of the registration the router has in flight to this session. Only routers
// with that extension heed it.
func Concurrency(n uint64) RegisterOption {
	return registerOption(func(r *wamp.RegisterOptions) { r.Concurrency = n })
}

// ForceReregister takes the procedure away from whoever has registered it. Only routers with that extension heed it.
func ForceReregister() RegisterOption {
	return registerOption(func(r *wamp.RegisterOptions) { r.ForceReregister = true })
}

// GetRetained asks for the retained event of the topic first, or, with a pattern, of every topic that matches (RET-03,
// RET-07). Event.Details tells which events are of that kind.
func GetRetained() SubscribeOption {
	return subscribeOption(func(sub *wamp.SubscribeOptions) { sub.GetRetained = true })
}

// NKey makes the session a shard with that key among the subscribers of the topic: what is published with an RKey
// reaches only the shard that it falls to (SSB-03). Routers without sharded subscriptions ignore it.
func NKey(key string) SubscribeOption {
	return subscribeOption(func(sub *wamp.SubscribeOptions) { sub.NKey = key })
}

// Option sets a key that the protocol does not define, such as one that a router has for itself (CLI-11). Keys that
// it does define have options of their own.
func Option(key string, value any) AnyOption {
	set := func(extra *wamp.Dict) {
		if *extra == nil {
			*extra = wamp.Dict{}
		}
		(*extra)[key] = value
	}
	return anyOption{
		sendOption{
			func(c *callSettings) { set(&c.message.Options.Extra) },
			func(m *wamp.Publish) { set(&m.Options.Extra) },
		},
		patternOption{
			func(r *wamp.RegisterOptions) { set(&r.Extra) },
			func(sub *wamp.SubscribeOptions) { set(&sub.Extra) },
		},
	}
}
