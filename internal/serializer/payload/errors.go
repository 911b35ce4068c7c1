package payload

import "github.com/tandemrouter/tandem/wamp"

// InexpressibleError says that a value cannot be expressed in a serializer (FLW-06), or that bytes are not what
// their serializer demands. It is the only kind of error that the conversions of this package return; it
// matches wamp.ErrInvalidPayload, the URI that the peer gets to see.
type InexpressibleError struct {
	Text string // what cannot be expressed where, for a person
}

// Error returns the text behind the URI.
func (e *InexpressibleError) Error() string { return string(wamp.ErrInvalidPayload) + ": " + e.Text }

// Is reports whether target is wamp.ErrInvalidPayload.
func (e *InexpressibleError) Is(target error) bool { return target == error(wamp.ErrInvalidPayload) }

func inexpressible(text string) error { return &InexpressibleError{Text: text} }

// What package serializer finds out too.
var (
	ErrMalformed = inexpressible("a value is malformed")
	ErrNotText   = inexpressible("a text is not valid UTF-8") // SER-08
)

var (
	errTooDeep      = inexpressible("a value is nested too deeply or contains itself")
	errTruncated    = inexpressible("a value ends too early")
	errTrailing     = inexpressible("bytes follow the last value")
	errNotArgs      = inexpressible("arguments are not a list, or keyword arguments not a dictionary")
	errTooLarge     = inexpressible("a value is too large for MessagePack")
	errNoSerializer = inexpressible("unknown serializer")
)
