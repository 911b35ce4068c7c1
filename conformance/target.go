package conformance

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Target is the router under test.
type Target struct {
	// Realm is where the cases play. Anonymous sessions may do everything there and identities are disclosed on
	// request; URIs are loose, request IDs are not checked, and nobody else is there while a case runs.
	Realm string
	// Realms are further realms, which differ from the first one in what their key says. Cases that need one that is
	// not there are not applicable.
	//
	//	other       nothing
	//	strict      URIs are strict (URI-05)
	//	sequential  request IDs are checked (IDS-06)
	//	prudent     progressive results need call canceling (PCR-02)
	//	sharded     registrations and subscriptions can be sharded (SHD-08, SSB-01)
	//	discreet    identities are never disclosed (CID-08)
	//	guarded     only URIs that begin with "open." are allowed, and for those that begin with "broken." the
	//	            authorizer fails (AZN-02, AZN-03)
	//	forgetful   no events are retained (RET-02)
	//	mindful     the events of the topics com.example.kept and, the last two, com.example.few are remembered, and those
	//	            of the prefix com.example.kept and the wildcard com..any (EVH-13)
	Realms map[string]string
	// Wires are the ways to connect. The sessions of a case take them in turn.
	Wires []Wire
	// MaxMessageSize is the size of the largest message that the router accepts, in bytes. Default: 1 MiB.
	MaxMessageSize int
	// Timeout is how long the router may take for anything. A case that passes never waits for it. Default: 5 s.
	Timeout time.Duration
}

const (
	defaultMaxMessageSize = 1 << 20
	defaultTimeout        = 5 * time.Second
)

func (t *Target) withDefaults() *Target {
	full := *t
	if full.MaxMessageSize == 0 {
		full.MaxMessageSize = defaultMaxMessageSize
	}
	if full.Timeout == 0 {
		full.Timeout = defaultTimeout
	}
	return &full
}

// vars returns what a script knows of the target from the start.
func (t *Target) vars() vars {
	v := vars{"realm": t.Realm, "max": t.MaxMessageSize}
	for key, name := range t.Realms {
		v["realm."+key] = name
	}
	return v
}

// Wire is one way to connect to the router.
type Wire struct {
	// URL is where the router listens: ws://host:port/path for WebSocket, tcp://host:port or unix:///path for
	// RawSocket.
	URL string
	// Serializer is what the connection speaks.
	Serializer wamp.Serializer
	// Dial opens the connection in place of what the URL says, for a router in the same process. The URL's scheme still
	// chooses the transport.
	Dial func(ctx context.Context) (net.Conn, error)
}

// String returns the transport and the serializer, such as "websocket/json".
func (w *Wire) String() string { return w.transport() + "/" + w.Serializer.String() }

// The names of transports, as scripts use them.
const (
	webSocketName = "websocket"
	rawSocketName = "rawsocket"
)

func (w *Wire) transport() string {
	if strings.HasPrefix(w.URL, "ws:") {
		return webSocketName
	}
	return rawSocketName
}

// checkWires returns an error if one of the words is neither a transport nor a serializer.
func checkWires(words []string) error {
	for _, word := range words {
		if _, ok := wamp.ParseSerializer(word); !ok && word != webSocketName && word != rawSocketName {
			return fmt.Errorf("%q is neither a transport nor a serializer", word)
		}
	}
	return nil
}

// isOneOf reports whether the wire fits the words: if there are transports among them one of these, and if there are
// serializers one of those.
func (w *Wire) isOneOf(words []string) bool {
	var transports, serializers []string
	for _, word := range words {
		if word == webSocketName || word == rawSocketName {
			transports = append(transports, word)
		} else {
			serializers = append(serializers, word)
		}
	}
	return (transports == nil || slices.Contains(transports, w.transport())) &&
		(serializers == nil || slices.Contains(serializers, w.Serializer.String()))
}

// dial opens the connection, without a handshake.
func (w *Wire) dial(ctx context.Context, timeout time.Duration) (*conn, error) {
	u, err := url.Parse(w.URL)
	if err != nil {
		return nil, err
	}
	network, address := "tcp", u.Host
	var f framing = rawSocket{}
	switch u.Scheme {
	case "tcp":
	case "unix":
		network, address = "unix", u.Path
	case "ws":
		f = &webSocket{host: u.Host, path: u.EscapedPath()}
	default:
		return nil, fmt.Errorf("conformance: the scheme of %q is none of ws, tcp and unix", w.URL)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dial := w.Dial
	if dial == nil {
		dial = func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, network, address) }
	}
	c, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	return newConn(c, f, w.Serializer, timeout), nil
}
