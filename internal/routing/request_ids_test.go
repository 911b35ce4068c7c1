package routing_test

import (
	"testing"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// requestsOf returns a message of every kind that asks for something.
func requestsOf(id wamp.ID) []wamp.Message {
	return []wamp.Message{
		&wamp.Call{Request: id}, &wamp.Publish{Request: id}, &wamp.Register{Request: id},
		&wamp.Unregister{Request: id}, &wamp.Subscribe{Request: id}, &wamp.Unsubscribe{Request: id},
	}
}

func TestIDS03_RequestsOfAllKindsShareOneCounter(t *testing.T) {
	var ids routing.RequestIDs
	for round := range 3 {
		for kind := range requestsOf(0) {
			id := wamp.ID(6*round + kind + 1)
			m := requestsOf(id)[kind]
			if got := ids.Accept(m); got != routing.InOrder {
				t.Errorf("%s %d: %v", m.Type(), id, got)
			}
		}
	}
}

func TestIDS06_RequestsOutOfOrder(t *testing.T) {
	for kind := range requestsOf(0) {
		for _, test := range []struct {
			last, id wamp.ID
			want     routing.RequestOrder
		}{
			{0, 1, routing.InOrder},
			{0, 2, routing.OutOfOrder},
			{0, wamp.MaxID, routing.OutOfOrder},
			{4, 5, routing.InOrder},
			{4, 6, routing.OutOfOrder},
			{4, 4, routing.Repeated},
			{4, 1, routing.Repeated},
		} {
			want := test.want
			if want == routing.Repeated && kind > 0 {
				want = routing.OutOfOrder // only CALLs come in parts
			}
			m := requestsOf(test.id)[kind]
			if got := idsUpTo(test.last).Accept(m); got != want {
				t.Errorf("%s %d after %d: %v, want %v", m.Type(), test.id, test.last, got, want)
			}
		}
	}
}

// idsUpTo returns the state after so many requests.
func idsUpTo(last wamp.ID) *routing.RequestIDs {
	ids := new(routing.RequestIDs)
	for id := wamp.ID(1); id <= last; id++ {
		ids.Accept(&wamp.Publish{Request: id})
	}
	return ids
}

func TestIDS06_ARefusedRequestDoesNotCount(t *testing.T) {
	ids := idsUpTo(3)
	ids.Accept(&wamp.Call{Request: 9})
	ids.Accept(&wamp.Call{Request: 2})
	if got := ids.Accept(&wamp.Call{Request: 4}); got != routing.InOrder {
		t.Errorf("the next request: %v", got)
	}
}

func TestIDS04_OtherMessagesDoNotCount(t *testing.T) {
	ids := idsUpTo(3)
	for _, m := range []wamp.Message{
		&wamp.Cancel{Request: 2}, &wamp.Yield{Request: 77}, &wamp.Error{RequestType: wamp.TypeInvocation, Request: 78},
		&wamp.Goodbye{}, &wamp.Hello{},
	} {
		if got := ids.Accept(m); got != routing.InOrder {
			t.Errorf("%s: %v", m.Type(), got)
		}
	}
	if got := ids.Accept(&wamp.Call{Request: 4}); got != routing.InOrder {
		t.Errorf("the next request: %v", got)
	}
}

// After 2^53 comes 1. What was used before that is still known to have been.
func TestIDS03_RequestIDsWrap(t *testing.T) {
	ids := routing.RequestIDsAt(wamp.MaxID)
	for _, test := range []struct {
		id   wamp.ID
		want routing.RequestOrder
	}{
		{1, routing.InOrder},
		{wamp.MaxID, routing.Repeated},
		{wamp.MaxID - 1000, routing.Repeated},
		{3, routing.OutOfOrder},
		{1, routing.Repeated},
		{2, routing.InOrder},
	} {
		if got := ids.Accept(&wamp.Call{Request: test.id}); got != test.want {
			t.Errorf("%d: %v, want %v", test.id, got, test.want)
		}
	}
}
