//go:build !race

package server_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/internal/server"
)

// fixedStacks keeps the runtime from making the stacks of new goroutines larger when those of others are.
const fixedStacks = "adaptivestackstart=0"

// A session that does nothing holds the smallest stack that there is, although opening it took a larger one. It is tried
// in a process of its own, because the stacks of other tests would be counted too. The race detector makes all stacks
// larger, so that there it is not tried.
func TestIdleSessionsHoldSmallStacks(t *testing.T) {
	if os.Getenv("GODEBUG") != fixedStacks {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestIdleSessionsHoldSmallStacks$")
		again.Env = append(os.Environ(), "GODEBUG="+fixedStacks)
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	s, err := server.New(config.Development("127.0.0.1:0", "", "realm1"), "idle", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	const sessions, smallest = 500, 2 << 10
	before := stacks()
	for range sessions {
		joinAndIdle(t, s.Addrs()[0].String())
	}
	if each := (stacks() - before) / sessions; each > smallest+smallest/2 {
		t.Errorf("an idle session holds a stack of %d bytes", each)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nobody will answer the GOODBYE
	_ = s.Stop(ctx)
}

// stacks returns how many bytes all stacks take up.
func stacks() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.StackInuse
}

// joinAndIdle opens a session with a connection that takes no goroutine of this process.
func joinAndIdle(t *testing.T, address string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	hello := `[1,"realm1",{"roles":{"caller":{}}}]`
	if _, err := conn.Write(append([]byte{0x7f, 0xf1, 0, 0, 0, 0, 0, byte(len(hello))}, hello...)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 20)
	if _, err := io.ReadFull(conn, answer); err != nil || !bytes.HasPrefix(answer[8:], []byte("[2,")) {
		t.Fatalf("answered %q, %v", answer, err)
	}
}
