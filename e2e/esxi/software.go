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
	"strconv"
	"strings"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

// imageError is an error of ESXi's image library as esxcli prints it.
func imageError(name, format string, args ...any) error {
	return say(" [%s]\n %s\n Please refer to the log file for more details.", name, fmt.Sprintf(format, args...))
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

// result is what an installation or a removal has come to.
type result struct {
	title, message              string
	reboot                      bool
	installed, removed, skipped []string
}

const (
	finished     = "Operation finished successfully."
	unchanged    = "Host is not changed."
	needsReboot  = "The update completed successfully, but the system needs to be rebooted for the changes to be effective."
	dryRunPrefix = "Dryrun only, host not changed. The following installers will be applied: "
)

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
