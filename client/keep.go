package client

import "github.com/tandemrouter/tandem/wamp"

// A received message and the bytes of its payload are valid until the next ones are read; texts and dictionaries stay.
// These functions copy what is kept for longer.

func keepResult(m *wamp.Result) *wamp.Result {
	kept := *m
	kept.Payload = m.Payload.Clone()
	return &kept
}

func keepInvocation(m *wamp.Invocation) *wamp.Invocation {
	kept := *m
	kept.Payload = m.Payload.Clone()
	return &kept
}

func keepEvent(m *wamp.Event) *wamp.Event {
	kept := *m
	kept.Payload = m.Payload.Clone()
	return &kept
}

// keepError returns the error with its payload as values, so that its text can be read.
func keepError(m *wamp.Error) *wamp.Error {
	kept := *m
	args, kwargs, err := values(&m.Payload, m.Details.PPT)
	if err != nil {
		kept.Payload = m.Payload.Clone() // the URI says what matters
		return &kept
	}
	kept.Payload = wamp.Payload{Args: args, Kwargs: kwargs}
	return &kept
}
