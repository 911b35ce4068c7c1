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

// request is a message that the router answers. The reader hands over what comes, in order; the last answer always
// finds room.
type request struct {
	// immutable

	kind    wamp.MessageType // of the message; this is what ERROR refers to
	answers chan answer

	// settle, if set, is what the reader does with the last answer before anybody sees it. An error ends the session.
	settle func(answer) error
	// giveUp, if set, is called when the application does not wait any longer. What fails then is only logged.
	giveUp func() error

	// guarded by the session's mu

	id wamp.ID

	// atomic

	bytes atomic.Int64 // of the answers that were not taken yet
}

// answer is one of: the ID that an acknowledgement brings, if it brings any; a result; an error.
type answer struct {
	id     wamp.ID
	result *wamp.Result
	err    error
}

// newRequest returns a request with room for that many answers.
func newRequest(kind wamp.MessageType, room int) *request {
	return &request{kind: kind, answers: make(chan answer, room)}
}

// offer hands over a progressive result, and reports whether there was room for it beside the last answer.
func (r *request) offer(m *wamp.Result) bool {
	size := int64(len(m.Payload.Raw))
	if len(r.answers)+1 >= cap(r.answers) || r.bytes.Load() > 0 && r.bytes.Load()+size > maxResultsBytes {
		return false
	}
	r.bytes.Add(size)
	r.answers <- answer{result: m}
	return true
}

// taken says that the application has taken the answer.
func (r *request) taken(a answer) answer {
	if a.result != nil && a.result.Details.Progress {
		r.bytes.Add(-int64(len(a.result.Payload.Raw)))
	}
	return a
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
	id, err := s.postLocked(build)
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
	case a := <-r.answers:
		return r.taken(a)
	case <-ctx.Done():
	}
	if s.abandon(r) {
		return answer{err: ctx.Err()}
	}
	return r.taken(<-r.answers)
}

// abandon gives the request up and reports true, or reports false if its last answer has come.
func (s *Session) abandon(r *request) bool {
	s.mu.Lock()
	pending := s.requests[r.id] == r
	var err error
	switch {
	case !pending:
	case r.giveUp != nil:
		err = r.giveUp()
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
	r.answers <- a
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
