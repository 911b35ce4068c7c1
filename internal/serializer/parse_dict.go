package serializer

import (
	"github.com/tandemrouter/tandem/internal/serializer/format"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// walk goes over the values that a list or dictionary consists of. They have been checked. The zero walk is over.
type walk struct {
	m    *scanned
	pos  int    // of what comes next
	left uint64 // values; see endlessShift for where that is not known
}

// walkAt begins to go over the list or dictionary.
func (m *scanned) walkAt(e span) walk {
	if m.serializer == wamp.JSON {
		return walk{m: m, pos: e.from + 1, left: endlessList << endlessShift}
	}
	if m.serializer == wamp.CBOR {
		e.from = e.to - len(untagged(m.at(e)))
	}
	left, pos, _ := m.syntax.shapes[m.input[e.from]].open(m.input, e.from)
	return walk{m: m, pos: pos, left: left}
}

// more reports whether there is another value, and goes to it.
func (w *walk) more() bool {
	if !isEndless(w.left) {
		return w.left > 0
	}
	b := w.m.input
	if w.m.serializer == wamp.CBOR {
		return b[w.pos] != format.CBORBreak
	}
	w.pos = skipSeparators(b, w.pos)
	return b[w.pos] != ']' && b[w.pos] != '}'
}

// next returns the next value.
func (w *walk) next() span {
	e := span{from: w.pos}
	if w.m.serializer == wamp.JSON {
		e.from = skipSeparators(w.m.input, w.pos)
	}
	e.to, _ = w.m.skip(e.from)
	w.pos = e.to
	w.left--
	return e
}

// dict walks over the entries of a dictionary in the head of a message. Entries whose value is null are passed over
// (MSG-06). The first thing that is wrong ends the walk and is kept in the message's error.
type dict struct {
	f    *fields
	name string // of the dictionary, for errors
	walk walk
	seen keySet

	// The current entry: its key, also as it stands there, and its value.

	key   key
	text  []byte
	value span
	kind  headKind
	n     uint64 // if it is a number
}

// open begins to walk over the value. Its first entry is there after next.
func (d *dict) open(e span, kind headKind) {
	if kind != isDict {
		d.f.fail(d.name, "want a dictionary")
		return
	}
	d.walk = d.f.m.walkAt(e)
}

// next goes to the next entry whose value is not null. It returns false at the end, and when something is wrong.
func (d *dict) next() bool {
	for d.f.err == nil && d.walk.more() {
		if !d.readKey() {
			return false
		}
		d.value = d.walk.next()
		if d.kind, d.n = d.f.m.kindAt(d.value); d.kind != isNull {
			return true
		}
	}
	return false
}

// readKey reads the key at which the walk stands.
func (d *dict) readKey() bool {
	var ok bool
	if d.text, ok = d.f.m.textAt(d.walk.next()); !ok {
		d.f.fail(d.name, "a key is not a text in valid UTF-8") // SER-09
		return false
	}
	if d.key = keysByName[string(d.text)]; d.key != unknownKey && !d.seen.add(d.key) {
		d.wrong("stands twice")
		return false
	}
	return true
}

// The readers of the current entry's value. What is not of the right type ends the walk (MSG-07).

// wrong says what is wrong with the entry, whose key must be known.
func (d *dict) wrong(what string) { d.f.fail(d.name+" "+d.key.String(), what) }

func (d *dict) bool() bool {
	if d.kind != isTrue && d.kind != isFalse {
		d.wrong("want true or false")
	}
	return d.kind == isTrue
}

func (d *dict) number() uint64 {
	if d.kind != isNumber {
		d.wrong("want a whole number that is not negative")
	}
	return d.n
}

func (d *dict) id() wamp.ID {
	if d.kind != isNumber || !wamp.ID(d.n).Valid() {
		d.wrong("want an ID")
	}
	return wamp.ID(d.n)
}

func (d *dict) string() string {
	text, ok := d.f.m.textAt(d.value)
	if !ok {
		d.wrong("want a text in valid UTF-8")
	}
	return d.f.p.names.intern(text)
}

// oneOf reads a word of a closed set.
func oneOf[T any](d *dict, parse func(string) (T, bool)) T {
	v, ok := parse(d.string())
	if !ok {
		d.wrong("not one of the words that it may be")
	}
	return v
}

// dict decodes a value that must be a dictionary.
func (d *dict) dict() wamp.Dict {
	if d.kind != isDict {
		d.wrong("want a dictionary")
		return nil
	}
	v, err := d.f.decodeDict(d.value)
	if err != nil {
		d.wrong(err.Error())
	}
	return v
}

// inner walks over the entries of a value that must be a dictionary.
func (d *dict) inner(name string) dict {
	in := dict{f: d.f, name: name}
	in.open(d.value, d.kind)
	return in
}

// items walks over the items of a value that must be a list, and returns how many there are. They are read like the
// value of an entry with the same key.
func (d *dict) items() (items dict, n int) {
	items = dict{f: d.f, name: d.name, key: d.key}
	if d.kind != isList {
		d.wrong("want a list")
		return items, 0
	}
	items.walk = d.f.m.walkAt(d.value)
	for w := items.walk; w.more(); n++ {
		w.next()
	}
	return items, n
}

// nextItem goes to the next item.
func (d *dict) nextItem() bool {
	if d.f.err != nil || !d.walk.more() {
		return false
	}
	d.value = d.walk.next()
	d.kind, d.n = d.f.m.kindAt(d.value)
	return true
}

// strings reads a list of texts. It is never nil, because an empty list is not the same as none (BWL-03).
func (d *dict) strings() []string {
	items, n := d.items()
	list := make([]string, 0, n)
	for items.nextItem() {
		list = append(list, items.string())
	}
	return list
}

// ids reads a list of IDs. It is never nil either.
func (d *dict) ids() []wamp.ID {
	items, n := d.items()
	list := make([]wamp.ID, 0, n)
	for items.nextItem() {
		list = append(list, items.id())
	}
	return list
}

// extra keeps an entry that the protocol does not define, unless it cannot be decoded or is too large (MSG-05).
func (d *dict) extra(e *wamp.Dict) {
	if !d.f.room.TakeEntry(len(d.text)) {
		return
	}
	v, err := payload.DecodeValue(d.f.m.serializer, d.f.m.at(d.value), &d.f.room)
	if err != nil {
		return
	}
	if *e == nil {
		*e = wamp.Dict{}
	}
	(*e)[string(d.text)] = v
}
