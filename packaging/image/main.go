// Command image writes an OCI archive from scratch: the program, CA certificates, a
// user that is not root. The same files and time give the same bytes.
//
//	image OUT.tar TAG VERSION UNIX-TIME CERTIFICATES LICENCES GOARCH=PROGRAM...
//
// LICENCES is a folder with LICENSE and THIRD-PARTY-NOTICES.
package main

import (
	"archive/tar"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// configuration says how the image runs. Its user is nobody's: it is the one that
// distroless images call nonroot.
//
//go:embed config.json
var configuration []byte

func main() {
	log.SetFlags(0)
	if len(os.Args) < 8 {
		log.Fatal("usage: image OUT.tar TAG VERSION UNIX-TIME CERTIFICATES LICENCES GOARCH=PROGRAM...")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6], os.Args[7:]); err != nil {
		log.Fatalf("image: %v", err)
	}
}

func run(out, tag, version, seconds, certificates, licences string, programs []string) error {
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("the time is to be seconds since 1970, not %q", seconds)
	}
	at := time.Unix(unix, 0).UTC()
	shared := [][2]string{{"etc/ssl/certs/ca-certificates.crt", certificates}}
	for _, name := range []string{"LICENSE", "THIRD-PARTY-NOTICES"} {
		shared = append(shared, [2]string{"usr/share/doc/vic-preflight/" + name, filepath.Join(licences, name)})
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, program := range programs {
		arch, path, _ := strings.Cut(program, "=")
		image, err := build(arch, path, shared, version, at)
		if err != nil {
			return fmt.Errorf("image of %s: %w", arch, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			MediaType: types.OCIManifestSchema1, Platform: &v1.Platform{OS: "linux", Architecture: arch},
		}})
	}
	return archive(out, index, tag, at)
}

// build makes the image of one architecture, of the program and the files that all
// architectures share.
func build(arch, program string, shared [][2]string, version string, at time.Time) (v1.Image, error) {
	data, err := files(at, append(slices.Clone(shared), [2]string{"usr/bin/vic-preflight", program}))
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image, err := mutate.Append(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), mutate.Addendum{
		Layer: layer, History: v1.History{Created: v1.Time{Time: at}, CreatedBy: "make image"},
	})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, v1.Time{Time: at}
	if err := json.Unmarshal(configuration, &config.Config); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	config.Config.Labels["org.opencontainers.image.version"] = version
	return mutate.ConfigFile(image, config)
}

// files is the layer: all of root's, read by everybody, save for /home and /tmp.
func files(at time.Time, list [][2]string) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	header := tar.Header{ModTime: at, Format: tar.FormatPAX}
	for _, dir := range []string{"etc/", "etc/ssl/", "etc/ssl/certs/", "home/", "tmp/", "usr/", "usr/bin/", "usr/share/", "usr/share/doc/", "usr/share/doc/vic-preflight/"} {
		h := header
		h.Name, h.Typeflag, h.Mode = dir, tar.TypeDir, 0o755
		switch dir {
		case "home/":
			h.Uid, h.Gid, h.Mode = 65532, 65532, 0o700
		case "tmp/":
			h.Mode = 0o1777
		}
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
	}
	for _, file := range list {
		data, err := os.ReadFile(file[1])
		if err != nil {
			return nil, err
		}
		h := header
		h.Name, h.Typeflag, h.Mode, h.Size = file[0], tar.TypeReg, 0o644, int64(len(data))
		if strings.HasPrefix(file[0], "usr/bin/") {
			h.Mode = 0o755
		}
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return buf.Bytes(), err
}

// archive writes the layout of OCI as one tar file.
func archive(out string, index v1.ImageIndex, tag string, at time.Time) (err error) {
	dir, err := os.MkdirTemp(filepath.Dir(out), ".image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag})); err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	w := tar.NewWriter(f)
	// Walk goes in lexical order.
	err = filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(rel), Mode: 0o644, Size: info.Size(), ModTime: at}); err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	if err == nil {
		err = w.Close()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
