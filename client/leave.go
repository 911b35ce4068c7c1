package client

import (
	"context"
	"errors"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

const (
	// goodbyeTimeout is how long Leave waits for the router's GOODBYE (SES-17).
	goodbyeTimeout = 5 * time.Second
	// lingerTimeout is how long a connection whose session is over waits for the router to close its side.
	lingerTimeout = time.Second
)

// Leave ends the session in order: it says GOODBYE and waits until the router has answered (SES-19). Requests that
// are pending then fail. It returns nil if the session ended in this way, and else why it did not; the connection is
// closed in any case.
//
// Handlers that run are not waited for; Close does that. A handler may call Leave.
func (s *Session) Leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, goodbyeTimeout)
	defer cancel()
	if err := s.do(ctx, s.goodbyeLocked); err == nil {
		select {
		case <-s.done:
		case <-ctx.Done():
		}
	}
	select {
	case <-s.done:
		return s.unlessLeft()
	default:
		s.hangUp()
		return ctx.Err()
	}
}

// goodbyeLocked queues GOODBYE, behind which nothing may be sent (SES-15).
func (s *Session) goodbyeLocked() error {
	if s.closed != nil {
		return nil
	}
	if err := s.appendLocked(&wamp.Goodbye{Reason: wamp.CloseRealm}); err != nil {
		return err
	}
	s.closed = left()
	return nil
}

func (s *Session) leaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed != nil
}

func (s *Session) unlessLeft() error {
	if err := s.Err(); !errors.Is(err, ErrLeft) {
		return err
	}
	return nil
}

// Close ends the session at once, without a word to the router, and waits until all handlers have returned. Their
// contexts are done; events that wait for a handler are dropped. Close always returns nil and may be called again,
// and after Leave. A handler may not call it.
func (s *Session) Close() error {
	s.hangUp()
	s.reader.Wait()
	return nil
}

func (s *Session) hangUp() {
	s.stop()
	s.mu.Lock()
	s.cut = true
	s.mu.Unlock()
	s.queue.Abandon(ErrLeft)
}

// goodbye takes the router's GOODBYE: the reply to ours, or one that wants a reply (SES-14, SES-16).
func (s *Session) goodbye(m *wamp.Goodbye) error {
	s.mu.Lock()
	ours := s.closed
	if ours == nil {
		s.closed = &ClosedError{Reason: m.Reason, Message: m.Details.Message} // nothing goes out behind the reply
	}
	closed := s.closed
	s.mu.Unlock()
	if ours == nil {
		s.queue.Close(&wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut}, nil)
	}
	return closed
}

// end makes the session over: everything that waits for the router learns why (CLI-03).
func (s *Session) end(cause error) {
	closed := s.close(cause)
	s.logger.Debug("session ended", "reason", closed.Reason, "err", closed)
}

func (s *Session) close(cause error) *ClosedError {
	s.mu.Lock()
	defer s.mu.Unlock()
	closed := closedBy(cause)
	if s.cut {
		closed = left()
	}
	s.closed = closed
	close(s.done)
	for _, r := range s.requests {
		r.finishLocked(answer{err: closed})
	}
	for _, inv := range s.invocations {
		inv.cancel(closed)
	}
	for _, g := range s.registrations {
		g.over.end(closed)
	}
	for _, t := range s.subscriptions {
		t.end(closed)
	}
	clear(s.requests)
	clear(s.invocations)
	clear(s.registrations)
	clear(s.subscriptions)
	clear(s.topics)
	return closed
}

// part closes the connection: in order if that is possible, and with a word about what the router did wrong if it did
// (PER-01, PER-02). It waits for all that ran in the background.
func (s *Session) part(cause error) {
	if violates(cause) {
		s.queue.Close(&wamp.Abort{
			Reason:  string(wamp.ErrProtocolViolation),
			Details: wamp.AbortDetails{Message: violationText(cause)},
		}, cause)
	} else {
		s.queue.Close(nil, nil)
	}
	s.conn.Linger(lingerTimeout)
	s.queue.Abandon(ErrLeft)
	s.background.Wait()
}
