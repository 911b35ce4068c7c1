//go:build linux

package transport

import (
	"syscall"
	"unsafe"
)

// readNow and writeNow call the kernel without telling the scheduler that a call is under way, which would cost more
// than the call: the descriptor is in non-blocking mode, so the call never waits. They must never be given another
// kind of descriptor (ADR 0006).

func readNow(fd uintptr, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return int(n), errno
}

func writeNow(fd uintptr, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return int(n), errno
}
