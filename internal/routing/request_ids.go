package routing

import "github.com/tandemrouter/tandem/wamp"

// RequestIDs checks that a session numbers its requests 1, 2, 3 and so on, whatever they ask for (IDS-03), in a realm
// that is strict about that (IDS-06). The zero value is that of a new session (IDS-09). It is for the goroutine that
// reads the session's messages.
type RequestIDs struct {
	last wamp.ID // the watermark: that of the last new request
}

// RequestOrder is what RequestIDs says of a message.
type RequestOrder uint8

// The verdicts.
const (
	InOrder    RequestOrder = iota // a new request with the ID that is next, or no request at all
	Repeated                       // a CALL whose ID is not new: it is for Dealer.Continue (PCI-12)
	OutOfOrder                     // the protocol is violated
)

// Accept judges the next message of the session.
func (r *RequestIDs) Accept(m wamp.Message) RequestOrder {
	id := requestID(m)
	_, isCall := m.(*wamp.Call)
	switch {
	case id == 0:
		return InOrder
	case id == r.last.Next():
		r.last = id
		return InOrder
	case isCall && r.precedes(id):
		return Repeated
	default:
		return OutOfOrder
	}
}

// precedes reports whether an ID has been used, as far as one can tell: it is one of the last 2^52, as they wrap.
func (r *RequestIDs) precedes(id wamp.ID) bool {
	if id <= r.last {
		return true
	}
	return id-r.last > wamp.MaxID/2 && r.last > 0
}

// requestID returns the ID with which the message asks for something, or 0 if it does not, or only changes its mind
// about what it asked for before (IDS-04).
func requestID(m wamp.Message) wamp.ID {
	switch m := m.(type) {
	case *wamp.Call:
		return m.Request
	case *wamp.Publish:
		return m.Request
	case *wamp.Register:
		return m.Request
	case *wamp.Unregister:
		return m.Request
	case *wamp.Subscribe:
		return m.Request
	case *wamp.Unsubscribe:
		return m.Request
	default:
		return 0
	}
}
