package vsphere

import "sync/atomic"

// counter returns a function that adds to a stage's count and reports it. It
// may be called concurrently.
func counter(stage string, total int, report func(stage string, done, total int)) func(n int) {
	var done atomic.Int64
	report(stage, 0, total)
	return func(n int) { report(stage, int(done.Add(int64(n))), total) }
}
