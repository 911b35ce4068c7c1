package history_test

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/history"
	"github.com/tandemrouter/tandem/internal/wamptest"
	"github.com/tandemrouter/tandem/wamp"
)

func TestEVH03_ParseQuery(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	got, err := history.ParseQuery(wamp.Dict{
		"reverse":            true,
		"limit":              int64(10),
		"from_time":          "2026-03-01T12:00:00Z",
		"after_time":         "2026-03-01t13:00:00.001+01:00",
		"before_time":        "2026-03-01T12:00:00.5Z",
		"until_time":         "2026-03-01t12:00:01z",
		"topic":              "com.example.topic",
		"from_publication":   int64(1),
		"after_publication":  2.0, // MET-06
		"before_publication": uint64(3),
		"until_publication":  int64(wamp.MaxID),
		"something":          "else", // MET-02
	})
	if err != nil {
		t.Fatal(err)
	}
	want := history.Query{
		Reverse:           true,
		Limit:             10,
		FromTime:          noon,
		AfterTime:         noon.Add(time.Millisecond),
		BeforeTime:        noon.Add(500 * time.Millisecond),
		UntilTime:         noon.Add(time.Second),
		Topic:             "com.example.topic",
		FromPublication:   1,
		AfterPublication:  2,
		BeforePublication: 3,
		UntilPublication:  wamp.MaxID,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got):\n", diff)
	}
}

func TestParseNoQuery(t *testing.T) {
	for _, kwargs := range []wamp.Dict{nil, {"limit": nil, "from_time": nil, "reverse": nil}} {
		if q, err := history.ParseQuery(kwargs); err != nil || q != (history.Query{}) {
			t.Errorf("%v: %+v, %v", kwargs, q, err)
		}
	}
}

func TestEVH14_ParseQuery(t *testing.T) {
	tests := map[string][]any{
		"reverse":          {int64(1), "true"},
		"limit":            {int64(0), int64(-1), 0.0, 1.5, -2.0, 1e300, "10", true, new(big.Int)},
		"from_time":        {"", "2026-03-01T12:00:00,5Z", "2026-03-01T1:00:00Z", "2026-03-01T12:00:00+99:00", "yesterday", "2026-03-01", "2026-03-01T12:00:00", int64(1), 1.0},
		"until_time":       {"2026-13-01T12:00:00Z"},
		"topic":            {"", "a b", int64(1), "a..b"},
		"from_publication": {int64(0), int64(-1), int64(wamp.MaxID) + 1, uint64(1 << 63), 1.5, "1", wamp.List{}},
	}
	for name, values := range tests {
		for _, v := range values {
			_, err := history.ParseQuery(wamp.Dict{name: v})
			if err == nil || !strings.HasPrefix(err.Error(), name+": want ") {
				t.Errorf("%s = %v (%T): %v", name, v, v, err)
			}
		}
	}
}

// TestEVH04_EVH08_Select compares with a selection that takes the whole history apart: first places, then conditions, then
// order, then the limit.
func TestEVH04_EVH08_Select(t *testing.T) {
	for seed := range uint64(400) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			events := randomHistory(r)
			store := history.NewRing(history.Config{})
			for _, e := range events {
				store.Append(history.Key{Match: wamp.MatchPrefix}, e)
			}
			for range 20 {
				compareSelections(t, r, store, events)
			}
		})
	}
}

const epoch = 1_700_000_000_000

func randomHistory(r *rand.Rand) []*history.Event {
	var events []*history.Event
	for range r.IntN(30) {
		e := wamptest.HistoryEvent(wamp.RandomID(r.Uint64()))
		e.Time = time.UnixMilli(epoch + r.Int64N(20)) // clocks step back
		e.Topic = []string{"a", "b"}[r.IntN(2)]
		e.Details.Topic = e.Topic
		if r.IntN(4) == 0 {
			e.Audience.ExcludeAuthRole = []string{"guest"}
		}
		events = append(events, e)
	}
	return events
}

func compareSelections(t *testing.T, r *rand.Rand, store history.Store, events []*history.Event) {
	t.Helper()
	q := randomQuery(r, events)
	most := []int{0, 3, 10}[r.IntN(3)]
	sel, err := history.Select(context.Background(), store, history.Key{Match: wamp.MatchPrefix}, &q, history.Terms{
		Admits:    func(e *history.Event) bool { return e.Audience.Admits("joe", "guest") },
		MaxEvents: most,
	})
	if err != nil {
		t.Fatal(err)
	}
	want, limited := naiveSelect(&q, most, events)
	if sel.LimitReached != limited {
		t.Errorf("%+v: limit reached: %v", q, sel.LimitReached)
	}
	if diff := cmp.Diff(want, sel.Events); diff != "" {
		t.Fatalf("%+v (-want +got):\n%s", q, diff)
	}
}

func randomQuery(r *rand.Rand, events []*history.Event) history.Query {
	q := history.Query{Reverse: r.IntN(2) == 0}
	some := func(of int) bool { return r.IntN(of) == 0 }
	if some(2) {
		q.Limit = 1 + r.IntN(5)
	}
	for _, at := range []*time.Time{&q.FromTime, &q.AfterTime, &q.BeforeTime, &q.UntilTime} {
		if some(4) {
			*at = time.UnixMilli(epoch + r.Int64N(20))
		}
	}
	for _, id := range []*wamp.ID{&q.FromPublication, &q.AfterPublication, &q.BeforePublication, &q.UntilPublication} {
		if some(4) && len(events) > 0 {
			*id = events[r.IntN(len(events))].Publication
		}
		if some(50) {
			*id = 1 // unknown
		}
	}
	if some(3) {
		q.Topic = "a"
	}
	return q
}

