package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

const (
	defaultURL   = "ws://127.0.0.1:8080/ws"
	defaultRealm = "realm1"
)

// connectFlags say where the router is and how to talk to it.
type connectFlags struct {
	URL        string `default:"ws://127.0.0.1:8080/ws" help:"The router: ws://, wss://, tcp://, tcps:// or unix://."`
	Realm      string `default:"realm1" help:"The realm to join."`
	CA         string `name:"ca" placeholder:"FILE" help:"For wss:// and tcps://: trust the certificates in this PEM file, too."`
	Serializer string `default:"cbor" enum:"json,msgpack,cbor" help:"How messages are encoded: json, msgpack or cbor."`
}

// connect opens a session. It fails with the exit code for what went wrong.
func (f *connectFlags) connect(ctx context.Context, p *program) (*client.Session, error) {
	if err := checkURL(f.URL); err != nil {
		return nil, err
	}
	trust, err := f.trust()
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	s, err := client.Connect(ctx, f.URL, client.Config{
		Realm:      f.Realm,
		TLS:        trust,
		Serializer: f.serializer(),
		Agent:      "tandem/" + p.version,
	})
	var refused *client.ClosedError
	switch {
	case err == nil:
		return s, nil
	case told(ctx):
		return nil, errInterrupted
	case errors.As(err, &refused) && refused.Reason != wamp.CloseTransportLost:
		return nil, fmt.Errorf("the router at %s refuses realm %s: %w", redacted(f.URL), quoted(f.Realm), refused)
	default:
		return nil, exit(exitUnreachable, "cannot reach a router: %w%s", err, whereItMayBe(f.URL, err))
	}
}

// trust returns whom the command trusts: nil if that is whom the system trusts.
func (f *connectFlags) trust() (*tls.Config, error) {
	if f.CA == "" {
		return nil, nil
	}
	pem, err := readFile(f.CA)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca %s: there is no certificate in PEM", f.CA)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

var schemes = []string{"ws", "wss", "tcp", "tcps", "unix"}

// checkURL finds what is wrong with a URL before anybody tries to connect.
func checkURL(rawURL string) error {
	u, err := url.Parse(rawURL)
	if err == nil && slices.Contains(schemes, u.Scheme) && u.Host+u.Path != "" {
		return nil
	}
	return exit(exitUsage, "--url %s: write %s, tcp://127.0.0.1:8080 or unix:///path/of/socket", redacted(rawURL), defaultURL)
}

// redacted returns the URL without its password. What is no URL at all may still have one.
func redacted(rawURL string) string {
	if u, err := url.Parse(rawURL); err == nil {
		return u.Redacted()
	}
	if at := strings.LastIndexByte(rawURL, '@'); at >= 0 {
		return "xxxxx" + rawURL[at:]
	}
	return rawURL
}

// whereItMayBe is a hint for the usual reasons why there is no connection.
func whereItMayBe(rawURL string, err error) string {
	scheme, _, _ := strings.Cut(rawURL, ":")
	var text string
	var unknown x509.UnknownAuthorityError
	var plain tls.RecordHeaderError
	var network *net.OpError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT):
		text = `nothing listens there; "tandem dev" starts a router on this machine`
	case errors.As(err, &unknown):
		text = "the router's certificate is signed by nobody whom this machine trusts; --ca FILE trusts one more"
	case errors.As(err, &plain):
		text = "what listens there does not speak TLS; without it the URL begins with ws:// or tcp://"
	case errors.As(err, &network) && network.Op == "dial":
		return ""
	case strings.HasPrefix(scheme, "ws") && !strings.Contains(err.Error(), "HTTP status"):
		text = "does what listens there speak WebSocket? RawSocket is at a URL with tcp:// or unix://"
	case scheme == "tcp" || scheme == "tcps" || scheme == "unix":
		text = "does what listens there speak RawSocket? WebSocket is at a URL such as " + defaultURL
	default:
		return ""
	}
	return "\n  " + text
}

func (f *connectFlags) serializer() wamp.Serializer {
	s, _ := wamp.ParseSerializer(f.Serializer) // the grammar allows no other
	return s
}

// leaveTimeout is how long a command waits for the router when it leaves.
const leaveTimeout = 2 * time.Second

// leave closes the session in order. The command's outcome does not depend on it.
func leave(s *client.Session) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	_ = s.Leave(ctx) // closes the session in any case
	_ = s.Close()    // and this waits for what still runs
}

// withdraw ends a registration or a subscription. Whether the router confirms it matters to nobody: the session ends
// next.
func withdraw(end func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	_ = end(ctx)
}

// untilStopped waits until the program is told to stop, the count is reached, or the registration is over, which is
// an error.
func untilStopped(ctx context.Context, g *client.Registration, counted <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return nil
	case <-counted:
		return nil
	case <-g.Done():
		return ended(g.Err())
	}
}

// ended says why a registration or a subscription is over that should have lasted.
func ended(err error) error {
	if errors.Is(err, client.ErrRevoked) {
		return fmt.Errorf("the router took it back: %w", err)
	}
	return fmt.Errorf("the session ended: %w", err)
}

// told reports whether the program is told to stop. That a command's own time is over is something else.
func told(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// explain says what was being done when the error happened, and what a person can do about it.
func (f *connectFlags) explain(ctx context.Context, err error, doing, uri string) error {
	switch {
	case err == nil:
		return nil
	case told(ctx):
		return errInterrupted
	default:
		return fmt.Errorf("%s %s: %w", doing, uri, err)
	}
}

// printable replaces what a terminal would take for a command. Peers choose their URIs and error texts.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, text)
}
