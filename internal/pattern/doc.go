// Package pattern answers which of a set of URI patterns match a URI, and in
// which order. The dealer asks for the best match of a procedure (one
// registration per call), the broker for every match of a topic (one event per
// subscription), the authorizer whether a rule contains a pattern.
//
// It does not judge URIs: that components hold legal characters and that a
// pattern is well-formed is for package wamp to say (requirements 2.3).
//
// # The three kinds
//
//	kind      matches                                     example        matches
//	Exact     the URI, byte for byte (URI-09)             com.shop.add   com.shop.add
//	Prefix    URIs that begin with these bytes (PBR-02)   com.shop.a     com.shop.add, com.shop.a.b
//	Wildcard  as many components, each equal; an empty    com..add       com.shop.add
//	          one matches any non-empty one (PBR-03)
//
// # Which one is best (requirements 5.1)
//
//	R1  the exact entry
//	R2  the longest matching prefix, if any matching prefix is aligned: it ends
//	    where a component of the URI begins or ends
//	R3  the wildcard that is literal where the others are not, read from the left
//	R4  the longest matching prefix, though all of them end inside a component
//
// Rule R0, that wamp.* belongs to the meta procedures, is the dealer's; [Reaches]
// tells which patterns it concerns.
//
// # How it is found
//
// Every kind is a hash table, so a look-up costs the same with a thousand entries
// as with a million, cache misses apart (PBR-13, PBS-11); and who has several to
// do can wait for those once instead of each time, see [Index.Warm]:
//
//	Exact     one probe with the URI.
//	Prefix    one probe for each length that some prefix has and that fits the
//	          URI, with that many of its bytes.
//	Wildcard  one probe for each shape (number of components, which of them are
//	          empty) of as many components as the URI has, with the URI blanked
//	          to that shape. Shapes are sorted, so that the first hit is the best.
//
// What an enemy can make of it is bounded. Shapes per number of components stop
// at [MaxShapes], half of which is the most that a single owner can bring, and
// components at [MaxComponents]. Lengths stop at the length of
// the URI; with a prefix of every length a URI of 1 KiB takes 1025 probes that
// hash half a megabyte, well below a millisecond. Hashes depend on a secret, see
// [New], so collisions cannot be prepared. Tables grow in parts, so that no
// single insertion takes long.
package pattern
