// Nexus runs the router nexus as the measurements of docs/perf/peers.md have it: one realm, anonymous sessions, RawSocket
// at the address that is its argument.
package main

import (
	"log"
	"os"
	"os/signal"

	"github.com/gammazero/nexus/v3/router"
	"github.com/gammazero/nexus/v3/wamp"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: nexus ADDRESS")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(address string) error {
	realm := &router.RealmConfig{URI: wamp.URI("realm1"), AnonymousAuth: true, AllowDisclose: true}
	r, err := router.NewRouter(&router.Config{RealmConfigs: []*router.RealmConfig{realm}}, log.Default())
	if err != nil {
		return err
	}
	defer r.Close()
	listener, err := router.NewRawSocketServer(r).ListenAndServe("tcp", address)
	if err != nil {
		return err
	}
	defer listener.Close()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	<-interrupted
	return nil
}
