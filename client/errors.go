package client

import (
	"errors"
	"io"

	"github.com/tandemrouter/tandem/internal/handshake"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

var (
	// ErrLeft is in the ClosedError of a session that this side ended with Leave or Close.
	ErrLeft = errors.New("client: session left")
	// ErrRevoked is in the ClosedError of a registration or subscription that the router took away.
	ErrRevoked = errors.New("client: revoked by the router")
	// ErrResultsOverflow ends a call whose progressive results came faster than the application took them.
	ErrResultsOverflow = errors.New("client: too many progressive results are waiting")
	// ErrNoMoreParts is what ProgressiveCall.Send returns when the call is over or its last part was sent.
	ErrNoMoreParts = errors.New("client: the call takes no more parts")
)

// ClosedError says why a session, a registration or a subscription is over. Every request that was pending when the
// session ended fails with it, and so does every later one (CLI-03).
//
// errors.Is finds the reason, as in errors.Is(err, wamp.ErrNoSuchRealm), and what Err holds.
type ClosedError struct {
	// Reason is the URI of the GOODBYE or ABORT that ended the session, or of the revocation. It can be any text
	// (CLI-17). It is wamp.CloseTransportLost if there was no such message.
	Reason string
	// Message is what the router said for a person to read. It may be empty.
	Message string
	// Err is ErrLeft if this side ended the session, ErrRevoked after a revocation, what the connection said if it
	// broke, and a *wamp.ViolationError or *transport.FrameError if the router broke the protocol. Else it is nil.
	Err error
}

// Error returns the reason and what explains it.
func (e *ClosedError) Error() string {
	switch {
	case e.Message != "":
		return e.Reason + ": " + e.Message
	case e.Err != nil && e.Reason == "":
		return e.Err.Error()
	case e.Err != nil:
		return e.Reason + ": " + e.Err.Error()
	default:
		return e.Reason
	}
}

// Is reports whether target is the reason.
func (e *ClosedError) Is(target error) bool {
	uri, ok := target.(wamp.ErrorURI)
	return ok && string(uri) == e.Reason
}

// Unwrap returns Err.
func (e *ClosedError) Unwrap() error { return e.Err }

// left is how a session ends that this side does not want any more.
func left() *ClosedError { return &ClosedError{Reason: wamp.CloseRealm, Err: ErrLeft} }

// closedBy says how a session ended on which err happened.
func closedBy(err error) *ClosedError {
	var (
		closed *ClosedError
		abort  *handshake.AbortError
	)
	switch {
	case errors.As(err, &closed):
		return closed
	case errors.As(err, &abort):
		return &ClosedError{Reason: abort.Reason, Message: abort.Message}
	case violates(err):
		return &ClosedError{Reason: string(wamp.ErrProtocolViolation), Message: violationText(err), Err: err}
	case errors.Is(err, io.EOF):
		return &ClosedError{Reason: wamp.CloseTransportLost, Message: "the router closed the connection", Err: err}
	default:
		return &ClosedError{Reason: wamp.CloseTransportLost, Err: err}
	}
}

// violates reports whether err says that the router broke the protocol (PER-01).
func violates(err error) bool {
	var frame *transport.FrameError
	return errors.Is(err, wamp.ErrProtocolViolation) || errors.As(err, &frame)
}

func violationText(err error) string {
	var violation *wamp.ViolationError
	if errors.As(err, &violation) {
		return violation.Text
	}
	return err.Error()
}

// unsendable reports whether err says that a message as such cannot be sent, and nothing about the connection.
func unsendable(err error) bool {
	var inexpressible *payload.InexpressibleError
	return errors.Is(err, transport.ErrTooLarge) || errors.As(err, &inexpressible)
}

func revoked(reason string) *ClosedError { return &ClosedError{Reason: reason, Err: ErrRevoked} }
