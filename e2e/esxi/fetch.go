//go:build linux

package esxi

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// fetch reads the packages that a command names.
func (h *Host) fetch(o options) ([]*archive, error) {
	if !o.is("viburl") && !o.is("depot") {
		return nil, say("Error: Missing required parameter -d|--depot or -v|--viburl")
	}
	var list []*archive
	for _, url := range o["viburl"] {
		data, err := h.open(url)
		if err != nil {
			return nil, err
		}
		a, err := parseVIB(data)
		if err != nil {
			return nil, imageError("VibDownloadError", "('%s', '%s', '%s')\n        url = %[1]s", url, download, err)
		}
		list = append(list, a)
	}
	for _, depot := range o["depot"] {
		archives, err := h.openDepot(depot)
		if err != nil {
			return nil, err
		}
		list = append(list, archives...)
	}
	if !o.is("vibname") {
		return list, nil
	}
	var picked []*archive
	for _, name := range o["vibname"] {
		i := slices.IndexFunc(list, func(a *archive) bool { return matches(a.vib, name) })
		if i < 0 {
			return nil, noMatch(name)
		}
		picked = append(picked, list[i])
	}
	return picked, nil
}

// download is the temporary file in ESXi's messages (lamw/ghettoVCB #282).
const download = "/tmp/vib_8p6t0qhn"

// open reads a VIB by an absolute path or a file: URL; there is no network. What
// a relative path comes to is recorded: on 6.7 in lamw/ghettoVCB #282, on 6.0 in
// vsphere-storage-for-docker #367. That nothing is there is put by the latter.
func (h *Host) open(url string) ([]byte, error) {
	name, isURL := strings.CutPrefix(url, "file:")
	if isURL {
		name = "/" + strings.TrimLeft(name, "/")
	}
	switch {
	case strings.Contains(name, "://"):
		return nil, imageError("VibDownloadError", `('%s', '%s', '<urlopen error [Errno -3] Temporary failure in name resolution>')`+"\n        url = %[1]s", url, download)
	case !strings.HasPrefix(name, "/") && h.sim.AtLeast("6.7"):
		return nil, imageError("VibDownloadError", `('%[1]s', '%[2]s', "unknown url type: '%[1]s'")`+"\n        url = %[1]s", url, download)
	case !strings.HasPrefix(name, "/"):
		name = path.Join("/var/log/vmware", name)
	}
	real, err := h.real(name)
	if err == nil {
		var data []byte
		if data, err = os.ReadFile(real); err == nil {
			return data, nil
		}
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, imageError("VibDownloadError", `('%s', '', "%s")`+"\n        url = %[1]s", url, err)
	}
	return nil, imageError("VibDownloadError", `('%s', '', "[Errno 4] IOError: <urlopen error [Errno 2] No such file or directory: '%s'>")`+"\n        url = %[1]s", url, name)
}

// openDepot reads the packages of an offline bundle: a zip file with an index.
// Its metadata are not looked at.
func (h *Host) openDepot(depot string) ([]*archive, error) {
	bad := func(name, why string) error { // lamw/ghettoVCB #282
		return imageError("MetadataDownloadError", `Could not download from depot at zip:%[1]s?index.xml, skipping (('zip:%[1]s?index.xml', '', `+
			`"Error extracting index.xml from %[1]s: %[2]s"))`+"\n        url = zip:%[1]s?index.xml", name, why)
	}
	name := depot
	if !strings.HasPrefix(name, "/") {
		name = path.Join("/var/log/vmware", name)
	}
	real, err := h.real(name)
	if err != nil {
		return nil, bad(name, fmt.Sprintf("[Errno 2] No such file or directory: '%s'", name))
	}
	z, err := zip.OpenReader(real)
	if errors.Is(err, os.ErrNotExist) {
		return nil, bad(name, fmt.Sprintf("[Errno 2] No such file or directory: '%s'", name))
	} else if err != nil {
		return nil, bad(name, "File is not a zip file")
	}
	defer func() { _ = z.Close() }()
	index := false
	var list []*archive
	for _, f := range z.File {
		index = index || f.Name == "index.xml"
		if filepath.Ext(f.Name) != ".vib" {
			continue
		}
		a, err := readZipped(f)
		if err != nil {
			return nil, imageError("VibDownloadError", "('%s', '%s', '%s')\n        url = %[1]s", f.Name, download, err)
		}
		list = append(list, a)
	}
	if !index {
		return nil, bad(name, "There is no item named 'index.xml' in the archive")
	}
	return list, nil
}

func readZipped(f *zip.File) (*archive, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return parseVIB(data)
}
