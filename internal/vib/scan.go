package vib

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
)

// contents is what was found in one payload. It is gathered without regard to the
// descriptor, which may come later and is not to be believed.
type contents struct {
	name             string
	packed, unpacked *digests // unpacked is nil when it is not gzip
	// unpackErr says why the payload does not unpack, listErr why it is no tar.
	unpackErr, listErr error

	visor    bool // it starts as a visor tar
	files    []File
	folders  map[string]bool // that have an entry of their own
	homeless string          // the first folder with a file in it that has none
	services []firewallxml.Service
	problems []string
}

// scan reads a payload to its end. Errors are those that end the reading of the
// whole VIB: those of the archive, and limits.
func (rd *reader) scan(name string) (*contents, error) {
	c := &contents{name: name, packed: newDigests(), folders: map[string]bool{}}
	in := bufio.NewReader(io.TeeReader(rd.archive, c.packed))
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		c.unpacked = newDigests()
		c.unpackErr = rd.unpack(in, c)
	}
	var limit *FormatError
	if errors.As(c.unpackErr, &limit) || errors.As(c.listErr, &limit) {
		return nil, limit
	}
	_, err := io.Copy(io.Discard, in)
	return c, err
}

func (rd *reader) unpack(in io.Reader, c *contents) error {
	z, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	out := io.TeeReader(&bounded{z, c.name, &rd.left.unpacked}, c.unpacked)
	c.listErr = rd.list(out, c)
	_, err = io.Copy(io.Discard, out)
	return err
}

// bounded reads until the limit for all payloads is used up, and fails then: a
// few bytes can unpack to very many.
type bounded struct {
	in   io.Reader
	name string
	left *int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if *b.left -= int64(n); *b.left < 0 {
		return 0, formatErrorf("with %q it unpacks to more bytes than are read of a VIB", b.name)
	}
	return n, err
}

// list reads the files of an archive, a tar or a visor tar.
func (rd *reader) list(in io.Reader, c *contents) error {
	buffered := bufio.NewReader(in)
	if start, _ := buffered.Peek(visorHeader); isVisor(start) {
		c.visor = true
		return rd.listVisor(buffered, c)
	}
	archive := tar.NewReader(buffered)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // entry says it better
			return err
		}
		if rd.left.files--; rd.left.files < 0 {
			return tooManyFiles(c.name)
		}
		e := newArchived(header.Name, header.Size, header.FileInfo().Mode(), tarKind(header.Typeflag))
		wanted, err := rd.entry(e, c)
		if err == nil && wanted {
			err = c.firewall(archive, e.path)
		}
		if err != nil {
			return err
		}
	}
}

func tooManyFiles(payload string) error {
	return formatErrorf("with %q it has more files than are read of a VIB", payload)
}

// kind is what an entry of an archive is.
type kind int

const (
	other kind = iota
	regular
	folder
)

func tarKind(flag byte) kind {
	switch flag {
	case tar.TypeReg:
		return regular
	case tar.TypeDir:
		return folder
	}
	return other
}

// archived is an entry of an archive, a file or a folder.
type archived struct {
	said, path string // as the archive writes it, and clean
	size       int64
	mode       fs.FileMode
	kind       kind
}

func newArchived(said string, size int64, mode fs.FileMode, k kind) archived {
	return archived{said, strings.TrimPrefix(path.Clean("/"+said), "/"), size, mode, k}
}

// entry takes an entry over. wanted means that its data is to be read: it is a firewall
// file.
func (rd *reader) entry(e archived, c *contents) (wanted bool, err error) {
	if rd.left.names -= int64(len(e.said)); rd.left.names < 0 {
		return false, formatErrorf("with %q it has longer names of files than are read of a VIB", c.name)
	}
	if path.IsAbs(e.said) || strings.Contains("/"+e.said+"/", "/../") {
		c.problems = append(c.problems, fmt.Sprintf("%q has the path %.200q, which leads out of it", c.name, e.said))
	}
	if e.kind == folder {
		c.folders[e.path] = true
		return false, nil
	}
	for dir := path.Dir(e.path); dir != "." && c.homeless == ""; dir = path.Dir(dir) {
		if !c.folders[dir] {
			c.homeless = dir
		}
	}
	c.files = append(c.files, File{Path: e.path, Payload: c.name, Size: e.size, Mode: e.mode})
	if e.kind != regular || path.Dir(e.path) != firewallDir || path.Ext(e.path) != ".xml" {
		return false, nil
	}
	if rd.left.firewall -= e.size; rd.left.firewall < 0 {
		return false, formatErrorf("with %.200q it has more firewall configuration than is read of a VIB", e.path)
	}
	return true, nil
}

// firewall reads the services of a configuration file.
func (c *contents) firewall(in io.Reader, name string) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	f, err := firewallxml.Parse(text)
	if err != nil {
		c.problems = append(c.problems, fmt.Sprintf("%q: %v", name, err))
		return nil
	}
	c.services = append(c.services, f.Services()...)
	return nil
}
