//go:build linux

package esxi

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

func (h *Host) installed(name string) *sim.VIB {
	list := h.sim.VIBs()
	i := slices.IndexFunc(list, func(v sim.VIB) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// compare finds what a package is to replace, and whether it is to be left out.
// The texts about one version with two contents are those of lamw/ghettoVCB #340
// (6.7) and of a vSphere Update Manager's log (6.0).
func (h *Host) compare(a *archive, update bool) (old *sim.VIB, skip bool, err error) {
	old = h.installed(a.vib.Name)
	if old == nil {
		return nil, update, nil // an update adds nothing
	}
	if old.ID() != a.vib.ID() {
		return old, update && newer(old.Version, a.vib.Version), nil
	}
	before := h.packages[a.vib.Name]
	if before == nil || before.descriptor == nil {
		return nil, false, unequalPayloads(a.vib.ID(), nil, a.payloads)
	}
	if list, was := pythonSet(a.fileList), pythonSet(before.fileList); list != was {
		return nil, false, imageError("ValueError", "VIBs %[1]s and %[1]s have unequal values of the 'filelist' attribute: '%[2]s' != '%[3]s'",
			a.vib.ID(), was, list)
	}
	same := func(x, y payload) bool { return x.name == y.name && x.checksums["sha-256"] == y.checksums["sha-256"] }
	if !slices.EqualFunc(before.payloads, a.payloads, same) {
		return nil, false, unequalPayloads(a.vib.ID(), before.payloads, a.payloads)
	}
	return old, true, nil
}

// pythonSet is a set as ESXi's Python prints it.
func pythonSet(list []string) string {
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return "{'" + strings.Join(sorted, "', '") + "'}"
}

func unequalPayloads(id string, before, after []payload) error {
	sizes := func(list []payload) string {
		var words []string
		for _, p := range list {
			words = append(words, fmt.Sprintf("%s: %.3f KB", p.name, float64(p.size)/1024))
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	return imageError("ValueError", "Cannot merge VIBs %[1]s, %[1]s with unequal payloads attributes: (%[2]s, %[3]s)", id, sizes(before), sizes(after))
}

// newer reports whether version a is newer than b: numbers are compared as such.
func newer(a, b string) bool {
	split := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(".-_", r) })
	}
	return slices.CompareFunc(split(a), split(b), func(x, y string) int {
		n, err1 := strconv.Atoi(x)
		m, err2 := strconv.Atoi(y)
		if err1 == nil && err2 == nil {
			return n - m
		}
		return strings.Compare(x, y)
	}) > 0
}

// permit is everything that may speak against a package. Neither --force nor,
// as far as was found out, --no-sig-check makes up for the acceptance level:
// lamw/ghettoVCB #307 is about the former; of the latter esxcli's help says that
// it "bypasses acceptance level verification", which is not relied upon here.
func (h *Host) permit(a *archive, o options) error {
	id, force := a.vib.ID(), o.is("force")
	if sim.AcceptanceRank(a.vib.AcceptanceLevel) > sim.AcceptanceRank(h.sim.Acceptance()) {
		return imageError("AcceptanceConfigError", "VIB %s's acceptance level is %s, which is not compliant with the ImageProfile acceptance level %s\n"+
			" To change the host acceptance level, use the 'esxcli software acceptance set' command.",
			id, strings.TrimPrefix(a.vib.AcceptanceLevel, "vmware_"), strings.TrimPrefix(h.sim.Acceptance(), "vmware_"))
	}
	if v := a.violation(); v != "" && !force {
		return imageError("VibValidationError", "VIB %s violates extensibility rule checks: ['%s']", id, v)
	}
	if h.sim.SecureBoot() && (a.vib.AcceptanceLevel == community || o.is("no-sig-check")) { // inferred
		return imageError("AcceptanceConfigError", "Secure Boot is enabled: VIB %s cannot be installed without a trusted signature.", id)
	}
	if a.vib.AcceptanceLevel != community && !a.signed && !force && !o.is("no-sig-check") { // the text is inferred
		return imageError("VibSigMissingError", "VIB %s does not have a signature.", id)
	}
	if claimed := h.claimed(a); claimed != "" {
		return claimedBy(claimed, id)
	}
	for _, p := range a.payloads {
		if h.sim.AtLeast("8.0") && !p.modern() {
			return imageError("ProfileValidationError", "In ImageProfile (Updated) ESXi-%s-%s-standard, the payload(s) in VIB %s does not have "+
				"sha-256 gunzip checksum. This will prevent VIB security verification and secure boot from functioning properly. "+
				"Please remove this VIB or please check with your vendor for a replacement of this VIB",
				h.sim.Version(), sim.BuildOf(h.sim.Version()), id)
		}
	}
	return nil
}

// claimed is a file that another package has, too.
func (h *Host) claimed(a *archive) string {
	for _, f := range a.fileList {
		if "/"+f == firewallDir+"/service.xml" {
			return f
		}
		for name, other := range h.packages {
			if name != a.vib.Name && slices.ContainsFunc(other.files, func(o file) bool { return o.path == f }) {
				return f
			}
		}
	}
	return ""
}

// claimedBy is inferred but for the word that ESXi has for it.
func claimedBy(file, id string) error {
	return imageError("DependencyError", "File path of '/%s' is claimed by multiple non-overlay VIBs, %s among them", file, id)
}
