package pattern

import (
	"math/bits"
	"strings"
)

// MaxComponents is the largest number of components that a wildcard pattern in
// an index can have. A URI with more of them matches no wildcard, as it should:
// none has as many.
const MaxComponents = 64

// blanks is a set of components. Bit 63 is the first one, so that sets compare
// as numbers the way that wildcards do by R3.
type blanks uint64

func component(i int) blanks { return 1 << (63 - i) }

// first returns the leftmost component in a set that is not empty.
func (b blanks) first() int { return bits.LeadingZeros64(uint64(b)) }

// components is the scratch in which one URI or wildcard pattern is taken apart.
type components struct {
	count  int
	blanks blanks                 // which components are empty
	starts [MaxComponents + 1]int // starts[i+1] is one dot past the end of component i
	key    []byte                 // what blank made
}

// split finds the components of uri; it fails if there are too many.
func (c *components) split(uri string) bool {
	c.count, c.blanks = 0, 0
	for more := true; more; c.count++ {
		if c.count == MaxComponents {
			return false
		}
		var literal string
		literal, uri, more = strings.Cut(uri, ".")
		if literal == "" {
			c.blanks |= component(c.count)
		}
		c.starts[c.count+1] = c.starts[c.count] + len(literal) + 1
	}
	return true
}

// blank returns uri, which was the last to be split, without the components of
// mask: the one pattern of this shape that matches uri. The bytes are the
// scratch's, good until its next use.
func (c *components) blank(uri string, mask blanks) []byte {
	key, from := c.key[:0], 0
	for mask != 0 {
		i := mask.first()
		key = append(key, uri[from:c.starts[i]]...)
		from = c.starts[i+1] - 1
		mask &^= component(i)
	}
	c.key = append(key, uri[from:]...)
	return c.key
}
