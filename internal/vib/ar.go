package vib

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// A VIB is an ar archive in the form of System V and GNU: members of a header of
// 60 bytes and data, which is padded to an even length.
const (
	arMagic      = "!<arch>\n"
	arHeaderSize = 60
	arHeaderEnd  = "`\n"
	bsdLongName  = "#1/" // and the length of the name, which the data starts with
	maxLongName  = 256

	descriptorName = "descriptor.xml"
	signatureName  = "sig.pkcs7"
)

// writeMember appends a member with a name of up to 15 characters.
func writeMember(b *bytes.Buffer, name string, date time.Time, data []byte) {
	fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8s%-10d%s", name+"/", date.Unix(), 0, 0, "100644", len(data), arHeaderEnd)
	b.Write(data)
	if len(data)%2 == 1 {
		b.WriteByte('\n')
	}
}

// archive reads members one after the other. As a Reader it is the data of the
// member that next returned.
type archive struct {
	in   *bufio.Reader
	name string
	left int64 // of the member's data
	odd  bool
	err  error // the first one, which stays
}

// openArchive reads what an archive starts with.
func openArchive(r io.Reader) (*archive, error) {
	a := &archive{in: bufio.NewReader(r)}
	magic := make([]byte, len(arMagic))
	_, err := io.ReadFull(a.in, magic)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, formatErrorf("it is too short: a VIB is an ar archive")
	case err != nil:
		return nil, fmt.Errorf("read the VIB: %w", err)
	case string(magic) != arMagic:
		return nil, formatErrorf("it does not start as an ar archive, which a VIB is")
	}
	return a, nil
}

// next goes to the next member and returns its name and size, io.EOF behind the
// last one.
func (a *archive) next() (name string, size int64, err error) {
	if _, err := io.Copy(io.Discard, a); err != nil {
		return "", 0, err
	}
	if a.odd {
		// Some writers leave the last padding away.
		if _, err := a.in.Discard(1); err != nil && !errors.Is(err, io.EOF) {
			return "", 0, a.fail(fmt.Errorf("read the VIB: %w", err))
		}
		a.odd = false
	}
	header := make([]byte, arHeaderSize)
	_, err = io.ReadFull(a.in, header)
	switch {
	case errors.Is(err, io.EOF):
		return "", 0, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "", 0, a.fail(formatErrorf("it ends in the middle of a header"))
	case err != nil:
		return "", 0, a.fail(fmt.Errorf("read the VIB: %w", err))
	}
	return a.begin(header)
}

// begin understands a header.
func (a *archive) begin(header []byte) (name string, size int64, err error) {
	field := func(from, to int) string { return strings.TrimRight(string(header[from:to]), " ") }
	a.name = field(0, 16)
	if string(header[58:]) != arHeaderEnd {
		return "", 0, a.fail(formatErrorf("the header after %.20q does not end as one", a.name))
	}
	length, err := strconv.ParseUint(field(48, 58), 10, 63)
	if err != nil {
		return "", 0, a.fail(formatErrorf("the member %q has the size %q, which is none", a.name, field(48, 58)))
	}
	a.left, a.odd = int64(length), length%2 == 1
	if rest, long := strings.CutPrefix(a.name, bsdLongName); long {
		if err := a.longName(rest); err != nil {
			return "", 0, err
		}
	}
	if len(a.name) > 1 {
		a.name = strings.TrimSuffix(a.name, "/")
	}
	return a.name, a.left, nil
}

// longName takes a name from the start of the data, where BSD puts it.
func (a *archive) longName(length string) error {
	n, err := strconv.ParseUint(length, 10, 16)
	if err != nil || n > maxLongName || int64(n) > a.left {
		return a.fail(formatErrorf("the member %q has no such name", a.name))
	}
	name := make([]byte, n)
	if _, err := io.ReadFull(a, name); err != nil {
		return err
	}
	a.name = strings.TrimRight(string(name), "\x00 ")
	return nil
}

// Read reads the member's data. It never comes to io.EOF before the end that the
// header promised.
func (a *archive) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	if a.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > a.left {
		p = p[:a.left]
	}
	n, err := a.in.Read(p)
	a.left -= int64(n)
	switch {
	case errors.Is(err, io.EOF) && a.left > 0:
		err = a.fail(formatErrorf("it ends in the middle of %q", a.name))
	case errors.Is(err, io.EOF):
		err = nil // the next call says so
	case err != nil:
		err = a.fail(fmt.Errorf("read the VIB: %w", err))
	}
	return n, err
}

func (a *archive) fail(err error) error {
	if a.err == nil {
		a.err = err
	}
	return a.err
}
