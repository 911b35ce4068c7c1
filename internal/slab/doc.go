// Package slab gives out zeroed values that are all taken back at once, so that work which needs many of them again
// and again allocates none.
package slab
