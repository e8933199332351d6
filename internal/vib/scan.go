package vib

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
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

	files    []File
	services []firewallxml.Service
	problems []string
}

// scan reads a payload to its end. Errors are those that end the reading of the
// whole VIB: those of the archive, and limits.
func (rd *reader) scan(name string) (*contents, error) {
	c := &contents{name: name, packed: newDigests()}
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

// list reads the files of a tar.
func (rd *reader) list(in io.Reader, c *contents) error {
	archive := tar.NewReader(in)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // file says it better
			return err
		}
		if rd.left.files--; rd.left.files < 0 {
			return formatErrorf("with %q it has more files than are read of a VIB", c.name)
		}
		if err := rd.file(archive, header, c); err != nil {
			return err
		}
	}
}

func (rd *reader) file(in io.Reader, header *tar.Header, c *contents) error {
	name := strings.TrimPrefix(path.Clean("/"+header.Name), "/")
	if path.IsAbs(header.Name) || strings.Contains("/"+header.Name+"/", "/../") {
		c.problems = append(c.problems, fmt.Sprintf("%q has the path %.200q, which leads out of it", c.name, header.Name))
	}
	if header.Typeflag == tar.TypeDir {
		return nil
	}
	c.files = append(c.files, File{Path: name, Payload: c.name, Size: header.Size, Mode: header.FileInfo().Mode()})
	if header.Typeflag != tar.TypeReg || path.Dir(name) != firewallDir || path.Ext(name) != ".xml" {
		return nil
	}
	if rd.left.firewall -= header.Size; rd.left.firewall < 0 {
		return formatErrorf("with %.200q it has more firewall configuration than is read of a VIB", name)
	}
	return c.firewall(in, name)
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
