package history_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tandemrouter/tandem/internal/history"
	"github.com/tandemrouter/tandem/internal/wamptest"
	"github.com/tandemrouter/tandem/wamp"
)

func init() { childTasks["fill"] = fillDisk }

// fillDisk appends while the system does not let files grow, and goes on when it does again.
func fillDisk(path string) {
	var log bytes.Buffer
	f, err := history.Open(path, roomy, slog.New(slog.NewTextHandler(&log, nil)))
	must(err)
	signal.Ignore(syscall.SIGXFSZ)
	appendLarge := func(id wamp.ID) error {
		e := wamptest.HistoryEvent(id)
		e.Payload.Raw = []byte(`["` + strings.Repeat("x", 300_000) + `"]`)
		return f.Append(crashKey, e).Wait(context.Background())
	}
	must(appendLarge(1))

	var before syscall.Rlimit
	must(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 400_000, Max: before.Max}))
	for id := range wamp.ID(3) {
		fmt.Fprintln(os.Stdout, "full:", appendLarge(id+2) != nil)
	}
	fmt.Fprintln(os.Stdout, "events:", len(scanned(f)))

	must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before))
	must(appendLarge(5))
	must(f.Close())
	f, err = history.Open(path, roomy, quiet)
	must(err)
	fmt.Fprintln(os.Stdout, "events:", len(scanned(f)))
	fmt.Fprintln(os.Stdout, "logged:", strings.Count(log.String(), "not written"), strings.Count(log.String(), "written again"))
	os.Exit(0)
}

// Who waits for an event that a disk does not take learns it, the log says it once, and it ends when there is room.
func TestFile_full(t *testing.T) {
	output, _ := startChild(t, "fill", filepath.Join(t.TempDir(), "events"))
	var got []string
	for output.Scan() {
		got = append(got, output.Text())
	}
	want := "full: true\nfull: true\nfull: true\nevents: 1\nevents: 2\nlogged: 1 1"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}
