package vib

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// A visor tar is what VMware's vibauthor puts into vgz payloads: the headers of all
// entries run on, and their data follows at the offsets that they name. It is
// documented nowhere; the layout is that of 19 published VIBs of 2015 to 2025, whose
// descriptors agree with what is read this way.
const (
	visorHeader = 512
	visorMagic  = "visor "

	// Where a header's fields are.
	visorNameEnd              = 100
	visorModeAt, visorModeEnd = 100, 108
	visorSizeAt, visorSizeEnd = 124, 136
	visorTypeAt               = 156
	visorMagicAt              = 257
	visorDataAt               = 496 // a little-endian uint32
)

// visorEntry is one header of a visor tar.
type visorEntry struct {
	archived
	offset int64
}

// isVisor reports whether an archive starts as a visor tar.
func isVisor(start []byte) bool {
	return len(start) == visorHeader && string(start[visorMagicAt:visorMagicAt+len(visorMagic)]) == visorMagic
}

// listVisor reads the files of a visor tar. Only the data of firewall files is looked
// at; that of the others has to be there.
func (rd *reader) listVisor(in io.Reader, c *contents) error {
	entries, at, err := rd.visorHeaders(in, c.name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		wanted, err := rd.entry(e.archived, c)
		if err != nil {
			return err
		}
		if e.size == 0 {
			continue
		}
		if e.offset < at {
			return fmt.Errorf("the data of %.200q overlaps what is before it", e.path)
		}
		if _, err := io.CopyN(io.Discard, in, e.offset-at); err != nil {
			return cutVisor(e, err)
		}
		data := &io.LimitedReader{R: in, N: e.size}
		if wanted {
			if err := c.firewall(data, e.path); err != nil {
				return err
			}
		}
		if _, err := io.CopyN(io.Discard, data, data.N); err != nil || data.N > 0 {
			return cutVisor(e, err)
		}
		at = e.offset + e.size
	}
	return nil
}

func cutVisor(e visorEntry, err error) error {
	var limit *FormatError
	if errors.As(err, &limit) {
		return err
	}
	return fmt.Errorf("it ends in the data of %.200q", e.path)
}

// visorHeaders reads the headers, in the order of their data, and how many bytes they
// took.
func (rd *reader) visorHeaders(in io.Reader, payload string) (entries []visorEntry, read int64, err error) {
	header := make([]byte, visorHeader)
	for {
		if _, err := io.ReadFull(in, header); err != nil {
			return nil, 0, errors.Join(err, errors.New("its list of files does not end"))
		}
		read += visorHeader
		if header[0] == 0 {
			break
		}
		if !isVisor(header) {
			return nil, 0, fmt.Errorf("the header at byte %d is not one of a visor tar", read-visorHeader)
		}
		size, err := visorNumber(header[visorSizeAt:visorSizeEnd])
		if err != nil {
			return nil, 0, fmt.Errorf("the header at byte %d: %w", read-visorHeader, err)
		}
		mode, _ := visorNumber(header[visorModeAt:visorModeEnd])
		name, _, _ := bytes.Cut(header[:visorNameEnd], []byte{0})
		if rd.left.files--; rd.left.files < 0 {
			return nil, 0, tooManyFiles(payload)
		}
		entries = append(entries, visorEntry{
			archived: newArchived(string(name), size, fs.FileMode(mode).Perm(), visorKind(header[visorTypeAt])),
			offset:   int64(binary.LittleEndian.Uint32(header[visorDataAt:])),
		})
	}
	slices.SortStableFunc(entries, func(a, b visorEntry) int { return cmp.Compare(a.offset, b.offset) })
	return entries, read, nil
}

func visorKind(flag byte) kind {
	switch flag {
	case '0', '7', 0:
		return regular
	case '5':
		return folder
	}
	return other
}

// visorNumber reads an octal number that NULs and blanks may surround.
func visorNumber(field []byte) (int64, error) {
	text := strings.Trim(string(field), " \x00")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 8, 48)
	if err != nil {
		return 0, fmt.Errorf("%.20q is no octal number", text)
	}
	return int64(n), nil
}
