// Package linger lets what was begun outlast its run for a moment.
package linger

import (
	"context"
	"time"
)

// Grace is how long a call that was made may still be answered after its run has ended:
// what it made must not become nobody's.
const Grace = 3 * time.Second

// Context is a context with the values of ctx that ends when ctx has ended and the grace
// has passed, or after the bound; a bound of 0 is none. The caller must call cancel.
func Context(ctx context.Context, bound, grace time.Duration) (context.Context, context.CancelFunc) {
	if bound <= 0 {
		bound = longest
	}
	longer, cancel := context.WithTimeout(context.WithoutCancel(ctx), bound)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}

// longest is no bound.
const longest = 100 * 365 * 24 * time.Hour
