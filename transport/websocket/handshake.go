package websocket

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// The defaults of Config and DialConfig.
const (
	DefaultMaxMessageSize   = 1 << 20 // bytes
	DefaultMaxFragments     = 1024    // of one message
	DefaultHandshakeTimeout = 5 * time.Second
	DefaultDialTimeout      = 10 * time.Second
)

var allSerializers = []wamp.Serializer{wamp.CBOR, wamp.MessagePack, wamp.JSON}

const subprotocolPrefix = "wamp.2."

func subprotocols(all []wamp.Serializer) []string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = subprotocolPrefix + s.String()
	}
	return names
}

// parseSubprotocol returns the serializer of a subprotocol. There is none for those that are not spoken here, the
// batched ones among them (BAT-07).
func parseSubprotocol(name string) wamp.Serializer {
	name, ok := strings.CutPrefix(name, subprotocolPrefix)
	if !ok {
		return wamp.NoSerializer
	}
	s, _ := wamp.ParseSerializer(name)
	return s
}

// choose returns the serializer of the first subprotocol in the client's list that is supported (WS-01). The list may
// be spread over several header fields.
func choose(fields []string, supported []wamp.Serializer) wamp.Serializer {
	for _, field := range fields {
		for name := range strings.SplitSeq(field, ",") {
			s := parseSubprotocol(strings.TrimSpace(name))
			if slices.Contains(supported, s) {
				return s
			}
		}
	}
	return wamp.NoSerializer
}

// HandshakeError says that a handshake was refused: by Upgrade, by the server that Dial talked to, or by Dial because
// the server's answer is not one.
type HandshakeError struct {
	Status int    // of the HTTP response
	Text   string // the reason, for a person
}

// Error returns the status and the reason.
func (e *HandshakeError) Error() string {
	if e.Status == http.StatusSwitchingProtocols {
		return "websocket: the server's answer opens no WebSocket: " + e.Text
	}
	return fmt.Sprintf("websocket: handshake failed with HTTP status %d: %s", e.Status, e.Text)
}
