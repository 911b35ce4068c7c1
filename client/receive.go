package client

import (
	"context"

	"github.com/tandemrouter/tandem/wamp"
)

// start lets the session live. rest is what has been received already.
func (s *Session) start(rest []wamp.Message) {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.reader.Go(func() {
		defer stop()
		err := s.handleAll(ctx, rest)
		if err == nil {
			err = s.read(ctx)
		}
		s.end(err)
		s.part(err)
	})
}

// read handles what the router sends until the session ends, and returns why it does.
func (s *Session) read(ctx context.Context) error {
	for {
		messages, err := s.receive()
		if err := s.handleAll(ctx, messages); err != nil {
			return err
		}
		if err != nil {
			return err
		}
	}
}

// receive waits for messages. They are valid until the next call. With an error there can be messages too, which came
// before it.
func (s *Session) receive() ([]wamp.Message, error) {
	if err := s.conn.Wait(); err != nil {
		return nil, err
	}
	err := s.conn.Receive(&s.run)
	if len(s.run.Control) > 0 {
		s.queue.Lock()
		_ = s.queue.AppendControlLocked(s.run.Control) // a router that takes nothing gets no pong either
		s.queue.Unlock()
		s.queue.Flush()
	}
	return s.run.Messages, err
}

// handleAll handles the messages, and writes what there is to say to them at once. Behind our GOODBYE only what ends
// the session is of interest (SES-15).
func (s *Session) handleAll(ctx context.Context, messages []wamp.Message) error {
	defer s.queue.Flush()
	leaving := s.leaving()
	for _, m := range messages {
		if leaving && m.Type() != wamp.TypeGoodbye && m.Type() != wamp.TypeAbort {
			continue
		}
		if err := s.handle(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// handle handles one message. An error ends the session.
func (s *Session) handle(ctx context.Context, m wamp.Message) error {
	switch m := m.(type) {
	case *wamp.Result:
		return s.result(m)
	case *wamp.Error:
		return s.refused(m)
	case *wamp.Published:
		return s.answered(wamp.TypePublish, m.Request, answer{id: m.Publication})
	case *wamp.Subscribed:
		return s.answered(wamp.TypeSubscribe, m.Request, answer{id: m.Subscription})
	case *wamp.Unsubscribed:
		return s.unsubscribed(m)
	case *wamp.Registered:
		return s.answered(wamp.TypeRegister, m.Request, answer{id: m.Registration})
	case *wamp.Unregistered:
		return s.unregistered(m)
	case *wamp.Event:
		s.event(ctx, m)
		return nil
	case *wamp.Invocation:
		return s.invoke(ctx, m)
	case *wamp.Interrupt:
		s.interrupt(m)
		return nil
	case *wamp.Goodbye:
		return s.goodbye(m)
	case *wamp.Abort:
		return &ClosedError{Reason: m.Reason, Message: m.Details.Message} // never answered (SES-11)
	default:
		return wamp.Violation("%s in an established session", m.Type()) // PER-06
	}
}

// refused takes an ERROR, which answers a request of any type.
func (s *Session) refused(m *wamp.Error) error {
	kind := m.RequestType
	switch kind {
	case wamp.TypeCancel: // some routers answer a CANCEL instead of its CALL
		kind = wamp.TypeCall
	case wamp.TypeCall, wamp.TypePublish, wamp.TypeSubscribe, wamp.TypeUnsubscribe, wamp.TypeRegister, wamp.TypeUnregister:
	default:
		return wamp.Violation("ERROR that answers %s", kind)
	}
	return s.answered(kind, m.Request, answer{err: keepError(m)})
}
