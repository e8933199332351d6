package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/internal/vib"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// VIB is a VIB for showing: its texts are clean. The names of its JSON form are a
// contract.
type VIB struct {
	SchemaVersion   int          `json:"schemaVersion"`
	File            string       `json:"file"`
	Size            int64        `json:"size"`
	SHA256          string       `json:"sha256"`
	ID              string       `json:"id"`
	Type            string       `json:"type"`
	Name            string       `json:"name"`
	Version         string       `json:"version"`
	Vendor          string       `json:"vendor"`
	Summary         string       `json:"summary"`
	Description     string       `json:"description"`
	Released        string       `json:"released,omitempty"`
	AcceptanceLevel string       `json:"acceptanceLevel"`
	Signed          bool         `json:"signed"`
	LiveInstall     bool         `json:"liveInstall"`
	LiveRemove      bool         `json:"liveRemove"`
	MaintenanceMode bool         `json:"maintenanceMode"`
	Platforms       []string     `json:"platforms"`
	Suits           []string     `json:"suits"`   // as vib build --esxi takes them
	MaySuit         []string     `json:"maySuit"` // likewise; Doubts say why not for sure
	Depends         []string     `json:"depends"`
	Doubts          []string     `json:"doubts"`
	Payloads        []VIBPayload `json:"payloads"`
	Files           []VIBFile    `json:"files"`
	NotLookedInto   []string     `json:"notLookedInto"` // files of opaque payloads, as the descriptor lists them
	Rulesets        []VIBRuleset `json:"rulesets"`
	Problems        []string     `json:"problems"`
	hosts, mayHosts []string     // of Suits and MaySuit, in words
}

// VIBPayload is one payload of a VIB.
type VIBPayload struct {
	Name      string        `json:"name"`
	Type      string        `json:"type"`
	Size      int64         `json:"size"` // -1 when it is missing
	Opaque    bool          `json:"opaque"`
	Checksums []VIBChecksum `json:"checksums"`
}

// VIBChecksum is a sum that the descriptor gives.
type VIBChecksum struct {
	Algorithm string `json:"algorithm"`
	Process   string `json:"process,omitempty"`
	Sum       string `json:"sum"`
	Verified  bool   `json:"verified"`
}

// VIBFile is a file that a VIB brings.
type VIBFile struct {
	Path    string `json:"path"`
	Payload string `json:"payload"`
	Size    int64  `json:"size"`
	Mode    string `json:"mode"`
}

// VIBRuleset is a ruleset that a VIB brings.
type VIBRuleset struct {
	Key      string    `json:"key"`
	Enabled  bool      `json:"enabled"`
	Required bool      `json:"required"`
	Rules    []VIBRule `json:"rules"`
}

// VIBRule is one rule of it.
type VIBRule struct {
	Direction string `json:"direction"`
	Protocol  string `json:"protocol"`
	PortType  string `json:"portType"`
	Port      int    `json:"port"`
	EndPort   int    `json:"endPort"` // the same as port where it is one
}

// NewVIB is a package for showing, without what it was read from.
func NewVIB(p *vib.Package) *VIB {
	v := &VIB{
		SchemaVersion: 1, ID: Clean(p.ID()), Type: Clean(p.Type), Name: Clean(p.Name),
		Version: Clean(p.Version), Vendor: Clean(p.Vendor),
		Summary: oneLine(p.Summary), Description: oneLine(p.Description),
		AcceptanceLevel: Clean(p.AcceptanceLevel), Signed: p.Signed,
		LiveInstall: p.LiveInstall, LiveRemove: p.LiveRemove, MaintenanceMode: p.MaintenanceMode,
		Platforms: cleanAll(p.Platforms), Problems: cleanAll(p.Problems),
		NotLookedInto: cleanAll(p.Unseen), Depends: []string{}, Doubts: []string{},
		Suits: []string{}, MaySuit: []string{}, Payloads: []VIBPayload{}, Files: []VIBFile{}, Rulesets: []VIBRuleset{},
	}
	if !p.Released.IsZero() {
		v.Released = p.Released.Format(time.RFC3339)
	}
	v.suits(p)
	for _, payload := range p.Payloads {
		v.Payloads = append(v.Payloads, vibPayload(payload))
	}
	for _, f := range p.Files {
		v.Files = append(v.Files, VIBFile{Clean(f.Path), Clean(f.Payload), f.Size, f.Mode.String()})
	}
	for _, s := range p.Services {
		v.Rulesets = append(v.Rulesets, vibRuleset(s))
	}
	return v
}

