package history

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Ring is the Store in memory.
type Ring struct {
	config Config // immutable after NewRing

	mu sync.Mutex

	// guarded by mu

	index  *index
	closed bool
}

// NewRing returns an empty store.
func NewRing(c Config) *Ring {
	r := &Ring{config: c}
	r.index = newIndex(&r.config)
	return r
}

// Append implements Store. It returns a Commit only for an event that is not kept.
func (r *Ring) Append(key Key, e *Event) *Commit {
	record := newRecord(e)
	if err := checkEvent(&r.config, key, e, len(record)); err != nil {
		return refused(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return refused(ErrClosed)
	}
	sh := r.index.shelf(key)
	it := item{sequence: r.index.last + 1, time: timeOf(record), size: len(record), record: record}
	r.index.add(sh, it)
	r.index.trim(sh, it.time, func(*shelf, *item) {})
	return nil
}

// Scan implements Store.
func (r *Ring) Scan(_ context.Context, key Key, newestFirst bool, visit func(*Event) bool) error {
	items, err := r.items(key)
	if err != nil {
		return err
	}
	if newestFirst {
		slices.Reverse(items)
	}
	for i := range items {
		e, ok := parseRecord(key, items[i].record)
		if !ok {
			return ErrCorrupt
		}
		if !visit(e) {
			return nil
		}
	}
	return nil
}

// items returns those of the key that are not too old. Records do not change, so that they need no lock.
func (r *Ring) items(key Key) ([]item, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	sh := r.index.shelves[key]
	if sh == nil {
		return nil, nil
	}
	now := time.Now().UnixMilli()
	return slices.DeleteFunc(slices.Clone(sh.items[sh.head:]), func(it item) bool {
		return sh.limits.expired(it.time, now)
	}), nil
}

// Close implements Store.
func (r *Ring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.index = newIndex(&r.config)
	return nil
}
