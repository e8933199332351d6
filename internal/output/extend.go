package output

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/linger"
)

const (
	// patience is how long nobody may read from a pipe, or a device take nothing.
	patience = 10 * time.Second
	// grace is how long a report is still written after its run was ended by a signal.
	grace = 5 * time.Second
	// part is what is written at a time, in bytes.
	part = 1 << 16
)

// ErrUnread means that nobody took what was written.
var ErrUnread = errors.New("nobody reads from it")

// ToStream writes to what is open already, such as standard output. Its reader may take all
// the time that it likes, until the context ends and a moment has passed: the error is the
// context's then.
func ToStream(ctx context.Context, write func() error) error {
	late, cancel := linger.Context(ctx, 0, grace)
	defer cancel()
	_, err := infile.Until(late, "write to standard output", func() (any, error) { return nil, write() })
	return err
}

// extend writes to what a name stands for, which is not replaced. To a regular file it adds
// all or nothing.
func extend(ctx context.Context, path string, data []byte) error {
	return extendWithin(ctx, patience, path, data)
}

func extendWithin(ctx context.Context, patience time.Duration, path string, data []byte) error {
	f, err := patiently(ctx, patience, func() (*os.File, error) { return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644) })
	if err != nil {
		return err
	}
	before, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	for some := range slices.Chunk(data, part) {
		if _, err = patiently(ctx, patience, func() (int, error) { return f.Write(some) }); err != nil {
			break
		}
	}
	if err != nil && before.Mode().IsRegular() {
		err = errors.Join(err, f.Truncate(before.Size()))
	}
	return errors.Join(err, f.Close())
}

// patiently does what may wait for a reader for ever.
func patiently[T any](ctx context.Context, patience time.Duration, do func() (T, error)) (T, error) {
	late, cancel := linger.Context(ctx, patience, grace)
	defer cancel()
	done, err := infile.Until(late, "write", do)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: given up after %s", ErrUnread, patience)
	}
	return done, err
}
