package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/transport/websocket"
)

// routerURL is where the router of the examples is. With `tandem dev` it is ws://127.0.0.1:8080/ws.
var routerURL string

// withRouter runs the tests beside a router.
type withRouter struct{ tests *testing.M }

func (m withRouter) Run() int {
	r, err := router.New(router.Config{Realms: []router.RealmConfig{{
		Name: "realm1", AnonymousRole: "anonymous", Authorizer: auth.AllowAll{},
		History: router.HistoryConfig{Topics: []router.HistoryTopic{{Topic: "com.example.log"}}},
	}}})
	if err != nil {
		panic(err) // the configuration above is right
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if conn, err := websocket.Upgrade(w, q, nil); err == nil {
			r.Serve(conn)
		}
	}))
	routerURL = "ws" + strings.TrimPrefix(web.URL, "http") + "/ws"
	defer func() {
		web.Close()
		_ = r.Shutdown(context.Background())
	}()
	return m.tests.Run()
}

// connect opens a session as the first example does.
func connect() *client.Session {
	s, err := client.Connect(context.Background(), routerURL, client.Config{Realm: "realm1"})
	if err != nil {
		panic(err) // the router is in this process
	}
	return s
}
