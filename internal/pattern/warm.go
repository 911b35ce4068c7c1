package pattern

import "slices"

const (
	warmAtOnce = 64 // URIs whose memory is waited for together
	warmProbes = 4  // of one URI into prefixes, and as many into wildcards
)

// Warm has the processor read into its caches what Best will need for these URIs, and changes no answer. In an index
// that does not fit into the caches a look-up mostly waits for memory; if there are several to do, warming the index
// first lets them wait together. In a small index it only costs time.
//
// It appends to dst the values that Best will probably return, in any order, for who wants to warm what they point to;
// they are guesses, because reading the keys is left to Best. It allocates only what dst lacks.
//
// What is warmed is bounded: of the prefixes that a URI may have the longest four, of the wildcards those of the best
// four shapes. Others cost Best the time that they always cost.
func (x *Index[V]) Warm(dst []V, uris []string) []V {
	for run := range slices.Chunk(uris, warmAtOnce) {
		var w warming
		open := w.uris[:copy(w.uris[:], run)]
		guess := func(v V) { dst = append(dst, v) }
		open = x.exact.warmWhole(&w, open, guess)
		open = x.prefixes.warm(&w, open, guess)
		x.wildcards.warm(&w, open, guess)
	}
	return dst
}

// warming is the scratch in which a few URIs are warmed for.
type warming struct {
	uris   [warmAtOnce]string // the first of them are those for which nothing was found yet
	hashes [warmAtOnce]uint64
}

func (t *table[V]) warmWhole(w *warming, open []string, found func(V)) []string {
	for i, uri := range open {
		w.hashes[i] = hash(&t.secret, uri)
	}
	return t.warm(w, open, found)
}

func (p *prefixes[V]) warm(w *warming, open []string, found func(V)) []string {
	if p.entries.count == 0 {
		return open
	}
	for probe := 1; probe <= warmProbes; probe++ {
		for i, uri := range open {
			w.hashes[i] = noHash
			if lengths := p.fitting(uri); probe <= len(lengths) {
				w.hashes[i] = hash(&p.entries.secret, uri[:lengths[len(lengths)-probe].octets])
			}
		}
		open = p.entries.warm(w, open, found)
	}
	return open
}

func (w *wildcards[V]) warm(scratch *warming, open []string, found func(V)) {
	if w.entries.count == 0 {
		return
	}
	for probe := range warmProbes {
		for i, uri := range open {
			scratch.hashes[i] = noHash
			if shapes := w.candidates(uri); probe < len(shapes) {
				scratch.hashes[i] = hash(&w.entries.secret, w.uri.blank(uri, shapes[probe].mask))
			}
		}
		open = w.entries.warm(scratch, open, found)
	}
}

// warm reads the slots and keys of the entries that the URIs' hashes lead to, and tells found of each. It returns the URIs
// for which it found none, in the same memory.
//
// The processor waits for many reads at once if none depends on another and little else stands between them. So every
// kind of read has a loop of its own.
func (t *table[V]) warm(w *warming, open []string, found func(V)) (missing []string) {
	if t.count == 0 {
		return open
	}
	for _, h := range w.hashes[:len(open)] {
		slots := t.segment(h).slots
		t.touched += slots[int(h)&(len(slots)-1)].hash
	}
	var room [warmAtOnce]*slot[V]
	hits, missing := room[:0], open[:0]
	for i, uri := range open {
		if s := t.probably(w.hashes[i]); s != nil {
			hits = append(hits, s)
		} else {
			missing = append(missing, uri)
		}
	}
	for _, s := range hits {
		if s.key != "" { // its ends may lie in two lines of the cache
			t.touched += uint64(s.key[0]) + uint64(s.key[len(s.key)-1])
		}
	}
	for _, s := range hits {
		found(s.value)
	}
	return missing
}

// probably returns the slot of an entry that has this hash, or nil. It does not read the key.
func (t *table[V]) probably(h uint64) *slot[V] {
	slots := t.segment(h).slots
	last := len(slots) - 1
	for i := int(h) & last; slots[i].hash != noHash; i = (i + 1) & last {
		if slots[i].hash == h {
			return &slots[i]
		}
	}
	return nil
}
