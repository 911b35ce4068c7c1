package wamptest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/history"
	"github.com/tandemrouter/tandem/wamp"
)

// OpenHistory returns an empty store with the given bounds. It closes the store when the test ends.
type OpenHistory func(t *testing.T, c history.Config) history.Store

// HistoryStore tests that a store does what history.Store promises.
func HistoryStore(t *testing.T, open OpenHistory) {
	t.Run("PID-07 BWL-03 what was recorded comes back", func(t *testing.T) { historyComesBack(t, open) })
	t.Run("PBS-04 events of a pattern tell their topic", func(t *testing.T) { historyTellsTopic(t, open) })
	t.Run("EVH-02 EVH-08 order of receipt and its reverse", func(t *testing.T) { historyKeepsOrder(t, open) })
	t.Run("EVH-17 histories are separate", func(t *testing.T) { historiesAreSeparate(t, open) })
	t.Run("EVH-16 limits", func(t *testing.T) { historyIsBounded(t, open) })
	t.Run("the payload is copied", func(t *testing.T) { historyCopies(t, open) })
	t.Run("what cannot be kept", func(t *testing.T) { historyRefuses(t, open) })
	t.Run("a scan ends early", func(t *testing.T) { historyScanEnds(t, open) })
	t.Run("closed", func(t *testing.T) { historyCloses(t, open) })
	t.Run("many at once", func(t *testing.T) { historyIsShared(t, open) })
}

// HistoryEvent returns an event that says little but its publication and the time now.
func HistoryEvent(publication wamp.ID) *history.Event {
	raw := fmt.Appendf(nil, "[%d]", publication)
	return &history.Event{
		Time:        time.Now().Truncate(time.Millisecond),
		Publication: publication,
		Topic:       "com.example.topic",
		Payload:     wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: raw},
	}
}

