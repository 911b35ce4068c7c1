package cli

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tandemrouter/tandem/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for. Nothing takes that long unless it hangs.
const patience = 20 * time.Second

// ending is how a command ended.
type ending struct {
	code     int
	out, err string
}

// tandem runs a command to its end.
func tandem(t *testing.T, args ...string) ending { return tandemReading(t, "", args...) }

func tandemReading(t *testing.T, stdin string, args ...string) ending {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, err bytes.Buffer
	code := run(ctx, &program{Streams{strings.NewReader(stdin), &out, &err}, "test"}, args)
	return ending{code, out.String(), err.String()}
}

// screen is what a running command has written so far.
type screen struct {
	mu    sync.Mutex
	text  strings.Builder
	grown chan struct{}
}

func newScreen() *screen { return &screen{grown: make(chan struct{}, 1)} }

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.grown <- struct{}{}:
	default:
	}
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until the text is on the screen.
func (s *screen) await(t *testing.T, text string) {
	t.Helper()
	timeout := time.After(patience)
	for !strings.Contains(s.String(), text) {
		select {
		case <-s.grown:
		case <-timeout:
			t.Fatalf("no %q in:\n%s", text, s)
		}
	}
}

// running is a command in the background. It is told to stop when the test ends, if not before.
type running struct {
	out, err *screen
	tell     context.CancelFunc
	code     chan int
}

func launch(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{newScreen(), newScreen(), cancel, make(chan int, 1)}
	var ended sync.WaitGroup
	ended.Go(func() {
		r.code <- run(ctx, &program{Streams{strings.NewReader(""), r.out, r.err}, "test"}, args)
	})
	t.Cleanup(func() {
		cancel()
		ended.Wait()
	})
	return r
}

// end waits until the command ends by itself.
func (r *running) end(t *testing.T) ending {
	t.Helper()
	select {
	case code := <-r.code:
		return ending{code, r.out.String(), r.err.String()}
	case <-time.After(patience):
		t.Fatalf("the command does not end; it said %s", r.err)
		return ending{}
	}
}

// stop tells the command to stop, as a signal does.
func (r *running) stop(t *testing.T) ending {
	t.Helper()
	r.tell()
	return r.end(t)
}

// startDev runs a router for development and returns its WebSocket and RawSocket URLs.
func startDev(t *testing.T, flags ...string) (router *running, ws, tcp string) {
	t.Helper()
	router = launch(t, append([]string{"dev", "--listen", "127.0.0.1:0"}, flags...)...)
	router.out.await(t, "tandem call")
	return router, urlBehind(t, router, "WebSocket"), urlBehind(t, router, "RawSocket")
}

// urlBehind returns what the router printed behind the word.
func urlBehind(t *testing.T, router *running, word string) string {
	t.Helper()
	_, rest, found := strings.Cut(router.out.String(), word)
	if fields := strings.Fields(rest); found && len(fields) > 0 {
		return fields[0]
	}
	t.Fatalf("no %s in:\n%s", word, router.out)
	return ""
}

// startRegister runs `tandem register` and waits until the procedure is there.
func startRegister(t *testing.T, url string, args ...string) *running {
	t.Helper()
	r := launch(t, append([]string{"register", "--url", url}, args...)...)
	r.err.await(t, "registered")
	return r
}

func join(t *testing.T, url string) *client.Session {
	t.Helper()
	s, err := client.Connect(t.Context(), url, client.Config{Realm: "realm1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// expect compares how a command ended with what it should have done. An empty err means that nothing is expected on
// the standard error.
func (e ending) expect(t *testing.T, code int, out, err string) {
	t.Helper()
	if e.code != code || e.out != out || !strings.Contains(e.err, err) || err == "" && e.err != "" {
		t.Errorf("exit code %d, output %q, errors %q\nwant %d, %q, %q", e.code, e.out, e.err, code, out, err)
	}
}
