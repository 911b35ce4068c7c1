package server

import "testing"

// Whoever tunes the collector gets what was asked for.
func TestBallast(t *testing.T) {
	for name, test := range map[string]struct {
		gogc, limit string
		size        int
	}{
		"not tuned":    {"", "", ballastSize},
		"by GOGC":      {"50", "", 0},
		"off":          {"off", "", 0},
		"by its limit": {"", "1GiB", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOGC", test.gogc)
			t.Setenv("GOMEMLIMIT", test.limit)
			if got := len(ballast()); got != test.size {
				t.Errorf("%d bytes", got)
			}
		})
	}
}
