package conformance

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// peer is one of those whom a script mentions. It has one connection, on which it may have one session after the
// other.
type peer struct {
	name  string
	wire  Wire
	conn  *conn       // nil before it is opened
	inbox []wamp.List // has come, and the script has not asked for it
	end   error       // that of the connection: an endError
	raw   bool        // the handshake is the script's
	left  bool        // has sent GOODBYE or ABORT
	live  bool        // has a session in which the router answers
	asked wamp.ID     // the request ID of the last barrier
}

var errNoConnection = errors.New("has no connection")

// send sends a message, be it legal or not.
func (who *peer) send(message any) error {
	if list, ok := message.(wamp.List); ok && len(list) > 0 {
		who.left = isLast(list[0])
		who.live = who.live && !who.left
	}
	return who.conn.send(message)
}

// isLast reports whether a session is over with a message of the type.
func isLast(messageType any) bool {
	return messageType == int64(wamp.TypeGoodbye) || messageType == int64(wamp.TypeAbort)
}

// sendBytes sends raw bytes, after which the router may not answer any more.
func (who *peer) sendBytes(b []byte, framed bool) error {
	who.live = false
	if framed {
		b = who.conn.framing.frame(who.conn.serializer, b)
	}
	return who.conn.write(b)
}

// next returns the message that comes next.
func (who *peer) next() (wamp.List, error) {
	if len(who.inbox) > 0 {
		m := who.inbox[0]
		who.inbox = who.inbox[1:]
		return m, nil
	}
	return who.receive()
}

// receive waits for a message from the router.
func (who *peer) receive() (wamp.List, error) {
	switch {
	case who.conn == nil:
		return nil, errNoConnection
	case who.end != nil:
		return nil, who.end
	}
	m, err := who.conn.receive()
	if errors.As(err, new(endError)) {
		who.end = err
	}
	who.live = err == nil && !who.left && !isLast(m[0])
	return m, err
}

// collect waits for messages until the connection ends or nothing comes any more, and returns why it ended.
func (who *peer) collect() error {
	for {
		m, err := who.receive()
		if err != nil {
			return err
		}
		who.inbox = append(who.inbox, m)
	}
}

// expectBytes wants raw bytes, written as compileExpectBytes says.
func (who *peer) expectBytes(want string) error {
	if who.conn == nil {
		return errNoConnection
	}
	b, err := who.conn.readBytes(len(want) / 2)
	if err != nil {
		return err
	}
	for i, digit := range []byte(hex.EncodeToString(b)) {
		if want[i] != '?' && want[i] != digit {
			return fmt.Errorf("got bytes % x", b)
		}
	}
	return nil
}

// empty wants that nothing has come.
func (who *peer) empty() error {
	if len(who.inbox) > 0 {
		return fmt.Errorf("%s got %s", who.name, format(who.inbox[0]))
	}
	return nil
}

// unasked returns what has come and the script has not asked for. It is for the report of a failure, and hurries.
func (who *peer) unasked() []wamp.List {
	if who.conn != nil && !who.raw {
		who.conn.timeout = hurry
		_ = who.collect()
	}
	return who.inbox
}

const hurry = 100 * time.Millisecond

// The IDs of barriers: of the first request, and of a registration and a subscription that nobody has.
const (
	firstBarrier = wamp.MaxID / 2
	nobodys      = int64(wamp.MaxID - 1)
)

// barrier makes the router prove that it is done with all that the session has sent, and that all that it has sent to
// the session is here: it withdraws a registration and a subscription that do not exist, which changes nothing and
// needs no permission, and waits for both refusals. The dealer answers one of them and the broker the other.
func (who *peer) barrier() error {
	if !who.live {
		return nil
	}
	who.asked = max(who.asked, firstBarrier) + 1
	unregister := wamp.List{int64(wamp.TypeUnregister), int64(who.asked), nobodys}
	unsubscribe := wamp.List{int64(wamp.TypeUnsubscribe), int64(who.asked), nobodys}
	if err := who.conn.send(unregister, unsubscribe); err != nil {
		return err
	}
	for missing := 2; missing > 0; {
		m, err := who.receive()
		switch {
		case who.end != nil:
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", who.name, err)
		case len(m) > 2 && m[0] == int64(wamp.TypeError) && m[2] == int64(who.asked):
			missing--
		default:
			who.inbox = append(who.inbox, m)
		}
	}
	return nil
}

// closed wants that the connection ends and nothing comes before.
func (who *peer) closed(code int) error {
	m, err := who.next()
	var end endError
	switch {
	case err == nil:
		return fmt.Errorf("got %s", format(m))
	case !errors.As(err, &end):
		return err
	case code != 0 && end.code != code && who.wire.transport() == webSocketName:
		return fmt.Errorf("closed with code %d", end.code)
	}
	return nil
}

// ends wants that the connection ends, whatever comes before.
func (who *peer) ends() error {
	if who.conn == nil {
		return errNoConnection
	}
	who.live = false
	for {
		_, err := who.conn.readBytes(1)
		if errors.As(err, new(endError)) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// drop loses the connection, and waits until the router has noticed it.
func (who *peer) drop() error {
	if who.conn == nil {
		return errNoConnection
	}
	if err := who.conn.closeWrite(); err != nil {
		return err
	}
	if who.raw {
		return who.ends()
	}
	if err := who.collect(); who.end == nil {
		return err
	}
	return nil
}

// reset loses the connection abruptly.
func (who *peer) reset() error {
	if who.conn == nil {
		return errNoConnection
	}
	who.live, who.end = false, endError{}
	who.conn.reset()
	return nil
}

// leave ends the session in order if it can, and the connection in any case. Whatever goes wrong meanwhile concerns
// nobody any more.
func (who *peer) leave() {
	if who.conn == nil {
		return
	}
	if who.live {
		_ = who.send(wamp.List{int64(wamp.TypeGoodbye), wamp.Dict{}, wamp.CloseRealm})
		for m, err := who.receive(); err == nil && !isLast(m[0]); {
			m, err = who.receive()
		}
	} else {
		_ = who.drop()
	}
	_ = who.reset()
}
