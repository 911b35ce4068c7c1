package history

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"go.etcd.io/bbolt"
)

// What a page of the database begins with: its own number, what it is, how many elements it has, and how many pages it
// goes on for. The elements follow, and say where their keys and values are.
const (
	pageHeader  = 16
	elementSize = 16 // of branches and leaves alike

	branchPage = 1
	leafPage   = 2

	bucketFlag   = 1  // of a leaf's element
	bucketHeader = 16 // of its value: the first page or 0, and a number
)

// pages looks at the pages that a database consists of, before it does itself: it trusts them, follows circles for ever,
// and makes the list of free pages on a goroutine of its own, on which nobody can catch its panics.
type pages struct {
	file    io.ReaderAt
	size    uint64 // of a page
	end     uint64 // the number of pages
	reached map[uint64]bool
}

// page is what a page and those that it goes on for consist of.
type page struct {
	id   uint64
	data []byte
}

// checkPages returns an error unless all pages that the database consists of are sound, each is in its place once, and
// all keys are in order.
func checkPages(tx *bbolt.Tx, file io.ReaderAt) error {
	size := int64(tx.DB().Info().PageSize)
	p := pages{file: file, size: uint64(size), end: uint64(tx.Size() / size), reached: make(map[uint64]bool)}
	return p.check(uint64(tx.Cursor().Bucket().Root()), nil, nil)
}

// check looks at a page and all that it leads to. Their keys begin with first and are below end; nil is no bound.
func (p *pages) check(id uint64, first, end []byte) error {
	pg, err := p.read(id)
	if err != nil {
		return err
	}
	for i := range pg.count() {
		key, ok := pg.key(i)
		switch {
		case !ok:
			return pg.damaged("an element is outside")
		case i == 0 && bytes.Compare(key, first) < 0, i > 0 && bytes.Compare(key, first) <= 0,
			end != nil && bytes.Compare(key, end) >= 0:
			return pg.damaged("its keys are in disorder")
		}
		if err := p.checkElement(pg, i, key, end); err != nil {
			return err
		}
		first = key
	}
	return nil
}

// checkElement looks at what an element leads to.
func (p *pages) checkElement(pg page, i int, key, end []byte) error {
	if pg.kind() == branchPage {
		if i+1 < pg.count() {
			end, _ = pg.key(i + 1)
		}
		return p.check(pg.child(i), key, end)
	}
	value, ok := pg.value(i)
	switch {
	case !ok:
		return pg.damaged("a value is outside")
	case !pg.isBucket(i):
		return nil
	case len(value) < bucketHeader:
		return pg.damaged("a bucket is too short")
	}
	root := binary.NativeEndian.Uint64(value)
	if root != 0 {
		return p.check(root, nil, nil)
	}
	if inline := (page{pg.id, value[bucketHeader:]}); len(inline.data) < pageHeader || !inline.fits() {
		return pg.damaged("a bucket is too short")
	}
	return nil
}

// read returns a page that has not been reached before.
func (p *pages) read(id uint64) (page, error) {
	pg := page{id, make([]byte, pageHeader)}
	if id < 2 || id >= p.end {
		return pg, pg.damaged("there is no such page")
	}
	if _, err := p.file.ReadAt(pg.data, int64(id*p.size)); err != nil {
		return pg, err
	}
	more := uint64(binary.NativeEndian.Uint32(pg.data[12:]))
	switch kind := pg.kind(); {
	case binary.NativeEndian.Uint64(pg.data) != id, id+more >= p.end:
		return pg, pg.damaged("it is another one")
	case kind != branchPage && kind != leafPage, kind == branchPage && pg.count() == 0:
		return pg, pg.damaged("it is nothing that belongs there")
	}
	for i := id; i <= id+more; i++ {
		if p.reached[i] {
			return pg, pg.damaged("it is in two places")
		}
		p.reached[i] = true
	}
	pg.data = make([]byte, (1+more)*p.size)
	if _, err := p.file.ReadAt(pg.data, int64(id*p.size)); err != nil {
		return pg, err
	}
	if !pg.fits() {
		return pg, pg.damaged("it is too short")
	}
	return pg, nil
}

func (pg page) damaged(how string) error {
	return fmt.Errorf("%w: page %d: %s", ErrCorrupt, pg.id, how)
}

func (pg page) kind() uint16 { return binary.NativeEndian.Uint16(pg.data[8:]) }

func (pg page) count() int { return int(binary.NativeEndian.Uint16(pg.data[10:])) }

// fits reports whether the page has room for as many elements as it says.
func (pg page) fits() bool { return pageHeader+pg.count()*elementSize <= len(pg.data) }

// element returns an element and all that is behind its beginning, from where it counts.
func (pg page) element(i int) []byte { return pg.data[pageHeader+i*elementSize:] }

func (pg page) child(i int) uint64 { return binary.NativeEndian.Uint64(pg.element(i)[8:]) }

func (pg page) isBucket(i int) bool { return binary.NativeEndian.Uint32(pg.element(i))&bucketFlag != 0 }

func (pg page) key(i int) (key []byte, ok bool) {
	e := pg.element(i)
	if pg.kind() == branchPage {
		return part(e, binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:]))
	}
	return part(e, binary.NativeEndian.Uint32(e[4:]), binary.NativeEndian.Uint32(e[8:]))
}

// value returns the value of a leaf's element, which is behind its key.
func (pg page) value(i int) (value []byte, ok bool) {
	e := pg.element(i)
	at := uint64(binary.NativeEndian.Uint32(e[4:])) + uint64(binary.NativeEndian.Uint32(e[8:]))
	if at > uint64(len(e)) {
		return nil, false
	}
	return part(e, uint32(at), binary.NativeEndian.Uint32(e[12:]))
}

func part(b []byte, from, size uint32) (part []byte, ok bool) {
	end := uint64(from) + uint64(size)
	if end > uint64(len(b)) {
		return nil, false
	}
	return b[from:end], true
}
