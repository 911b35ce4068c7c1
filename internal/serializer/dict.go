package serializer

import (
	"bytes"

	"github.com/tandemrouter/tandem/wamp"
)

// dict walks over the entries of a dictionary in the head of a message. Entries whose value is null are passed over
// (MSG-06). The first thing that is wrong ends the walk and is kept in the message's error.
type dict struct {
	f    *fields
	name string // of the dictionary, for errors

	// the current entry

	key   []byte
	value span

	pos  int    // of the next entry
	left uint64 // entries; untilBreak if that is not known
	seen seenKeys
}

// dictAt begins to walk over the dictionary. Its first entry is there after next.
func (f *fields) dictAt(e span, name string) dict {
	d := dict{f: f, name: name, pos: e.to}
	if kind, _ := f.m.kindAt(e); kind != isDict {
		f.fail(name, "want a dictionary")
		return d
	}
	b := f.m.at(e)
	switch f.m.serializer {
	case wamp.JSON:
		d.pos, d.left = e.from+1, untilBreak
	case wamp.MessagePack:
		d.left, d.pos = countMessagePack(b)
		d.pos += e.from
	default:
		d.left, d.pos = countCBOR(untagged(b))
		d.pos += e.to - len(untagged(b))
	}
	return d
}

// countMessagePack returns how many entries or values the container has, and where they begin.
func countMessagePack(b []byte) (n uint64, from int) {
	if b[0] < 0xc0 {
		return uint64(b[0] & 0x0f), 1
	}
	width := 2 << (b[0] & 1)
	n, from, _ = bigEndian(b, 1, width)
	return n, from
}

func countCBOR(b []byte) (n uint64, from int) {
	if b[0]&cborInfo == cborIndefinite {
		return untilBreak, 1
	}
	n, from, _ = cborArgument(b, 0)
	return n, from
}

// next goes to the next entry whose value is not null. It returns false at the end, and when something is wrong.
func (d *dict) next() bool {
	for d.f.err == nil && d.more() {
		if !d.entry() {
			return false
		}
		if kind, _ := d.f.m.kindAt(d.value); kind != isNull {
			return true
		}
	}
	return false
}

// more reports whether there is another entry, and goes to it.
func (d *dict) more() bool {
	if d.left != untilBreak {
		if d.left == 0 {
			return false
		}
		d.left--
		return true
	}
	if d.pos >= len(d.f.m.input) {
		return false
	}
	b := d.f.m.input
	if d.f.m.serializer == wamp.CBOR {
		return b[d.pos] != cborBreak
	}
	d.pos = skipSpace(b, d.pos)
	if b[d.pos] == ',' {
		d.pos = skipSpace(b, d.pos+1)
	}
	return b[d.pos] != '}'
}

// entry reads the entry that begins at pos.
func (d *dict) entry() bool {
	m := d.f.m
	key := span{d.pos, m.skip(d.pos)}
	if kind, _ := m.kindAt(key); kind != isText {
		d.f.fail(d.name, "a key is not a text") // SER-09
		return false
	}
	text, ok := m.textAt(key)
	if !ok {
		d.f.fail(d.name, "a key is not valid UTF-8")
		return false
	}
	from := key.to
	if m.serializer == wamp.JSON {
		from = skipSpace(m.input, skipSpace(m.input, from)+1)
	}
	d.key, d.value = text, span{from, m.skip(from)}
	d.pos = d.value.to
	if !d.seen.add(text) {
		d.f.fail(d.name, "a key stands twice")
		return false
	}
	return true
}

// skip returns the end of the value at pos, which has been checked.
func (m *scanned) skip(pos int) int {
	var end int
	switch m.serializer {
	case wamp.JSON:
		end, _ = skipJSON(m.input, pos)
	case wamp.MessagePack:
		end, _ = skipMessagePack(m.input, pos)
	default:
		end, _ = skipCBOR(m.input, pos)
	}
	return end
}

// seenKeys finds keys that stand twice in a dictionary.
type seenKeys struct {
	few  [8][]byte
	n    int
	many map[string]struct{} // only for dictionaries with more keys
}

