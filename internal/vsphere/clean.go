package vsphere

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"sync"
	"unicode/utf8"
)

// answerError means that an answer came whole, and is not the XML that it should be.
type answerError struct{ cause error }

func (e *answerError) Error() string { return "the answer cannot be read: " + e.cause.Error() }

func (e *answerError) Unwrap() error { return e.cause }

// source tells an answer that did not come from one that makes no sense.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// explain is the error of a decoder that read from the source.
func (s *source) explain(err error) error {
	if s.err != nil {
		return s.err
	}
	return &answerError{err}
}

// cleaning is the key of a context whose collections are cleaned before they are read.
type cleaning struct{}

// cleaned is an answer without the characters that XML forbids. They stand in texts
// that people wrote, names and labels, and mean nothing there.
func cleaned(body io.Reader) (io.Reader, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	return bytes.NewReader(legal(text)), nil
}

// reference is compiled when an answer has to be cleaned, which is rare.
var reference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`&#(x[0-9a-fA-F]{1,8}|[0-9]{1,10});`) })

// legal puts the replacement character in the place of what XML 1.0 has no place for,
// written out or as a reference.
func legal(text []byte) []byte {
	text = reference().ReplaceAllFunc(text, func(ref []byte) []byte {
		digits, base := ref[2:len(ref)-1], 10
		if digits[0] == 'x' {
			digits, base = digits[1:], 16
		}
		if n, err := strconv.ParseUint(string(digits), base, 32); err != nil || !isXML(rune(n)) {
			return fmt.Append(nil, string(utf8.RuneError))
		}
		return ref
	})
	return bytes.Map(func(r rune) rune {
		if !isXML(r) {
			return utf8.RuneError
		}
		return r
	}, text)
}

// isXML reports whether a document may hold the character
// (https://www.w3.org/TR/xml/#charsets).
func isXML(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000 && r <= 0x10ffff
}
