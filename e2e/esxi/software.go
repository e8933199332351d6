//go:build linux

package esxi

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// imageError is an error of ESXi's image library as esxcli prints it.
func imageError(name, format string, args ...any) error {
	return say(" [%s]\n %s\n Please refer to the log file for more details.", name, fmt.Sprintf(format, args...))
}

// platformGet prints the hardware's UUID byte by byte, without zeros in front.
func platformGet(h *Host, _ options) (string, error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(h.sim.UUID(), "-", ""))
	if err != nil {
		return "", err
	}
	text := "Platform Information\n   UUID:"
	for _, b := range raw {
		text += fmt.Sprintf(" 0x%x", b)
	}
	return text + "\n   Product Name: simulated\n   Vendor Name: vic-preflight\n", nil
}

func acceptanceGet(h *Host, _ options) (string, error) {
	return sim.CLIAcceptance(h.sim.Acceptance()) + "\n", nil
}

// acceptanceSet answers as in VMware's documentation; the refusal is that of
// lamw/ghettoVCB #63, the one because of Secure Boot is inferred.
func acceptanceSet(h *Host, o options) (string, error) {
	level := o.first("level")
	if rank := sim.AcceptanceRank(level); rank < 0 || sim.CLIAcceptance(level) != level {
		return "", say("Error: Invalid data constraint for parameter 'level'.")
	}
	if err := h.sim.SetAcceptance(level); err != nil {
		return "", imageError("AcceptanceConfigError", "%s", err)
	}
	return fmt.Sprintf("Host acceptance level changed to '%s'.\n", level), nil
}

func vibList(h *Host, o options) (string, error) {
	columns := []column{{"Name", false}, {"Version", false}, {"Vendor", false}, {"Acceptance Level", false}, {"Install Date", false}}
	if h.sim.AtLeast("8.0") {
		columns = append(columns, column{"Platforms", false})
	}
	var rows [][]string
	for _, v := range h.image(o) {
		rows = append(rows, []string{
			v.Name, v.Version, v.Vendor, sim.CLIAcceptance(v.AcceptanceLevel), v.CreationDate.UTC().Format("2006-01-02"), "host",
		})
	}
	return table(columns, rows), nil
}

// image is what runs or, when that is asked for, what will after a reboot:
// nothing as long as there is no such image.
func (h *Host) image(o options) []sim.VIB {
	if !o.is("rebooting-image") {
		return h.sim.VIBs()
	}
	if len(h.pending) == 0 {
		return nil
	}
	list := h.sim.VIBs()
	for _, c := range h.pending {
		list = slices.DeleteFunc(list, func(v sim.VIB) bool { return v.Name == c.name })
		if c.archive != nil {
			v := c.archive.vib
			v.CreationDate = &v.Released // the day is not decided before
			list = append(list, v)
		}
	}
	return list
}

// noMatch has the text of ESXi 5.5 and the line that govmomi recorded on 8.0.
func noMatch(name string) error {
	return imageError("NoMatchError", "No VIB matching VIB search specification '%[1]s'.\n       id=%[1]s", name)
}

func vibGet(h *Host, o options) (string, error) {
	var b strings.Builder
	list := h.image(o)
	if o.is("vibname") {
		var picked []sim.VIB
		for _, name := range o["vibname"] {
			i := slices.IndexFunc(list, func(v sim.VIB) bool { return matches(v, name) })
			if i < 0 {
				return "", noMatch(name)
			}
			picked = append(picked, list[i])
		}
		list = picked
	}
	for _, v := range list {
		h.printVIB(&b, v)
	}
	return b.String(), nil
}

// matches knows the forms name, name:version, vendor:name and
// vendor:name:version.
func matches(v sim.VIB, spec string) bool {
	return slices.Contains([]string{v.Name, v.Name + ":" + v.Version, v.Vendor + ":" + v.Name, v.Vendor + ":" + v.Name + ":" + v.Version}, spec)
}

// printVIB prints a package as in outputs of ESXi 5.5, which have a blank after
// each colon.
func (h *Host) printVIB(b *strings.Builder, v sim.VIB) {
	word := func(p *bool) string {
		if p != nil && *p {
			return "True"
		}
		return "False"
	}
	fmt.Fprintf(b, "%s\n", v.ID())
	for _, line := range [][2]string{
		{"Name", v.Name},
		{"Version", v.Version},
		{"Type", v.Type},
		{"Vendor", v.Vendor},
		{"Acceptance Level", sim.CLIAcceptance(v.AcceptanceLevel)},
		{"Summary", v.Summary},
		{"Description", v.Description},
		{"ReferenceURLs", strings.Join(v.ReferenceURL, ", ")},
		{"Creation Date", v.Released.UTC().Format("2006-01-02")},
		{"Depends", ""},
		{"Conflicts", ""},
		{"Replaces", ""},
		{"Provides", strings.Join(v.Provides, ", ")},
		{"Maintenance Mode Required", word(v.MaintenanceModeRequired)},
		{"Hardware Platforms Required", strings.Join(v.HardwarePlatformsRequired, ", ")},
		{"Live Install Allowed", word(v.Capability.LiveInstallAllowed)},
		{"Live Remove Allowed", word(v.Capability.LiveRemoveAllowed)},
		{"Stateless Ready", word(v.Capability.StatelessReady)},
		{"Overlay", word(v.Capability.Overlay)},
		{"Tags", strings.Join(v.Tag, ", ")},
		{"Payloads", strings.Join(v.Payload, ", ")},
	} {
		fmt.Fprintf(b, "   %s: %s\n", line[0], line[1])
	}
	if h.sim.AtLeast("8.0") {
		b.WriteString("   Platforms: host\n")
	}
}

const (
	finished     = "Operation finished successfully."
	unchanged    = "Host is not changed."
	needsReboot  = "The update completed successfully, but the system needs to be rebooted for the changes to be effective."
	dryRunPrefix = "Dryrun only, host not changed. The following installers will be applied: "
)
