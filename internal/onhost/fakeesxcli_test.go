package onhost_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/fix"
)

// words are those that a shell makes of a line.
func words(line string) []string {
	if !strings.ContainsAny(line, "'\"\\$`") {
		return strings.Fields(line)
	}
	out, err := exec.Command("/bin/sh", "-c", `printf '%s\000' `+line).Output()
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// esxcli knows the commands that are sent.
func (h *fakeHost) esxcli(args []string) (string, error) {
	last := args[len(args)-1]
	level, _ := strings.CutPrefix(last, "--level=")
	switch line := strings.Join(args, " "); {
	case line == "/usr/lib/vmware/secureboot/bin/secureBoot.py -s":
		return h.secure, nil
	case line == "esxcli hardware platform get":
		return h.platform, nil
	case line == "esxcli network firewall refresh":
		h.refresh()
		return "", nil
	case line == "esxcli network firewall ruleset list":
		return "Name       Enabled\n---------  -------\n" + strings.Join(append(h.loaded, ""), "     true\n"), nil
	case line == "esxcli software acceptance get":
		return h.level + "\n", nil
	case line == "esxcli software acceptance set --level="+level:
		return h.setLevel(level)
	case line == "esxcli software vib list --rebooting-image":
		if len(h.pending) == 0 {
			return "", nil
		}
		return list(h.pending), nil
	case line == "esxcli software vib list":
		return list(h.vibs), nil
	case line == "esxcli software vib install --dry-run -v "+last:
		return h.install(last, true)
	case line == "esxcli software vib install -v "+last:
		return h.install(last, false)
	case line == "esxcli software vib remove -n "+last:
		return h.remove(last)
	}
	return "", fmt.Errorf("Error: Unknown command or namespace %q", args)
}

func (h *fakeHost) setLevel(level string) (string, error) {
	if level != fix.CommunitySupported && slices.ContainsFunc(h.vibs, func(v fakeVIB) bool { return !v.certified }) {
		return "", errors.New("[AcceptanceConfigError]\n Unable to set the acceptance level: a VIB is below it")
	}
	h.level = level
	return "Host acceptance level changed to '" + level + "'.\n", nil
}

func list(vibs []fakeVIB) string {
	row := func(name, version, vendor string) string {
		return fmt.Sprintf("%-20s  %-10s  %-10s\n", name, version, vendor)
	}
	table := row("Name", "Version", "Vendor") + row(strings.Repeat("-", 20), strings.Repeat("-", 10), strings.Repeat("-", 10))
	for _, v := range vibs {
		table += row(v.part(2), v.part(3), v.part(0))
	}
	return table
}

func (h *fakeHost) install(path string, dry bool) (string, error) {
	text, err := os.ReadFile(h.dir + path)
	id, key, found := strings.Cut(string(text), "\n")
	switch {
	case err != nil || !found || key == "":
		return "", errors.New("[VibDownloadError]\n ('x.vib', 'Bad VIB archive header')")
	case h.level != fix.CommunitySupported:
		return "", errors.New("[AcceptanceConfigError]\n the VIB's acceptance level is community, which is not compliant")
	}
	v, removed := fakeVIB{id: id, ruleset: key}, ""
	for _, old := range h.vibs {
		if old.id == id {
			return "Installation Result\n   Message: Host is not changed.\n   Reboot Required: false\n", nil
		}
		if old.part(2) == v.part(2) {
			removed = old.id
		}
	}
	if !dry {
		h.vibs = append(slices.DeleteFunc(h.vibs, func(v fakeVIB) bool { return v.id == removed }), v)
		err = os.WriteFile(h.dir+v.file(), []byte(ruleset(v.ruleset)), 0o444)
	}
	return fmt.Sprintf("Installation Result\n   Message: Operation finished successfully.\n   VIBs Installed: %s\n   VIBs Removed: %s\n   Reboot Required: false\n", id, removed), err
}

func (h *fakeHost) remove(name string) (string, error) {
	i := slices.IndexFunc(h.vibs, func(v fakeVIB) bool { return v.part(2) == name })
	if i < 0 {
		return "", errors.New("[NoMatchError]\n No VIB matching VIB search specification '" + name + "'.")
	}
	v := h.vibs[i]
	h.vibs = slices.Delete(h.vibs, i, i+1)
	return "Removal Result\n   Message: Operation finished successfully.\n   VIBs Removed: " + v.id + "\n   Reboot Required: false\n", os.RemoveAll(h.dir + v.file())
}
