//go:build unix && !linux

package transport

import (
	"errors"
	"syscall"
)

func readNow(fd uintptr, b []byte) (int, syscall.Errno) { return split(syscall.Read(int(fd), b)) }

func writeNow(fd uintptr, b []byte) (int, syscall.Errno) { return split(syscall.Write(int(fd), b)) }

func split(n int, err error) (int, syscall.Errno) {
	var errno syscall.Errno
	if err != nil && !errors.As(err, &errno) {
		errno = syscall.EIO
	}
	return n, errno
}
