//go:build linux

package esxi

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	firewallDir = "/etc/vmware/firewall"
	// vibsDir has the descriptor of every installed VIB, with its list of files:
	// the one place that says which VIB a file is from. Source: the forensic tool
	// Artemis reads /var/db/esximg/vibs/*.xml (its samples are named like
	// artemis--2860263652605340392.xml) and finds an installdate in them, and
	// a log of ESXi's own names qedentv-2670021833313565255.xml there.
	vibsDir = "/var/db/esximg/vibs"
	binDir  = "/usr/lib/vmware/bin"
)

// own are the folders that a host has for itself, by where they are on it.
var own = [...]struct{ path, name string }{
	{"/etc/vmware", "etc"},
	{"/var/db", "db"},
	{"/usr/lib/vmware", "vmware"},
	{"/tmp", "tmp"},
}

// applets are the programs in a session's PATH, as far as the machine has them:
// those of ESXi's busybox that scripts use. There is no bash, and no timeout.
const applets = "[ awk basename cat chmod cmp cp cut date df diff dirname du echo env expr false find grep gunzip gzip head hostname " +
	"id kill ln ls md5sum mkdir mktemp mv nc od ping printf ps pwd readlink rm rmdir scp sed seq sh sha1sum sha256sum sleep sort stat " +
	"sync tail tar tee test touch tr true uname uniq vi wc which xargs"

// real is where a file of the host's is on this machine. Only the host's own
// folders can be had this way.
func (h *Host) real(path string) (string, error) {
	clean := filepath.Clean(path)
	for _, o := range own {
		if rest, ok := strings.CutPrefix(clean, o.path); ok && (rest == "" || rest[0] == '/') {
			return h.path(o.name, rest), nil
		}
	}
	return "", fmt.Errorf("open %s: %w", path, os.ErrNotExist)
}

// makeFiles makes everything that the host has on its disks.
func (h *Host) makeFiles(program string) error {
	for _, dir := range []string{
		"etc/firewall", "db/esximg/vibs", "vmware/bin", "vmware/secureboot/bin", "tmp", "keep/etc", "keep/var", "keep/lib",
	} {
		if err := os.MkdirAll(h.path(dir), 0o755); err != nil {
			return err
		}
	}
	for _, path := range []string{"vmware/bin/esxcli", "vmware/bin/vmware", "vmware/secureboot/bin/secureBoot.py"} {
		if err := os.Symlink(program, h.path(path)); err != nil {
			return err
		}
	}
	for _, name := range strings.Fields(applets) {
		path, err := exec.LookPath(name)
		if errors.Is(err, exec.ErrNotFound) {
			continue
		} else if err != nil {
			return err
		}
		if err := os.Symlink(path, h.path("vmware/bin", name)); err != nil {
			return err
		}
	}
	if err := h.adoptRulesets(); err != nil {
		return err
	}
	return h.writeDescriptors()
}

// restoreFiles makes the files what they are after a start.
func (h *Host) restoreFiles() error {
	for _, dir := range []string{"etc/firewall", "tmp"} {
		if err := os.RemoveAll(h.path(dir)); err != nil {
			return err
		}
	}
	// A running server's mounts would keep the old folders: it was ended before.
	if err := os.Mkdir(h.path("etc/firewall"), 0o755); err != nil {
		return err
	}
	if err := h.makeTmp(); err != nil {
		return err
	}
	if err := h.writeBuiltIn(); err != nil {
		return err
	}
	for _, a := range h.packages {
		if err := h.unpack(a); err != nil {
			return err
		}
	}
	return h.writeDescriptors()
}

func (h *Host) makeTmp() error {
	if err := os.MkdirAll(h.path("tmp"), 0o777); err != nil {
		return err
	}
	return os.Chmod(h.path("tmp"), os.ModeSticky|0o777)
}

// writeBuiltIn writes service.xml with ESXi's own mode: nobody's to write to,
// and with the sticky bit, by which ESXi knows files that it is to keep a copy
// of (packer's guides to opening the firewall set it after an edit).
func (h *Host) writeBuiltIn() error {
	return writeFile(h.path("etc/firewall/service.xml"), h.builtIn, os.ModeSticky|0o444)
}

func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	return os.Chmod(path, mode) // whatever the umask
}

// mount puts the host's own folders where its sessions look for them. It is
// called on a thread with mounts of its own.
func (h *Host) mount() error {
	for i, parent := range []string{"/etc", "/var", "/usr/lib"} {
		if err := cover(parent, h.path("keep", []string{"etc", "var", "lib"}[i]), own[i].path); err != nil {
			return fmt.Errorf("replace %s: %w", parent, err)
		}
	}
	for _, o := range own {
		if err := unix.Mount(h.path(o.name), o.path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("mount %s: %w", o.path, err)
		}
	}
	return nil
}

// cover makes room for a folder that the machine's own parent folder does not
// have, and where a plain user could not make it: it puts another folder over
// the parent that shows all that was there, and the new one.
func cover(parent, keep, wanted string) error {
	if info, err := os.Stat(wanted); err == nil && info.IsDir() {
		return nil
	}
	if err := unix.Mount(parent, keep, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", parent, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return err
	}
	entries, err := os.ReadDir(keep)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := show(e, filepath.Join(keep, e.Name()), filepath.Join(parent, e.Name())); err != nil {
			return err
		}
	}
	return os.Mkdir(wanted, 0o755)
}

// show makes an entry of a covered folder visible again.
func show(e os.DirEntry, from, to string) error {
	switch {
	case e.Type()&os.ModeSymlink != 0: // copied, since it may lead somewhere by a relative path
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case e.IsDir():
		if err := os.Mkdir(to, 0o755); err != nil {
			return err
		}
	case e.Type().IsRegular():
		if err := os.WriteFile(to, nil, 0o600); err != nil {
			return err
		}
	default:
		return nil
	}
	return unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, "")
}
