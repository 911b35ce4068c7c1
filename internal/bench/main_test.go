package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/internal/server"
)

// TestMain also lets the test's program be the child of a suite.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "child" {
		if err := beChild(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func beChild(role string) error {
	if role == "relay" {
		return ChildRelay(context.Background(), os.Stdin, os.Stdout)
	}
	s, err := server.New(config.Development("127.0.0.1:0", "", "realm1"), "tandem/test", slog.New(slog.DiscardHandler))
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		return err
	}
	address := s.Addrs()[0].String()
	return Answer(os.Stdin, os.Stdout, Addresses{RawSocket: "tcp://" + address, WebSocket: "ws://" + address + "/ws"})
}

// startRouterProcess runs a router in a process of its own until the test ends.
func startRouterProcess(t *testing.T) *child {
	t.Helper()
	needProc(t)
	c, err := startChild(context.Background(), []string{os.Args[0], "child", "router"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}
