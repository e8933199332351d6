package vsphere

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// window is the part of a stream that is looked at. It grows to the largest
// element of the stream, not to the stream.
type window struct {
	src        io.Reader
	buf        []byte
	start, end int
	ended      bool
}

// windowSize is more than the 18 kB that a host's firewall is.
const windowSize = 32 << 10

// maxElement bounds an element of an answer, in bytes: some hundred times what the
// largest known host's firewall has.
const maxElement = 4 << 20

var errElement = fmt.Errorf("one object of the answer has more than %d MiB", maxElement>>20)

var windows = sync.Pool{New: func() any { return new([windowSize]byte) }}

func newWindow(src io.Reader) (w *window, free func()) {
	room := windows.Get().(*[windowSize]byte)
	return &window{src: src, buf: room[:]}, func() { windows.Put(room) }
}

// seen is what was read and not skipped.
func (w *window) seen() []byte { return w.buf[w.start:w.end] }

func (w *window) skip(n int) { w.start += n }

// more reads on. At the end of the stream it sets ended.
func (w *window) more() error {
	if w.start > 0 {
		w.end = copy(w.buf, w.seen())
		w.start = 0
	}
	if w.end == len(w.buf) {
		if len(w.buf) >= maxElement {
			return errElement
		}
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	n, err := w.src.Read(w.buf[w.end:])
	w.end += n
	if errors.Is(err, io.EOF) {
		w.ended, err = true, nil
	}
	return err
}

// find returns where mark is in what is ahead; -1 when it does not come.
func (w *window) find(mark []byte) (int, error) {
	from := 0
	for {
		if i := index(w.seen()[from:], mark); i >= 0 {
			return from + i, nil
		}
		if w.ended {
			return -1, nil
		}
		from = max(0, len(w.seen())-len(mark)+1)
		if err := w.more(); err != nil {
			return -1, err
		}
	}
}

// index is bytes.Index for marks that hold a j, which is rare: '<', which they
// begin with, is every tenth byte of XML. It is worth 13 to 17 ms of the client's
// CPU for 1,000 hosts.
func index(text, mark []byte) int {
	j := bytes.IndexByte(mark, 'j')
	if j < 0 {
		return bytes.Index(text, mark)
	}
	for from := j; from < len(text); {
		i := bytes.IndexByte(text[from:], 'j')
		if i < 0 {
			return -1
		}
		if at := from + i - j; bytes.HasPrefix(text[at:], mark) {
			return at
		}
		from += i + 1
	}
	return -1
}

// starts skips white space and reports whether mark comes next.
func (w *window) starts(mark []byte) (bool, error) {
	for {
		for w.start < w.end && isSpace(w.buf[w.start]) {
			w.start++
		}
		if len(w.seen()) >= len(mark) || w.ended {
			return bytes.HasPrefix(w.seen(), mark), nil
		}
		if err := w.more(); err != nil {
			return false, err
		}
	}
}

// all reads to the end of the stream.
func (w *window) all() ([]byte, error) {
	for !w.ended {
		if err := w.more(); err != nil {
			return nil, err
		}
	}
	return w.seen(), nil
}

// Read hands out what was not skipped, and then the rest of the stream.
func (w *window) Read(p []byte) (int, error) {
	if len(w.seen()) > 0 {
		n := copy(p, w.seen())
		w.skip(n)
		return n, nil
	}
	if w.ended {
		return 0, io.EOF
	}
	return w.src.Read(p)
}
