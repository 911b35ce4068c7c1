//go:build unix

package router_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
	"github.com/tandemrouter/tandem/wamp"
)

// BenchmarkCallsDuringFanOut measures how long calls take while one publisher sends events to as many subscribers as
// file descriptors allow, at most 10,000, over TCP. The clients share the processors with the router. An operation is a
// burst of events that has reached every subscriber.
func BenchmarkCallsDuringFanOut(b *testing.B) {
	loads := []struct {
		name      string
		events    int  // published at once, in a burst
		registers bool // another client registers and unregisters all the time, which has meta events
	}{
		{"none", 0, false},
		{"1 event", 1, false},
		{"16 events", 16, false},
		{"16 events, registrations", 16, true},
	}
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			n := newNetwork(b)
			crowd := n.crowd(min(10_000, files()/2-100))
			latencies := n.callsAllTheTime()
			if load.registers {
				n.registersAllTheTime()
			}
			publisher := n.join()
			for b.Loop() {
				publisher.publishes(load.events)
				for _, subscriber := range slices.Backward(crowd) {
					subscriber.hears(load.events)
				}
				if load.events == 0 {
					<-time.After(10 * time.Millisecond)
				}
			}
			latencies.report(b, len(crowd))
		})
	}
}

// BenchmarkMemoryOfALargeEvent measures what an event of 64 KiB costs for each of 1,000 subscribers that do not read.
func BenchmarkMemoryOfALargeEvent(b *testing.B) {
	const subscribers, size = 1000, 64 << 10
	for b.Loop() {
		n := newNetwork(b)
		for range subscribers {
			subscribeStuck(b, n.router, "t")
		}
		publisher := n.join()
		publisher.publishesOf(1, 10)
		publisher.calls("none") // the answer comes when the event is with everybody
		before := heap()
		publisher.publishesOf(1, size)
		publisher.calls("none")
		b.ReportMetric(float64(heap()-before)/subscribers, "heap-B/receiver")
	}
}

// files returns how many file descriptors the process may have.
func files() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 256
	}
	return int(min(limit.Cur, 1<<20))
}

// network is a router with clients on loopback sockets.
type network struct {
	*testing.B
	router  *router.Router
	address string
	running sync.WaitGroup
	ending  atomic.Bool
}

func newNetwork(b *testing.B) *network {
	b.Helper()
	c := slow(router.DropOld)
	c.QueueLimit, c.MaxMessageSize = 0, largestMessage
	r, err := router.New(c)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	n := &network{B: b, router: r, address: l.Addr().String()}
	go n.accept(l)
	b.Cleanup(func() {
		n.ending.Store(true)
		n.running.Wait()
		_ = l.Close()
		over, cancel := context.WithCancel(context.Background())
		cancel() // whoever is left is cut off
		_ = r.Shutdown(over)
	})
	return n
}

func (n *network) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			if c, err := rawsocket.Accept(conn, &rawsocket.Config{MaxMessageSize: largestMessage}); err == nil {
				n.router.Serve(c)
			}
		}()
	}
}

// remote is a client that does one thing at a time.
type remote struct {
	network *network
	conn    transport.Conn
	queue   *transport.Queue
	run     transport.Run
	request wamp.ID
}

// largestMessage is what RawSocket can carry.
const largestMessage = 16 << 20

// join opens a session.
func (n *network) join() *remote { return n.joinAs(wamp.CBOR) }

func (n *network) joinAs(s wamp.Serializer) *remote {
	config := rawsocket.DialConfig{Serializer: s, MaxMessageSize: largestMessage}
	conn, err := rawsocket.Dial(n.Context(), "tcp", n.address, &config)
	if err != nil {
		n.Fatal(err)
	}
	n.Cleanup(func() { _ = conn.Close() })
	r := &remote{network: n, conn: conn, queue: transport.NewQueue(conn, 0, &n.running)}
	r.asks(hello("r"))
	return r
}

func (n *network) crowd(size int) []*remote {
	crowd := make([]*remote, size)
	for i := range crowd {
		crowd[i] = n.join()
		crowd[i].asks(&wamp.Subscribe{Request: 1, Topic: "t"})
	}
	return crowd
}

// hears waits for so many messages.
func (r *remote) hears(messages int) {
	for messages > 0 && r.receives() {
		messages -= len(r.run.Messages)
	}
}

// receives waits for messages, and reports whether they have come.
func (r *remote) receives() bool {
	err := r.conn.Wait()
	if err == nil {
		err = r.conn.Receive(&r.run)
	}
	if err != nil {
		r.network.Error(err)
	}
	return err == nil
}

// asks sends a request and waits for the answer.
func (r *remote) asks(m wamp.Message) {
	if err := r.queue.Put(m); err != nil {
		r.network.Error(err)
		return
	}
	r.hears(1)
}

func (r *remote) calls(procedure string) {
	r.request++
	r.asks(&wamp.Call{Request: r.request, Procedure: procedure})
}

func (r *remote) publishes(events int) { r.publishesOf(events, 100) }

// publishesOf publishes events of the size with one write.
func (r *remote) publishesOf(events, size int) {
	m := &wamp.Publish{Topic: "t", Payload: wamp.Payload{Args: wamp.List{strings.Repeat("x", size)}}}
	r.queue.Lock()
	for range events {
		r.request++
		m.Request = r.request
		if err := r.queue.AppendLocked(m); err != nil {
			r.network.Error(err)
		}
	}
	r.queue.Unlock()
	r.queue.Flush()
}

// latencies are of calls that were made all the time.
type latencies struct {
	network *network
	list    []time.Duration
}

// callsAllTheTime calls a procedure again and again, at most every 200 µs.
func (n *network) callsAllTheTime() *latencies {
	callee, caller, l := n.join(), n.join(), &latencies{network: n}
	callee.asks(&wamp.Register{Request: 1, Procedure: "p"})
	go callee.serves()
	n.running.Go(func() {
		for !n.ending.Load() {
			start := time.Now()
			caller.calls("p")
			l.list = append(l.list, time.Since(start))
			<-time.After(200 * time.Microsecond)
		}
	})
	return l
}

// serves answers calls until the connection is closed.
func (r *remote) serves() {
	for r.conn.Wait() == nil && r.conn.Receive(&r.run) == nil {
		for _, m := range r.run.Messages {
			if m, ok := m.(*wamp.Invocation); ok {
				_ = r.queue.Put(&wamp.Yield{Request: m.Request})
			}
		}
	}
}

func (n *network) registersAllTheTime() {
	r := n.join()
	n.running.Go(func() {
		for registration := wamp.ID(2); !n.ending.Load(); registration++ {
			r.asks(&wamp.Register{Request: r.request + 1, Procedure: "q"})
			r.asks(&wamp.Unregister{Request: r.request + 2, Registration: registration})
			r.request += 2
		}
	})
}

// report ends the calls and reports how long they took.
func (l *latencies) report(b *testing.B, subscribers int) {
	l.network.ending.Store(true)
	l.network.running.Wait()
	slices.Sort(l.list)
	at := func(q float64) float64 { return l.list[int(q*float64(len(l.list)-1))].Seconds() * 1e6 }
	b.ReportMetric(float64(subscribers), "subscribers")
	b.ReportMetric(at(0.5), "p50-µs/call")
	b.ReportMetric(at(0.99), "p99-µs/call")
	b.ReportMetric(at(1), "max-µs/call")
}
