// Package infile opens files to read. A pipe is one as well, such as a shell makes of
// <(command), but a pipe that nobody writes to is an error after a while, and what is larger
// than it may be is one too: an open of the one, and a read of the other, would last for ever.
// The package does not know what is in the files.
package infile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	// writerTime is how long a pipe may be without a writer: the one and the other may be
	// started at the same moment.
	writerTime = 10 * time.Second
	// silentTime is how long a writer may say nothing: it may ask somebody for a password.
	silentTime = 5 * time.Minute
)

// The sizes, in bytes, that files are read up to.
const (
	// Short is one of a few lines: a password, a key.
	Short = 1 << 20
	// Long is a list of keys or certificates.
	Long = 64 << 20
	// Huge is a report, or a journal, of 15,000 hosts.
	Huge = 512 << 20
	// Package is a VIB.
	Package = 1 << 30
)

// Open opens a file of which no more than most bytes are read. An error, also one of reading,
// is an *fs.PathError.
func Open(path string, most int64) (in io.ReadCloser, err error) {
	if IsPipe(path) {
		in, err = openPipe(path, writerTime, silentTime)
	} else {
		in, err = os.Open(path)
	}
	if err != nil {
		return nil, err
	}
	return &bounded{Closer: in, in: in, name: path, most: most, left: most}, nil
}

// Argument opens what a command line names, where - is standard input, and says what it is
// called. Reading it ends with the context.
func Argument(ctx context.Context, path string, most int64, stdin io.Reader) (in io.ReadCloser, name string, err error) {
	name = path
	if path == "-" {
		in, name = io.NopCloser(stdin), "standard input"
	} else if in, err = Until(ctx, "open "+path, func() (io.ReadCloser, error) { return Open(path, most) }); err != nil {
		return nil, name, err
	}
	return &bounded{ctx: ctx, Closer: in, in: in, name: name, most: most, left: most}, name, nil
}

// Read reads all of a file.
func Read(path string, most int64) ([]byte, error) {
	in, err := Open(path, most)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

// Limit reads from what is open already, no more than most bytes. Name is for errors.
func Limit(in io.Reader, name string, most int64) io.Reader {
	return &bounded{in: in, name: name, most: most, left: most}
}

// ErrLarge means that a file has more than is read of it.
var ErrLarge = errors.New("it is larger than what is read")

// bounded reads up to a size, and where it has a context, until that ends.
type bounded struct {
	io.Closer
	ctx        context.Context // nil for none
	in         io.Reader
	name       string
	most, left int64
}

func (b *bounded) Read(p []byte) (n int, err error) {
	if b.left < 0 {
		return 0, b.tooLarge()
	}
	p = p[:min(int64(len(p)), b.left+1)] // the one more tells
	if b.ctx == nil {
		n, err = b.in.Read(p)
	} else {
		own := make([]byte, len(p)) // a read that is given up may still come to its end
		n, err = Until(b.ctx, "read "+b.name, func() (int, error) { return b.in.Read(own) })
		copy(p, own[:n])
	}
	if b.left -= int64(n); b.left < 0 {
		return n - 1, b.tooLarge()
	}
	return n, err
}

func (b *bounded) tooLarge() error {
	return &fs.PathError{Op: "read", Path: b.name, Err: fmt.Errorf("%w: more than %s", ErrLarge, size(b.most))}
}

// size spells a number of bytes.
func size(n int64) string {
	if n>>20 > 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// IsPipe reports whether a path is that of a pipe: it can be read once.
func IsPipe(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}

// ErrSilent means that nobody wrote to a pipe.
var ErrSilent = errors.New("it is a pipe that nobody writes to")

func openPipe(path string, writer, silent time.Duration) (io.ReadCloser, error) {
	opened := make(chan *pipe, 1)
	go func() { // an open without a writer cannot be ended
		f, err := os.Open(path)
		opened <- &pipe{f, err, silent}
	}()
	select {
	case p := <-opened:
		return p, p.err
	case <-time.After(writer):
		return nil, silence("open", path, writer)
	}
}

func silence(call, path string, after time.Duration) error {
	return &fs.PathError{Op: call, Path: path, Err: fmt.Errorf("%w: given up after %s", ErrSilent, after)}
}

// pipe is an open pipe.
type pipe struct {
	file   *os.File
	err    error // of opening it
	silent time.Duration
}

func (p *pipe) Read(b []byte) (int, error) {
	_ = p.file.SetReadDeadline(time.Now().Add(p.silent)) // where a system has none for pipes, the read waits
	n, err := p.file.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = silence("read", p.file.Name(), p.silent)
	}
	return n, err
}

func (p *pipe) Close() error { return p.file.Close() }
