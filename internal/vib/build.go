package vib

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
)

// firewallDir is where ESXi looks for firewall configuration, one of the few
// folders that community VIBs may write to.
const firewallDir = "etc/vmware/firewall"

// A payload's name has up to 8 characters by habit: those of its file on the host.
const (
	payloadName = "payload1"
	payloadType = "tgz"
	visorType   = "vgz"
)

func filePath(s firewallxml.Service) string { return path.Join(firewallDir, s.ID+".xml") }

// Build writes the VIB. The same Spec gives the same bytes, on every machine and
// with every version of Go. An error is either that of Validate or of w.
func Build(w io.Writer, s Spec) error {
	built, err := build(s)
	if err != nil {
		return err
	}
	if _, err := w.Write(built.archive); err != nil {
		return fmt.Errorf("write the VIB %s: %w", s.ID(), err)
	}
	return nil
}

// built is a VIB and its descriptor.
type built struct {
	descriptor descriptor
	archive    []byte
}

func build(s Spec) (*built, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	unpacked, err := payloadTar(s)
	if err != nil {
		return nil, fmt.Errorf("build the payload of %s: %w", s.ID(), err)
	}
	packed, err := pack(unpacked)
	if err != nil {
		return nil, fmt.Errorf("pack the payload of %s: %w", s.ID(), err)
	}
	d := describe(s, packed, unpacked)
	text, err := render(d)
	if err != nil {
		return nil, fmt.Errorf("write the descriptor of %s: %w", s.ID(), err)
	}
	var b bytes.Buffer
	b.WriteString(arMagic)
	writeMember(&b, descriptorName, s.date(), text)
	writeMember(&b, signatureName, s.date(), nil)
	writeMember(&b, payloadName, s.date(), packed)
	return &built{d, b.Bytes()}, nil
}

// payloadTar returns the file system of the VIB. Every folder has an entry of its
// own, as in VIBs that are known to install.
func payloadTar(s Spec) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, dir := 0, strings.Split(firewallDir, "/"); i < len(dir); i++ {
		name := strings.Join(dir[:i+1], "/") + "/"
		if err := w.WriteHeader(entry(s.date(), tar.TypeDir, name, 0o755, 0)); err != nil {
			return nil, err
		}
	}
	text := firewallxml.Document(s.Service)
	if err := w.WriteHeader(entry(s.date(), tar.TypeReg, filePath(s.Service), 0o644, len(text))); err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

func entry(date time.Time, kind byte, name string, mode int64, size int) *tar.Header {
	return &tar.Header{
		Format: tar.FormatUSTAR, Typeflag: kind, Name: name, Mode: mode, Size: int64(size),
		ModTime: date, Uname: "root", Gname: "root",
	}
}

// pack puts the tar into gzip without making it smaller: five thousand bytes are
// not worth it, and how small they get would depend on the version of Go. A host
// would then find the same VIB, built again, to have "unequal payloads".
func pack(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}