func (v *VIB) suits(p *vib.Package) {
	for _, d := range p.Depends {
		v.Depends = append(v.Depends, Clean(strings.TrimSpace(d.Name+" "+d.Version)))
	}
	for _, g := range vib.Generations() {
		suitability, doubts := p.Suits(g.Flavour)
		switch suitability {
		case vib.Suited:
			v.Suits, v.hosts = append(v.Suits, g.Name), append(v.hosts, g.Hosts)
		case vib.MaySuit:
			v.MaySuit, v.mayHosts = append(v.MaySuit, g.Name), append(v.mayHosts, g.Hosts)
		}
		for _, doubt := range doubts {
			if doubt = Clean(doubt); !slices.Contains(v.Doubts, doubt) {
				v.Doubts = append(v.Doubts, doubt)
			}
		}
	}
}

func vibPayload(p vib.Payload) VIBPayload {
	shown := VIBPayload{Clean(p.Name), Clean(p.Type), p.Size, p.Opaque, []VIBChecksum{}}
	for _, c := range p.Checksums {
		shown.Checksums = append(shown.Checksums, VIBChecksum{Clean(c.Algorithm), Clean(c.Process), Clean(c.Sum), c.Verified})
	}
	return shown
}

func vibRuleset(s firewallxml.Service) VIBRuleset {
	shown := VIBRuleset{Clean(s.ID), s.Enabled, s.Required, []VIBRule{}}
	for _, r := range s.Rules {
		shown.Rules = append(shown.Rules, VIBRule{r.Direction, r.Protocol, portTypeOf(r), r.Port, r.Last()})
	}
	return shown
}

func portTypeOf(r inventory.Rule) string {
	if r.PortType == "" {
		return inventory.Dst
	}
	return r.PortType
}

// oneLine keeps the words apart that a line end parted.
func oneLine(text string) string { return Clean(strings.Join(strings.Fields(text), " ")) }

// Write shows the VIB to people, in lines of at most width columns, or as JSON.
func (v *VIB) Write(w io.Writer, asJSON bool, width int) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", indentation)
		return enc.Encode(v)
	}
	_, err := io.WriteString(w, v.Table(width))
	return err
}

// Table shows the VIB to people, in lines of at most width columns; 0 does not wrap.
func (v *VIB) Table(width int) string {
	t := &labelled{width: width}
	t.title(v.ID)
	t.fact("file", fmt.Sprintf("%s, %d bytes", v.File, v.Size))
	t.fact("SHA-256", v.SHA256)
	t.fact("type", v.Type)
	t.fact("summary", v.Summary)
	t.fact("description", v.Description)
	t.fact("released", v.Released)
	t.fact("acceptance level", v.AcceptanceLevel)
	t.fact("signed", choose(v.Signed, "it has a signature, which is not verified here", "no"))
	t.fact("asks for ESXi", cmp.Or(strings.Join(v.Platforms, ", "), "of any version"))
	t.fact("suits", strings.Join(v.hosts, ", "))
	if len(v.MaySuit) > 0 {
		t.fact("may suit", strings.Join(v.mayHosts, ", "))
	}
	if len(v.Depends) > 0 {
		t.fact("depends on", strings.Join(v.Depends, ", "))
	}
	t.fact("install", choose(v.LiveInstall, "live", "at a reboot"))
	t.fact("remove", choose(v.LiveRemove, "live", "at a reboot"))
	t.fact("maintenance mode", choose(v.MaintenanceMode, "needed", "not needed"))
	v.contents(t)
	if len(v.Doubts) > 0 {
		t.section("Doubts: hosts may refuse it", "")
		t.list(v.Doubts)
	}
	t.section("Problems", none(len(v.Problems)))
	t.list(v.Problems)
	return t.text.String()
}

