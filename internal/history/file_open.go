package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/tandemrouter/tandem/wamp"
)

// What a file says of itself, in the bucket identityBucket.
var (
	identityBucket = []byte("tandem.history")
	eventsBucket   = []byte("events")

	formatKey = []byte("format")
	realmKey  = []byte("realm")
)

const format = "1"

// lockTimeout is how long a file may be in use by a process that is about to end.
const lockTimeout = time.Second

// Open opens the file, or makes it if it is not there or empty. It reads all of it, and fails if it is something else, of
// another realm, damaged or in use (ErrForeign, ErrCorrupt, ErrLocked); then the file is as it was. The log hears of
// writes that fail.
func Open(path string, c Config, log *slog.Logger) (*File, error) {
	f := &File{path: path, config: c, log: log, wake: make(chan struct{}, 1)}
	var err error
	if f.db, f.index, err = openDatabase(path, &f.config); err != nil {
		return nil, err
	}
	f.committer.Go(f.commitAll)
	return f, nil
}

// openDatabase looks at a file that is there before it opens it for writing, which changes it.
func openDatabase(path string, c *Config) (*bbolt.DB, *index, error) {
	isNew, err := inspect(path, c)
	if err != nil {
		return nil, nil, fmt.Errorf("event history %s: %w", path, err)
	}
	db, err := openBolt(path, false)
	if err != nil {
		return nil, nil, fmt.Errorf("event history %s: %w", path, err)
	}
	var x *index
	err = guarded(func() (err error) {
		x, err = prepare(db, c)
		return err
	})
	if err == nil && isNew {
		err = syncDirectory(filepath.Dir(path))
	}
	if err != nil {
		_ = guarded(db.Close)
		return nil, nil, fmt.Errorf("event history %s: %w", path, err)
	}
	return db, x, nil
}

// inspect returns an error if the file must not be written to, without changing it.
func inspect(path string, c *Config) (isNew bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, ErrForeign
	case info.Size() == 0:
		return true, nil
	}
	db, err := openBolt(path, true)
	if err != nil {
		return false, err
	}
	err = guarded(func() error {
		return db.View(func(tx *bbolt.Tx) error { return examine(tx, c) })
	})
	_ = guarded(db.Close)
	return false, err
}

// examine looks at everything in the database, and at what it is made of first.
func examine(tx *bbolt.Tx, c *Config) error {
	file, err := os.Open(tx.DB().Path())
	if err != nil {
		return err
	}
	defer file.Close()
	if err := checkSize(tx, file); err != nil {
		return err
	}
	if err := checkPages(tx, file); err != nil {
		return err
	}
	_, err = load(tx, c)
	return err
}

func checkSize(tx *bbolt.Tx, file *os.File) error {
	info, err := file.Stat()
	if err == nil && tx.Size() > info.Size() {
		err = fmt.Errorf("%w: its end is missing", ErrCorrupt)
	}
	return err
}

// openBolt opens the database. The list of free pages is not kept in the file, which has no checksum for it, but made from
// the pages that are in use.
func openBolt(path string, readOnly bool) (db *bbolt.DB, err error) {
	options := bbolt.Options{
		ReadOnly:       readOnly,
		Timeout:        lockTimeout,
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
		NoStatistics:   true,
	}
	err = guarded(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &options)
		return err
	})
	return db, meaning(err)
}

