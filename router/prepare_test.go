package router_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// joinAs opens a session that speaks the serializer.
func (h *house) joinAs(s wamp.Serializer, features ...wamp.Feature) *peer {
	h.Helper()
	local, remote := transport.Pipe(s)
	h.router.Serve(remote)
	p := &peer{house: h, conn: local, queue: transport.NewQueue(local, 64<<20, new(sync.WaitGroup))}
	p.listen().say(hello("r", features...))
	p.id = hears1[*wamp.Welcome](p).Session
	return p
}

var serializers = []wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR}

// marked returns a payload that begins with a number and is large.
func marked(n int) wamp.Payload {
	return wamp.Payload{Args: wamp.List{n, strings.Repeat("x", 100_000), wamp.List{1.5, []byte{1, 2}}}}
}

// markIn checks that the payload is one of marked, in the serializer, and returns its number.
func (h *house) markIn(p *wamp.Payload, s wamp.Serializer) int {
	h.Helper()
	args, _, err := payload.Decode(p)
	if err != nil || len(args) == 0 {
		h.Fatalf("the payload %.60q cannot be decoded: %v", p.Raw, err)
	}
	n, _ := args[0].(int64)
	want := marked(int(n))
	encoded, err := payload.Encode(s, &want)
	if err != nil || p.Serializer != s || !bytes.Equal(p.Raw, encoded.Raw) {
		h.Errorf("the payload is %.60q in %v, want %.60q in %v", p.Raw, p.Serializer, encoded.Raw, s)
	}
	return int(n)
}

// expectPrepared checks that no large payload was converted under a lock.
func (h *house) expectPrepared() {
	h.Helper()
	if n := h.router.Unprepared("r"); n > 0 {
		h.Errorf("%d large payloads were converted or copied under a lock", n)
	}
}

func TestFLW07_SER14_LargeCallsArePreparedForTheirReceivers(t *testing.T) {
	for _, from := range serializers {
		for _, to := range serializers {
			t.Run(fmt.Sprint(from, "-", to), func(t *testing.T) {
				in(t, router.Config{}, func(h *house) {
					caller, callee := h.joinAs(from, wamp.FeatureProgressiveCallResults), h.joinAs(to, wamp.FeatureProgressiveCallResults)
					callee.registers("p")
					caller.say(&wamp.Call{Request: 1, Procedure: "p", Payload: marked(1), Options: wamp.CallOptions{ReceiveProgress: true}})
					h.markIn(&hears1[*wamp.Invocation](callee).Payload, to)
					callee.say(&wamp.Yield{Request: 1, Payload: marked(2), Options: wamp.YieldOptions{Progress: true}})
					h.markIn(&hears1[*wamp.Result](caller).Payload, from)
					callee.say(&wamp.Error{RequestType: wamp.TypeInvocation, Request: 1, URI: "e.x", Payload: marked(3)})
					h.markIn(&hears1[*wamp.Error](caller).Payload, from)
					h.expectPrepared()
				})
			})
		}
	}
}

func TestFLW07_SER14_LargeEventsArePreparedForAllSubscribers(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		var crowd []*peer
		for _, s := range append(serializers, serializers...) {
			p := h.joinAs(s)
			p.say(
				&wamp.Subscribe{Request: 1, Topic: "a.b"},
				&wamp.Subscribe{Request: 2, Topic: "a", Options: wamp.SubscribeOptions{Match: wamp.MatchPrefix}},
			)
			p.hears()
			crowd = append(crowd, p)
		}
		h.joinAs(wamp.JSON).say(&wamp.Publish{Request: 1, Topic: "a.b", Payload: marked(1)})
		for i, p := range crowd {
			heard := p.hears()
			if len(heard) != 2 {
				t.Fatalf("subscriber %d heard %v", i, types(heard))
			}
			for _, m := range heard {
				h.markIn(&m.(*wamp.Event).Payload, serializers[i%len(serializers)])
			}
		}
		h.expectPrepared()
	})
}

