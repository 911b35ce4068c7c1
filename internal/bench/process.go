package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used up to now, as Linux accounts for it.
type usage struct {
	cpu      time.Duration
	syscalls uint64 // reads and writes
	rss      uint64 // bytes
}

// clockTick is the unit of CPU time in /proc, which is 10 ms on every Linux that Go supports.
const clockTick = 10 * time.Millisecond

// usageOf reads the accounts of a process.
func usageOf(pid int) (usage, error) {
	var u usage
	dir := "/proc/" + strconv.Itoa(pid) + "/"
	cpu, errCPU := cpuTime(dir + "stat")
	calls, errIO := sumOf(dir+"io", "syscr:", "syscw:")
	kib, errRSS := sumOf(dir+"status", "VmRSS:")
	u.cpu, u.syscalls, u.rss = cpu, calls, kib<<10
	return u, errors.Join(errCPU, errIO, errRSS)
}

// cpuTime reads the user and system time from a stat file. The name in it may contain anything, so fields are
// counted from the last bracket on.
func cpuTime(file string) (time.Duration, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const userTime, systemTime = 11, 12
	if len(fields) <= systemTime {
		return 0, fmt.Errorf("bench: %s has %d fields", file, len(fields))
	}
	user, err1 := strconv.ParseUint(fields[userTime], 10, 64)
	system, err2 := strconv.ParseUint(fields[systemTime], 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(err1, err2)
}

// sumOf adds the numbers that stand behind the keys in a file of keys and values.
func sumOf(file string, keys ...string) (uint64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	var sum uint64
	for _, key := range keys {
		_, rest, found := strings.Cut(string(text), key)
		fields := strings.Fields(rest)
		if !found || len(fields) == 0 {
			return 0, fmt.Errorf("bench: no %s in %s", key, file)
		}
		n, err := strconv.ParseUint(fields[0], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