// meaning translates an error of opening a database.
func meaning(err error) error {
	var path *fs.PathError
	switch {
	case err == nil, errors.As(err, &path), errors.Is(err, ErrCorrupt):
		return err
	case errors.Is(err, berrors.ErrTimeout):
		return ErrLocked
	case errors.Is(err, berrors.ErrInvalid):
		return ErrForeign
	default:
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
}

// guarded makes an error of what a damaged file does to those who read it: the database panics, or memory is touched that
// no longer has a file behind it.
func guarded(step func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	return step()
}

// prepare signs a new file, reads the events, and drops those that the limits no longer allow.
func prepare(db *bbolt.DB, c *Config) (x *index, err error) {
	err = db.Update(func(tx *bbolt.Tx) error {
		if x, err = load(tx, c); err != nil {
			return err
		}
		return errors.Join(sign(tx, c), x.trimAll(tx))
	})
	return x, err
}

func sign(tx *bbolt.Tx, c *Config) error {
	id, err := tx.CreateBucketIfNotExists(identityBucket)
	if err != nil {
		return err
	}
	_, err = tx.CreateBucketIfNotExists(eventsBucket)
	return errors.Join(err, id.Put(formatKey, []byte(format)), id.Put(realmKey, []byte(c.Realm)))
}

func (x *index) trimAll(tx *bbolt.Tx) error {
	w := writer{events: tx.Bucket(eventsBucket)}
	now := time.Now().UnixMilli()
	for _, sh := range x.order {
		x.trim(sh, now, w.delete)
	}
	return w.err
}

// load reads the whole file and returns what is in it.
func load(tx *bbolt.Tx, c *Config) (*index, error) {
	x := newIndex(c)
	signed, err := identify(tx, c)
	if err != nil || !signed {
		return x, err
	}
	events := tx.Bucket(eventsBucket)
	if events == nil {
		return nil, fmt.Errorf("%w: it has no events", ErrCorrupt)
	}
	err = events.ForEach(func(name, _ []byte) error {
		return x.load(name, events.Bucket(name))
	})
	if err == nil && uint64(len(x.order)) != events.Sequence() {
		err = fmt.Errorf("%w: it has %d histories of %d", ErrCorrupt, len(x.order), events.Sequence())
	}
	return x, err
}

// identify returns whether the file is signed. One that never had any content is not, and may become ours.
func identify(tx *bbolt.Tx, c *Config) (signed bool, err error) {
	id := tx.Bucket(identityBucket)
	if id == nil {
		const empty = 4 // pages of a database that has just been made
		first, _ := tx.Cursor().First()
		if first != nil || tx.Size() > empty*int64(tx.DB().Info().PageSize) {
			return false, ErrForeign
		}
		return false, nil
	}
	if f := id.Get(formatKey); string(f) != format {
		return false, fmt.Errorf("%w: its format is %q, not %q", ErrForeign, f, format)
	}
	if realm := id.Get(realmKey); string(realm) != c.Realm {
		return false, fmt.Errorf("%w: it is of realm %q", ErrForeign, realm)
	}
	return true, nil
}

// load adds the events of one history, after a look at each.
func (x *index) load(name []byte, events *bbolt.Bucket) error {
	key, ok := parseBucketName(name)
	if !ok || events == nil {
		return fmt.Errorf("%w: it has the unknown history %q", ErrCorrupt, name)
	}
	sh := x.shelf(key)
	before := uint64(0)
	err := events.ForEach(func(k, v []byte) error {
		if len(k) != 8 || binary.BigEndian.Uint64(k) <= before {
			return fmt.Errorf("%w: the events of %q are in disorder", ErrCorrupt, key.Topic)
		}
		if _, ok := parseRecord(key, v); !ok {
			return fmt.Errorf("%w: event %d of %q is not as it was written", ErrCorrupt, binary.BigEndian.Uint64(k), key.Topic)
		}
		before = binary.BigEndian.Uint64(k)
		x.add(sh, item{sequence: before, time: timeOf(v), size: len(v)})
		return nil
	})
	if err == nil && uint64(sh.len()) != events.Sequence() {
		err = fmt.Errorf("%w: %q has %d events of %d", ErrCorrupt, key.Topic, sh.len(), events.Sequence())
	}
	return err
}

// bucketName returns the name of the key's bucket: its match policy in one byte, its topic, and a checksum.
func bucketName(k Key) []byte {
	name := append([]byte{byte(k.Match)}, k.Topic...)
	return binary.BigEndian.AppendUint32(name, crc32.Checksum(name, castagnoli))
}

func parseBucketName(name []byte) (Key, bool) {
	end := len(name) - 4
	if end < 1 || name[0] > byte(wamp.MatchWildcard) {
		return Key{}, false
	}
	k := Key{Match: wamp.MatchPolicy(name[0]), Topic: string(name[1:end])}
	return k, bytes.Equal(name, bucketName(k))
}

// syncDirectory makes the name of a new file as safe as its content. Windows has no such thing.
func syncDirectory(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
