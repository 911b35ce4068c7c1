package conformance

import (
	"context"
	"fmt"
	"net"
	"net/url"
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
	//	discreet    identities are never disclosed (CID-08)
	//	guarded     only URIs that begin with "open." are allowed, and for those that begin with "broken." the
	//	            authorizer fails (AZN-02, AZN-03)
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

// transport returns the name of the transport, as scripts use it.
func (w *Wire) transport() string {
	if u, err := url.Parse(w.URL); err == nil && u.Scheme == "ws" {
		return "websocket"
	}
	return "rawsocket"
}

// dial opens the connection, without a handshake.
func (w *Wire) dial(ctx context.Context, timeout time.Duration) (*conn, error) {
	u, err := url.Parse(w.URL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	network, address := u.Scheme, u.Host
	var framing framing = rawSocket{}
	switch u.Scheme {
	case "ws":
		network, framing = "tcp", &webSocket{host: u.Host, path: u.EscapedPath()}
	case "unix":
		address = u.Path
	case "tcp":
	default:
		return nil, fmt.Errorf("scheme %q is none of ws, tcp and unix", u.Scheme)
	}
	dial := w.Dial
	if dial == nil {
		dial = func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, network, address) }
	}
	c, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	return newConn(c, framing, w.Serializer, timeout), nil
}
