//go:build linux

package esxi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// result is what an installation or a removal has come to.
type result struct {
	title, message              string
	reboot                      bool
	installed, removed, skipped []string
}

// print has the lines in the order of ESXi 8 or of those before. A line without
// a value ends in a blank.
func (r result) print(eight bool) string {
	lines := [][2]string{
		{"VIBs Installed", strings.Join(r.installed, ", ")},
		{"VIBs Removed", strings.Join(r.removed, ", ")},
		{"VIBs Skipped", strings.Join(r.skipped, ", ")},
	}
	reboot := [2]string{"Reboot Required", strconv.FormatBool(r.reboot)}
	if eight {
		lines = append(lines, reboot, [2]string{"DPU Results", ""})
	} else {
		lines = append([][2]string{reboot}, lines...)
	}
	text := r.title + "\n   Message: " + r.message + "\n"
	for _, l := range lines {
		text += "   " + l[0] + ": " + l[1] + "\n"
	}
	return text
}

// change is a package that comes (in place of another, perhaps) or, without an
// archive, goes.
type change struct {
	name    string
	archive *archive
}

func vibInstall(h *Host, o options) (string, error) { return h.install(o, false) }

func vibUpdate(h *Host, o options) (string, error) { return h.install(o, true) }

// install looks at everything first, as far as that goes without unpacking, then
// changes the host.
func (h *Host) install(o options, update bool) (string, error) {
	archives, err := h.fetch(o)
	if err != nil {
		return "", err
	}
	r := result{title: "Installation Result"}
	var changes []change
	live := !o.is("no-live-install")
	for _, a := range archives {
		old, skip, err := h.compare(a, update)
		if err != nil {
			return "", err
		}
		if skip {
			r.skipped = append(r.skipped, a.vib.ID())
			continue
		}
		if err := h.permit(a, o); err != nil {
			return "", err
		}
		live = live && a.liveIn
		r.installed = append(r.installed, a.vib.ID())
		if old != nil {
			r.removed = append(r.removed, old.ID())
			live = live && *old.Capability.LiveRemoveAllowed
		}
		changes = append(changes, change{a.vib.Name, a})
	}
	return h.perform(r, changes, live, o)
}

// perform makes the changes that were decided on, or says what it would do. The
// list of installers of a live one is inferred.
func (h *Host) perform(r result, changes []change, live bool, o options) (string, error) {
	eight := h.sim.AtLeast("8.0")
	r.message = finished
	switch {
	case len(changes) == 0:
		r.message = unchanged
		return r.print(eight), nil
	case !live:
		r.message, r.reboot = needsReboot, true
	}
	if o.is("dry-run") {
		installers := "[BootBankInstaller]"
		if live {
			installers = "[LiveImageInstaller, BootBankInstaller]"
		}
		r.message = dryRunPrefix + installers
		return r.print(eight), nil
	}
	if err := h.maintained(changes, live, o); err != nil {
		return "", err
	}
	for _, c := range changes {
		if c.archive == nil {
			continue
		}
		if err := c.archive.stage(eight); err != nil {
			return "", imageError("InstallationError", "%s\n       vibs = %s", err, c.archive.vib.ID())
		}
	}
	if !live {
		h.pending = append(h.pending, changes...)
		return r.print(eight), nil
	}
	if err := h.apply(changes); err != nil {
		return "", imageError("InstallationError", "%s", err)
	}
	return r.print(eight), nil
}

// maintained refuses a live change that wants the maintenance mode.
func (h *Host) maintained(changes []change, live bool, o options) error {
	var in, out []string
	for _, c := range changes {
		if c.archive != nil && c.archive.maintain {
			in = append(in, c.archive.vib.ID())
		}
		if old := h.installed(c.name); c.archive == nil && old != nil && *old.MaintenanceModeRequired {
			out = append(out, old.ID())
		}
	}
	if !live || len(in)+len(out) == 0 || o.is("maintenance-mode") || h.sim.InMaintenance() {
		return nil
	}
	return imageError("MaintenanceModeError", "MaintenanceMode is required to remove: [%s]; install: [%s].", strings.Join(out, ", "), strings.Join(in, ", "))
}

func (h *Host) apply(changes []change) error {
	for _, c := range changes {
		if old := h.packages[c.name]; old != nil {
			if err := h.takeAway(old); err != nil {
				return err
			}
			delete(h.packages, c.name)
		}
		if c.archive == nil {
			h.sim.RemoveVIB(c.name)
			continue
		}
		if err := h.unpack(c.archive); err != nil {
			return err
		}
		h.packages[c.name] = c.archive
		h.sim.InstallVIB(c.archive.vib)
	}
	return h.writeDescriptors()
}

// applyPending is for a start.
func (h *Host) applyPending() error {
	changes := h.pending
	h.pending = nil
	if len(changes) == 0 {
		return nil
	}
	return h.apply(changes)
}

func vibRemove(h *Host, o options) (string, error) {
	r := result{title: "Removal Result"}
	var changes []change
	live := !o.is("no-live-install")
	for _, name := range o["vibname"] {
		i := slices.IndexFunc(h.sim.VIBs(), func(v sim.VIB) bool { return matches(v, name) })
		if i < 0 {
			return "", noMatch(name)
		}
		v := h.sim.VIBs()[i]
		if v.Name == "esx-base" { // the text is inferred
			return "", imageError("DependencyError", "VIB %s is needed by others", v.ID())
		}
		r.removed = append(r.removed, v.ID())
		live = live && *v.Capability.LiveRemoveAllowed
		changes = append(changes, change{name: v.Name})
	}
	return h.perform(r, changes, live, o)
}
