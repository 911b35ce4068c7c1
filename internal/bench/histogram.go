package bench

import (
	"math"
	"math/bits"
	"time"
)

// histogram counts durations in buckets whose width is at most 1/32 of their value.
type histogram struct {
	counts [64 * subBuckets]uint64
	total  uint64
}

const (
	subBits    = 5
	subBuckets = 1 << subBits
)

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return (shift+1)<<subBits + int(v>>shift) - subBuckets
}

// upperBound returns the largest duration in the bucket.
func upperBound(bucket int) time.Duration {
	if bucket < subBuckets {
		return time.Duration(bucket)
	}
	shift := bucket>>subBits - 1
	return time.Duration((uint64(bucket&(subBuckets-1)|subBuckets)+1)<<shift - 1)
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucketOf(d)]++
	h.total++
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// quantile returns the duration that the share q, from 0 to 1, of all durations does not exceed, as exactly as the
// buckets know it and never less than it is.
func (h *histogram) quantile(q float64) time.Duration {
	rank := max(1, uint64(math.Ceil(q*float64(h.total)-1e-6)))
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return upperBound(i)
		}
	}
	return 0 // nothing was counted
}

func (h *histogram) max() time.Duration { return h.quantile(1) }
