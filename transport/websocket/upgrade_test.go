package websocket_test

import (
	"cmp"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/websocket"
	"github.com/tandemrouter/tandem/wamp"
)

func TestUpgrade(t *testing.T) {
	json := []wamp.Serializer{wamp.JSON}
	for _, tt := range []struct {
		name   string
		cfg    websocket.Config
		method string      // GET if empty
		header http.Header // besides those of a good request; nil removes a field
		status int
		chosen string // subprotocol
		text   string // of the refusal
	}{
		{name: "the client's order", header: protocols("wamp.2.msgpack, wamp.2.json"), status: 101, chosen: "wamp.2.msgpack"},
		{name: "WS-01 the other order", header: protocols("wamp.2.json,wamp.2.msgpack"), status: 101, chosen: "wamp.2.json"},
		{name: "WS-01 over several fields", header: protocols("soap", "mqtt, wamp.2.cbor", "wamp.2.json"), status: 101,
			chosen: "wamp.2.cbor"},
		{name: "WS-01 not the first", cfg: websocket.Config{Serializers: json},
			header: protocols("wamp.2.cbor, wamp.2.msgpack, wamp.2.json"), status: 101, chosen: "wamp.2.json"},
		{name: "BAT-07 batched is passed over",
			header: protocols("wamp.2.cbor.batched, wamp.2.cbor, wamp.2.json.batched, wamp.2.json"), status: 101, chosen: "wamp.2.cbor"},
		{name: "BAT-07 only batched", header: protocols("wamp.2.json.batched"), status: 400, text: "wamp.2.json"},
		{name: "WS-02 no overlap", cfg: websocket.Config{Serializers: json}, header: protocols("wamp.2.cbor"), status: 400,
			text: "supported are wamp.2.json\n"},
		{name: "WS-02 header missing", header: protocols(), status: 400,
			text: "supported are wamp.2.cbor, wamp.2.msgpack, wamp.2.json\n"},
		{name: "WS-02 names are exact", header: protocols("WAMP.2.JSON, wamp.2.jso, wamp.2., wamp.2.none, json"), status: 400},

		{name: "not a GET", method: http.MethodPost, status: 405},
		{name: "not an upgrade", header: http.Header{"Upgrade": nil}, status: 400, text: "Upgrade"},
		{name: "another upgrade", header: http.Header{"Upgrade": {"h2c"}}, status: 400, text: "Upgrade"},
		{name: "no key", header: http.Header{"Sec-Websocket-Key": nil}, status: 400, text: "Sec-WebSocket-Key"},
		{name: "short key", header: http.Header{"Sec-Websocket-Key": {"AAAA"}}, status: 400, text: "Sec-WebSocket-Key"},
		{name: "another version", header: http.Header{"Sec-Websocket-Version": {"8"}}, status: 426},

		{name: "WS-09 same origin", header: origins("http://router.test:8080"), status: 101},
		{name: "WS-09 same origin behind TLS", header: origins("https://ROUTER.test:8080"), status: 101},
		{name: "WS-09 another host", header: origins("http://evil.test"), status: 403, text: "origin"},
		{name: "WS-09 another port", header: origins("http://router.test"), status: 403, text: "origin"},
		{name: "WS-09 host as a prefix", header: origins("http://router.test:8080.evil.test"), status: 403},
		{name: "WS-09 host as a user", header: origins("http://router.test:8080@evil.test"), status: 403},
		{name: "WS-09 null", header: origins("null"), status: 403, text: "origin"},
		{name: "WS-09 two origins", header: origins("http://router.test:8080", "http://evil.test"), status: 403},
		{name: "WS-09 listed", cfg: websocket.Config{Origins: []string{"https://a.test", "https://app.test"}},
			header: origins("https://App.test"), status: 101},
		{name: "WS-09 same origin besides the list", cfg: websocket.Config{Origins: []string{"https://app.test"}},
			header: origins("http://router.test:8080"), status: 101},
		{name: "WS-09 listed with another scheme", cfg: websocket.Config{Origins: []string{"https://app.test"}},
			header: origins("http://app.test"), status: 403},
		{name: "WS-09 check skipped", cfg: websocket.Config{InsecureSkipOriginCheck: true},
			header: origins("http://evil.test"), status: 101},
	} {
		t.Run(tt.name, func(t *testing.T) {
			router := newRouter(t, &tt.cfg, func(transport.Conn) {})
			response := router.request(t, cmp.Or(tt.method, http.MethodGet), tt.header)
			if got := response.header.Get("Sec-WebSocket-Protocol"); tt.chosen != "" && got != tt.chosen {
				t.Errorf("chosen %q, want %q", got, tt.chosen)
			}
			if response.status != tt.status {
				t.Fatalf("status %d, want %d", response.status, tt.status)
			}
			if tt.status == http.StatusSwitchingProtocols {
				return
			}
			if !strings.Contains(response.body, tt.text) {
				t.Errorf("response %q does not contain %q", response.body, tt.text)
			}
			var refusal *websocket.HandshakeError
			if err := <-router.refusals; !errors.As(err, &refusal) || refusal.Status != tt.status {
				t.Errorf("Upgrade: %v, want a HandshakeError with status %d", err, tt.status)
			}
		})
	}
}

func protocols(fields ...string) http.Header { return http.Header{"Sec-Websocket-Protocol": fields} }
func origins(fields ...string) http.Header   { return http.Header{"Origin": fields} }

