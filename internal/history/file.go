package history

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// maxWaiting is how many bytes may wait for the disk.
const maxWaiting = 16 << 20

// File is the Store on disk. Events that come while a transaction is written wait for the next one, and are written
// together.
type File struct {
	// immutable after Open

	path   string
	config Config
	log    *slog.Logger

	committer sync.WaitGroup
	wake      chan struct{} // holds one; closed by Close

	mu sync.Mutex

	// guarded by mu

	waiting      []appended
	waitingBytes int     // with those that are being written
	next         *Commit // of the events that wait; nil if none do
	newest       *Commit // of the event that was appended last; nil before the first
	turnedAway   int     // events for which there was no room, since the last transaction
	closed       bool

	dbMu sync.RWMutex

	// guarded by dbMu; only the committer changes it

	db *bbolt.DB // nil if it could not be opened again after a fault

	// owned by the committer

	index   *index
	failing bool // the last transaction failed, or there was too much for it
}

// appended is an event that waits for the disk.
type appended struct {
	key    Key
	record []byte
}

// Append implements Store.
func (f *File) Append(key Key, e *Event) *Commit {
	record := newRecord(e)
	if err := checkEvent(&f.config, key, e, len(record)); err != nil {
		return refused(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return refused(ErrClosed)
	case f.waitingBytes > 0 && f.waitingBytes+len(record) > maxWaiting:
		f.turnedAway++
		return refused(ErrOverloaded)
	}
	return f.appendLocked(appended{key, record})
}

func (f *File) appendLocked(a appended) *Commit {
	if f.next == nil {
		f.next = newCommit()
		f.newest = f.next
	}
	f.waiting = append(f.waiting, a)
	f.waitingBytes += len(a.record)
	select {
	case f.wake <- struct{}{}:
	default: // the committer has been told
	}
	return f.next
}

// Close implements Store. It returns when the committer has written what waited.
func (f *File) Close() error {
	f.mu.Lock()
	first := !f.closed
	if first {
		f.closed = true
		close(f.wake)
	}
	f.mu.Unlock()
	f.committer.Wait()
	f.dbMu.Lock()
	defer f.dbMu.Unlock()
	if !first || f.db == nil {
		return nil
	}
	err := f.db.Close()
	f.db = nil
	return err
}

// commitAll writes what waits whenever something does, until the file is closed.
func (f *File) commitAll() {
	for range f.wake {
		f.commitWaiting()
	}
	f.commitWaiting()
}

func (f *File) commitWaiting() {
	f.mu.Lock()
	batch, commit, turnedAway := f.waiting, f.next, f.turnedAway
	f.waiting, f.next, f.turnedAway = nil, nil, 0
	f.mu.Unlock()
	if commit == nil {
		return
	}
	err := f.write(batch)
	f.report(err, len(batch), turnedAway)
	f.mu.Lock()
	for i := range batch {
		f.waitingBytes -= len(batch[i].record)
	}
	f.mu.Unlock()
	commit.end(err)
}

// write makes one transaction of the batch. What a failed one has left behind is read anew.
func (f *File) write(batch []appended) error {
	if f.db == nil {
		if err := f.reopen(); err != nil {
			return err
		}
	}
	err := guarded(func() error {
		return f.db.Update(func(tx *bbolt.Tx) error { return f.put(tx, batch) })
	})
	if err != nil {
		_ = f.reopen() // the next transaction tries again
	}
	return err
}

func (f *File) put(tx *bbolt.Tx, batch []appended) error {
	w := writer{events: tx.Bucket(eventsBucket)}
	for i := range batch {
		a := &batch[i]
		sh := f.index.shelf(a.key)
		it := item{sequence: f.index.last + 1, time: timeOf(a.record), size: len(a.record)}
		w.put(sh, &it, a.record)
		f.index.add(sh, it)
		f.index.trim(sh, it.time, w.delete)
	}
	return w.err
}

// writer changes the events of a transaction and keeps the first error. Each bucket counts in its sequence what is in
// it, so that nothing can be missing unnoticed.
type writer struct {
	events *bbolt.Bucket
	err    error
}

func (w *writer) put(sh *shelf, it *item, record []byte) {
	w.change(sh, +1, func(b *bbolt.Bucket) error { return b.Put(sequenceKey(it.sequence), record) })
}

func (w *writer) delete(sh *shelf, it *item) {
	w.change(sh, -1, func(b *bbolt.Bucket) error { return b.Delete(sequenceKey(it.sequence)) })
}

func (w *writer) change(sh *shelf, events int, step func(*bbolt.Bucket) error) {
	if w.err != nil {
		return
	}
	b, err := w.bucket(sh)
	if err == nil {
		err = errors.Join(step(b), b.SetSequence(b.Sequence()+uint64(events)))
	}
	w.err = err
}

// fill is how full the pages of a bucket become that only grows at its end.
const fill = 0.9

func (w *writer) bucket(sh *shelf) (*bbolt.Bucket, error) {
	name := bucketName(sh.key)
	b := w.events.Bucket(name)
	if b == nil {
		var err error
		if b, err = w.events.CreateBucket(name); err != nil {
			return nil, err
		}
		if err = w.events.SetSequence(w.events.Sequence() + 1); err != nil {
			return nil, err
		}
	}
	b.FillPercent = fill
	return b, nil
}

// report logs the first failure of several, and their end.
func (f *File) report(err error, events, turnedAway int) {
	if err == nil && turnedAway > 0 {
		err, events = ErrOverloaded, turnedAway
	}
	switch {
	case err != nil && !f.failing:
		f.log.Error("event history not written", "file", f.path, "realm", f.config.Realm, "events", events, "err", err)
	case err == nil && f.failing:
		f.log.Info("event history written again", "file", f.path, "realm", f.config.Realm)
	}
	f.failing = err != nil
}

// reopen closes the file and opens it again.
func (f *File) reopen() error {
	f.dbMu.Lock()
	defer f.dbMu.Unlock()
	if f.db != nil {
		_ = guarded(f.db.Close)
		f.db = nil
	}
	db, x, err := openDatabase(f.path, &f.config)
	if err == nil {
		f.db, f.index = db, x
	}
	return err
}

// A scan copies so many events at a time, so that no visit keeps the committer from growing the file.
const (
	chunkEvents = 128
	chunkBytes  = 1 << 20
)

// Scan implements Store. It waits for what has been appended, so that a caller finds what it has just published.
func (f *File) Scan(ctx context.Context, key Key, newestFirst bool, visit func(*Event) bool) error {
	f.mu.Lock()
	newest := f.newest
	f.mu.Unlock()
	if err := newest.Wait(ctx); ctx.Err() != nil {
		return err // any other error has been reported, and what is there can be shown
	}
	limits, now := f.config.limits(key), time.Now().UnixMilli()
	c := chunk{key: key, newestFirst: newestFirst}
	for !c.last {
		if err := f.read(&c); err != nil {
			return err
		}
		for _, record := range c.records {
			e, ok := parseRecord(key, record)
			if !ok {
				return ErrCorrupt
			}
			if !limits.expired(timeOf(record), now) && !visit(e) {
				return nil
			}
		}
	}
	return nil
}

func (f *File) read(c *chunk) error {
	f.dbMu.RLock()
	defer f.dbMu.RUnlock()
	if f.db == nil {
		return ErrClosed
	}
	return guarded(func() error { return f.db.View(c.fill) })
}

// chunk is a part of a history that is copied at a time.
type chunk struct {
	key         Key
	newestFirst bool
	records     [][]byte
	position    []byte // of the last record; nil before the first
	last        bool   // there are no more behind it
}

// fill reads the records that follow the position.
func (c *chunk) fill(tx *bbolt.Tx) error {
	c.records = c.records[:0]
	c.last = true
	b := tx.Bucket(eventsBucket).Bucket(bucketName(c.key))
	if b == nil {
		return nil
	}
	cursor := b.Cursor()
	size := 0
	for k, v := c.start(cursor); k != nil; k, v = c.step(cursor) {
		c.records = append(c.records, append([]byte(nil), v...))
		size += len(v)
		if len(c.records) == chunkEvents || size >= chunkBytes {
			c.position = append(c.position[:0], k...)
			c.last = false
			return nil
		}
	}
	return nil
}

// start goes to the first record behind the position. The one there may have gone in the meantime.
func (c *chunk) start(cursor *bbolt.Cursor) (k, v []byte) {
	switch {
	case c.position == nil && c.newestFirst:
		return cursor.Last()
	case c.position == nil:
		return cursor.First()
	}
	k, v = cursor.Seek(c.position)
	switch {
	case c.newestFirst && k == nil:
		return cursor.Last()
	case c.newestFirst || string(k) == string(c.position):
		return c.step(cursor)
	default:
		return k, v
	}
}

func (c *chunk) step(cursor *bbolt.Cursor) (k, v []byte) {
	if c.newestFirst {
		return cursor.Prev()
	}
	return cursor.Next()
}

func sequenceKey(sequence uint64) []byte { return binary.BigEndian.AppendUint64(nil, sequence) }
