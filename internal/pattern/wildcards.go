package pattern

import (
	"cmp"
	"slices"
)

// MaxShapes is the number of wildcard shapes that an index takes for one number
// of components. A shape is which of the components are empty. Every shape
// costs look-ups of such URIs a probe, so without a bound a few thousand
// patterns could slow down every call.
const MaxShapes = 32

// Nobody is the owner of what has no share to keep to.
const Nobody = 0

// wildcards finds wildcard patterns by blanking the components of a URI in the
// way of each shape that exists.
type wildcards[V any] struct {
	entries table[V]
	shapes  [MaxComponents + 1][]shape // by number of components, best first (R3)
	uri     components                 // scratch of one call, kept so that none allocates
}

// shape counts the patterns whose empty components are those of mask. Among
// shapes of as many components the smaller mask is the better match (R3): at the
// first component in which two differ, it has the literal.
type shape struct {
	mask    blanks
	entries int
	owner   uint64 // who brought the first of these patterns
}

func (w *wildcards[V]) insert(pattern string, v V, owner uint64) error {
	if _, known := w.entries.get(pattern); !known {
		if err := w.addShape(pattern, owner); err != nil {
			return err
		}
	}
	w.entries.set(pattern, v)
	return nil
}

func (w *wildcards[V]) addShape(pattern string, owner uint64) error {
	if !w.uri.split(pattern) {
		return ErrTooManyComponents
	}
	shapes := &w.shapes[w.uri.count]
	i, found := findShape(*shapes, w.uri.blanks)
	if !found {
		if err := admitShape(*shapes, owner); err != nil {
			return err
		}
		*shapes = slices.Insert(*shapes, i, shape{mask: w.uri.blanks, owner: owner})
	}
	(*shapes)[i].entries++
	return nil
}

// admitShape says whether the owner may bring one shape more. It may not have
// more than are free, so that one owner cannot use all of them up: the first can
// have half of them, the next one half of the rest.
func admitShape(shapes []shape, owner uint64) error {
	free, own := MaxShapes-len(shapes), 0
	for _, s := range shapes {
		if s.owner == owner {
			own++
		}
	}
	switch {
	case free == 0:
		return ErrTooManyShapes
	case owner != Nobody && own >= free:
		return ErrShareUsed
	default:
		return nil
	}
}

// remove takes away a pattern that is present.
func (w *wildcards[V]) remove(pattern string) {
	w.entries.remove(pattern)
	w.uri.split(pattern)
	shapes := &w.shapes[w.uri.count]
	i, _ := findShape(*shapes, w.uri.blanks)
	(*shapes)[i].entries--
	if (*shapes)[i].entries == 0 {
		*shapes = slices.Delete(*shapes, i, i+1)
	}
}

func findShape(shapes []shape, mask blanks) (i int, found bool) {
	return slices.BinarySearchFunc(shapes, mask, func(s shape, mask blanks) int {
		return cmp.Compare(s.mask, mask)
	})
}

// candidates splits uri and returns the shapes that a matching pattern can have.
func (w *wildcards[V]) candidates(uri string) []shape {
	if w.entries.count == 0 || !w.uri.split(uri) || w.uri.blanks != 0 {
		return nil
	}
	return w.shapes[w.uri.count]
}

// probe returns the value of the entry that has shape s and matches uri, which is split.
func (w *wildcards[V]) probe(uri string, s shape) (V, bool) {
	return lookUp(&w.entries, w.uri.blank(uri, s.mask))
}

func (w *wildcards[V]) best(uri string) (v V, found bool) {
	for _, s := range w.candidates(uri) {
		if v, found = w.probe(uri, s); found {
			return v, true
		}
	}
	return v, false
}

// all appends the matching values, the best first.
func (w *wildcards[V]) all(dst []V, uri string) []V {
	for _, s := range w.candidates(uri) {
		if v, found := w.probe(uri, s); found {
			dst = append(dst, v)
		}
	}
	return dst
}
