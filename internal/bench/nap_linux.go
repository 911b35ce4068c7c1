package bench

import (
	"syscall"
	"time"
)

// nap sleeps on the thread, which takes some 50 µs longer than asked for. It may wake up early.
func nap(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil)
}
