package client

import "sync"

// The bounds of what waits for a handler.
const (
	maxWaiting      = 4096     // jobs
	maxWaitingBytes = 16 << 20 // bytes of the messages that they are about
)

// workers runs jobs in the order in which they come, at most limit of them at once. What cannot run yet waits, as far
// as the bounds allow. With limit 1 the jobs run one after the other.
type workers struct {
	// immutable after newWorkers

	limit int
	wg    *sync.WaitGroup

	mu sync.Mutex

	// guarded by mu

	running int
	waiting []job
	bytes   int // of the waiting jobs
}

// job is a function to run, and how many bytes are kept for it.
type job struct {
	run  func()
	size int
}

func newWorkers(limit int, wg *sync.WaitGroup) *workers { return &workers{limit: limit, wg: wg} }

// submit runs the job now or later and reports true, or reports false because too much is waiting. It never waits.
func (w *workers) submit(j job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running < w.limit {
		w.running++
		w.wg.Go(func() { w.work(j) })
		return true
	}
	if len(w.waiting) >= maxWaiting || w.bytes > 0 && w.bytes+j.size > maxWaitingBytes {
		return false
	}
	w.waiting = append(w.waiting, j)
	w.bytes += j.size
	return true
}

func (w *workers) work(j job) {
	for ok := true; ok; j, ok = w.next() {
		j.run()
	}
}

func (w *workers) next() (job, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		w.waiting = nil
		w.running--
		return job{}, false
	}
	j := w.waiting[0]
	w.waiting[0] = job{}
	w.waiting = w.waiting[1:]
	w.bytes -= j.size
	return j, true
}
