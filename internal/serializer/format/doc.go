// Package format knows how MessagePack and CBOR write the first bytes of a value, and what JSON escapes: what reading
// and writing messages and payloads have in common.
//
//	            JSON       MessagePack           CBOR
//	integer     digits     a byte, or 1+1…1+8    major type and argument
//	text        "…"        length, then bytes    major type and length, then bytes
//	list, map   […] {…}    size, then items      major type and size, then items; or items and a break
//
// It neither looks for the end of a value nor makes a Go value of it. The packages above do.
package format
