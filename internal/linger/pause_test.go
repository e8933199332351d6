package linger_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/linger"
)

func TestPause(t *testing.T) {
	for _, row := range []struct {
		name        string
		pause, ends time.Duration // of the pause, and of the run; 0 means never
		want        time.Duration
		cause       error
	}{
		{"not at all", 0, 0, time.Minute, context.DeadlineExceeded},
		{"for an hour", time.Hour, 0, time.Hour + time.Minute, context.DeadlineExceeded},
		{"and the run ends in it", time.Hour, 5 * time.Minute, 5 * time.Minute, context.Canceled},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				run, end := context.WithCancel(t.Context())
				defer end()
				bounded, cancel := linger.Pausable(run, time.Minute)
				defer cancel()
				start := time.Now()
				if row.ends > 0 {
					time.AfterFunc(row.ends, end)
				}
				call, done := context.WithCancel(bounded)
				defer done()
				time.Sleep(10 * time.Second)
				if row.pause > 0 {
					resume := linger.Pause(call)
					time.AfterFunc(row.pause, resume)
				}
				<-call.Done()
				if got := time.Since(start); got != row.want {
					t.Errorf("it ends after %s, not %s", got, row.want)
				}
				if !errors.Is(bounded.Err(), row.cause) || !errors.Is(call.Err(), row.cause) {
					t.Errorf("it ends with %v and %v, not %v", bounded.Err(), call.Err(), row.cause)
				}
			})
		})
	}
}

func TestPauseOfAnotherContext(t *testing.T) {
	linger.Pause(t.Context())()
}