func (v *VIB) contents(t *labelled) {
	opaque := slices.ContainsFunc(v.Payloads, func(p VIBPayload) bool { return p.Opaque })
	t.section("Payloads", none(len(v.Payloads)))
	for _, p := range v.Payloads {
		size := choose(p.Size < 0, "not there", fmt.Sprintf("%d bytes", p.Size))
		t.line(2, fmt.Sprintf("%s (%s): %s%s", p.Name, p.Type, size, choose(p.Opaque, ", not looked into", "")))
		for _, c := range p.Checksums {
			of := choose(c.Process == "", "as packed", c.Process)
			t.line(4, fmt.Sprintf("%s, %s: %s", c.Algorithm, of, choose(c.Verified, "verified", "NOT VERIFIED")))
		}
	}
	t.section("Files", choose(opaque && len(v.Files)+len(v.NotLookedInto) == 0, "not looked into", none(len(v.Files)+len(v.NotLookedInto))))
	for _, f := range v.Files {
		t.line(2, fmt.Sprintf("/%s (%s, %d bytes)", f.Path, f.Mode, f.Size))
	}
	for _, path := range v.NotLookedInto {
		t.line(2, fmt.Sprintf("/%s (listed by the descriptor, not looked into)", path))
	}
	t.section("Rulesets", choose(opaque, "not all payloads were looked into", none(len(v.Rulesets))))
	for _, s := range v.Rulesets {
		t.line(2, fmt.Sprintf("%s: %s%s", s.Key, choose(s.Enabled, "enabled", "disabled"), choose(s.Required, ", cannot be disabled", "")))
		for _, r := range s.Rules {
			ports := choose(r.Port == r.EndPort, fmt.Sprint(r.Port), fmt.Sprintf("%d-%d", r.Port, r.EndPort))
			t.line(4, fmt.Sprintf("%s %s %s %s", r.Direction, r.Protocol, r.PortType, ports))
		}
	}
}

func choose(first bool, yes, no string) string {
	if first {
		return yes
	}
	return no
}

// labelled is text in lines; they wrap behind their indentation. A width of 0 does
// not wrap.
type labelled struct {
	text  strings.Builder
	width int
}

func (t *labelled) title(s string) { t.line(0, s) }

// labelWidth is that of the longest label and two blanks.
const labelWidth = 18

func (t *labelled) fact(label, value string) {
	t.hang(fmt.Sprintf("  %-*s", labelWidth, label), cmp.Or(value, "none"))
}

func (t *labelled) line(indent int, s string) { t.hang(strings.Repeat(" ", indent), s) }

// hang writes text behind a prefix, and further lines below it.
func (t *labelled) hang(prefix, s string) {
	lines := []string{s}
	if t.width > 0 {
		lines = Wrap(s, max(t.width-len(prefix), 1))
	}
	t.text.WriteString(strings.TrimRight(prefix+strings.Join(lines, "\n"+strings.Repeat(" ", len(prefix))), " ") + "\n")
}

// section is a heading, with what there is to say of it as a whole.
func (t *labelled) section(name, about string) {
	fmt.Fprintf(&t.text, "\n%s%s\n", name, choose(about == "", "", ": "+about))
}

func none(n int) string { return choose(n == 0, "none", "") }

func (t *labelled) list(texts []string) {
	for _, text := range texts {
		t.hang("  - ", text)
	}
}

// BuiltVIB says what was written to the output, a file or - for standard output, and
// what to do with it.
func BuiltVIB(spec vib.Spec, g vib.Generation, output string, data []byte) string {
	file, wrote := filepath.Base(output), output
	bundle := bytes.HasPrefix(data, []byte("PK"))
	install, other, extension := "-v", "the others want a VIB of their own", ".vib"
	if bundle {
		install, other, extension = "-d", "the others want a bundle of their own", ".zip"
	}
	if output == "-" {
		file, wrote = spec.Name+extension, "standard output"
	}
	for _, another := range vib.Generations() {
		if another != g {
			other += fmt.Sprintf(" (--esxi %s)", another.Name)
		}
	}
	return fmt.Sprintf(`wrote %s
  ID       %s
  size     %d bytes
  SHA-256  %x
  for      %s; %s
  signed   no: its level is CommunitySupported, and a host with UEFI Secure Boot does not boot with it

next, on each host that has no Secure Boot, with the file in /tmp:
  esxcli software acceptance get
  esxcli software acceptance set --level=CommunitySupported
  esxcli software vib install %s %s
  esxcli network firewall refresh
  esxcli network firewall ruleset list --ruleset-id %s

note: the first command prints the level that the host has now; it does not go back up while the VIB is installed
note: other content under the same ID is refused by ESXi: give it another --version
%s`, Clean(wrote), spec.ID(), len(data), sha256.Sum256(data), g.Hosts, other,
		install, shellescape.Quote("/tmp/"+Clean(file)), spec.Service.ID, misjudged(spec.Service.ID))
}

// vibKey is the key of a ruleset that check knows to be a VIB's.
var vibKey = checks.VIC().KeyFrom(checks.FromVIB)

// misjudged warns of a key by which check takes the ruleset for another kind.
func misjudged(key string) string {
	switch checks.SourceOf(key) {
	case checks.FromVIB:
		return ""
	case checks.ByHand:
		return "note: check takes " + key + " for a ruleset written by hand, which is lost at a reboot; " + vibKey + " it knows to be a VIB's\n"
	}
	return "note: check cannot tell by the key " + key + " that a VIB brought it, and warns; " + vibKey + " it knows to be a VIB's\n"
}
