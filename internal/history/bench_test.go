package history_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/internal/history"
	"github.com/tandemrouter/tandem/internal/wamptest"
)

func largeEvent() *history.Event {
	e := wamptest.HistoryEvent(1)
	e.Payload.Raw = []byte(`["` + strings.Repeat("x", 508) + `"]`)
	return e
}

// What a publication costs while the broker's lock is held.
func BenchmarkAppend(b *testing.B) {
	e := largeEvent()
	s := history.NewRing(history.Config{})
	b.ReportAllocs()
	for b.Loop() {
		s.Append(history.Key{Topic: "com.example.topic"}, e)
	}
}

// Acknowledged events of many publishers at a time.
func BenchmarkDurable(b *testing.B) {
	f, err := history.Open(filepath.Join(b.TempDir(), "events"), history.Config{}, quiet)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for e := largeEvent(); pb.Next(); {
			if err := f.Append(history.Key{Topic: "com.example.topic"}, e).Wait(context.Background()); err != nil {
				b.Error(err)
			}
		}
	})
}

// The newest hundred of a thousand events.
func BenchmarkSelect(b *testing.B) {
	f, err := history.Open(filepath.Join(b.TempDir(), "events"), history.Config{}, quiet)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for name, s := range map[string]history.Store{"ring": history.NewRing(history.Config{}), "file": f} {
		for range history.DefaultMaxEvents {
			s.Append(history.Key{Topic: "com.example.topic"}, largeEvent())
		}
		b.Run(name, func(b *testing.B) {
			q := history.Query{Reverse: true, Limit: 100}
			for b.Loop() {
				if sel, err := history.Select(b.Context(), s, history.Key{Topic: "com.example.topic"}, &q, history.Terms{}); err != nil || len(sel.Events) != 100 {
					b.Fatal(len(sel.Events), err)
				}
			}
		})
	}
}
