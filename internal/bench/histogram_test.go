package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsHoldWhatIsPutIntoThem(t *testing.T) {
	durations := []time.Duration{0, 1, 31, 32, 33, 63, 64, 65, 1023, 1024, time.Second, math.MaxInt64}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		durations = append(durations, time.Duration(r.Int64()>>r.IntN(63)))
	}
	for _, d := range durations {
		bucket := bucketOf(d)
		bound := upperBound(bucket)
		if bound < d || float64(bound-d) > float64(d)/subBuckets {
			t.Errorf("%d is in the bucket that ends with %d", d, bound)
		}
		if bound < math.MaxInt64 && bucketOf(bound+1) != bucket+1 {
			t.Errorf("%d is not in the bucket behind that of %d", bound+1, d)
		}
	}
	if bucketOf(-1) != 0 {
		t.Error("a negative duration is not 0")
	}
}

// The quantiles are those of the sorted durations, at most a bucket's width above them.
func TestQuantiles(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		sorted := make([]time.Duration, 1+r.IntN(3000))
		var h, other histogram
		for i := range sorted {
			sorted[i] = time.Duration(r.ExpFloat64() * float64(time.Millisecond))
			if i%2 == 0 {
				h.add(sorted[i])
			} else {
				other.add(sorted[i])
			}
		}
		h.merge(&other)
		slices.Sort(sorted)
		for _, q := range []float64{0, 0.1, 0.5, 0.9, 0.99, 0.999, 1} {
			index := max(0, int(math.Ceil(q*float64(len(sorted))-1e-6))-1)
			exact, got := sorted[index], h.quantile(q)
			if got < exact || float64(got-exact) > float64(exact)/subBuckets {
				t.Errorf("seed %d: quantile %v of %d is %d, not %d", seed, q, len(sorted), got, exact)
			}
		}
		if h.max() != h.quantile(1) || h.total != uint64(len(sorted)) {
			t.Errorf("seed %d: max %s, total %d", seed, h.max(), h.total)
		}
	}
}

func TestQuantileOfNothing(t *testing.T) {
	if h := new(histogram); h.quantile(0.5) != 0 || h.max() != 0 {
		t.Error("nothing has a quantile")
	}
}
