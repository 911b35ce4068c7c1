package config

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// Listener is an address on which clients connect, with the protocols that are spoken there.
type Listener struct {
	Name      string
	Network   string // "tcp" or "unix"
	Address   string // host:port, or the path of the socket
	WebSocket bool   // at the path /ws
	RawSocket bool
	Origins   []string // of web pages that may connect, besides those of the same origin; "*" is any (WS-09)
	TLS       *TLS     // nil: plain
}

// TLS is the certificate of a listener.
type TLS struct {
	CertFile string
	KeyFile  string
}

func (r *reader) listeners(v value, c *Config) {
	for _, e := range r.entries(v, "a mapping of names to listeners", `such as main: {address: "127.0.0.1:8080"}`) {
		l := Listener{Name: e.key, Network: "tcp", WebSocket: true, RawSocket: true}
		r.listener(e.value, &l)
		c.Listeners = append(c.Listeners, l)
	}
}

func (r *reader) listener(v value, l *Listener) {
	var address value
	ok := r.fields(v,
		field{"address", func(v value) { address = v; r.address(v, l) }},
		field{"protocols", func(v value) { r.protocols(v, l) }},
		field{"origins", func(v value) { r.origins(v, l) }},
		field{"tls", func(v value) { r.tls(v, l) }},
	)
	switch {
	case !ok:
	case l.Address == "":
		r.add(v, "no address", `write address: "127.0.0.1:8080", or "unix:" and a path`)
	case l.TLS == nil && l.Network == "tcp" && !loopback(l.Address):
		r.plain = append(r.plain, address)
	}
}

func (r *reader) address(v value, l *Listener) {
	if !r.text(v, &l.Address) {
		return
	}
	if path, ok := strings.CutPrefix(l.Address, "unix:"); ok {
		l.Network, l.Address = "unix", path
	}
	text, hint := "", ""
	if l.Network == "unix" {
		text, hint = wrongPath(l.Address)
	} else {
		text, hint = wrongHostPort(l.Address)
	}
	if text == "" {
		text, hint = r.taken(l)
	}
	if text != "" {
		r.add(v, text, hint)
	}
}

// taken says that another listener has the address already.
func (r *reader) taken(l *Listener) (text, hint string) {
	key := l.Network + " " + l.Address
	if other, taken := r.addresses[key]; taken && !strings.HasSuffix(l.Address, ":0") {
		return "is the address of listener " + other + " too", "one listener can have several protocols"
	}
	if r.addresses == nil {
		r.addresses = make(map[string]string)
	}
	r.addresses[key] = l.Name
	return "", ""
}

// maxPath is the length of the longest path that the address of a Unix socket has room for, in bytes.
const maxPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// wrongPath says what is wrong with the path of a Unix socket.
func wrongPath(path string) (text, hint string) {
	switch {
	case path == "":
		return "has no path", `write "unix:" and a path, such as "unix:/run/tandem.sock"`
	case strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///"):
		return "is not an address", fmt.Sprintf("write %q or an absolute path", "unix:"+path[2:])
	case len(path) > maxPath:
		return fmt.Sprintf("has a path of %d bytes", len(path)),
			fmt.Sprintf("the system takes %d; a path relative to the working directory may be shorter", maxPath)
	default:
		return "", ""
	}
}

// wrongHostPort says what is wrong with a TCP address.
func wrongHostPort(address string) (text, hint string) {
	const not, example = "is not an address", `write host:port, such as "127.0.0.1:8080", or "unix:" and a path`
	host, port, err := net.SplitHostPort(address)
	switch {
	case digits.MatchString(address):
		return not, fmt.Sprintf("write host:port, such as %q", "127.0.0.1:"+address)
	case strings.Contains(address, "://"):
		return "is a URL", example
	case err != nil && strings.Count(address, ":") > 1 && !strings.Contains(address, "["):
		return not, `write an IPv6 address in brackets, such as "[::1]:8080"`
	case err != nil || strings.ContainsAny(host, " /"):
		return not, example
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Sprintf("%q is not a port", port), "it is a number from 0, for any free one, to 65535"
	}
	return "", ""
}

// loopback reports whether only this machine reaches the address.
func loopback(address string) bool {
	host, _, _ := net.SplitHostPort(address) // it was checked
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (r *reader) protocols(v value, l *Listener) {
	l.WebSocket, l.RawSocket = false, false
	found := len(r.problems)
	for _, item := range r.items(v) {
		i, ok := r.word(item, []string{"websocket", "rawsocket"})
		l.WebSocket = l.WebSocket || ok && i == 0
		l.RawSocket = l.RawSocket || ok && i == 1
	}
	if !l.WebSocket && !l.RawSocket && len(r.problems) == found {
		r.add(v, "no protocol", "write [websocket], [rawsocket] or both")
	}
}

var originURL = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://[^/?#]+$`)

func (r *reader) origins(v value, l *Listener) {
	for _, item := range r.items(v) {
		var origin string
		if r.text(item, &origin) && origin != "*" && origin != "null" && !originURL.MatchString(strings.ToLower(origin)) {
			r.add(item, fmt.Sprintf("%q is no origin", origin), "write it as browsers do, such as "+originOf(origin))
		}
		l.Origins = append(l.Origins, origin)
	}
}

// originOf guesses which origin is meant.
func originOf(text string) string {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	return "https://app.example.com"
}

func (r *reader) tls(v value, l *Listener) {
	l.TLS = new(TLS)
	ok := r.fields(v,
		field{"cert", func(v value) { r.file(v, &l.TLS.CertFile) }},
		field{"key", func(v value) { r.file(v, &l.TLS.KeyFile) }},
	)
	switch {
	case !ok:
	case l.TLS.CertFile == "" || l.TLS.KeyFile == "":
		r.add(v, "needs both cert and key", "the paths of two PEM files")
	default:
		if _, err := tls.LoadX509KeyPair(l.TLS.CertFile, l.TLS.KeyFile); err != nil {
			r.add(v, "cannot be used: "+err.Error(), "cert is the certificate with those that vouch for it, key its private key, both PEM")
		}
	}
}
