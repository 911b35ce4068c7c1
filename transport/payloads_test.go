package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// raw returns a text as a payload that takes up so many bytes in JSON.
func raw(size int) wamp.Payload {
	return wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: []byte(`["` + strings.Repeat("x", size-4) + `"]`)}
}

// A message arrives as if it had been encoded in one piece, whether its payload was prepared or not.
func TestOutgoingTakesItsPayloadFromElsewhere(t *testing.T) {
	for _, to := range []wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR} {
		for _, size := range []int{10, 255, 256, 5000, 20_000, 1 << 20} {
			for _, ahead := range []bool{false, true} {
				t.Run(fmt.Sprint(to, "/", size, "/", ahead), func(t *testing.T) { goesThrough(t, raw(size), to, ahead) })
			}
		}
	}
}

func goesThrough(t *testing.T, p wamp.Payload, to wamp.Serializer, ahead bool) {
	var payloads transport.Payloads
	if ahead {
		payloads.Prepare(&p, to)
	}
	o := transport.Outgoing{Payloads: &payloads}
	o.Use(&wamp.Event{Subscription: 1, Publication: 2, Payload: p})
	local, remote := transport.Pipe(to)
	var flushers sync.WaitGroup
	defer flushers.Wait()
	defer func() { _ = remote.Close() }()
	q := transport.NewQueue(local, 2<<20, &flushers)
	small := &wamp.Published{Request: 1, Publication: 1}
	q.Lock()
	err := errors.Join(q.AppendLocked(small), q.AppendOutgoingLocked(&o), q.AppendLocked(small))
	q.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	q.Flush()
	want, err := payload.Encode(to, &p)
	if err != nil {
		t.Fatal(err)
	}
	var heard []string
	var run transport.Run
	for len(heard) < 3 && remote.Wait() == nil && remote.Receive(&run) == nil {
		for _, m := range run.Messages {
			if event, ok := m.(*wamp.Event); ok && !bytes.Equal(event.Payload.Raw, want.Raw) {
				t.Errorf("the payload is %.40q", event.Payload.Raw)
			}
			heard = append(heard, m.Type().String())
		}
	}
	if diff := cmp.Diff([]string{"PUBLISHED", "EVENT", "PUBLISHED"}, heard); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// FLW-06: what cannot be expressed is found when it is prepared, and told when it is encoded.
func TestFLW06_PreparedErrors(t *testing.T) {
	p := wamp.Payload{Serializer: wamp.CBOR, Elements: 1, Raw: []byte("\x81\xc1\x00")}
	payloads := new(transport.Payloads)
	payloads.Prepare(&p, wamp.JSON)
	o := transport.Outgoing{Payloads: payloads}
	o.Use(&wamp.Event{Payload: p})
	q := transport.NewQueue(&fakeConn{shape: transport.ShapeRawSocket}, 0, nil)
	q.Lock()
	defer q.Unlock()
	if err := q.AppendOutgoingLocked(&o); !errors.Is(err, wamp.ErrInvalidPayload) || q.PendingLocked() != 0 {
		t.Errorf("%v, and %d bytes wait", err, q.PendingLocked())
	}
}

func TestPayloadsAreKnownByTheirBytes(t *testing.T) {
	first, second := raw(5000), raw(5000)
	copied := first // by another message
	var payloads transport.Payloads
	payloads.Prepare(&first, wamp.CBOR)
	payloads.Prepare(&second, wamp.MessagePack)
	has := []bool{
		payloads.Has(&first, wamp.CBOR), payloads.Has(&copied, wamp.CBOR), payloads.Has(&second, wamp.MessagePack),
		payloads.Has(&first, wamp.MessagePack), payloads.Has(&second, wamp.CBOR), payloads.Has(nil, wamp.CBOR),
		payloads.Has(&wamp.Payload{}, wamp.CBOR),
	}
	if diff := cmp.Diff([]bool{true, true, true, false, false, false, false}, has); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if payloads.Reset(); payloads.Has(&first, wamp.CBOR) {
		t.Error("a payload is still there after Reset")
	}
}

// FLW-02: an event whose payload stands on its own is dropped as a whole, or not at all once its head is being written.
func TestFLW02_LargeEventsAreDroppedWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newSlowQueue(t, 200_000) // of which events may use 150,000
		large := func() (d transport.Dropped) {
			p := raw(40_000)
			o := transport.Outgoing{Payloads: new(transport.Payloads)}
			o.Use(&wamp.Event{Payload: p})
			q.Lock()
			defer q.Unlock()
			d, err := q.AppendDroppableLocked(&o, 0)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		const frame = len("(40002)") + 40_002
		for i := range 3 {
			if d := large(); d.Messages > 0 {
				t.Fatalf("event %d costs %d others", i, d.Messages)
			}
		}
		q.conn.permits <- struct{}{} // the head of the first is being written now
		synctest.Wait()
		q.Lock()
		pending := q.PendingLocked()
		q.Unlock()
		if pending != 3*frame {
			t.Errorf("%d bytes wait, want %d", pending, 3*frame)
		}
		if d := large(); d.Messages != 1 {
			t.Errorf("the fourth event costs %d others, want 1", d.Messages)
		}
		want := strings.Repeat("(40002),"+string(raw(40_000).Raw)+"]", 3)
		if got := q.drain(); got != want {
			t.Errorf("wrote %d bytes, want %d", len(got), len(want))
		}
	})
}
