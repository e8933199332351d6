//go:build linux

package soak_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// TestWait waits for four hours, as check --wait 4h does, by a clock that stands still while
// a check runs and leaps over the pauses. The simulator is another process, on the usual time.
func TestWait(t *testing.T) {
	address := serve(t, "closed")
	wait := 20 * time.Minute
	if whole {
		wait = 4 * time.Hour
	}
	var before, after usage
	rounds := 0
	synctest.Test(t, func(t *testing.T) {
		o := at(address)
		began := time.Now()
		rep, errs := preflight.RunUntil(t.Context(), []preflight.Options{o}, wait, func(*report.Report, []error) bool { return false },
			func(*report.Report, time.Duration, time.Duration) {
				synctest.Wait() // connections are closed by others
				after = used(t)
				if rounds++; rounds == 5 {
					before = after
				}
			})
		if time.Since(began) < wait || errs[0] != nil || len(rep.Runs) != 1 || rep.Runs[0].Status().Fine() {
			t.Errorf("after %s: %v, %v", time.Since(began), rep.Runs, errs)
		}
	})
	t.Logf("%d checks in %s: %+v, and then %+v", rounds+1, wait, before, after)
	if rounds < int(wait/time.Minute) || after.goroutines > before.goroutines || after.descriptors > before.descriptors || after.heap > before.heap+mostGrowth {
		t.Errorf("it grows: %+v, and then %+v", before, after)
	}
}
