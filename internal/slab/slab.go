package slab

// Slab gives out values of one type at addresses that stay where they are. The zero value is ready. It is not for
// concurrent use.
type Slab[T any] struct {
	chunks [][]T
	used   int
}

const (
	chunkSize = 64
	keep      = 4 // chunks after a Reset
)

// Next returns a zeroed value. It is the caller's until Reset.
func (s *Slab[T]) Next() *T {
	chunk, at := s.used/chunkSize, s.used%chunkSize
	if chunk == len(s.chunks) {
		s.chunks = append(s.chunks, make([]T, chunkSize))
	}
	s.used++
	return &s.chunks[chunk][at]
}

// Reset takes back and zeroes all values. It keeps the memory of a few chunks.
func (s *Slab[T]) Reset() {
	for i := range (s.used + chunkSize - 1) / chunkSize {
		clear(s.chunks[i][:min(chunkSize, s.used-i*chunkSize)])
	}
	if len(s.chunks) > keep {
		clear(s.chunks[keep:])
		s.chunks = s.chunks[:keep]
	}
	s.used = 0
}
