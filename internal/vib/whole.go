package vib

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Source is what a package was read from.
type Source struct {
	Size   int64
	SHA256 [sha256.Size]byte
}

// ErrBundle means that what was read is an archive as offline bundles are.
var ErrBundle = errors.New("it is a zip archive")

// zipMagic is what zip archives start with.
const zipMagic = "PK\x03\x04"

// ReadWhole is Read until the context ends, with the size and the digest of what was
// read. Of an offline bundle the error is an ErrBundle too.
func ReadWhole(ctx context.Context, in io.Reader) (*Package, Source, error) {
	sum := sha256.New()
	counted := &untilDone{ctx: ctx, in: in}
	buffered := bufio.NewReader(io.TeeReader(counted, sum))
	start, _ := buffered.Peek(len(zipMagic))
	p, err := Read(buffered)
	if err != nil && bytes.Equal(start, []byte(zipMagic)) {
		err = fmt.Errorf("%w: %w", err, ErrBundle)
	}
	return p, Source{counted.n, [sha256.Size]byte(sum.Sum(nil))}, err
}

// untilDone reads until the context ends, and counts.
type untilDone struct {
	ctx context.Context
	in  io.Reader
	n   int64
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := u.in.Read(p)
	u.n += int64(n)
	return n, err
}