func naiveSelect(q *history.Query, most int, events []*history.Event) ([]*history.Event, bool) {
	place := func(id wamp.ID) int {
		return slices.IndexFunc(events, func(e *history.Event) bool { return e.Publication == id })
	}
	low, high := 0, len(events)
	for _, id := range []wamp.ID{q.FromPublication, q.AfterPublication, q.BeforePublication, q.UntilPublication} {
		if id != 0 && place(id) < 0 {
			return nil, false // EVH-04
		}
	}
	if q.FromPublication != 0 {
		low = max(low, place(q.FromPublication))
	}
	if q.AfterPublication != 0 {
		low = max(low, place(q.AfterPublication)+1)
	}
	if q.BeforePublication != 0 {
		high = min(high, place(q.BeforePublication))
	}
	if q.UntilPublication != 0 {
		high = min(high, place(q.UntilPublication)+1)
	}
	var found []*history.Event
	for i := low; i < high; i++ {
		if e := events[i]; naiveMeets(q, e) && len(e.Audience.ExcludeAuthRole) == 0 {
			found = append(found, e)
		}
	}
	if q.Reverse {
		slices.Reverse(found)
	}
	limited := false
	for _, limit := range []int{q.Limit, most} {
		if limit > 0 && len(found) > limit {
			found, limited = found[:limit], true
		}
	}
	return found, limited
}

func naiveMeets(q *history.Query, e *history.Event) bool {
	ms := e.Time.UnixMilli()
	return !(q.Topic != "" && e.Topic != q.Topic ||
		!q.FromTime.IsZero() && ms < q.FromTime.UnixMilli() ||
		!q.AfterTime.IsZero() && ms <= q.AfterTime.UnixMilli() ||
		!q.BeforeTime.IsZero() && ms >= q.BeforeTime.UnixMilli() ||
		!q.UntilTime.IsZero() && ms > q.UntilTime.UnixMilli())
}

func TestEVH15_SelectIsBounded(t *testing.T) {
	store := history.NewRing(history.Config{Topics: map[history.Key]history.Limits{{}: {MaxEvents: 2000}}})
	for id := range wamp.ID(1500) {
		store.Append(history.Key{}, wamptest.HistoryEvent(id+1))
	}
	tests := map[string]struct {
		query history.Query
		terms history.Terms
		want  int
	}{
		"hard cap":                 {want: history.DefaultMaxResult},
		"higher limit":             {query: history.Query{Limit: 1200}, want: history.DefaultMaxResult},
		"lower limit":              {query: history.Query{Limit: 7}, want: 7},
		"bytes":                    {terms: history.Terms{MaxBytes: 10}, want: 3},
		"one event at least":       {terms: history.Terms{MaxBytes: 1}, want: 1},
		"bytes, the newest first":  {query: history.Query{Reverse: true}, terms: history.Terms{MaxBytes: 12}, want: 2},
		"another cap of the realm": {terms: history.Terms{MaxEvents: 20}, want: 20},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			sel, err := history.Select(context.Background(), store, history.Key{}, &test.query, test.terms)
			if err != nil || len(sel.Events) != test.want || !sel.LimitReached {
				t.Errorf("%d events, limit reached %v, %v", len(sel.Events), sel.LimitReached, err)
			}
		})
	}
}

// Who asks page by page, from where the last page ended, gets every event once.
func TestEVH08_Pages(t *testing.T) {
	store := history.NewRing(history.Config{})
	for id := range wamp.ID(95) {
		store.Append(history.Key{}, wamptest.HistoryEvent(100-id))
	}
	for _, reverse := range []bool{false, true} {
		var got []wamp.ID
		q := history.Query{Reverse: reverse, Limit: 10}
		for more := true; more; {
			sel, err := history.Select(context.Background(), store, history.Key{}, &q, history.Terms{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range sel.Events {
				got = append(got, e.Publication)
			}
			last := got[len(got)-1]
			if q.AfterPublication = last; reverse {
				q.AfterPublication, q.BeforePublication = 0, last
			}
			more = sel.LimitReached
		}
		if diff := cmp.Diff(wamptest.Publications(t, store, history.Key{}, reverse), got); diff != "" {
			t.Errorf("reverse %v (-want +got):\n%s", reverse, diff)
		}
	}
}

func TestEVH10_Audience(t *testing.T) {
	tests := map[string]struct {
		audience history.Audience
		want     bool
	}{
		"no lists":              {history.Audience{}, true},
		"eligible authid":       {history.Audience{EligibleAuthID: []string{"ann", "joe"}}, true},
		"other eligible authid": {history.Audience{EligibleAuthID: []string{"ann"}}, false},
		"nobody (BWL-03)":       {history.Audience{EligibleAuthID: []string{}}, false},
		"eligible role":         {history.Audience{EligibleAuthRole: []string{"staff"}}, true},
		"other eligible role":   {history.Audience{EligibleAuthRole: []string{"joe"}}, false},
		"no role":               {history.Audience{EligibleAuthRole: []string{}}, false},
		"excluded authid":       {history.Audience{ExcludeAuthID: []string{"joe"}}, false},
		"excluded role":         {history.Audience{EligibleAuthID: []string{"joe"}, ExcludeAuthRole: []string{"staff"}}, false},
		"others excluded":       {history.Audience{ExcludeAuthID: []string{"ann"}, ExcludeAuthRole: []string{"guest"}}, true},
		"nobody excluded":       {history.Audience{ExcludeAuthID: []string{}, ExcludeAuthRole: []string{}}, true},
	}
	for name, test := range tests {
		if got := test.audience.Admits("joe", "staff"); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