// add returns false if the key has been added before.
func (s *seenKeys) add(key []byte) bool {
	if s.many != nil {
		before := len(s.many)
		s.many[string(key)] = struct{}{}
		return len(s.many) > before
	}
	for _, k := range s.few[:s.n] {
		if bytes.Equal(k, key) {
			return false
		}
	}
	if s.n < len(s.few) {
		s.few[s.n] = key
		s.n++
		return true
	}
	s.many = make(map[string]struct{}, 2*len(s.few))
	for _, k := range s.few {
		s.many[string(k)] = struct{}{}
	}
	s.many[string(key)] = struct{}{}
	return true
}

// The readers of the current entry's value. What is not of the right type ends the walk (MSG-07).

func (d *dict) wrong(want string) {
	d.f.fail(d.name+" "+string(d.key), want)
}

func (d *dict) bool() bool {
	switch kind, _ := d.f.m.kindAt(d.value); kind {
	case isTrue:
		return true
	case isFalse:
		return false
	default:
		d.wrong("want true or false")
		return false
	}
}

func (d *dict) number() uint64 {
	kind, n := d.f.m.kindAt(d.value)
	if kind != isNumber {
		d.wrong("want a whole number that is not negative")
	}
	return n
}

func (d *dict) id() wamp.ID {
	kind, n := d.f.m.kindAt(d.value)
	if kind != isNumber || !wamp.ID(n).Valid() {
		d.wrong("want an ID")
	}
	return wamp.ID(n)
}

func (d *dict) text() string {
	if kind, _ := d.f.m.kindAt(d.value); kind != isText {
		d.wrong("want a text")
		return ""
	}
	text, ok := d.f.m.textAt(d.value)
	if !ok {
		d.wrong("want valid UTF-8")
		return ""
	}
	return d.f.p.names.intern(text)
}

// any decodes a value that the protocol leaves open.
func (d *dict) any() any {
	v, err := decodeValue(d.f.m.serializer, d.f.m.at(d.value))
	if err != nil {
		d.wrong("cannot be decoded")
	}
	return v
}

// dict decodes a value that must be a dictionary.
func (d *dict) dict() wamp.Dict {
	v, ok := d.any().(wamp.Dict)
	if !ok && d.f.err == nil {
		d.wrong("want a dictionary")
	}
	return v
}

// extra keeps an entry that the protocol does not define.
func (d *dict) extra(e *wamp.Dict) {
	if *e == nil {
		*e = wamp.Dict{}
	}
	(*e)[string(d.key)] = d.any()
}

// each calls read for every value of a list. read is given a dict that stands at the value.
func (d *dict) each(read func(*dict)) {
	m := d.f.m
	if kind, _ := m.kindAt(d.value); kind != isList {
		d.wrong("want a list")
		return
	}
	item := dict{f: d.f, name: d.name, key: d.key}
	items := listAt(m, d.value)
	for d.f.err == nil && items.next() {
		item.value = items.item
		read(&item)
	}
}

func (d *dict) texts() []string {
	list := []string{}
	d.each(func(item *dict) { list = append(list, item.text()) })
	return list
}

func (d *dict) ids() []wamp.ID {
	list := []wamp.ID{}
	d.each(func(item *dict) { list = append(list, item.id()) })
	return list
}

// list walks over the values of a list.
type list struct {
	m    *scanned
	item span
	pos  int
	left uint64
}

func listAt(m *scanned, e span) list {
	b := m.at(e)
	l := list{m: m}
	switch m.serializer {
	case wamp.JSON:
		l.pos, l.left = e.from+1, untilBreak
	case wamp.MessagePack:
		l.left, l.pos = countMessagePack(b)
		l.pos += e.from
	default:
		l.left, l.pos = countCBOR(untagged(b))
		l.pos += e.to - len(untagged(b))
	}
	return l
}

func (l *list) next() bool {
	b := l.m.input
	switch {
	case l.left != untilBreak:
		if l.left == 0 {
			return false
		}
		l.left--
	case l.m.serializer == wamp.CBOR:
		if b[l.pos] == cborBreak {
			return false
		}
	default:
		l.pos = skipSpace(b, l.pos)
		if b[l.pos] == ',' {
			l.pos = skipSpace(b, l.pos+1)
		}
		if b[l.pos] == ']' {
			return false
		}
	}
	l.item = span{l.pos, l.m.skip(l.pos)}
	l.pos = l.item.to
	return true
}