// Publications returns what a scan of the store shows.
func Publications(t *testing.T, s history.Store, key history.Key, newestFirst bool) []wamp.ID {
	t.Helper()
	var found []wamp.ID
	err := s.Scan(context.Background(), key, newestFirst, func(e *history.Event) bool {
		found = append(found, e.Publication)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var topicKey = history.Key{Topic: "com.example.topic"}

func appendAll(t *testing.T, s history.Store, key history.Key, events ...*history.Event) {
	t.Helper()
	for _, e := range events {
		if err := s.Append(key, e).Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

func numbered(first, last wamp.ID) []*history.Event {
	var events []*history.Event
	for id := first; id <= last; id++ {
		events = append(events, HistoryEvent(id))
	}
	return events
}

func idRange(first, last wamp.ID) []wamp.ID {
	var ids []wamp.ID
	for id := first; id <= last; id++ {
		ids = append(ids, id)
	}
	return ids
}

func wantPublications(t *testing.T, s history.Store, key history.Key, want []wamp.ID) {
	t.Helper()
	if diff := cmp.Diff(want, Publications(t, s, key, false)); diff != "" {
		t.Errorf("%v %q (-want +got):\n%s", key.Match, key.Topic, diff)
	}
}

func historyComesBack(t *testing.T, open OpenHistory) {
	s := open(t, history.Config{})
	full := HistoryEvent(wamp.MaxID)
	full.Details = wamp.EventDetails{
		Publisher: 7, PublisherAuthID: "joe", PublisherAuthRole: "staff", TrustLevel: 1 << 40, HasTrustLevel: true,
		PPT: &wamp.Passthru{Scheme: "x_scheme", Serializer: "cbor", Cipher: "x_cipher", KeyID: "key"},
	}
	full.Payload = wamp.Payload{Serializer: wamp.CBOR, Elements: 2, Raw: []byte{0x81, 0, 0xa0}}
	full.Audience = history.Audience{EligibleAuthID: []string{"joe", ""}, ExcludeAuthRole: []string{"guest"}}
	nobody := HistoryEvent(2)
	nobody.Audience.EligibleAuthRole = []string{}
	nobody.Payload = wamp.Payload{}
	plain := HistoryEvent(3)
	plain.Details.HasTrustLevel = true // of 0
	want := []*history.Event{full, nobody, plain}
	appendAll(t, s, topicKey, want...)

	var got []*history.Event
	err := s.Scan(context.Background(), topicKey, false, func(e *history.Event) bool {
		e.Payload = e.Payload.Clone()
		got = append(got, e)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got):\n", diff)
	}
}

func historyTellsTopic(t *testing.T, open OpenHistory) {
	s := open(t, history.Config{})
	key := history.Key{Match: wamp.MatchPrefix, Topic: ""}
	appendAll(t, s, key, HistoryEvent(1))
	err := s.Scan(context.Background(), key, false, func(e *history.Event) bool {
		if e.Details.Topic != "com.example.topic" {
			t.Errorf("topic %q", e.Details.Topic)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
}

func historyKeepsOrder(t *testing.T, open OpenHistory) {
	s := open(t, history.Config{})
	want := idRange(1, 300)
	slices.Reverse(want) // IDs are random in life: their order means nothing
	for _, id := range want {
		s.Append(topicKey, HistoryEvent(id))
	}
	wantPublications(t, s, topicKey, want)
	slices.Reverse(want)
	if diff := cmp.Diff(want, Publications(t, s, topicKey, true)); diff != "" {
		t.Error("newest first (-want +got):\n", diff)
	}
}

func historiesAreSeparate(t *testing.T, open OpenHistory) {
	s := open(t, history.Config{})
	keys := []history.Key{
		topicKey,
		{Match: wamp.MatchPrefix, Topic: topicKey.Topic},
		{Match: wamp.MatchWildcard, Topic: topicKey.Topic},
		{Topic: "com.example.topic2"},
	}
	for i, key := range keys {
		appendAll(t, s, key, HistoryEvent(wamp.ID(i+1)), HistoryEvent(99))
	}
	for i, key := range keys {
		wantPublications(t, s, key, []wamp.ID{wamp.ID(i + 1), 99})
	}
	wantPublications(t, s, history.Key{Topic: "com.example"}, nil)
}

func historyIsBounded(t *testing.T, open OpenHistory) {
	other := history.Key{Topic: "com.example.other"}
	with := func(l history.Limits) history.Config {
		return history.Config{Topics: map[history.Key]history.Limits{topicKey: l}}
	}
	size := historyEventSize
	t.Run("events", func(t *testing.T) {
		s := open(t, with(history.Limits{MaxEvents: 3}))
		appendAll(t, s, topicKey, numbered(11, 20)...)
		appendAll(t, s, other, numbered(11, 20)...)
		wantPublications(t, s, topicKey, idRange(18, 20))
		wantPublications(t, s, other, idRange(11, 20))
	})
	t.Run("events by default", func(t *testing.T) {
		s := open(t, history.Config{})
		for _, e := range numbered(1, history.DefaultMaxEvents+5) {
			s.Append(topicKey, e)
		}
		wantPublications(t, s, topicKey, idRange(6, history.DefaultMaxEvents+5))
	})
	t.Run("bytes", func(t *testing.T) {
		s := open(t, with(history.Limits{MaxBytes: 4*size + 10}))
		appendAll(t, s, topicKey, numbered(11, 20)...)
		wantPublications(t, s, topicKey, idRange(17, 20))
	})
	t.Run("bytes of the realm", func(t *testing.T) {
		s := open(t, history.Config{MaxBytes: 4*size + 10})
		appendAll(t, s, topicKey, numbered(11, 13)...)
		appendAll(t, s, other, numbered(14, 15)...)
		wantPublications(t, s, topicKey, idRange(12, 13))
		appendAll(t, s, other, numbered(16, 17)...)
		wantPublications(t, s, topicKey, nil)
		wantPublications(t, s, other, idRange(14, 17))
	})
	t.Run("age", func(t *testing.T) {
		s := open(t, with(history.Limits{MaxAge: time.Hour}))
		events := numbered(1, 3)
		for i, ago := range []time.Duration{2 * time.Hour, 61 * time.Minute, 59 * time.Minute} {
			events[i].Time = time.Now().Add(-ago)
		}
		appendAll(t, s, topicKey, events...)
		appendAll(t, s, other, events...)
		wantPublications(t, s, topicKey, []wamp.ID{3})
		wantPublications(t, s, other, idRange(1, 3))
	})
}

// historyEventSize is about what a HistoryEvent with an ID of two digits takes in a store.
const historyEventSize = 48

func historyCopies(t *testing.T, open OpenHistory) {
	s := open(t, history.Config{})
	e := HistoryEvent(1)
	s.Append(topicKey, e)
	clear(e.Payload.Raw)
	err := s.Scan(context.Background(), topicKey, false, func(e *history.Event) bool {
		if string(e.Payload.Raw) != "[1]" {
			t.Errorf("payload %q", e.Payload.Raw)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
}

func historyRefuses(t *testing.T, open OpenHistory) {
	s := open(t, history.Config{Topics: map[history.Key]history.Limits{topicKey: {MaxBytes: 1000}}})
	appendAll(t, s, topicKey, HistoryEvent(1))
	large := HistoryEvent(2)
	large.Payload.Raw = []byte(`["` + strings.Repeat("x", 1000) + `"]`)
	if err := s.Append(topicKey, large).Wait(context.Background()); !errors.Is(err, history.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	values := HistoryEvent(3)
	values.Payload = wamp.Payload{Args: wamp.List{"x"}}
	if err := s.Append(topicKey, values).Wait(context.Background()); !errors.Is(err, history.ErrGoValues) {
		t.Errorf("Go values: %v", err)
	}
	wantPublications(t, s, topicKey, []wamp.ID{1})
}

func historyScanEnds(t *testing.T, open OpenHistory) {
	s := open(t, history.Config{})
	appendAll(t, s, topicKey, numbered(1, 5)...)
	visits := 0
	err := s.Scan(context.Background(), topicKey, true, func(*history.Event) bool {
		visits++
		return visits < 2
	})
	if err != nil || visits != 2 {
		t.Errorf("%d visits, %v", visits, err)
	}
}

func historyCloses(t *testing.T, open OpenHistory) {
	s := open(t, history.Config{})
	appendAll(t, s, topicKey, HistoryEvent(1))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.Append(topicKey, HistoryEvent(2)).Wait(context.Background()); !errors.Is(err, history.ErrClosed) {
		t.Errorf("Append: %v", err)
	}
	err := s.Scan(context.Background(), topicKey, false, func(*history.Event) bool { return true })
	if !errors.Is(err, history.ErrClosed) {
		t.Errorf("Scan: %v", err)
	}
}

// historyIsShared appends, scans and evicts in several goroutines. Each one's events stay in order without a gap.
func historyIsShared(t *testing.T, open OpenHistory) {
	const writers, each, kept = 4, 300, 500
	s := open(t, history.Config{Topics: map[history.Key]history.Limits{topicKey: {MaxEvents: kept}}})
	var wg sync.WaitGroup
	for w := range wamp.ID(writers) {
		wg.Go(func() {
			for i := range wamp.ID(each) {
				s.Append(topicKey, HistoryEvent(w*1000+i+1))
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			_ = s.Scan(context.Background(), topicKey, true, func(*history.Event) bool { return true })
		}
	})
	wg.Wait()
	got := Publications(t, s, topicKey, false)
	if len(got) != kept {
		t.Errorf("%d events, want %d", len(got), kept)
	}
	last := map[wamp.ID]wamp.ID{}
	for _, id := range got {
		w := id / 1000
		if before, some := last[w]; some && id != before+1 {
			t.Errorf("%d follows %d", id, before)
		}
		last[w] = id
	}
}
