package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// Session is an established session with a router. It begins with Connect or Join, ends once, and is not used again.
type Session struct {
	// immutable once the session is open

	conn     transport.Conn
	queue    *transport.Queue
	logger   *slog.Logger
	id       wamp.ID
	details  wamp.WelcomeDetails
	handlers *workers           // of invocations
	stop     context.CancelFunc // ends the contexts of all handlers
	done     chan struct{}      // closed when the session is over

	reader     sync.WaitGroup // the reading goroutine, which waits for background
	background sync.WaitGroup // handlers, and whoever writes what the connection does not take at once

	// owned by the read loop

	run transport.Run

	mu sync.Mutex // taken before the queue's lock

	// guarded by mu

	closed *ClosedError // why nothing more may be sent, or nil; final once done is closed
	cut    bool         // Close was called

	last          wamp.ID // the request ID that was used last
	requests      map[wamp.ID]*request
	registrations map[wamp.ID]*Registration
	invocations   map[wamp.ID]*Invocation // those that are not answered
	cutShort      recent                  // those that were answered before all their parts were there
	partBytes     int                     // of the parts that no handler has taken yet
	topics        map[topicKey]*topic     // those that have, or ask for, a handler
	subscriptions map[wamp.ID]*topic
}

func newSession(conn transport.Conn, c *Config) *Session {
	s := &Session{
		conn:          conn,
		logger:        c.Logger,
		done:          make(chan struct{}),
		requests:      make(map[wamp.ID]*request),
		registrations: make(map[wamp.ID]*Registration),
		invocations:   make(map[wamp.ID]*Invocation),
		topics:        make(map[topicKey]*topic),
		subscriptions: make(map[wamp.ID]*topic),
	}
	s.queue = transport.NewQueue(conn, 0, &s.background)
	s.handlers = newWorkers(c.Handlers, &s.background)
	return s
}

// ID returns the session ID.
func (s *Session) ID() wamp.ID { return s.id }

// Realm returns the realm that the session joined.
func (s *Session) Realm() string { return s.details.Realm }

// Details returns what the router said of itself and of the identity that it granted. Its dictionaries may only be
// read.
func (s *Session) Details() wamp.WelcomeDetails { return s.details }

// Done returns a channel that is closed when the session is over, whoever ended it. Handlers may still run then.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err returns nil while the session lasts, and a *ClosedError when it is over.
func (s *Session) Err() error {
	select {
	case <-s.done:
		return s.closed
	default:
		return nil
	}
}

// routerHas reports whether the router announced the feature (FEA-06).
func (s *Session) routerHas(role wamp.Role, f wamp.Feature) bool {
	return s.details.Roles.Supports(role, f)
}

// require returns an error that is wamp.ErrFeatureNotSupported if the router did not announce the feature (FEA-06).
func (s *Session) require(role wamp.Role, f wamp.Feature) error {
	if s.routerHas(role, f) {
		return nil
	}
	return fmt.Errorf("client: the router's %s does not announce %s: %w", role, f, wamp.ErrFeatureNotSupported)
}

// do takes a step that sends, with the session locked. While the queue is full it waits and tries again; a step that
// fails must have changed nothing. do returns the step's error if the message cannot be sent as such, the context's,
// or the session's *ClosedError. The reader may not use it.
func (s *Session) do(ctx context.Context, step func() error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.mu.Lock()
		err := step()
		s.mu.Unlock()
		s.queue.Flush()
		switch {
		case err == nil, unsendable(err):
			return err
		case !errors.Is(err, transport.ErrQueueFull):
			return s.broken(err)
		}
		select {
		case <-s.queue.Drained():
		case <-ctx.Done():
		case <-s.done:
		}
	}
}

// broken returns the session's error when err has shown that it ends or has ended. If it is the connection that broke,
// the reader is about to learn that.
func (s *Session) broken(err error) error {
	var closed *ClosedError
	if errors.As(err, &closed) {
		return closed
	}
	<-s.done
	return s.Err()
}

// appendLocked queues the message. If that fails the error is the session's *ClosedError or one of transport.Queue. It is
// for what cannot wait: the reader's replies, CANCEL and GOODBYE.
func (s *Session) appendLocked(m wamp.Message) error {
	return s.queueLocked(m, s.queue.AppendLocked)
}

// appendBulkLocked is appendLocked for what do tries again: it leaves room in the queue for what cannot wait.
func (s *Session) appendBulkLocked(m wamp.Message) error {
	return s.queueLocked(m, s.queue.AppendBulkLocked)
}

func (s *Session) queueLocked(m wamp.Message, add func(wamp.Message) error) error {
	if s.closed != nil {
		return s.closed
	}
	s.queue.Lock()
	defer s.queue.Unlock()
	return add(m)
}

// retractLocked takes back what the router has granted to somebody who does not wait for it any more. It is for the
// reader, whom nobody answers.
func (s *Session) retractLocked(build func(wamp.ID) wamp.Message) error {
	if s.closed != nil {
		return nil
	}
	_, err := s.postLocked(build, s.appendLocked)
	return err
}

// postLocked adds the message that build makes of the next request ID. IDs are taken and queued under one lock, so that
// they leave in order, as some routers demand (IDS-03).
func (s *Session) postLocked(build func(wamp.ID) wamp.Message, add func(wamp.Message) error) (wamp.ID, error) {
	id := s.last.Next()
	if err := add(build(id)); err != nil {
		return 0, err
	}
	s.last = id
	return id, nil
}
