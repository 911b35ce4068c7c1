package pattern

import (
	"cmp"
	"slices"
)

// prefixes finds the prefixes of a URI by probing for each length that exists.
type prefixes[V any] struct {
	entries table[V]
	lengths []length // of the entries, increasing
}

// length counts the prefixes of one length, in octets.
type length struct {
	octets  int
	entries int
}

func (p *prefixes[V]) insert(prefix string, v V) {
	if added := p.entries.set(prefix, v); !added {
		return
	}
	i, found := p.find(len(prefix))
	if !found {
		p.lengths = slices.Insert(p.lengths, i, length{octets: len(prefix)})
	}
	p.lengths[i].entries++
}

// remove takes away a prefix that is present.
func (p *prefixes[V]) remove(prefix string) {
	p.entries.remove(prefix)
	i, _ := p.find(len(prefix))
	p.lengths[i].entries--
	if p.lengths[i].entries == 0 {
		p.lengths = slices.Delete(p.lengths, i, i+1)
	}
}

func (p *prefixes[V]) find(octets int) (i int, found bool) {
	return slices.BinarySearchFunc(p.lengths, octets, func(l length, octets int) int {
		return cmp.Compare(l.octets, octets)
	})
}

// fitting returns the lengths that a prefix of uri can have, increasing.
func (p *prefixes[V]) fitting(uri string) []length {
	beyond, _ := p.find(len(uri) + 1)
	return p.lengths[:beyond]
}

// longest returns the longest matching prefix, and whether any of the matching
// prefixes is aligned (R2). Once one matched, only aligned ones are of interest.
func (p *prefixes[V]) longest(uri string) (v V, matched, isAligned bool) {
	for _, l := range slices.Backward(p.fitting(uri)) {
		alignedHere := aligned(uri, l.octets)
		if matched && !alignedHere {
			continue
		}
		e, found := p.entries.get(uri[:l.octets])
		if found && !matched {
			v, matched = e, true
		}
		if found && alignedHere {
			return v, true, true
		}
	}
	return v, matched, false
}

func (p *prefixes[V]) all(dst []V, uri string) []V {
	for _, l := range p.fitting(uri) {
		if v, found := p.entries.get(uri[:l.octets]); found {
			dst = append(dst, v)
		}
	}
	return dst
}

// aligned reports whether the first n octets of uri end where one of its
// components begins or ends, rather than inside it.
func aligned(uri string, n int) bool {
	return n == 0 || n == len(uri) || uri[n-1] == '.' || uri[n] == '.'
}