// What is small does not overtake what is large, among calls, among events and between them.
func TestRPC09_PUB13_LargeMessagesKeepTheirPlaces(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		receiver, sender := h.joinAs(wamp.CBOR), h.joinAs(wamp.JSON)
		receiver.registers("p")
		receiver.say(&wamp.Subscribe{Request: 2, Topic: "t"})
		receiver.hears()
		small := func(n int) wamp.Payload { return wamp.Payload{Args: wamp.List{n}} }
		var messages []wamp.Message
		for i := range 6 {
			call, event := marked(i), small(i)
			if i%2 == 0 {
				call, event = event, call
			}
			messages = append(messages,
				&wamp.Call{Request: wamp.ID(2*i + 1), Procedure: "p", Payload: call},
				&wamp.Publish{Request: wamp.ID(2*i + 2), Topic: "t", Payload: event})
		}
		sender.say(messages...)
		var order []string
		for _, m := range receiver.hears() {
			args, _, err := payload.Decode(wamp.PayloadOf(m))
			if err != nil {
				t.Fatal(err)
			}
			order = append(order, fmt.Sprint(m.Type(), " ", args[0]))
		}
		var want []string
		for i := range 6 {
			want = append(want, fmt.Sprint("INVOCATION ", i), fmt.Sprint("EVENT ", i))
		}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		h.expectPrepared()
	})
}

// ROU-23: large calls that waited come in their order, to whom the policy lets have them.
func TestROU23_FLW07_LargeCallsThatWaitedArePrepared(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		register := &wamp.Register{Request: 1, Procedure: "p", Options: wamp.RegisterOptions{Invoke: wamp.InvokeRoundRobin, Concurrency: 1}}
		first, caller := h.joinAs(wamp.CBOR), h.joinAs(wamp.JSON)
		first.say(register)
		first.hears()
		for i := range 6 {
			caller.say(&wamp.Call{Request: wamp.ID(i + 1), Procedure: "p", Payload: marked(i)})
		}
		next := func(p *peer, s wamp.Serializer, want int) {
			t.Helper()
			if n := h.markIn(&hears1[*wamp.Invocation](p).Payload, s); n != want {
				t.Errorf("call %d came, want %d", n, want)
			}
		}
		next(first, wamp.CBOR, 0)
		first.say(&wamp.Yield{Request: 1})
		next(first, wamp.CBOR, 1)
		caller.say(&wamp.Cancel{Request: 3}, &wamp.Cancel{Request: 2, Options: wamp.CancelOptions{Mode: wamp.CancelSkip}})
		first.hearsNothing() // skip does not free the slot
		second := h.joinAs(wamp.MessagePack)
		second.say(register)
		heard := second.hears()
		if len(heard) != 2 {
			t.Fatalf("the second callee heard %v", types(heard))
		}
		if n := h.markIn(&heard[1].(*wamp.Invocation).Payload, wamp.MessagePack); n != 3 {
			t.Errorf("call %d came, want 3", n)
		}
		first.drop() // whose slot is nobody's
		second.say(&wamp.Error{RequestType: wamp.TypeInvocation, Request: 1, URI: "e.x"})
		next(second, wamp.MessagePack, 4)
		second.drop()
		h.expectPrepared()
	})
}

func TestRRT01_FLW07_LargeCallsThatAreReroutedArePrepared(t *testing.T) {
	for _, policy := range []wamp.InvocationPolicy{wamp.InvokeFirst, wamp.InvokeRoundRobin, wamp.InvokeRandom} {
		t.Run(fmt.Sprint("policy ", policy), func(t *testing.T) {
			in(t, router.Config{}, func(h *house) {
				var callees []*peer
				for _, s := range serializers {
					p := h.joinAs(s, wamp.FeatureCallReroute)
					p.say(&wamp.Register{Request: 1, Procedure: "p", Options: wamp.RegisterOptions{Invoke: policy}})
					p.hears()
					callees = append(callees, p)
				}
				caller := h.joinAs(wamp.JSON)
				caller.say(&wamp.Call{Request: 1, Procedure: "p", Payload: marked(1)})
				for range callees {
					for i, p := range callees {
						for _, m := range p.hears() {
							h.markIn(wamp.PayloadOf(m), serializers[i])
							p.say(&wamp.Error{RequestType: wamp.TypeInvocation, Request: 1, URI: wamp.ErrUnavailable})
						}
					}
				}
				caller.hearsError(wamp.TypeCall, 1, wamp.ErrNoAvailableCallee)
				h.expectPrepared()
			})
		})
	}
}

