package slab_test

import (
	"testing"

	"github.com/tandemrouter/tandem/internal/slab"
)

func TestValuesStayInPlaceAndComeBackZeroed(t *testing.T) {
	var s slab.Slab[int]
	for range 3 {
		var values []*int
		for i := range 1000 {
			v := s.Next()
			if *v != 0 {
				t.Fatalf("value %d is %d, not zero", i, *v)
			}
			*v = i + 1
			values = append(values, v)
		}
		for i, v := range values {
			if *v != i+1 {
				t.Fatalf("value %d is %d", i, *v)
			}
		}
		s.Reset()
	}
}

func TestSteadyUseAllocatesNothing(t *testing.T) {
	var s slab.Slab[[4]int]
	n := testing.AllocsPerRun(100, func() {
		for range 100 {
			s.Next()
		}
		s.Reset()
	})
	if n > 0 {
		t.Errorf("%v allocations per use", n)
	}
}
