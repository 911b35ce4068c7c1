package pattern

import (
	"math/bits"
	"strings"
	"testing"
)

// Every bit of a URI, wherever it stands, tells on both ends of the hash: on the one that decides about the segment and on
// the one that decides about the slot.
func TestHash_EveryBitCounts(t *testing.T) {
	s := secret{1, 2}
	for length := 1; length <= 70; length++ {
		uri := strings.Repeat("a", length)
		whole := hash(&s, uri)
		if whole != hash(&s, []byte(uri)) {
			t.Errorf("%d octets: a string and its octets differ", length)
		}
		for at := range 8 * length {
			other := []byte(uri)
			other[at/8] ^= 1 << (at % 8)
			if h := hash(&s, other); bits.OnesCount32(uint32(h^whole)) < 4 || bits.OnesCount32(uint32((h^whole)>>32)) < 4 {
				t.Errorf("%d octets: bit %d hardly counts: %x, %x", length, at, whole, h)
			}
		}
	}
}

// Octets of one kind differ by their number.
func TestHash_LengthCounts(t *testing.T) {
	seen := map[uint64]int{}
	for length := range 200 {
		h := hash(&secret{}, strings.Repeat("\x00", length))
		if other, known := seen[h]; known {
			t.Errorf("%d and %d octets have the same hash", other, length)
		}
		seen[h] = length
	}
}

// The same URI belongs elsewhere under another secret, whichever half of it differs.
func TestHash_SecretCounts(t *testing.T) {
	seen := map[uint64]bool{}
	for _, s := range []secret{{0, 0}, {0, 1}, {1, 0}, {1, 1}} {
		for _, uri := range []string{"", "a", "abcd", "abcdefgh", strings.Repeat("a", 40)} {
			seen[hash(&s, uri)] = true
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d hashes, want 20", len(seen))
	}
}
