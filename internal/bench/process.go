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
	allocs   uint64 // on the heap; 0 if the process was not asked
	rss      uint64 // bytes
}

// since returns what was used since before. Memory is not used up: it is what it is now.
func (u usage) since(before usage) usage {
	return usage{u.cpu - before.cpu, u.syscalls - before.syscalls, u.allocs - before.allocs, u.rss}
}

// clockTick is the unit of CPU time in /proc, which is 10 ms on every Linux that Go supports.
const clockTick = 10 * time.Millisecond

// usageOf reads the accounts of a process.
func usageOf(pid int) (usage, error) {
	dir := "/proc/" + strconv.Itoa(pid) + "/"
	cpu, errCPU := cpuTime(dir + "stat")
	calls, errIO := sumOf(dir+"io", "syscr", "syscw")
	kib, errRSS := sumOf(dir+"status", "VmRSS")
	if err := errors.Join(errCPU, errIO, errRSS); err != nil {
		return usage{}, fmt.Errorf("bench: process %d cannot be accounted for, which needs Linux and the same user: %w", pid, err)
	}
	return usage{cpu: cpu, syscalls: calls, rss: kib << 10}, nil
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
		return 0, fmt.Errorf("%s has %d fields", file, len(fields))
	}
	user, err1 := strconv.ParseUint(fields[userTime], 10, 64)
	system, err2 := strconv.ParseUint(fields[systemTime], 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(err1, err2)
}

// sumOf adds the numbers of some keys in a file whose lines are a key, a colon and a value.
func sumOf(file string, keys ...string) (uint64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	values := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		values[key] = value
	}
	var sum uint64
	for _, key := range keys {
		number, _, _ := strings.Cut(strings.TrimSpace(values[key]), " ") // a unit may follow
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %s: %w", file, key, err)
		}
		sum += n
	}
	return sum, nil
}
