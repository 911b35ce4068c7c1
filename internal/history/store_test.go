package history_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/tandemrouter/tandem/internal/history"
	"github.com/tandemrouter/tandem/internal/wamptest"
)

func TestRing(t *testing.T) {
	wamptest.HistoryStore(t, func(t *testing.T, c history.Config) history.Store {
		s := history.NewRing(c)
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}

func TestFile(t *testing.T) {
	wamptest.HistoryStore(t, func(t *testing.T, c history.Config) history.Store {
		return open(t, filepath.Join(t.TempDir(), "events"), c)
	})
}

// open opens the file until the test ends.
func open(t *testing.T, path string, c history.Config) *history.File {
	t.Helper()
	f, err := history.Open(path, c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}
