//go:build !linux

package bench

import "time"

// nap sleeps, as exactly as the system's timers are.
func nap(d time.Duration) { <-time.After(d) }
