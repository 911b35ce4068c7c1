package bench

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/wamp"
)

// A subscriber that stops reading harms nobody else: no event of the others and no reply is lost.
func TestSlow(t *testing.T) {
	load := Slow{
		Target: target(startRouter(t)["tcp"]), Timing: Timing{Duration: 100 * time.Millisecond},
		Publishers: 1, Subscribers: 3, Pairs: 2, Depth: 4, Size: 1024,
	}
	r, err := load.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for when, h := range map[string]Health{"before": r.Before, "during": r.During} {
		if h.Lost != 0 || h.CallErrors != 0 {
			t.Errorf("%s: got %+v", when, h)
		}
	}
	if r.Victim.Received == 0 && r.Victim.Ended == "" {
		t.Errorf("nothing became of the slow subscriber: %+v", r.Victim)
	}
}

// What became of the slow subscriber is told apart: events lost silently, events whose loss was announced, and an end.
func TestVictim(t *testing.T) {
	blank, err := arguments(wamp.CBOR, minEventSize)
	if err != nil {
		t.Fatal(err)
	}
	place := stampPlace(&blank)
	event := func(number, lost uint64) *wamp.Event {
		e := &wamp.Event{Payload: blank.Clone(), Details: wamp.EventDetails{Lost: lost}}
		s := stamp{number: number}
		s.put(e.Payload.Raw[place:])
		return e
	}
	for name, test := range map[string]struct {
		messages []wamp.Message
		want     Victim
		silent   uint64
	}{
		"nothing lost":     {[]wamp.Message{event(0, 0), event(1, 0)}, Victim{Received: 2}, 0},
		"lost silently":    {[]wamp.Message{event(0, 0), event(4, 0)}, Victim{Received: 2, Missed: 3}, 3},
		"loss announced":   {[]wamp.Message{event(0, 0), event(4, 3)}, Victim{Received: 2, Missed: 3, Announced: 3}, 0},
		"partly announced": {[]wamp.Message{event(0, 0), event(4, 2)}, Victim{Received: 2, Missed: 3, Announced: 2}, 1},
		"ended": {[]wamp.Message{event(0, 0), &wamp.Goodbye{Reason: wamp.CloseKilled}},
			Victim{Received: 1, Ended: wamp.CloseKilled}, 0},
		"aborted": {[]wamp.Message{&wamp.Abort{Reason: "com.example.tired"}}, Victim{Ended: "com.example.tired"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v := &victim{stream: &stream{place: place}, next: []uint64{0}}
			for i, m := range test.messages {
				ended, err := v.note(m)
				if err != nil || ended != (test.want.Ended != "" && i == len(test.messages)-1) {
					t.Errorf("message %d: ended %v, %v", i, ended, err)
				}
			}
			if diff := cmp.Diff(test.want, v.found); diff != "" || v.found.Silent() != test.silent {
				t.Errorf("%d lost silently; %s", v.found.Silent(), diff)
			}
		})
	}
}
