package routing

import (
	"strings"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Reason says why a message could not be put into its receiver's queue.
type Reason uint8

// The reasons.
const (
	QueueFull      Reason = iota // the receiver does not read fast enough
	TooLarge                     // the message is larger than the receiver accepts
	NotExpressible               // the receiver's serializer cannot express the payload
)

// Undelivered tells the dealer that a message of an earlier step could not be put into the queue of its receiver, so
// that the caller whom this concerns is answered all the same (FLW-03, FLW-04, FLW-06). The dealer reads m and keeps
// nothing of it. A call whose caller does not take its progressive results is ended (FLW-05). For messages that end
// nothing, and for final answers that a caller's full queue did not take, it does nothing: the shell then ends that
// session.
func (d *Dealer) Undelivered(now time.Time, to *Session, m wamp.Message, why Reason, out *Outbox) {
	if to.dealer.left {
		return
	}
	switch m := m.(type) {
	case *wamp.Invocation:
		d.invocationUndelivered(now, to, m, why, out)
	case *wamp.Result:
		if why != QueueFull || m.Details.Progress {
			d.resultUndelivered(now, to, m, why, out)
		}
	case *wamp.Error:
		if why != QueueFull && !m.Payload.Empty() {
			out.error(to, m.RequestType, m.Request, wamp.ErrorURI(strings.Clone(string(m.URI))))
		}
	}
}

// invocationUndelivered answers the caller. The callee hears of it only if it knows the call from an earlier part.
func (d *Dealer) invocationUndelivered(now time.Time, to *Session, m *wamp.Invocation, why Reason, out *Outbox) {
	c, pending := d.calls.get(&to.dealer.invocations, m.Request)
	if !pending {
		return
	}
	no := undeliverable(why)
	c.refuse(no.uri, no.text, out)
	if !c.continued {
		d.finish(now, c, out)
		return
	}
	c.interruptOnce(wamp.ErrCanceled, out)
	d.abandon(now, c, out)
}

// resultUndelivered answers the caller with an ERROR instead. A call that goes on ends with it.
func (d *Dealer) resultUndelivered(now time.Time, to *Session, m *wamp.Result, why Reason, out *Outbox) {
	c, pending := d.calls.get(&to.dealer.calls, m.Request)
	if m.Details.Progress && !pending {
		return // its final answer was sent meanwhile
	}
	no := undeliverable(why)
	out.refuse(to, wamp.TypeCall, m.Request, no.uri, no.text)
	if m.Details.Progress {
		c.interruptOnce(wamp.ErrCanceled, out)
		d.abandon(now, c, out)
	}
}

func undeliverable(why Reason) refusal {
	switch why {
	case TooLarge:
		return refusal{wamp.ErrPayloadSizeExceeded, "the message is larger than its receiver accepts"}
	case NotExpressible:
		return refusal{wamp.ErrInvalidPayload, "the receiver's serializer cannot express the payload"}
	default:
		return refusal{wamp.ErrNetworkFailure, "the receiver does not read its messages"}
	}
}
