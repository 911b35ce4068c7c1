package pattern

import "errors"

// Errors of [Index.Insert]. The index is unchanged when one is returned.
var (
	// ErrTooManyComponents: a wildcard pattern has more than MaxComponents.
	ErrTooManyComponents = errors.New("pattern: wildcard has too many components")
	// ErrTooManyShapes: a wildcard pattern would be the first of its shape
	// while MaxShapes others with as many components exist.
	ErrTooManyShapes = errors.New("pattern: too many wildcard shapes with this number of components")
	// ErrShareUsed: a wildcard pattern would be the first of its shape, and its
	// owner has brought as many shapes as are free.
	ErrShareUsed = errors.New("pattern: too many wildcard shapes with this number of components are this session's")
	// ErrUnknownKind: the kind is none of Exact, Prefix and Wildcard.
	ErrUnknownKind = errors.New("pattern: unknown kind")
)

// An Index holds one value for each (kind, URI), the identity of a registration
// or subscription within a realm (PBR-09, PBS-05). The zero value is empty and
// ready for use, but who can choose entries can make them collide: see New. An
// Index must not be copied after first use.
//
// An Index is not safe for concurrent use, and that includes look-ups: Best and
// All write to a scratch space of the index instead of allocating. Callers hold
// a lock, not a read lock. The URIs of entries are kept, those asked for are not.
type Index[V any] struct {
	exact     table[V]
	prefixes  prefixes[V]
	wildcards wildcards[V]
}

// New returns an empty index in which nobody can make entries collide who does
// not know the secret, which is random bits.
func New[V any](secret [2]uint64) Index[V] {
	var x Index[V]
	x.exact.secret, x.prefixes.entries.secret, x.wildcards.entries.secret = secret, secret, secret
	return x
}

// Insert is InsertFor nobody.
func (x *Index[V]) Insert(k Kind, uri string, v V) error {
	return x.InsertFor(Nobody, k, uri, v)
}

// InsertFor sets the value of the entry (k, uri). Exact URIs and prefixes are
// always taken; a wildcard can be refused with ErrTooManyComponents,
// ErrTooManyShapes or, unless the owner is Nobody, ErrShareUsed. A shape counts as
// its first owner's for as long as it exists.
func (x *Index[V]) InsertFor(owner uint64, k Kind, uri string, v V) error {
	switch k {
	case Exact:
		x.exact.set(uri, v)
		return nil
	case Prefix:
		x.prefixes.insert(uri, v)
		return nil
	case Wildcard:
		return x.wildcards.insert(uri, v, owner)
	}
	return ErrUnknownKind
}

// Delete removes the entry (k, uri), no other kind of the same URI (PBS-10), and
// reports whether there was one.
func (x *Index[V]) Delete(k Kind, uri string) bool {
	_, found := x.Get(k, uri)
	if !found {
		return false
	}
	switch k {
	case Exact:
		x.exact.remove(uri)
	case Prefix:
		x.prefixes.remove(uri)
	case Wildcard:
		x.wildcards.remove(uri)
	}
	return true
}

// Get returns the value of the entry (k, uri) itself. Nothing is matched: a
// wildcard is found by its pattern, not by a URI that it matches.
func (x *Index[V]) Get(k Kind, uri string) (v V, found bool) {
	switch k {
	case Exact:
		v, found = x.exact.get(uri)
	case Prefix:
		v, found = x.prefixes.entries.get(uri)
	case Wildcard:
		v, found = x.wildcards.entries.get(uri)
	}
	return v, found
}

// Best returns the value and the kind of the one entry that rules R1 to R4
// choose for uri, and false if no entry matches (PBR-04, PBR-06, ROU-01). The
// choice does not depend on the order in which entries came (PBR-12). Rule R0
// is the caller's: ask only for a URI that entries may serve. Best allocates
// nothing, a first growth of the scratch space apart.
func (x *Index[V]) Best(uri string) (v V, k Kind, found bool) {
	if v, found = x.exact.get(uri); found {
		return v, Exact, true
	}
	prefix, matched, aligned := x.prefixes.longest(uri)
	if aligned {
		return prefix, Prefix, true
	}
	if v, found = x.wildcards.best(uri); found {
		return v, Wildcard, true
	}
	if matched {
		return prefix, Prefix, true
	}
	return v, Exact, false
}

// All appends the value of every entry that matches uri to dst and returns it:
// the exact one, prefixes by increasing length, wildcards with the best first by
// R3 (PBS-03). It allocates only what dst lacks, a first growth of the scratch
// space apart.
func (x *Index[V]) All(dst []V, uri string) []V {
	if v, found := x.exact.get(uri); found {
		dst = append(dst, v)
	}
	dst = x.prefixes.all(dst, uri)
	return x.wildcards.all(dst, uri)
}

// Len returns the number of entries of kind k.
func (x *Index[V]) Len(k Kind) int {
	switch k {
	case Exact:
		return x.exact.count
	case Prefix:
		return x.prefixes.entries.count
	case Wildcard:
		return x.wildcards.entries.count
	}
	return 0
}
