package payload

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"unicode/utf8"

	"github.com/tandemrouter/tandem/wamp"
)

// appendValue appends a Go value. depth counts the containers around and including it.
func (w *writer) appendValue(v any, p place, depth int) error {
	switch v := v.(type) {
	case string:
		return w.appendString(v, p)
	case wamp.List:
		return w.appendList(v, p, depth)
	case wamp.Dict:
		return w.appendDict(v, p, depth)
	case Tag:
		return w.appendTag(v, p, depth)
	}
	t := token{place: p}
	if t.setValue(v) {
		return w.put(&t)
	}
	return w.appendReflected(v, p, depth)
}

// setValue makes the token the value v, if v has one of the simple types in the table of the package, or is an int.
func (t *token) setValue(v any) bool {
	switch v := v.(type) {
	case nil:
		t.kind = kindNull
	case bool:
		t.setBool(v)
	case int:
		t.setSigned(int64(v))
	case int64:
		t.setSigned(v)
	case uint64:
		t.setUnsigned(v)
	case float64:
		t.setFloat(v)
	case []byte:
		t.kind, t.bytes = kindBinary, v
	case *big.Int:
		t.setBigOrNull(v)
	case Ext:
		t.kind, t.ext, t.bytes = kindExt, v.Type, v.Data
	default:
		return false
	}
	return true
}

func (t *token) setFloat(f float64) { t.kind, t.num, t.width = kindFloat, math.Float64bits(f), 64 }

func (t *token) setFloat32(f float32) {
	t.kind, t.num, t.width = kindFloat, uint64(math.Float32bits(f)), 32
}

func (t *token) setBigOrNull(n *big.Int) {
	if n == nil {
		t.kind = kindNull
		return
	}
	t.setBig(n)
}

func (w *writer) appendString(s string, p place) error {
	if !utf8.ValidString(s) {
		return ErrNotText
	}
	return w.putText([]byte(s), p)
}

func (w *writer) appendList(list wamp.List, p place, depth int) error {
	return w.appendItems(kindList, len(list), p, depth, func(i int) error {
		return w.appendValue(list[i], itemPlace(i), depth+1)
	})
}

func (w *writer) appendDict(dict wamp.Dict, p place, depth int) error {
	var few [16]string
	keys := few[:0]
	for key := range dict {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return w.appendItems(kindMap, len(keys), p, depth, func(i int) error {
		return w.appendPair(keys[i], dict[keys[i]], i, depth)
	})
}

// appendPair appends the pair of that index in a map of that depth.
func (w *writer) appendPair(key string, v any, index, depth int) error {
	if err := w.appendString(key, pairPlace(2*index)); err != nil {
		return err
	}
	return w.appendValue(v, placeValue, depth+1)
}

// appendItems appends a list or map of which item appends the items (of a map: pairs).
func (w *writer) appendItems(k kind, size int, p place, depth int, item func(i int) error) error {
	if depth > maxDepth {
		return errTooDeep
	}
	if err := w.put(&token{kind: k, size: size, place: p}); err != nil {
		return err
	}
	for i := range size {
		if err := item(i); err != nil {
			return err
		}
	}
	end := kindListEnd
	if k == kindMap {
		end = kindMapEnd
	}
	return w.put(&token{kind: end, size: size, exact: true})
}

func (w *writer) appendTag(tag Tag, p place, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	if err := w.put(&token{kind: kindTag, num: tag.Number, place: p}); err != nil {
		return err
	}
	return w.appendValue(tag.Value, p, depth+1)
}

func cannotEncode(v any) error {
	return inexpressible(fmt.Sprintf("a Go value of type %T cannot be sent", v))
}
