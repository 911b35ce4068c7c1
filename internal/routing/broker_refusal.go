package routing

import (
	"cmp"
	"errors"

	"github.com/tandemrouter/tandem/internal/pattern"
	"github.com/tandemrouter/tandem/wamp"
)

// refusal is why a request is refused. The zero value refuses nothing.
type refusal struct {
	uri  wamp.ErrorURI
	text string // for a person
}

func (r refusal) refuses() bool { return r.uri != "" }

// refusal returns what the peer is told if the authorizer did not allow its request (AZN-02, AZN-03).
func (g Grant) refusal() refusal {
	switch {
	case g.Failed:
		return refusal{wamp.ErrAuthorizationFailed, cmp.Or(g.Text, "the authorizer could not decide")}
	case !g.Allowed:
		return refusal{wamp.ErrNotAuthorized, cmp.Or(g.Text, "the session may not do this")}
	default:
		return refusal{}
	}
}

// patternRefusal returns what the peer is told if the index does not take its pattern: one that is too long is
// wrong in itself, one too many exceeds a limit of the realm (URI-11, FLW-08).
func patternRefusal(err error) refusal {
	if errors.Is(err, pattern.ErrTooManyShapes) || errors.Is(err, pattern.ErrShareUsed) {
		return refusal{wamp.ErrNotAuthorized, err.Error()}
	}
	return refusal{wamp.ErrInvalidURI, err.Error()}
}
