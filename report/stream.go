package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
)

// stream writes indented JSON piece by piece, as json.MarshalIndent would write
// the whole: a report of 15,000 hosts is 40 MB. It keeps its first error for
// flush.
type stream struct {
	out *bufio.Writer
	err error
	// empty has an element for each object and array that is open: nothing is in
	// it yet.
	empty []bool
	// named means that a key was written, and its value comes next.
	named bool
	piece bytes.Buffer
}

const indentation = "  "

func newStream(w io.Writer) *stream { return &stream{out: bufio.NewWriterSize(w, 64<<10)} }

// object writes an object with the fields that f writes.
func (s *stream) object(f func()) { s.nested('{', '}', f) }

// array writes an array with the elements that f writes.
func (s *stream) array(f func()) { s.nested('[', ']', f) }

func (s *stream) nested(open, closing byte, f func()) {
	s.next()
	_ = s.out.WriteByte(open) // a bufio.Writer keeps its first error for Flush
	s.empty = append(s.empty, true)
	f()
	last := len(s.empty) - 1
	empty := s.empty[last]
	s.empty = s.empty[:last]
	if !empty {
		s.line()
	}
	_ = s.out.WriteByte(closing)
}

// next goes to where the next value or key stands.
func (s *stream) next() {
	if s.named {
		s.named = false
		return
	}
	last := len(s.empty) - 1
	if last < 0 {
		return
	}
	if !s.empty[last] {
		_ = s.out.WriteByte(',')
	}
	s.empty[last] = false
	s.line()
}

func (s *stream) line() { _, _ = s.out.WriteString("\n" + strings.Repeat(indentation, len(s.empty))) }

// key writes a field's name. Its value is the next thing to be written.
func (s *stream) key(name string) {
	s.next()
	_, _ = s.out.WriteString(`"` + name + `": `)
	s.named = true
}

// value writes an element, or the value of a key.
func (s *stream) value(v any) { s.raw(s.encode(v)) }

// raw writes what encode returned, at the same depth.
func (s *stream) raw(text []byte) {
	s.next()
	_, _ = s.out.Write(text)
}

// encode returns the value indented for where the stream is. It is valid until
// the next call.
func (s *stream) encode(v any) []byte {
	s.piece.Reset()
	enc := json.NewEncoder(&s.piece)
	enc.SetEscapeHTML(false)
	enc.SetIndent(strings.Repeat(indentation, len(s.empty)), indentation)
	if err := enc.Encode(v); err != nil && s.err == nil {
		s.err = err
	}
	return bytes.TrimSuffix(s.piece.Bytes(), []byte("\n"))
}

func (s *stream) field(name string, v any) {
	s.key(name)
	s.value(v)
}

// text writes a field unless it is empty.
func (s *stream) text(name, v string) {
	if v != "" {
		s.field(name, v)
	}
}

// flag writes a field when it is true.
func (s *stream) flag(name string, v bool) {
	if v {
		s.field(name, v)
	}
}

// flush ends the document.
func (s *stream) flush() error {
	_ = s.out.WriteByte('\n')
	if err := s.out.Flush(); err != nil {
		return err
	}
	return s.err
}
