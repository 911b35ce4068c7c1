package history

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Store keeps the events of one realm. All methods may be called by any goroutine.
type Store interface {
	// Append adds the event to the history of the key and copies what it needs of it. It never waits for a disk. The
	// order of calls is the order of the history (EVH-02).
	//
	// The result is nil if the store keeps nothing beyond the process; else it tells when the event is safe, or why it
	// is not kept.
	Append(key Key, e *Event) *Commit
	// Scan visits the events of the key, the oldest or the newest first, until visit returns false. It shows what was
	// appended before the call; ctx bounds the wait for that. A key without events is no error. The store holds
	// nothing while visit runs, and keeps nothing of the event.
	Scan(ctx context.Context, key Key, newestFirst bool, visit func(*Event) bool) error
	// Close makes what was appended safe and releases the store. Append and Scan fail from then on.
	Close() error
}

// The reasons why a store does not keep an event or cannot be used.
var (
	ErrClosed     = errors.New("the event history is closed")
	ErrOverloaded = errors.New("the disk does not keep up with the event history")
	ErrTooLarge   = errors.New("the event is larger than its history may be")
	ErrGoValues   = errors.New("the event's payload is not in a serializer")

	ErrForeign = errors.New("the file is not an event history of this realm")
	ErrCorrupt = errors.New("the file is damaged")
	ErrLocked  = errors.New("the file is in use by another process")
)

// Config bounds a store (EVH-16).
type Config struct {
	Realm    string         // whose events these are; a file remembers it
	Topics   map[Key]Limits // histories with limits of their own; the others have the defaults
	MaxBytes int            // of all events together. Default: 256 MiB
}

// Limits bounds one history. The oldest events go first.
type Limits struct {
	MaxEvents int           // default: 1,000
	MaxBytes  int           // default: 16 MiB
	MaxAge    time.Duration // default: none
}

// The defaults of Config and Limits.
const (
	DefaultMaxEvents     = 1000
	DefaultMaxBytes      = 16 << 20
	DefaultMaxRealmBytes = 256 << 20
)

func (c *Config) limits(key Key) Limits {
	l := c.Topics[key]
	l.MaxEvents = cmp.Or(l.MaxEvents, DefaultMaxEvents)
	l.MaxBytes = cmp.Or(l.MaxBytes, DefaultMaxBytes)
	return l
}

func (c *Config) maxBytes() int { return cmp.Or(c.MaxBytes, DefaultMaxRealmBytes) }

// Commit is what became of events that were written together. The nil Commit is of events that no disk keeps.
type Commit struct {
	done chan struct{}
	err  error // valid once done is closed
}

func newCommit() *Commit { return &Commit{done: make(chan struct{})} }

// refused returns the Commit of an event that is not kept.
func refused(why error) *Commit {
	c := newCommit()
	c.end(why)
	return c
}

func (c *Commit) end(err error) {
	c.err = err
	close(c.done)
}

// Wait returns nil once the events are safe from the end of the process and of the machine, and an error if they are not
// kept or ctx is done before that is known. Any number of goroutines may wait.
func (c *Commit) Wait(ctx context.Context) error {
	if c == nil {
		return nil
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		if !c.ended() {
			return ctx.Err()
		}
	}
	return c.err
}

func (c *Commit) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}
