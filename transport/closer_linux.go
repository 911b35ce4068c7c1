//go:build !386

package transport

import (
	"os"
	"sync"
	"time"
)

// closer gives descriptors back, several at a time. Closing one is a system call that may wait, so that the scheduler is
// told, and wakes its monitor if nothing was going on before. The zero value is ready.
type closer struct {
	closing sync.Mutex // held while descriptors are given back, and taken before mu

	mu sync.Mutex

	// guarded by mu

	files []*os.File
	ended bool // nothing is held back any more
}

const (
	closeDelay  = 50 * time.Millisecond // a descriptor is kept no longer
	closeAtOnce = 256                   // descriptors are kept, and no more
)

// close closes the file soon.
func (c *closer) close(f *os.File) {
	c.mu.Lock()
	c.files = append(c.files, f)
	first := len(c.files) == 1
	now := c.ended || len(c.files) == closeAtOnce
	c.mu.Unlock()
	switch {
	case now:
		c.closeAll()
	case first:
		time.AfterFunc(closeDelay, c.closeAll)
	}
}

// end gives everything back. What is closed from now on is given back at once.
func (c *closer) end() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.closeAll()
}

// closeAll returns when nothing of what was held back is still open, whoever closes it.
func (c *closer) closeAll() {
	c.closing.Lock()
	defer c.closing.Unlock()
	c.mu.Lock()
	files := c.files
	c.files = nil
	c.mu.Unlock()
	for _, f := range files {
		_ = f.Close() // its peer has been told; there is nobody to tell of the error
	}
}