func TestUpgradeInfo(t *testing.T) {
	infos := make(chan transport.Info, 1)
	router := newRouter(t, nil, func(conn transport.Conn) { infos <- conn.Info() })
	router.request(t, http.MethodGet, protocols("wamp.2.json"))
	got := <-infos
	if got.Transport != "websocket" || got.Serializer != wamp.JSON || got.Shape != transport.ShapeWebSocketText ||
		got.MaxSend != 0 || got.Secure || !strings.HasPrefix(got.Remote, "127.0.0.1:") {
		t.Errorf("info: %+v", got)
	}
}

// HTTP/2 multiplexes its connection, which therefore cannot be taken over.
func TestUpgradeOverHTTP2(t *testing.T) {
	refusals := make(chan error, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := websocket.Upgrade(w, r, nil)
		refusals <- err
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusHTTPVersionNotSupported {
		t.Errorf("status %d", response.StatusCode)
	}
	if err := <-refusals; err == nil {
		t.Error("Upgrade succeeded")
	}
}

// A client may send its first message right behind the request, and both octet by octet.
func TestUpgradeKeepsWhatFollowsTheRequest(t *testing.T) {
	hello := ws.MaskFrame(ws.NewTextFrame([]byte(`[1,"realm1",{"roles":{"caller":{}}}]`)))
	frame, err := ws.CompileFrame(hello)
	if err != nil {
		t.Fatal(err)
	}
	for _, piece := range []int{1, 1 << 20} {
		realms := make(chan string, 1)
		router := newRouter(t, nil, func(conn transport.Conn) {
			defer close(realms)
			var run transport.Run
			if err := receive(t, conn, &run); err != nil {
				t.Error(err)
				return
			}
			realms <- run.Messages[0].(*wamp.Hello).Realm
		})
		conn := router.dial(t)
		for rest := append(router.rawRequest(), frame...); len(rest) > 0; {
			n := min(piece, len(rest))
			if _, err := conn.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if realm := <-realms; realm != "realm1" {
			t.Errorf("in pieces of %d: realm %q", piece, realm)
		}
	}
}

// Large headers are for the http.Server to refuse; nothing of them comes to Upgrade.
func TestUpgradeOversizedHeader(t *testing.T) {
	r := newUnstartedRouter(t, nil, func(transport.Conn) {})
	r.Config.MaxHeaderBytes = 1 << 10
	r.Start()
	response := r.request(t, http.MethodGet, http.Header{"Cookie": {strings.Repeat("x", 16<<10)}})
	if response.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", response.status)
	}
}

// ---- a router ----

// router is a server that gives each connection to a handler, and closes it afterwards.
type router struct {
	*httptest.Server
	refusals chan error // what Upgrade said
	handlers sync.WaitGroup
}

func newRouter(t *testing.T, cfg *websocket.Config, handle func(transport.Conn)) *router {
	r := newUnstartedRouter(t, cfg, handle)
	r.Start()
	return r
}

func newUnstartedRouter(t *testing.T, cfg *websocket.Config, handle func(transport.Conn)) *router {
	r := &router{refusals: make(chan error, 1)}
	r.Server = httptest.NewUnstartedServer(r.handler(cfg, handle))
	r.handlers.Add(1) // the server itself, which starts the others
	t.Cleanup(r.stop)
	return r
}

func (r *router) stop() {
	r.CloseClientConnections()
	r.Close()
	r.handlers.Done()
	r.handlers.Wait()
}

func (r *router) handler(cfg *websocket.Config, handle func(transport.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, request *http.Request) {
		conn, err := websocket.Upgrade(w, request, cfg)
		if err != nil {
			r.refusals <- err
			return
		}
		r.handlers.Go(func() {
			defer func() { _ = conn.Close() }()
			handle(conn)
		})
	}
}

func (r *router) url() string { return "ws" + strings.TrimPrefix(r.URL, "http") }

// trusting returns what a client of a router with TLS needs.
func (r *router) trusting() *tls.Config {
	return r.Client().Transport.(*http.Transport).TLSClientConfig
}

// response is what came back. A connection that was opened has no body, and is closed.
type response struct {
	status int
	header http.Header
	body   string
}

// request sends a good request, but for the given header fields.
func (r *router) request(t *testing.T, method string, header http.Header) response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "router.test:8080"
	request.Header = goodHeader()
	for name, fields := range header {
		request.Header[name] = fields
	}
	got, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if got.StatusCode == http.StatusSwitchingProtocols {
		return response{got.StatusCode, got.Header, ""}
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{got.StatusCode, got.Header, string(body)}
}

func goodHeader() http.Header {
	return http.Header{
		"Connection":             {"keep-alive, Upgrade"},
		"Upgrade":                {"websocket"},
		"Sec-Websocket-Version":  {"13"},
		"Sec-Websocket-Key":      {"dGhlIHNhbXBsZSBub25jZQ=="},
		"Sec-Websocket-Protocol": {"wamp.2.json"},
	}
}

func (r *router) rawRequest() []byte {
	var b strings.Builder
	b.WriteString("GET / HTTP/1.1\r\nHost: router.test\r\n")
	_ = goodHeader().Write(&b) // a strings.Builder does not fail
	b.WriteString("\r\n")
	return []byte(b.String())
}

func (r *router) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTCP("tcp", nil, r.Listener.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
