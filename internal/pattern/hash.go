package pattern

import "math/bits"

// secret makes hashes unpredictable, so that nobody can choose URIs that collide.
type secret [2]uint64

// noHash is no URI's.
const noHash = 0

// hash folds a URI into 64 bits: it mixes 16 octets at a time, disguised by the secret, into what went before. It is the
// same whether the octets are a string or not.
func hash[K string | []byte](s *secret, key K) uint64 {
	length := uint64(len(key))
	h := s[0] ^ length ^ 0xa0761d6478bd642f
	factor := s[1] ^ 0xe7037ed1a0b428db
	for len(key) > 16 {
		h = fold(word(key)^factor, word(key[8:])^h)
		key = key[16:]
	}
	var a, b uint64
	switch {
	case len(key) >= 8:
		a, b = word(key), word(key[len(key)-8:])
	case len(key) >= 4:
		a, b = half(key), half(key[len(key)-4:])
	case len(key) > 0:
		a = uint64(key[0])<<16 | uint64(key[len(key)/2])<<8 | uint64(key[len(key)-1])
	}
	return fold(fold(a^factor, b^h), factor^length) | 1<<taken
}

// taken is a bit that all hashes have, one that decides neither about the segment of a table nor about the slot.
const taken = 40

// fold mixes two numbers so that every bit of each tells on the result.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// word reads 8 octets. The compiler makes one load of it.
func word[K string | []byte](key K) uint64 {
	return half(key) | half(key[4:])<<32
}

func half[K string | []byte](key K) uint64 {
	_ = key[3]
	return uint64(key[0]) | uint64(key[1])<<8 | uint64(key[2])<<16 | uint64(key[3])<<24
}
