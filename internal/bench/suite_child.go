package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// Addresses say where a child can be reached.
type Addresses struct {
	RawSocket string `json:"rawsocket"`
	WebSocket string `json:"websocket,omitempty"` // empty for a relay
}

// What a child can be asked, one word a line.
const (
	askAllocs  = "allocs"
	askCollect = "collect"
)

// reply answers each question.
type reply struct {
	Allocs uint64 `json:"allocs"`
}

// Answer is the child's side of a Suite: it writes the addresses of the router or relay that runs in this process, and
// then answers, line by line, what the suite wants to know of the process that cannot be seen from outside. It returns
// when the suite closes in, which it also does by dying.
func Answer(in io.Reader, out io.Writer, a Addresses) error {
	w := json.NewEncoder(out)
	if err := w.Encode(a); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if lines.Text() == askCollect {
			debug.FreeOSMemory()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if err := w.Encode(reply{m.Mallocs}); err != nil {
			return err
		}
	}
	return nil
}

// child is a process that the suite started: a router or a relay.
type child struct {
	// immutable after startChild

	Addresses

	process *exec.Cmd
	in      io.WriteCloser

	mu sync.Mutex

	// guarded by mu

	out *json.Decoder
}

// childTimeout is how long a child may take to end when it is told to.
const childTimeout = 5 * time.Second

// startChild runs the command. When ctx is done, the process is killed.
func startChild(ctx context.Context, command []string, stderr io.Writer) (c *child, err error) {
	c = &child{process: exec.CommandContext(ctx, command[0], command[1:]...)} //nolint:gosec // the command is our own
	c.process.Stderr = stderr
	c.process.WaitDelay = childTimeout
	if c.in, err = c.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.process.Start(); err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(out)
	if err := c.out.Decode(&c.Addresses); err != nil {
		return nil, errors.Join(fmt.Errorf("bench: a child does not say where it listens: %w", err), c.stop())
	}
	return c, nil
}

// stop tells the child to end, and kills it if it does not.
func (c *child) stop() error {
	kill := time.AfterFunc(childTimeout, func() { _ = c.process.Process.Kill() })
	defer kill.Stop()
	_ = c.in.Close()
	return c.process.Wait()
}

func (c *child) pid() int { return c.process.Process.Pid }

// allocs returns how many objects the child has allocated on its heap.
func (c *child) allocs() (uint64, error) {
	r, err := c.ask(askAllocs)
	return r.Allocs, err
}

// collect makes the child collect its garbage and give the memory back to the operating system.
func (c *child) collect() error {
	_, err := c.ask(askCollect)
	return err
}

func (c *child) ask(question string) (r reply, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err = io.WriteString(c.in, question+"\n"); err == nil {
		err = c.out.Decode(&r)
	}
	if err != nil {
		return reply{}, fmt.Errorf("bench: asking a child: %w", err)
	}
	return r, nil
}
