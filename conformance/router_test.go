package conformance_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/conformance"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/transport/websocket"
	"github.com/tandemrouter/tandem/wamp"
)

// house is a router behind real sockets.
type house struct {
	router *router.Router
	ws     string // URLs
	tcp    string
	unix   string
}

// purposes are the realms that each lane has besides its main one.
var purposes = map[string]router.RealmConfig{
	"other":      {Authorizer: auth.AllowAll{}},
	"strict":     {Authorizer: auth.AllowAll{}, URIs: wamp.StrictURI},
	"sequential": {Authorizer: auth.AllowAll{}, StrictRequestIDs: true},
	"prudent":    {Authorizer: auth.AllowAll{}, ProgressNeedsCanceling: true},
	"sharded":    {Authorizer: auth.AllowAll{}, Sharding: true},
	"mindful":    {Authorizer: auth.AllowAll{}, History: mindful},
	"discreet":   {Authorizer: discreet{}},
	"guarded":    {Authorizer: guard{}},
	"silent":     {Authorizer: auth.AllowAll{}, SilentRevocation: true},
	"trusting":   {Authorizer: trusting{}, TrustLevels: true},
	"forgetful":  {Authorizer: auth.AllowAll{}, Retention: router.RetentionConfig{Off: true}},
	"choosy":     {Authorizer: auth.AllowAll{}, Retention: router.RetentionConfig{Except: choosy}},
}

// mindful is what the realm of that name remembers.
var mindful = router.HistoryConfig{Topics: []router.HistoryTopic{
	{Topic: "com.example.kept"},
	{Topic: "com.example.kept", Match: wamp.MatchPrefix},
	{Topic: "com.example.few", MaxEvents: 2},
	{Topic: "com..any", Match: wamp.MatchWildcard},
}}

// choosy is what the realm of that name does not retain.
var choosy = []router.TopicPattern{{Topic: "com.example.tick"}, {Topic: "com.example.ticks.", Match: wamp.MatchPrefix}}

// discreet allows everything and discloses nobody.
type discreet struct{}

func (discreet) Authorize(context.Context, *auth.Request) (auth.Decision, error) {
	return auth.Decision{Allowed: true, Disclose: wamp.DiscloseNever}, nil
}

// trusting allows everything and trusts everybody as much.
type trusting struct{}

func (trusting) Authorize(context.Context, *auth.Request) (auth.Decision, error) {
	return auth.Decision{Allowed: true, TrustLevel: 3, HasTrustLevel: true}, nil
}

// guard allows what is open, and cannot tell about what is broken.
type guard struct{}

func (guard) Authorize(_ context.Context, r *auth.Request) (auth.Decision, error) {
	if strings.HasPrefix(r.URI, "broken.") {
		return auth.Decision{}, errors.New("the guard is ill")
	}
	return auth.Decision{Allowed: strings.HasPrefix(r.URI, "open.")}, nil
}

// lane is a place for cases that run one after the other: a set of realms that nobody else is in.
func (h *house) lane(name string, wires ...conformance.Wire) *conformance.Target {
	target := &conformance.Target{Realm: name, Realms: map[string]string{}, Wires: wires}
	for purpose := range purposes {
		target.Realms[purpose] = name + "." + purpose
	}
	return target
}

// realms returns the realms of some lanes.
func realms(lanes []string) []router.RealmConfig {
	var list []router.RealmConfig
	for _, lane := range lanes {
		list = append(list, router.RealmConfig{Name: lane, AnonymousRole: "guest", Authorizer: auth.AllowAll{}})
		for purpose, c := range purposes {
			c.Name, c.AnonymousRole = lane+"."+purpose, "guest"
			list = append(list, c)
		}
	}
	return list
}

// open starts a router and lets it listen on the loopback interface, until the test ends.
func open(t *testing.T, lanes ...string) *house {
	t.Helper()
	r, err := router.New(router.Config{Realms: realms(lanes)})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "socket")
	web, raw, local := listen(t, "tcp", "127.0.0.1:0"), listen(t, "tcp", "127.0.0.1:0"), listen(t, "unix", path)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if conn, err := websocket.Upgrade(w, req, nil); err == nil {
			go r.Serve(conn)
		}
	})}
	var listeners sync.WaitGroup
	listeners.Go(func() { _ = server.Serve(web) })
	listeners.Go(func() { accept(r, raw) })
	listeners.Go(func() { accept(r, local) })
	t.Cleanup(func() {
		_, _, _ = server.Close(), raw.Close(), local.Close()
		_ = r.Shutdown(context.Background())
		listeners.Wait()
	})
	return &house{
		router: r,
		ws:     "ws://" + web.Addr().String() + "/ws",
		tcp:    "tcp://" + raw.Addr().String(),
		unix:   "unix://" + path,
	}
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// accept serves RawSocket on the listener until that is closed, and waits for the handshakes.
func accept(r *router.Router, l net.Listener) {
	var handshakes sync.WaitGroup
	defer handshakes.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		handshakes.Go(func() {
			if c, err := rawsocket.Accept(conn, nil); err == nil {
				go serve(r, c)
			}
		})
	}
}

func serve(r *router.Router, c transport.Conn) { r.Serve(c) }
