package infile

import (
	"context"
	"fmt"

	"github.com/vic-preflight/vic-preflight/internal/guard"
)

// Until does what no context can end, such as opening a pipe, reading from a terminal or a
// file server that is gone, and waits for it until the context ends: then the error is the
// context's, and says what was done. What comes of it after that is nobody's. A panic is a
// *guard.PanicError.
func Until[T any](ctx context.Context, what string, do func() (T, error)) (done T, err error) {
	type result struct {
		of  T
		err error
	}
	if err := ctx.Err(); err != nil {
		return done, fmt.Errorf("%s: %w", what, err)
	}
	ended := make(chan result, 1)
	go func() {
		var r result
		if crash := guard.Do(func() error { r.of, r.err = do(); return nil }); crash != nil {
			r.err = crash
		}
		ended <- r
	}()
	select {
	case r := <-ended:
		return r.of, r.err
	case <-ctx.Done():
		return done, fmt.Errorf("%s: %w", what, ctx.Err())
	}
}
