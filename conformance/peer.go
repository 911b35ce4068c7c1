package conformance

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// peer is one of those whom a script mentions, with one connection after the other.
type peer struct {
	name  string
	wire  Wire
	conn  *conn       // nil before the first
	inbox []wamp.List // has come, and the script has not asked for it
	end   error       // that of the connection, an endError
	raw   bool        // the connection has not been opened with a handshake by the runner
	live  bool        // has a session that answers
	asked wamp.ID     // request ID of the last barrier
}

var errNoConnection = errors.New("has no connection")

// send sends a message, be it legal or not.
func (who *peer) send(message any) error {
	if list, ok := message.(wamp.List); ok && len(list) > 0 && ends(list[0]) {
		who.live = false
	}
	return who.conn.send(message)
}

// ends reports whether a session is over with a message of the type.
func ends(messageType any) bool {
	return messageType == int64(wamp.TypeGoodbye) || messageType == int64(wamp.TypeAbort)
}

// sendBytes sends raw bytes, after which the router answers perhaps not any more.
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
	who.live = err == nil && !ends(m[0])
	return m, err
}

// expectBytes wants raw bytes, written as in compileExpectBytes.
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
	if who.conn == nil || who.raw {
		return who.inbox
	}
	who.conn.timeout = hurry
	for {
		m, err := who.receive()
		if err != nil {
			return who.inbox
		}
		who.inbox = append(who.inbox, m)
	}
}

const hurry = 100 * time.Millisecond

// The IDs of barriers: of requests, and of a registration and a subscription that nobody has.
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
		case errors.As(err, new(endError)):
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
	case code != 0 && end.code != code && who.wire.transport() == "websocket":
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
		if _, err := who.conn.readBytes(1); errors.As(err, new(endError)) {
			return nil
		} else if err != nil {
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
	for who.end == nil {
		m, err := who.receive()
		switch {
		case err == nil:
			who.inbox = append(who.inbox, m)
		case who.end == nil:
			return err
		}
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

// leave ends the session as well as it can be ended.
func (who *peer) leave() {
	if who.conn == nil {
		return
	}
	if who.live {
		_ = who.send(wamp.List{int64(wamp.TypeGoodbye), wamp.Dict{}, wamp.CloseRealm})
		for err := error(nil); err == nil; {
			var m wamp.List
			if m, err = who.receive(); err == nil && ends(m[0]) {
				break
			}
		}
	} else {
		_ = who.drop()
	}
	_ = who.reset()
}
