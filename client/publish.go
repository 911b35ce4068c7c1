package client

import (
	"context"

	"github.com/tandemrouter/tandem/wamp"
)

// Publish sends an event to the subscribers of the topic. The options give its arguments and say how to publish.
//
// With Acknowledge it waits for the router and returns the publication ID, or a *wamp.Error if the router refuses.
// Without, it returns 0 as soon as the message is queued, and nobody learns if the router refuses it (CLI-13, PUB-06).
func (s *Session) Publish(ctx context.Context, topic string, opts ...PublishOption) (wamp.ID, error) {
	m, err := s.newPublish(topic, opts)
	if err != nil {
		return 0, err
	}
	build := func(id wamp.ID) wamp.Message {
		m.Request = id
		return m
	}
	if m.Options.Acknowledge {
		a, err := s.ask(ctx, newRequest(wamp.TypePublish, 0), build)
		return a.id, err
	}
	return 0, s.do(ctx, func() error {
		_, err := s.postLocked(build, s.appendBulkLocked)
		return err
	})
}

// newPublish returns the message that the options describe, but for its request ID. What a router that lacks a feature
// would give to those who must not have it, or could not carry, is an error (FEA-06).
func (s *Session) newPublish(topic string, opts []PublishOption) (*wamp.Publish, error) {
	m := &wamp.Publish{Topic: topic}
	for _, o := range opts {
		o.applyPublish(m)
	}
	if m.Options.Receivers != nil {
		if err := s.require(wamp.RoleBroker, wamp.FeatureSubscriberBlackWhiteListing); err != nil {
			return nil, err
		}
	}
	var err error
	m.Payload, err = s.pack(wamp.RoleBroker, m.Options.PPT, m.Payload)
	return m, err
}
