package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// status is a line on a terminal that says what goes on. It is nothing if nobody would see it.
type status struct {
	w io.Writer // nil: no terminal

	mu sync.Mutex

	// guarded by mu

	shown bool
}

// newStatus returns the status line of a stream.
func newStatus(w io.Writer) *status {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &status{w: w}
		}
	}
	return &status{}
}

// clearLine goes to the beginning of the line and empties it.
const clearLine = "\r\x1b[K"

// show says what is being done, and how much of it is.
func (s *status) show(doing string, share float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w != nil {
		fmt.Fprintf(s.w, "%s%3.0f %%  %s", clearLine, 100*share, doing)
		s.shown = true
	}
}

// clear makes room for what is printed next.
func (s *status) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		fmt.Fprint(s.w, clearLine)
		s.shown = false
	}
}
