package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/internal/bench"
	"github.com/tandemrouter/tandem/wamp"
)

// build builds the program and returns the directory that it is in.
func build(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no signals and no shell here")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", dir, "./cmd/tandem")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// process is a command line that a shell runs.
type process struct {
	*exec.Cmd
	out, err *screen
}

// paste runs the line as if it had been pasted into a shell that finds the program in dir.
func paste(t *testing.T, dir, line string) *process {
	t.Helper()
	p := &process{exec.CommandContext(t.Context(), "/bin/sh", "-c", "exec "+line), newScreen(), newScreen()}
	p.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	p.Stdout, p.Stderr = p.out, p.err
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
	})
	return p
}

// end waits until the process has ended and returns its exit code.
func (p *process) end() int {
	_ = p.Wait()
	return p.ProcessState.ExitCode()
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// toPaste returns the lines that a development router tells a person to paste.
func toPaste(t *testing.T, banner string) (register, call string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(banner) {
		if strings.HasPrefix(line, "  tandem ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) != 2 {
		t.Fatalf("%d commands to paste in:\n%s", len(lines), banner)
	}
	return lines[0], lines[1]
}

// The first minutes with the program, and how it ends (S17): both signals close sessions in order.
func TestBinary(t *testing.T) {
	dir := build(t)
	for _, test := range []struct {
		signal os.Signal
		realm  string
	}{
		{syscall.SIGINT, "realm1"},
		{syscall.SIGTERM, "it's;odd"},
	} {
		t.Run(test.signal.String(), func(t *testing.T) {
			router := paste(t, dir, "tandem dev --listen 127.0.0.1:0 --realm "+quoted(test.realm))
			router.out.await(t, "tandem call")
			register, call := toPaste(t, router.out.String())
			callee := paste(t, dir, register)
			callee.err.await(t, "registered com.example.hello")
			caller := paste(t, dir, call)
			if code := caller.end(); code != 0 || caller.out.String() != "\"hello Ann\"\n" {
				t.Errorf("%s: exit code %d, output %q, errors %q", call, code, caller.out, caller.err)
			}
			stopBinary(t, router, callee, test.signal, test.realm)
		})
	}
}

func stopBinary(t *testing.T, router, callee *process, signal os.Signal, realm string) {
	t.Helper()
	_, rest, _ := strings.Cut(router.out.String(), "RawSocket")
	s, err := client.Connect(t.Context(), strings.Fields(rest)[0], client.Config{Realm: realm})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	callee.signal(t, signal)
	if code := callee.end(); code != exitOK {
		t.Errorf("the callee ended with %d: %s", code, callee.err)
	}
	router.signal(t, signal)
	<-s.Done()
	if err := s.Err(); err == nil || !strings.HasPrefix(err.Error(), wamp.CloseSystemShutdown) {
		t.Errorf("the session ended with %v", err)
	}
	if code := router.end(); code != exitOK {
		t.Errorf("the router ended with %d: %s", code, router.err)
	}
}

// `bench all` starts routers and relays of its own, measures everything and leaves no process behind.
func TestBenchAll(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux's /proc")
	}
	dir := build(t)
	p := paste(t, dir, "tandem bench all --time 50ms --rounds 1 --sessions 20 --registrations 20000 -o json")
	if code := p.end(); code != exitOK {
		t.Fatalf("exit code %d, errors %q", code, p.err)
	}
	var report bench.SuiteReport
	if err := json.Unmarshal([]byte(p.out.String()), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Bars) < 30 || report.Rounds != 1 {
		t.Errorf("%d bars of %d rounds", len(report.Bars), report.Rounds)
	}
	for _, b := range report.Bars {
		if (b.Ratio != nil) != (b.Against != "") || b.Unit == "per second" && b.Router <= 0 {
			t.Errorf("got %+v", b)
		}
	}
}
