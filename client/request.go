package client

import (
	"context"
	"sync/atomic"

	"github.com/tandemrouter/tandem/wamp"
)

// The bounds of the progressive results that wait for the application.
const (
	maxResults      = 256
	maxResultsBytes = 16 << 20
)

// request is a message that the router answers.
type request struct {
	// immutable

	kind wamp.MessageType // of the message; this is what ERROR refers to

	// settle, if set, is what the reader does with the last answer before anybody sees it. An error ends the session.
	settle func(answer) error
	// giveUp, if set, is called when the application does not wait any longer, and why. What fails then is only logged.
	giveUp func(why error) error

	// guarded by the session's mu

	id wamp.ID

	// sent to and closed under the session's mu

	progress chan *wamp.Result // closed when the last answer is there

	// final once progress is closed

	last answer

	// atomic

	bytes atomic.Int64 // of the progressive results that were not taken yet
}

// answer is one of: the ID that an acknowledgement brings, if it brings any; a result; an error.
type answer struct {
	id     wamp.ID
	result *wamp.Result
	err    error
}

// newRequest returns a request with room for that many progressive results.
func newRequest(kind wamp.MessageType, room int) *request {
	return &request{kind: kind, progress: make(chan *wamp.Result, room)}
}

// offerLocked hands over a progressive result, and reports whether there was room for it.
func (r *request) offerLocked(m *wamp.Result) bool {
	size := int64(len(m.Payload.Raw))
	if len(r.progress) == cap(r.progress) || r.bytes.Load() > 0 && r.bytes.Load()+size > maxResultsBytes {
		return false
	}
	r.bytes.Add(size)
	r.progress <- m
	return true
}

// finishLocked hands over the last answer. Whoever waits behind the progressive results gets it, however often.
func (r *request) finishLocked(a answer) {
	r.last = a
	close(r.progress)
}

// taken returns the answer that was received as m, or the last one if there are no more.
func (r *request) taken(m *wamp.Result, more bool) answer {
	if !more {
		return r.last
	}
	r.bytes.Add(-int64(len(m.Payload.Raw)))
	return answer{result: m}
}

// ask sends the request and waits for its only answer.
func (s *Session) ask(ctx context.Context, r *request, build func(wamp.ID) wamp.Message) (answer, error) {
	if err := s.do(ctx, func() error { return s.requestLocked(r, build) }); err != nil {
		return answer{}, err
	}
	a := s.await(ctx, r)
	return a, a.err
}

func (s *Session) requestLocked(r *request, build func(wamp.ID) wamp.Message) error {
	id, err := s.postLocked(build, s.appendBulkLocked)
	if err != nil {
		return err
	}
	r.id = id
	s.requests[id] = r
	return nil
}

// await returns the next answer, or the context's error, in which case the request is given up.
func (s *Session) await(ctx context.Context, r *request) answer {
	select {
	case m, more := <-r.progress:
		return r.taken(m, more)
	case <-ctx.Done():
	}
	if s.abandon(r, ctx.Err()) {
		return answer{err: ctx.Err()}
	}
	m, more := <-r.progress
	return r.taken(m, more)
}

// abandon gives the request up and reports true, or reports false if its last answer has come.
func (s *Session) abandon(r *request, why error) bool {
	s.mu.Lock()
	pending := s.requests[r.id] == r
	var err error
	switch {
	case !pending:
	case r.giveUp != nil:
		err = r.giveUp(why)
	case r.settle == nil:
		delete(s.requests, r.id) // nobody needs the answer
	}
	s.mu.Unlock()
	s.queue.Flush()
	s.logFailure("giving up a request", r.id, err)
	return pending
}

// logFailure is for what fails when nobody waits for it.
func (s *Session) logFailure(what string, id wamp.ID, err error) {
	if err != nil {
		s.logger.Warn(what+" failed", "request", id, "err", err)
	}
}

// answered hands over the last answer to a request.
func (s *Session) answered(kind wamp.MessageType, id wamp.ID, a answer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.pendingLocked(kind, id)
	if r == nil {
		return err
	}
	delete(s.requests, id)
	if r.settle != nil {
		err = r.settle(a)
	}
	r.finishLocked(a)
	return err
}

// pendingLocked returns the request that an answer belongs to. There is none if it was given up or answered before;
// an answer to what was never asked is a violation (PER-07).
func (s *Session) pendingLocked(kind wamp.MessageType, id wamp.ID) (*request, error) {
	r := s.requests[id]
	switch {
	case r != nil && r.kind == kind:
		return r, nil
	case r != nil:
		return nil, wamp.Violation("%s %d was answered as if it were %s", r.kind, id, kind)
	case id == 0 || id > s.last:
		return nil, wamp.Violation("answer to %s %d, which was never sent", kind, id)
	default:
		return nil, nil
	}
}
