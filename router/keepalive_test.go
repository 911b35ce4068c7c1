package router_test

import (
	"testing"
	"time"

	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// pinging is a router's end of a pipe that has pings: GOODBYE without a reason, which nothing else sends.
type pinging struct{ transport.Conn }

func (c pinging) AppendPing(dst []byte) []byte {
	dst, _ = c.Append(dst, &wamp.Goodbye{})
	return dst
}

// joinPinged opens a session on a wire with pings. It reads nothing yet.
func (h *house) joinPinged() *peer {
	h.Helper()
	local, remote := transport.Pipe(wamp.CBOR)
	h.router.Serve(pinging{remote})
	p := h.over(local)
	p.say(hello("r"))
	return p
}

func pinged(c router.Config) router.Config {
	c.PingInterval, c.PingTimeout = 20*time.Second, 10*time.Second
	return c
}

func TestWS07_SilentPeersArePingedAndDropped(t *testing.T) {
	in(t, pinged(router.Config{}), func(h *house) {
		p := h.joinPinged().listen()
		hears1[*wamp.Welcome](p)
		<-time.After(26 * time.Second)
		hears1[*wamp.Goodbye](p)
		p.say(&wamp.Publish{Request: 1, Topic: "any"}) // as good as a pong
		<-time.After(26 * time.Second)
		hears1[*wamp.Goodbye](p)
		if p.hasEnded() {
			t.Error("the peer was dropped before its time")
		}
		<-time.After(15 * time.Second)
		if !p.hasEnded() {
			t.Error("the peer was not dropped")
		}
	})
}

// The ping to a subscriber that reads slowly waits behind the events, and so does its answer.
func TestWS07_PUB18_SlowReadersAreNotSilent(t *testing.T) {
	in(t, pinged(slow(router.DropNew)), func(h *house) {
		publisher, p := h.join(), h.joinPinged()
		p.say(&wamp.Subscribe{Request: 1, Topic: "t"})
		for range 20 {
			publisher.floods("t", 1, 20, 16<<10)
			<-time.After(5 * time.Second)
			err := p.conn.Wait()
			if err == nil {
				err = p.conn.Receive(new(transport.Run))
			}
			if err != nil {
				t.Fatalf("the connection has ended: %v\n%s", err, h.log)
			}
		}
		p.listen()
		if p.hasEnded() {
			t.Errorf("the peer was dropped:\n%s", h.log)
		}
	})
}
