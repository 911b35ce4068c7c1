package history_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/tandemrouter/tandem/internal/history"
	"github.com/tandemrouter/tandem/internal/wamptest"
	"github.com/tandemrouter/tandem/wamp"
)

var quiet = slog.New(slog.DiscardHandler)

// written makes a file with events of the realm and returns its path.
func written(t *testing.T, c history.Config, events int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events")
	f := open(t, path, c)
	for id := range wamp.ID(events) {
		f.Append(history.Key{Topic: "com.example.topic"}, wamptest.HistoryEvent(id+1))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func publications(t *testing.T, f *history.File) []wamp.ID {
	t.Helper()
	return wamptest.Publications(t, f, history.Key{Topic: "com.example.topic"}, false)
}

func ids(first, last wamp.ID) []wamp.ID {
	var all []wamp.ID
	for id := first; id <= last; id++ {
		all = append(all, id)
	}
	return all
}

func TestEVH02_FileKeepsEvents(t *testing.T) {
	c := history.Config{Realm: "realm1"}
	path := written(t, c, 10)
	f := open(t, path, c)
	for id := range wamp.ID(5) {
		f.Append(history.Key{Topic: "com.example.topic"}, wamptest.HistoryEvent(id+11))
	}
	if diff := cmp.Diff(ids(1, 15), publications(t, f)); diff != "" {
		t.Error("(-want +got):\n", diff)
	}
}

// A stricter limit concerns what is there already, with the next start.
func TestEVH16_FileWithOtherLimits(t *testing.T) {
	path := written(t, history.Config{}, 10)
	f := open(t, path, history.Config{
		Topics: map[history.Key]history.Limits{{Topic: "com.example.topic"}: {MaxEvents: 4}},
	})
	if diff := cmp.Diff(ids(7, 10), publications(t, f)); diff != "" {
		t.Error("(-want +got):\n", diff)
	}
}

// The file of a history that is full does not grow for ever.
func TestFile_usesSpaceAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	f := open(t, path, history.Config{
		Topics: map[history.Key]history.Limits{{Topic: "com.example.topic"}: {MaxEvents: 10}},
	})
	e := wamptest.HistoryEvent(1)
	e.Payload.Raw = []byte(`["` + strings.Repeat("x", 10_000) + `"]`)
	for range 300 {
		if err := f.Append(history.Key{Topic: "com.example.topic"}, e).Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > 1<<20 {
		t.Errorf("%d bytes for 100 kB of events, %v", info.Size(), err)
	}
}

// notOurs are files that must be left as they are.
func notOurs(t *testing.T) map[string][]byte {
	t.Helper()
	ours, err := os.ReadFile(written(t, history.Config{Realm: "realm1"}, 10))
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(t.TempDir(), "foreign")
	db, err := bbolt.Open(foreign, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("accounts"))
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	database, err := os.ReadFile(foreign)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"a byte":            {0},
		"a text":            []byte("Dear diary,\n"),
		"a long text":       bytes.Repeat([]byte("Dear diary,\n"), 10_000),
		"zeros":             make([]byte, 64<<10),
		"another database":  database,
		"its first page":    ours[:4096],
		"its first bytes":   ours[:5000],
		"its first half":    ours[:len(ours)/2],
		"without beginning": append(make([]byte, 8192), ours[8192:]...),
	}
}

func TestFile_foreign(t *testing.T) {
	for name, content := range notOurs(t) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := history.Open(path, history.Config{Realm: "realm1"}, quiet)
			if !errors.Is(err, history.ErrForeign) && !errors.Is(err, history.ErrCorrupt) {
				t.Errorf("opened: %v", err)
			}
			after, readErr := os.ReadFile(path)
			if readErr != nil || !bytes.Equal(after, content) {
				t.Errorf("the file has changed: %v", readErr)
			}
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%v does not name the file", err)
			}
		})
	}
}

func TestFile_otherRealm(t *testing.T) {
	path := written(t, history.Config{Realm: "realm1"}, 1)
	_, err := history.Open(path, history.Config{Realm: "realm2"}, quiet)
	if !errors.Is(err, history.ErrForeign) || !strings.Contains(err.Error(), `"realm1"`) {
		t.Error(err)
	}
}

