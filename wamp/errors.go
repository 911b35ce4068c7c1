package wamp

import "fmt"

// ErrorURI is the URI of an Error, and itself a Go error: errors.Is(err, wamp.ErrNoSuchProcedure) holds for every
// Error that carries that URI.
type ErrorURI string

// Error returns the URI.
func (u ErrorURI) Error() string { return string(u) }

// The error URIs that the protocol defines (requirements section 3.2).
const (
	ErrInvalidURI             ErrorURI = "wamp.error.invalid_uri"
	ErrNoSuchProcedure        ErrorURI = "wamp.error.no_such_procedure"
	ErrProcedureAlreadyExists ErrorURI = "wamp.error.procedure_already_exists"
	ErrNoSuchRegistration     ErrorURI = "wamp.error.no_such_registration"
	ErrNoSuchSubscription     ErrorURI = "wamp.error.no_such_subscription"
	ErrNoSuchSession          ErrorURI = "wamp.error.no_such_session"
	ErrInvalidArgument        ErrorURI = "wamp.error.invalid_argument"
	ErrCanceled               ErrorURI = "wamp.error.canceled"
	ErrTimeout                ErrorURI = "wamp.error.timeout"
	ErrPayloadSizeExceeded    ErrorURI = "wamp.error.payload_size_exceeded"
	ErrInvalidPayload         ErrorURI = "wamp.error.invalid_payload"
	ErrNotAuthorized          ErrorURI = "wamp.error.not_authorized"
	ErrAuthorizationFailed    ErrorURI = "wamp.error.authorization_failed"
	ErrOptionNotAllowed       ErrorURI = "wamp.error.option_not_allowed"
	ErrDiscloseMeDisallowed   ErrorURI = "wamp.error.option_disallowed.disclose_me"
	ErrNetworkFailure         ErrorURI = "wamp.error.network_failure"
	ErrUnavailable            ErrorURI = "wamp.error.unavailable"
	ErrNoAvailableCallee      ErrorURI = "wamp.error.no_available_callee"
	ErrFeatureNotSupported    ErrorURI = "wamp.error.feature_not_supported"
	ErrRuntimeError           ErrorURI = "wamp.error.runtime_error"

	ErrProtocolViolation      ErrorURI = "wamp.error.protocol_violation"
	ErrNoSuchRealm            ErrorURI = "wamp.error.no_such_realm"
	ErrNoSuchRole             ErrorURI = "wamp.error.no_such_role"
	ErrNoMatchingAuthMethod   ErrorURI = "wamp.error.no_matching_auth_method"
	ErrAuthenticationDenied   ErrorURI = "wamp.error.authentication_denied"
	ErrAuthenticationFailed   ErrorURI = "wamp.error.authentication_failed"
	ErrAuthenticationRequired ErrorURI = "wamp.error.authentication_required"
	ErrCannotAuthenticate     ErrorURI = "wamp.error.cannot_authenticate"

	// ErrMaxConcurrencyReached says that every callee of the registration has as many invocations as it allows.
	ErrMaxConcurrencyReached ErrorURI = "crossbar.error.max_concurrency_reached"
)

// The reasons with which a session is closed (requirements section 3.1).
const (
	CloseRealm          = "wamp.close.close_realm"     // a peer leaves the realm
	CloseGoodbyeAndOut  = "wamp.close.goodbye_and_out" // the reply to a Goodbye
	CloseSystemShutdown = "wamp.close.system_shutdown" // the peer shuts down
	CloseKilled         = "wamp.close.killed"          // the router ended the session
	CloseNormal         = "wamp.close.normal"          // sent by other implementations
	CloseTransportLost  = "wamp.close.transport_lost"  // never on the wire: the connection broke
)

// ReasonUnregistered is what callees are told whose procedure another session took by force (ROU-25).
const ReasonUnregistered = "wamp.error.unregistered"

// Error describes the error for a person: its URI and the first argument if that is a text.
func (e *Error) Error() string {
	if len(e.Payload.Args) > 0 {
		if text, ok := e.Payload.Args[0].(string); ok {
			return string(e.URI) + ": " + text
		}
	}
	return string(e.URI)
}

// Is reports whether target is the error's URI.
func (e *Error) Is(target error) bool {
	uri, ok := target.(ErrorURI)
	return ok && uri == e.URI
}

// Errorf returns an Error with the given URI and a formatted text as its only argument, for handlers to return.
func Errorf(uri ErrorURI, format string, args ...any) *Error {
	return &Error{URI: uri, Payload: Payload{Args: List{fmt.Sprintf(format, args...)}}}
}

// ViolationError says that a peer broke the protocol. The session that it happened on ends with ABORT
// wamp.error.protocol_violation and the text (PER-01).
type ViolationError struct {
	Text string // what was wrong, for a person
}

// Error returns the text behind the URI of a protocol violation.
func (e *ViolationError) Error() string { return string(ErrProtocolViolation) + ": " + e.Text }

// Is reports whether target is ErrProtocolViolation.
func (e *ViolationError) Is(target error) bool { return target == error(ErrProtocolViolation) }

// Violation returns a ViolationError with a formatted text.
func Violation(format string, args ...any) *ViolationError {
	return &ViolationError{Text: fmt.Sprintf(format, args...)}
}
