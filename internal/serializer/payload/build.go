package payload

import (
	"math"

	"github.com/tandemrouter/tandem/wamp"
)

var (
	errNoRoom    = inexpressible("a value takes too much memory")
	errDictKey   = inexpressible("a dictionary has a key that is not a text")
	errGoSimple  = inexpressible("a CBOR simple value has no meaning")
	errTagNoItem = inexpressible("a CBOR tag has no value")
)

// A builder makes Go values of tokens.
type builder struct {
	open []building // what is not complete; the first is the list of all elements
	room *Room
}

// building is a list, dictionary or tag that is not complete.
type building struct {
	kind kind // kindList, kindMap or kindTag
	list wamp.List
	dict wamp.Dict
	key  string // of the value that comes next
	tag  uint64
}

// Room is how much memory Go values may still take, in bytes and roughly. A small dictionary takes a hundred times the
// bytes that it was made of, so where a peer chooses what is decoded this must have an end. It is for one goroutine.
type Room int

// NoLimit is for values whose memory nobody need bound.
const NoLimit = Room(math.MaxInt)

// TakeEntry takes what the first entry of a dictionary needs beside its value, with a key of that many bytes. It returns
// false if there is not so much left.
func (r *Room) TakeEntry(key int) bool { return r.take(sizeOfFirst + key) }

// take takes n bytes, or returns false if there are not so many left.
func (r *Room) take(n int) bool {
	if *r < Room(n) {
		return false
	}
	*r -= Room(n)
	return true
}

// What values take beside their content: at most, or on average if they grow.
const (
	sizeOfItem   = 16
	sizeOfScalar = 32
	sizeOfDict   = 48
	sizeOfFirst  = 320 // entry of a dictionary, with room for some more
	sizeOfEntry  = 128 // that follows
	sizeOfLevel  = 256 // of what is not complete, here and in the reader
)

// decodeElements returns the Go values of that many encoded values, if there is room for them.
func decodeElements(from wamp.Serializer, src []byte, values int, room *Room) (wamp.List, error) {
	var (
		r reader
		t token
	)
	b := builder{room: room}
	r.start(from, src, values)
	b.open = append(b.open, building{kind: kindList})
	for {
		if err := r.next(&t); err != nil {
			return nil, err
		}
		if r.atEnd() {
			return b.open[0].list, r.finish()
		}
		if err := b.put(&t); err != nil {
			return nil, err
		}
	}
}

// put takes the next token.
func (b *builder) put(t *token) error {
	if t.place.isKey() {
		return b.putKey(t)
	}
	switch t.kind {
	case kindListEnd, kindMapEnd:
		return b.pop()
	case kindTag:
		return b.push(building{kind: kindTag, tag: t.num})
	case kindList:
		return b.pushList(max(t.size, 0))
	case kindMap:
		return b.pushDict(max(t.size, 0))
	case kindSimple:
		return errGoSimple
	}
	if !b.room.take(sizeOfScalar + len(t.bytes)) {
		return errNoRoom
	}
	return b.add(t.value())
}

func (b *builder) putKey(t *token) error {
	if t.kind != kindText {
		return errDictKey
	}
	if !b.room.take(sizeOfEntry + len(t.bytes)) {
		return errNoRoom
	}
	b.open[len(b.open)-1].key = string(t.bytes)
	return nil
}

// prealloc is how many items room is made for at most if a container says how many it has. What lies within one
// another may say so many times that all the rest of the message is in it.
const prealloc = 16

func (b *builder) pushList(size int) error {
	size = min(size, prealloc)
	if !b.room.take(sizeOfScalar + size*sizeOfItem) {
		return errNoRoom
	}
	return b.push(building{kind: kindList, list: make(wamp.List, 0, size)})
}

func (b *builder) pushDict(size int) error {
	if !b.room.take(sizeOfDict) {
		return errNoRoom
	}
	return b.push(building{kind: kindMap, dict: make(wamp.Dict, min(size, prealloc))})
}

func (b *builder) push(c building) error {
	switch {
	case len(b.open) > maxDepth:
		return errTooDeep
	case len(b.open) == cap(b.open) && !b.room.take(2*cap(b.open)*sizeOfLevel):
		return errNoRoom
	}
	b.open = append(b.open, c)
	return nil
}

// pop completes the innermost list or dictionary.
func (b *builder) pop() error {
	last := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	switch last.kind {
	case kindList:
		return b.add(last.list)
	case kindMap:
		return b.add(last.dict)
	default:
		return errTagNoItem
	}
}

// add adds a complete value, with the tags that belong to it, to the container that it stands in.
func (b *builder) add(v any) error {
	top := &b.open[len(b.open)-1]
	for top.kind == kindTag {
		v = Tag{Number: top.tag, Value: v}
		b.open = b.open[:len(b.open)-1]
		top = &b.open[len(b.open)-1]
	}
	if top.kind == kindMap {
		return b.addEntry(top, v)
	}
	if len(top.list) == cap(top.list) && !b.room.take(2*cap(top.list)*sizeOfItem) {
		return errNoRoom
	}
	top.list = append(top.list, v)
	return nil
}

func (b *builder) addEntry(top *building, v any) error {
	if len(top.dict) == 0 && !b.room.take(sizeOfFirst) {
		return errNoRoom
	}
	top.dict[top.key] = v
	return nil
}

// value returns the Go value of a token that is a value by itself, as the table of the package has it.
func (t *token) value() any {
	switch t.kind {
	case kindBool:
		return t.num != 0
	case kindInteger:
		return t.integer()
	case kindLargeInteger:
		return t.bigInt()
	case kindFloat:
		return t.float()
	case kindText:
		return string(t.bytes)
	case kindBinary:
		return append([]byte{}, t.bytes...)
	case kindExt:
		return Ext{Type: t.ext, Data: append([]byte{}, t.bytes...)}
	}
	return nil // null and undefined
}

// integer returns an int64 if the integer is one, a uint64 if it is one, or a *big.Int.
func (t *token) integer() any {
	switch {
	case t.num > math.MaxInt64 && t.neg:
		return t.bigInt()
	case t.num > math.MaxInt64:
		return t.num
	case t.neg:
		return int64(^t.num)
	}
	return int64(t.num)
}
