// Package infile opens files to read. A pipe is one as well, such as a shell makes of
// <(command), but a pipe that nobody writes to is an error after a while: an open of it would
// last for ever, and no signal would end it. The package does not know what is in the files.
package infile

import (
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

// Open opens a file. An error, also one of reading, is an *fs.PathError.
func Open(path string) (io.ReadCloser, error) {
	if !IsPipe(path) {
		return os.Open(path)
	}
	return openPipe(path, writerTime, silentTime)
}

// OpenArgument opens what a command line names, where - is standard input, and says what it
// is called.
func OpenArgument(path string, stdin io.Reader) (in io.ReadCloser, name string, err error) {
	if path == "-" {
		return io.NopCloser(stdin), "standard input", nil
	}
	in, err = Open(path)
	return in, path, err
}

// Read reads all of a file.
func Read(path string) ([]byte, error) {
	in, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
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
