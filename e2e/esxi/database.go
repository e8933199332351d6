//go:build linux

package esxi

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// unpack puts the files on the host, as far as it has a place for them.
func (h *Host) unpack(a *archive) error {
	for _, f := range a.files {
		if real, err := h.real("/" + f.path); err == nil {
			if err := os.MkdirAll(filepath.Dir(real), 0o755); err != nil {
				return err
			}
			if err := os.RemoveAll(real); err != nil {
				return err
			}
			if err := writeFile(real, f.data, f.mode); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeAway removes the files from the host.
func (h *Host) takeAway(a *archive) error {
	for _, f := range a.files {
		if real, err := h.real("/" + f.path); err == nil {
			if err := os.RemoveAll(real); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeDescriptors writes the database of installed packages.
func (h *Host) writeDescriptors() error {
	dir := h.path("db/esximg/vibs")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, v := range h.sim.VIBs() {
		text := h.describe(v)
		if a := h.packages[v.Name]; a != nil && a.descriptor != nil {
			text = a.descriptor
		}
		installed := fmt.Sprintf("<installdate>%s</installdate></vib>", v.CreationDate.UTC().Format("2006-01-02T15:04:05.000000+00:00"))
		text = bytes.Replace(text, []byte("</vib>"), []byte(installed), 1)
		sum := fnv.New64a()
		_, _ = sum.Write([]byte(v.ID()))
		if err := writeFile(filepath.Join(dir, fmt.Sprintf("%s-%d.xml", v.Name, int64(sum.Sum64()))), text, 0o444); err != nil {
			return err
		}
	}
	return nil
}

// describe makes up the descriptor of a package that was not installed from a
// file: one that ESXi brings, or that a scenario has.
func (h *Host) describe(v sim.VIB) []byte {
	var files []string
	if v.Name == "esx-base" {
		files = []string{"bin/esxcli", "etc/vmware/firewall/service.xml", "lib/vmware/secureboot/bin/secureBoot.py"}
	}
	if a := h.packages[v.Name]; a != nil {
		for _, f := range a.files {
			files = append(files, f.path)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<vib version="5.0"><type>%s</type><name>%s</name><version>%s</version><vendor>%s</vendor>`,
		v.Type, v.Name, v.Version, v.Vendor)
	fmt.Fprintf(&b, `<summary>%s</summary><description>%s</description><release-date>%s</release-date><file-list>`,
		v.Summary, v.Description, v.Released.UTC().Format("2006-01-02T15:04:05.000000+00:00"))
	for _, f := range files {
		fmt.Fprintf(&b, "<file>%s</file>", f)
	}
	fmt.Fprintf(&b, `</file-list><acceptance-level>%s</acceptance-level></vib>`, strings.TrimPrefix(v.AcceptanceLevel, "vmware_"))
	return []byte(b.String())
}
