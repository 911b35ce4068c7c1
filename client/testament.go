package client

import (
	"context"

	"github.com/tandemrouter/tandem/internal/serializer"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// TestamentScope says which end a testament waits for (TES-03).
type TestamentScope string

// The scopes. As long as sessions cannot be resumed, both ends are one; what waits for Detached is published first
// (TES-05).
const (
	Destroyed TestamentScope = "destroyed" // the end of the session
	Detached  TestamentScope = "detached"  // the loss of its connection
)

// AddTestament leaves an event with the router, which publishes it when this session ends, in whatever way that
// happens (TES-07, TES-08). The options are those of Publish; Acknowledge and IncludeMe mean nothing here (TES-09).
// Who does not want testaments to be published on leaving calls FlushTestaments before.
//
// The errors are those of Call: what the router refuses is a *wamp.Error, wamp.ErrNoSuchProcedure if it knows no
// testaments.
func (s *Session) AddTestament(
	ctx context.Context, scope TestamentScope, topic string, opts ...PublishOption,
) error {
	m, err := s.newPublish(topic, opts)
	if err != nil {
		return err
	}
	m.Options.Acknowledge, m.Options.IncludeMe = false, false
	options, err := optionsOf(m)
	if err != nil {
		return err
	}
	args, kwargs, err := payload.Decode(&m.Payload)
	if err != nil {
		return err
	}
	_, err = s.Call(ctx, "wamp.session.add_testament", Args(topic, args, kwargs),
		Kwargs(wamp.Dict{"scope": string(scope), "publish_options": options}))
	return err
}

// FlushTestaments takes back the session's testaments of that scope, not those of the other one (TES-06).
func (s *Session) FlushTestaments(ctx context.Context, scope TestamentScope) error {
	_, err := s.Call(ctx, "wamp.session.flush_testaments", Kwargs(wamp.Dict{"scope": string(scope)}))
	return err
}

// optionsOf returns the options as they stand on the wire.
func optionsOf(m *wamp.Publish) (any, error) {
	frame, err := serializer.Append(nil, wamp.CBOR, &wamp.Publish{Request: 1, Topic: m.Topic, Options: m.Options})
	if err != nil {
		return nil, err
	}
	message, err := serializer.ParseValue(wamp.CBOR, frame)
	if err != nil {
		return nil, err
	}
	return message.(wamp.List)[2], nil
}
