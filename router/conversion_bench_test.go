//go:build unix

package router_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// BenchmarkCallsDuringConversions measures how long calls between two sessions take while two others exchange large
// messages, and a third one of theirs calls the receiver all the time, so that whoever waits for its queue is not the
// receiver's alone. The receiver does not read. An operation is one large message.
func BenchmarkCallsDuringConversions(b *testing.B) {
	loads := []struct {
		name   string
		from   wamp.Serializer
		send   func(r *remote, p wamp.Payload)
		topics int // patterns by which the receiver gets the event
	}{
		{"none", wamp.JSON, nil, 0},
		{"call, same serializer", wamp.CBOR, (*remote).callsLarge, 0},
		{"call, converted", wamp.JSON, (*remote).callsLarge, 0},
		{"event, same serializer", wamp.CBOR, (*remote).publishesLarge, 1},
		{"event, converted", wamp.JSON, (*remote).publishesLarge, 1},
		{"event, same serializer, 100 patterns", wamp.CBOR, (*remote).publishesLarge, 100},
		{"event, converted, 100 patterns", wamp.JSON, (*remote).publishesLarge, 100},
	}
	for _, size := range []int{1 << 20, largestMessage - 1<<10} {
		for _, load := range loads {
			b.Run(fmt.Sprintf("%d KiB/%s", size>>10, load.name), func(b *testing.B) {
				n := newNetwork(b)
				receiver, sender, third := n.join(), n.joinAs(load.from), n.join()
				receiver.asks(&wamp.Register{Request: 1, Procedure: "large"})
				for i := range load.topics {
					receiver.asks(&wamp.Subscribe{
						Request: wamp.ID(2 + i), Topic: largeTopic[:len(largeTopic)-i],
						Options: wamp.SubscribeOptions{Match: wamp.MatchPrefix},
					})
				}
				p := records(load.from, size)
				latencies := n.callsAllTheTime()
				third.calls("none")
				n.running.Go(func() {
					for !n.ending.Load() {
						third.sends(&wamp.Call{Procedure: "large"})
						third.awaits()
						<-time.After(time.Millisecond)
					}
				})
				for b.Loop() {
					if load.send == nil {
						<-time.After(10 * time.Millisecond)
						continue
					}
					load.send(sender, p)
					sender.awaits()
				}
				latencies.report(b, load.topics)
			})
		}
	}
}

var largeTopic = strings.Repeat("t", 200)

// records returns a payload of about size bytes such as applications send.
func records(s wamp.Serializer, size int) wamp.Payload {
	record, head := []byte(`{"id":100000,"name":"Ada Lovelace","price":12.75,"ok":true}`), []byte(nil)
	if s == wamp.CBOR {
		record = []byte("\xa4\x62id\x1a\x00\x01\x86\xa0\x64name\x6cAda Lovelace\x65price\xfb\x40\x29\x80\x00\x00\x00\x00\x00\x62ok\xf5")
		n := size / len(record)
		head = []byte{0x9a, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
		return wamp.Payload{Serializer: s, Elements: 1, Raw: append(head, strings.Repeat(string(record), n)...)}
	}
	raw := "[" + strings.Repeat(string(record)+",", size/(len(record)+1)-1) + string(record) + "]"
	return wamp.Payload{Serializer: s, Elements: 1, Raw: []byte(raw)}
}

func (r *remote) callsLarge(p wamp.Payload) { r.sends(&wamp.Call{Procedure: "large", Payload: p}) }

func (r *remote) publishesLarge(p wamp.Payload) {
	r.sends(&wamp.Publish{Topic: largeTopic, Payload: p})
}

// sends sends a request without waiting for an answer.
func (r *remote) sends(m wamp.Message) {
	r.request++
	switch m := m.(type) {
	case *wamp.Call:
		m.Request = r.request
	case *wamp.Publish:
		m.Request = r.request
	}
	<-r.queue.Drained()
	if err := r.queue.Put(m); err != nil {
		r.network.Error(err)
	}
}

// awaits waits until what was sent before has been routed.
func (r *remote) awaits() {
	r.sends(&wamp.Call{Procedure: "none"})
	for r.receives() {
		for _, m := range r.run.Messages {
			if e, ok := m.(*wamp.Error); ok && e.Request == r.request {
				return
			}
		}
	}
}
