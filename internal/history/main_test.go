package history_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/tandemrouter/tandem/internal/history"
	"github.com/tandemrouter/tandem/internal/wamptest"
	"github.com/tandemrouter/tandem/wamp"
)

// The tests start themselves as another process, which does what this variable says with the file in the second.
const (
	childTask = "TANDEM_HISTORY_TEST_TASK"
	childFile = "TANDEM_HISTORY_TEST_FILE"
)

var childTasks = map[string]func(path string){"append": appendForEver}

func TestMain(m *testing.M) {
	if task := childTasks[os.Getenv(childTask)]; task != nil {
		task(os.Getenv(childFile))
		os.Exit(0)
	}
	// The database leaves this one behind when it finds a damaged file.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("go.etcd.io/bbolt.(*DB).freepages.func2"))
}

// startChild starts the task and returns its output, and how to kill it in the hardest way.
func startChild(t *testing.T, task, path string) (output *bufio.Scanner, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childTask+"="+task, childFile+"="+path)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		kill()
		_ = cmd.Wait()
	})
	return bufio.NewScanner(pipe), kill
}

// must ends a child whose test cannot go on.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
}

// appendForEver appends from several goroutines, and writes down which events are safe. It is killed.
func appendForEver(path string) {
	f, err := history.Open(path, roomy, quiet)
	must(err)
	id := make(chan wamp.ID)
	for range 8 {
		go func() {
			for id := range id {
				must(f.Append(crashKey, wamptest.HistoryEvent(id)).Wait(context.Background()))
				_, err := fmt.Fprintln(os.Stdout, id) // in one write
				must(err)
			}
		}()
	}
	for next := wamp.ID(len(scanned(f))) + 1; ; next++ {
		id <- next
	}
}

var (
	crashKey = history.Key{Match: wamp.MatchPrefix, Topic: "com.example."}
	roomy    = history.Config{
		Realm:  "realm1",
		Topics: map[history.Key]history.Limits{crashKey: {MaxEvents: 1 << 20}},
	}
)

func scanned(f *history.File) map[wamp.ID]bool {
	found := map[wamp.ID]bool{}
	must(f.Scan(context.Background(), crashKey, false, func(e *history.Event) bool {
		found[e.Publication] = true
		return true
	}))
	return found
}

// TestEVH02_KilledFileKeepsWhatIsSafe kills a process in the middle of its work, again and again on the same file. Whatever it had said to be
// safe is there.
func TestEVH02_KilledFileKeepsWhatIsSafe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	safe := 0
	for round := range 5 {
		output, kill := startChild(t, "append", path)
		var acknowledged []wamp.ID
		for output.Scan() {
			id, err := strconv.ParseUint(output.Text(), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			acknowledged = append(acknowledged, wamp.ID(id))
			if len(acknowledged) == 100+37*round {
				kill()
			}
		}
		safe += len(acknowledged)
		if len(acknowledged) < 100 {
			t.Fatalf("the child ended after %d events", len(acknowledged))
		}
		f := open(t, path, roomy)
		kept := scanned(f)
		for _, id := range acknowledged {
			if !kept[id] {
				t.Errorf("round %d: event %d was acknowledged and is lost", round, id)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d acknowledged events", safe)
}