// FLW-06: what the receiver's serializer cannot express is refused in the same way whether it is small or large.
func TestFLW06_LargePayloadsThatCannotBeExpressed(t *testing.T) {
	for _, size := range []int{1, 100_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			in(t, router.Config{}, func(h *house) {
				odd := wamp.Payload{Args: wamp.List{strings.Repeat("x", size), payload.Tag{Number: 1, Value: 1}}}
				json, cbor := h.joinAs(wamp.JSON), h.joinAs(wamp.CBOR)
				json.registers("p")
				cbor.say(&wamp.Call{Request: 1, Procedure: "p", Payload: odd})
				cbor.hearsError(wamp.TypeCall, 1, wamp.ErrInvalidPayload)
				json.hearsNothing()

				cbor.registers("q")
				json.say(&wamp.Call{Request: 1, Procedure: "q"}, &wamp.Call{Request: 2, Procedure: "q"})
				cbor.hears()
				cbor.say(
					&wamp.Yield{Request: 1, Payload: odd},
					&wamp.Error{RequestType: wamp.TypeInvocation, Request: 2, URI: "e.x", Payload: odd},
				)
				heard := json.hears()
				if len(heard) != 2 || heard[0].(*wamp.Error).URI != wamp.ErrInvalidPayload || heard[1].(*wamp.Error).URI != "e.x" {
					t.Errorf("the caller heard %+v", heard)
				}

				json.subscribes("t")
				cbor.say(&wamp.Subscribe{Request: 2, Topic: "t"})
				cbor.hears()
				h.joinAs(wamp.CBOR).say(&wamp.Publish{Request: 1, Topic: "t", Payload: odd})
				json.hearsNothing()
				hears1[*wamp.Event](cbor)
				if n := h.router.Dropped("r"); n != 1 {
					t.Errorf("%d events dropped, want 1", n)
				}
				h.expectPrepared()
			})
		})
	}
}

// RPC-13: callees with other serializers come and go while large calls are prepared for those that were there. Every call
// is answered, and none is converted under a lock.
func TestFLW07_RPC13_WhoIsPreparedForMayChange(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		const rounds = 30
		options := wamp.RegisterOptions{Invoke: wamp.InvokeRandom, Concurrency: 2}
		var fickle sync.WaitGroup
		for _, s := range serializers {
			p := h.connectAs(s)
			fickle.Go(func() {
				p.does(hello("r"))
				for i := range rounds {
					registered, _ := p.does(&wamp.Register{Request: wamp.ID(2*i + 1), Procedure: "p", Options: options}).(*wamp.Registered)
					if registered == nil {
						t.Error("a callee was refused")
						return
					}
					p.does(&wamp.Unregister{Request: wamp.ID(2*i + 2), Registration: registered.Registration})
				}
			})
		}
		for _, s := range serializers {
			p := h.connectAs(s)
			fickle.Go(func() {
				p.does(hello("r"))
				for i := range rounds {
					p.does(&wamp.Call{Request: wamp.ID(i + 1), Procedure: "p", Payload: marked(i)})
				}
			})
		}
		fickle.Wait()
		h.expectPrepared()
	})
}

// inline is a client that does one thing at a time, and answers calls meanwhile.
type inline struct {
	conn  transport.Conn
	queue *transport.Queue
}

func (h *house) connectAs(s wamp.Serializer) *inline {
	local, remote := transport.Pipe(s)
	h.router.Serve(remote)
	return &inline{local, transport.NewQueue(local, 64<<20, new(sync.WaitGroup))}
}

// does sends a request and returns the answer, or nil if the connection ends before.
func (p *inline) does(m wamp.Message) wamp.Message {
	for err := p.queue.Put(m); err == nil; {
		var run transport.Run
		if err = p.conn.Wait(); err == nil {
			err = p.conn.Receive(&run)
		}
		for _, m := range run.Messages {
			invocation, ok := m.(*wamp.Invocation)
			if !ok {
				return m
			}
			err = p.queue.Put(&wamp.Yield{Request: invocation.Request, Payload: invocation.Payload})
		}
	}
	return nil
}

func TestRET03_FLW07_LargeRetainedEventsArePrepared(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		h.joinAs(wamp.JSON).say(&wamp.Publish{Request: 1, Topic: "t", Payload: marked(1), Options: wamp.PublishOptions{Retain: true}})
		for _, s := range serializers {
			p := h.joinAs(s)
			p.say(&wamp.Subscribe{Request: 1, Topic: "t", Options: wamp.SubscribeOptions{GetRetained: true}})
			heard := p.hears()
			if len(heard) != 2 {
				t.Fatalf("the subscriber heard %v", types(heard))
			}
			h.markIn(wamp.PayloadOf(heard[1]), s)
		}
		h.expectPrepared()
	})
}
