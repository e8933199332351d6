package linger_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/linger"
)

func TestContext(t *testing.T) {
	for _, row := range []struct {
		name         string
		bound, grace time.Duration
		ends         time.Duration // of the run; 0 means never
		want         time.Duration
		cause        error
	}{
		{"the bound", time.Minute, time.Second, 0, time.Minute, context.DeadlineExceeded},
		{"the run's end and the grace", time.Minute, time.Second, 10 * time.Second, 11 * time.Second, context.Canceled},
		{"the bound before the grace has passed", 10 * time.Second, time.Minute, time.Second, 10 * time.Second, context.DeadlineExceeded},
		{"no bound", 0, time.Second, time.Hour, time.Hour + time.Second, context.Canceled},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				run, end := context.WithCancel(t.Context())
				defer end()
				longer, cancel := linger.Context(run, row.bound, row.grace)
				defer cancel()
				start := time.Now()
				if row.ends > 0 {
					time.AfterFunc(row.ends, end)
				}
				<-longer.Done()
				if got := time.Since(start); got != row.want || !errors.Is(longer.Err(), row.cause) {
					t.Errorf("it ended after %s by %v, and should after %s by %v", got, longer.Err(), row.want, row.cause)
				}
			})
		})
	}
}

func TestCancel(t *testing.T) {
	longer, cancel := linger.Context(t.Context(), 0, time.Hour)
	cancel()
	if longer.Err() == nil {
		t.Error("it goes on")
	}
}
