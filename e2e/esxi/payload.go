//go:build linux

package esxi

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

type payload struct {
	name      string
	data      []byte
	size      int
	checksums map[string]string // "sha-256", "sha-256 gunzip", "sha-1 gunzip"
}

type file struct {
	path string // without the leading slash
	data []byte
	mode os.FileMode
}

// modern reports whether every payload has the checksum that ESXi 8 wants, and
// that earlier ones fail on.
func (p payload) modern() bool { return p.checksums["sha-256 gunzip"] != "" }

// stage verifies and unpacks the payloads.
func (a *archive) stage(eight bool) error {
	a.files = nil
	for _, p := range a.payloads {
		if err := p.verify(eight); err != nil {
			return err
		}
		files, err := p.untar()
		if err != nil {
			return say("Unable to read payload %s: %v", p.name, err)
		}
		a.files = append(a.files, files...)
	}
	var have []string
	for _, f := range a.files {
		have = append(have, f.path)
	}
	listed := slices.Clone(a.fileList)
	slices.Sort(have)
	slices.Sort(listed)
	if !slices.Equal(have, listed) { // inferred
		return say("The files of the payloads, %v, are not those of the file list, %v", have, listed)
	}
	return nil
}

// verify recomputes what the descriptor says of a payload. On ESXi up to 7 a
// digest of the content is compared with the compressed bytes': the text is
// recorded (lamw/ghettoVCB #299), what is digested is inferred from it.
func (p payload) verify(eight bool) error {
	mismatch := func(got, want string) error {
		return say("Calculated digest at EOF does not match expected result: %s calculated, %s expected.", got, want)
	}
	if p.data == nil || p.size != len(p.data) { // the text is inferred
		return say("Payload %s has %d bytes, not %d", p.name, len(p.data), p.size)
	}
	compressed := sum256(p.data)
	if want := p.checksums["sha-256"]; want != compressed {
		return mismatch(compressed, want)
	}
	if want := p.checksums["sha-256 gunzip"]; want != "" && !eight {
		return mismatch(compressed, want)
	}
	content, err := gunzip(p.data)
	if err != nil {
		return err
	}
	if want := p.checksums["sha-256 gunzip"]; want != "" && want != sum256(content) {
		return mismatch(sum256(content), want)
	}
	digest := sha1.Sum(content)
	if want, got := p.checksums["sha-1 gunzip"], hex.EncodeToString(digest[:]); want != got {
		return mismatch(got, want)
	}
	return nil
}

func sum256(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

func gunzip(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// untar reads the regular files. ESXi mounts the archive as it is, so a file in
// a folder that the archive does not have counts as an error (inferred).
func (p payload) untar() ([]file, error) {
	content, err := gunzip(p.data)
	if err != nil {
		return nil, err
	}
	var files []file
	folders := map[string]bool{".": true}
	for t := tar.NewReader(bytes.NewReader(content)); ; {
		header, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		name := path.Clean(header.Name)
		if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
			return nil, fmt.Errorf("%s leads out of the archive", header.Name)
		}
		if !folders[path.Dir(name)] {
			return nil, fmt.Errorf("the folder of %s is missing", header.Name)
		}
		switch header.Typeflag {
		case tar.TypeDir:
			folders[name] = true
		case tar.TypeReg:
			data, err := io.ReadAll(t)
			if err != nil {
				return nil, err
			}
			files = append(files, file{name, data, os.FileMode(header.Mode & 0o777)})
		default:
			return nil, fmt.Errorf("%s is neither a file nor a folder", header.Name)
		}
	}
}
