package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tandemrouter/tandem/wamp"
)

// The exit codes of the program.
const (
	exitOK            = 0
	exitFailure       = 1   // any failure that has no code of its own
	exitUsage         = 2   // the command line is wrong
	exitConfig        = 3   // the configuration file is wrong: do not restart
	exitUnreachable   = 4   // a client cannot reach the router; a router cannot listen
	exitRefused       = 5   // authentication failed, or no such realm
	exitNotAuthorized = 6   // for this role
	exitNotFound      = 7   // no such procedure, session or registration
	exitTimeout       = 8   // timeout or canceled; the router's drain hit its limit
	exitCallee        = 9   // the callee answered with an error of the application
	exitLimit         = 10  // refused by a limit; a router that would be dangerous
	exitInterrupted   = 130 // by the person at the keyboard
)

// exitError is an error that knows the exit code it deserves.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func exit(code int, format string, args ...any) error {
	return &exitError{code, fmt.Errorf(format, args...)}
}

// exitCode returns the code for the error with which a command ended.
func exitCode(err error) int {
	var known *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &known):
		return known.code
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return exitTimeout
	default:
		return exitCodeOfPeer(err)
	}
}

// exitCodeOfPeer returns the code for what a router or callee answered.
func exitCodeOfPeer(err error) int {
	for _, known := range peerCodes {
		if errors.Is(err, known.uri) {
			return known.code
		}
	}
	var answer *wamp.Error
	if errors.As(err, &answer) {
		return exitCallee
	}
	return exitFailure
}

var peerCodes = []struct {
	uri  wamp.ErrorURI
	code int
}{
	{wamp.ErrNoSuchRealm, exitRefused},
	{wamp.ErrNoSuchRole, exitRefused},
	{wamp.ErrNoMatchingAuthMethod, exitRefused},
	{wamp.ErrAuthenticationRequired, exitRefused},
	{wamp.ErrAuthenticationDenied, exitRefused},
	{wamp.ErrAuthenticationFailed, exitRefused},
	{wamp.ErrCannotAuthenticate, exitRefused},
	{wamp.ErrNotAuthorized, exitNotAuthorized},
	{wamp.ErrAuthorizationFailed, exitNotAuthorized},
	{wamp.ErrNoSuchProcedure, exitNotFound},
	{wamp.ErrNoSuchRegistration, exitNotFound},
	{wamp.ErrNoSuchSession, exitNotFound},
	{wamp.ErrTimeout, exitTimeout},
	{wamp.ErrCanceled, exitTimeout},
	{wamp.ErrPayloadSizeExceeded, exitLimit},
	{wamp.ErrNetworkFailure, exitLimit},
	{wamp.ErrUnavailable, exitLimit},
	{wamp.ErrNoAvailableCallee, exitLimit},
	{wamp.ErrMaxConcurrencyReached, exitLimit},
	{wamp.ErrInvalidURI, exitFailure},
	{wamp.ErrInvalidPayload, exitFailure},
	{wamp.ErrFeatureNotSupported, exitFailure},
	{wamp.ErrProcedureAlreadyExists, exitFailure},
	{wamp.ErrProtocolViolation, exitFailure},
	{wamp.ErrOptionNotAllowed, exitFailure},
	{wamp.ErrDiscloseMeDisallowed, exitNotAuthorized},
}

// complain says on the standard error why the command failed.
func complain(w io.Writer, err error) {
	if err != nil && !errors.Is(err, errInterrupted) {
		fmt.Fprintf(w, "tandem: %s\n", printable(err.Error()))
	}
}
