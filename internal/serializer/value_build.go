package serializer

import (
	"math"

	"github.com/tandemrouter/tandem/wamp"
)

var (
	errDictKey   = inexpressible("a dictionary has a key that is not a text")
	errGoSimple  = inexpressible("a CBOR simple value has no meaning")
	errTagNoItem = inexpressible("a CBOR tag has no value")
)

// A valueBuilder makes Go values of tokens.
type valueBuilder struct {
	open []building // what is not complete; the first is the list of all elements
}

// building is a list, dictionary or tag that is not complete.
type building struct {
	kind kind // kindList, kindMap or kindTag
	list wamp.List
	dict wamp.Dict
	key  string // of the value that comes next
	tag  uint64
}

// decodeElements returns the Go values of that many encoded values.
func decodeElements(from wamp.Serializer, src []byte, values int) (wamp.List, error) {
	var (
		r valueReader
		b valueBuilder
		t token
	)
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
func (b *valueBuilder) put(t *token) error {
	if t.place.isKey() {
		return b.putKey(t)
	}
	switch t.kind {
	case kindListEnd, kindMapEnd:
		return b.pop()
	case kindTag:
		return b.push(building{kind: kindTag, tag: t.num})
	case kindList:
		return b.push(building{kind: kindList, list: make(wamp.List, 0, prealloc(t.size))})
	case kindMap:
		return b.push(building{kind: kindMap, dict: make(wamp.Dict, prealloc(t.size))})
	case kindSimple:
		return errGoSimple
	}
	b.add(t.value())
	return nil
}

func (b *valueBuilder) putKey(t *token) error {
	if t.kind != kindText {
		return errDictKey
	}
	b.open[len(b.open)-1].key = string(t.bytes)
	return nil
}

// prealloc returns how many items to make room for if a container says that it has size items. What lies within
// one another may say so many times that all the rest of the message is in it.
func prealloc(size int) int { return max(0, min(size, 16)) }

func (b *valueBuilder) push(c building) error {
	if len(b.open) > maxValueDepth {
		return errTooDeep
	}
	b.open = append(b.open, c)
	return nil
}

// pop completes the innermost list or dictionary.
func (b *valueBuilder) pop() error {
	last := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	switch last.kind {
	case kindList:
		b.add(last.list)
	case kindMap:
		b.add(last.dict)
	default:
		return errTagNoItem
	}
	return nil
}

// add adds a complete value, with the tags that belong to it, to the container that it stands in.
func (b *valueBuilder) add(v any) {
	top := &b.open[len(b.open)-1]
	for top.kind == kindTag {
		v = Tag{Number: top.tag, Value: v}
		b.open = b.open[:len(b.open)-1]
		top = &b.open[len(b.open)-1]
	}
	if top.kind == kindMap {
		top.dict[top.key] = v
		return
	}
	top.list = append(top.list, v)
}

// value returns the Go value of a token that is a value by itself, as the table in value.go has it.
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