func TestFile_cannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "no", "such", "directory")} {
		if _, err := history.Open(path, history.Config{}, quiet); err == nil {
			t.Errorf("%s: opened", path)
		}
	}
}

func TestFile_empty(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := open(t, path, history.Config{})
	if got := publications(t, f); got != nil {
		t.Error(got)
	}
}

func TestFile_locked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events")
	f := open(t, path, history.Config{})
	began := time.Now()
	_, err := history.Open(path, history.Config{}, quiet)
	if !errors.Is(err, history.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if err := f.Append(history.Key{}, wamptest.HistoryEvent(1)).Wait(context.Background()); err != nil {
		t.Error(err)
	}
}

// One byte of the file is another one: either that is found, or the events are all as they were. Only if it is the
// mark of the last transaction, that one may be missing.
func TestFile_damaged(t *testing.T) {
	content, err := os.ReadFile(written(t, history.Config{}, 100))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "events")
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 300 {
		damaged := bytes.Clone(content)
		at := r.IntN(len(damaged))
		for damaged[at] == 0 { // most of it is unused space
			at = r.IntN(len(damaged))
		}
		damaged[at] ^= byte(1 + r.IntN(255))
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := history.Open(path, history.Config{}, quiet)
		if err != nil {
			if !errors.Is(err, history.ErrForeign) && !errors.Is(err, history.ErrCorrupt) {
				t.Errorf("byte %d: %v", at, err)
			}
			found++
			continue
		}
		if diff := cmp.Diff(ids(1, 100), publications(t, f)); diff != "" && at >= 2*os.Getpagesize() {
			t.Errorf("byte %d: (-want +got):\n%s", at, diff)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if found == 0 {
		t.Error("no damage was ever found")
	}
	t.Logf("%d of 300 found, the others are in pages no longer used", found)
}

// A damaged file may lead in circles, or to pages that are something else. Whoever follows it must come to an end, on a
// goroutine that can be stopped.
func TestFile_damagedPages(t *testing.T) {
	content, err := os.ReadFile(written(t, history.Config{}, 1000))
	if err != nil {
		t.Fatal(err)
	}
	pageSize := os.Getpagesize()
	path := filepath.Join(t.TempDir(), "events")
	branches := 0
	for at := 2 * pageSize; at < len(content); at += pageSize {
		const branch, header = 1, 16
		if binary.NativeEndian.Uint16(content[at+8:]) != branch {
			continue
		}
		branches++
		id := binary.NativeEndian.Uint64(content[at:])
		for _, child := range []uint64{0, id, 1 << 40} {
			damaged := bytes.Clone(content)
			binary.NativeEndian.PutUint64(damaged[at+header+8:], child)
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := history.Open(path, history.Config{}, quiet)
			if err == nil {
				err = f.Close() // a page that is no longer used
			} else if errors.Is(err, history.ErrCorrupt) {
				err = nil
			}
			if err != nil {
				t.Errorf("page %d leads to %d: %v", id, child, err)
			}
		}
	}
	if branches == 0 {
		t.Error("the file has no branch")
	}
}

// More than the disk takes is not kept in memory: whoever asks learns it, the log says it, and it passes.
func TestFile_overloaded(t *testing.T) {
	var log bytes.Buffer
	f, err := history.Open(filepath.Join(t.TempDir(), "events"), history.Config{}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	key := history.Key{Topic: "com.example.topic"}
	e := wamptest.HistoryEvent(1)
	e.Payload.Raw = []byte(`["` + strings.Repeat("x", 1<<20) + `"]`)
	refused := 0
	var last *history.Commit
	for range 500 { // half a gigabyte, as fast as memory can be copied
		c := f.Append(key, e)
		done, cancel := context.WithCancel(context.Background())
		cancel()
		if err := c.Wait(done); errors.Is(err, history.ErrOverloaded) {
			refused++
		} else {
			last = c
		}
	}
	if err := last.Wait(context.Background()); err != nil {
		t.Errorf("taken, but %v", err)
	}
	if err := f.Append(key, wamptest.HistoryEvent(2)).Wait(context.Background()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if refused == 0 || !strings.Contains(log.String(), history.ErrOverloaded.Error()) {
		t.Errorf("%d events were refused, and the log says %s", refused, &log)
	}
}
