package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// work takes CPU time until the process has some to account for.
func work(t *testing.T) {
	t.Helper()
	for u, err := usageOf(os.Getpid()); u.cpu == 0; u, err = usageOf(os.Getpid()) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestUsageOfThisProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/io"); err != nil {
		t.Skip("needs Linux's /proc")
	}
	work(t)
	before, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := os.ReadFile("/proc/self/stat"); err != nil {
			t.Fatal(err)
		}
	}
	after, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after.syscalls-before.syscalls < 100 || after.cpu < before.cpu || after.cpu%clockTick != 0 || after.rss < 1<<20 {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestUsageOfNobody(t *testing.T) {
	if _, err := usageOf(1 << 30); err == nil || !strings.Contains(err.Error(), "process 1073741824 cannot be accounted for") {
		t.Errorf("got %v", err)
	}
}

func file(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A process can have any name.
func TestCPUTime(t *testing.T) {
	for content, want := range map[string]time.Duration{
		"7 (tandem) S 1 2 3 4 5 6 7 8 9 10 150 50 0": 2 * time.Second,
		"7 (a) b) R) S 1 2 3 4 5 6 7 8 9 10 1 0 0":   clockTick,
		"7 (tandem) S 1 2 3":                         -1,
		"7 (tandem) S 1 2 3 4 5 6 7 8 9 10 many 0 0": -1,
		"": -1,
	} {
		got, err := cpuTime(file(t, content))
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %s, %v, want %s", content, got, err, want)
		}
	}
}

func TestSumOf(t *testing.T) {
	for content, want := range map[string]int{
		"rchar: 1\nsyscr: 20\nsyscw: 3\n":             23,
		"Name:\tsyscr: 7\nsyscr:\t 20 kB\nsyscw: 3\n": 23,
		"syscr: 20\n":             -1,
		"syscr: many\nsyscw: 3\n": -1,
		"syscr: 20\nxsyscw: 3\n":  -1,
		"syscr: 20\nsyscw: -3\n":  -1,
	} {
		got, err := sumOf(file(t, content), "syscr", "syscw")
		if err != nil && want >= 0 || err == nil && int(got) != want {
			t.Errorf("%q: %d, %v, want %d", content, got, err, want)
		}
	}
}
