package output

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/linger"
)

const (
	// patience is how long nobody may read from a pipe, or a device take nothing.
	patience = 10 * time.Second
	// grace is how long a report is still written after its run was ended by a signal.
	grace = 5 * time.Second
	// again is how long a pipe without a reader is let be before it is looked at again.
	again = 20 * time.Millisecond
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
	f, err := open(ctx, patience, path)
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

// open opens what is extended. A pipe is looked at again and again: an open that waits for a reader
// cannot be ended, and a watch makes one in each round.
func open(ctx context.Context, patience time.Duration, path string) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_APPEND | os.O_CREATE
	if !infile.IsPipe(path) {
		return patiently(ctx, patience, func() (*os.File, error) { return os.OpenFile(path, flags, 0o644) })
	}
	late, cancel := linger.Context(ctx, patience, grace)
	defer cancel()
	for {
		f, err := os.OpenFile(path, flags|syscall.O_NONBLOCK, 0)
		if !errors.Is(err, syscall.ENXIO) { // which says that nobody reads from it
			return f, err
		}
		select {
		case <-late.Done():
			return nil, unread(fmt.Errorf("open: %w", late.Err()), patience)
		case <-time.After(again):
		}
	}
}

// unread says of what took too long that nobody reads.
func unread(err error, patience time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: given up after %s", ErrUnread, patience)
	}
	return err
}

// patiently does what may wait for a reader for ever.
func patiently[T any](ctx context.Context, patience time.Duration, do func() (T, error)) (T, error) {
	late, cancel := linger.Context(ctx, patience, grace)
	defer cancel()
	done, err := infile.Until(late, "write", do)
	return done, unread(err, patience)
}
