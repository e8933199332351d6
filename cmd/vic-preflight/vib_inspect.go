package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/internal/vib"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

func newVIBInspect(a *app) *cobra.Command {
	output := "table"
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what a VIB holds, and whether it is what it says",
		Long: `inspect reads a VIB, whoever built it, and shows what it says of itself, the
files and rulesets it would bring, and which hosts it suits. Every size and
checksum is computed anew. Signatures are not verified. FILE may be - for
standard input; an offline bundle is not read, only the .vib inside.

It exits with 0 when the VIB has no problem, 1 when it has, 2 when FILE cannot
be read or is no VIB. A VIB without a problem may still not install.`,
		Example: joinLines(
			"  vic-preflight vib inspect vmware-vic.vib",
			"  vic-preflight vib inspect vmware-vic.vib -o json",
			"  vic-preflight vib build --output - | vic-preflight vib inspect -",
		),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError(fmt.Errorf("inspect takes one file, not %d", len(args)))
			}
			if output != "table" && output != "json" {
				return usageError(fmt.Errorf("--output %q is no format; the formats are: table, json", output))
			}
			return inspect(cmd.Context(), a, args[0], output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", output, "`format`: table or json")
	return cmd
}

func inspect(ctx context.Context, a *app, path, output string) error {
	found, err := readVIB(ctx, a, path)
	if err != nil {
		return err
	}
	if output == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		err = e.Encode(found)
	} else {
		style, styleErr := (&display{colour: "never"}).styleOf(a.stdout, a)
		if styleErr != nil {
			return styleErr
		}
		_, err = io.WriteString(a.stdout, found.table(style.Width))
	}
	switch {
	case err != nil:
		return usageError(fmt.Errorf("write to standard output: %w", err))
	case len(found.Problems) > 0:
		return &exitError{code: exitFailed}
	}
	return nil
}

func readVIB(ctx context.Context, a *app, path string) (*inspected, error) {
	in, name := a.stdin, "standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usageError(err)
		}
		defer f.Close()
		in, name = f, path
	}
	sum := sha256.New()
	counted := &untilDone{ctx: ctx, in: in}
	buffered := bufio.NewReader(io.TeeReader(counted, sum))
	start, _ := buffered.Peek(len(zipMagic))
	p, err := vib.Read(buffered)
	switch {
	case errors.Is(err, context.Canceled):
		return nil, classify(err)
	case err != nil && bytes.Equal(start, []byte(zipMagic)):
		return nil, usageError(fmt.Errorf("%s: %w", name, err), "it looks like an offline bundle: unzip it, and inspect the .vib in its folder vib20")
	case err != nil:
		return nil, usageError(fmt.Errorf("%s: %w", name, err))
	}
	found := newInspected(p)
	found.File, found.Size, found.SHA256 = report.Clean(name), counted.n, fmt.Sprintf("%x", sum.Sum(nil))
	return found, nil
}

// zipMagic is what zip archives start with.
const zipMagic = "PK\x03\x04"

// untilDone reads until the run is interrupted, and counts.
type untilDone struct {
	ctx context.Context
	in  io.Reader
	n   int64
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := u.in.Read(p)
	u.n += int64(n)
	return n, err
}

// inspected is a VIB for showing: its texts are clean. The names of its JSON form
// are a contract.
type inspected struct {
	SchemaVersion   int                `json:"schemaVersion"`
	File            string             `json:"file"`
	Size            int64              `json:"size"`
	SHA256          string             `json:"sha256"`
	ID              string             `json:"id"`
	Type            string             `json:"type"`
	Name            string             `json:"name"`
	Version         string             `json:"version"`
	Vendor          string             `json:"vendor"`
	Summary         string             `json:"summary"`
	Description     string             `json:"description"`
	Released        string             `json:"released,omitempty"`
	AcceptanceLevel string             `json:"acceptanceLevel"`
	Signed          bool               `json:"signed"`
	LiveInstall     bool               `json:"liveInstall"`
	LiveRemove      bool               `json:"liveRemove"`
	MaintenanceMode bool               `json:"maintenanceMode"`
	Platforms       []string           `json:"platforms"`
	Suits           []string           `json:"suits"` // as vib build --esxi takes them
	Payloads        []inspectedPayload `json:"payloads"`
	Files           []inspectedFile    `json:"files"`
	Rulesets        []inspectedRuleset `json:"rulesets"`
	Problems        []string           `json:"problems"`
	hosts           []string           // of Suits, in words
}

type inspectedPayload struct {
	Name      string              `json:"name"`
	Type      string              `json:"type"`
	Size      int64               `json:"size"` // -1 when it is missing
	Opaque    bool                `json:"opaque"`
	Checksums []inspectedChecksum `json:"checksums"`
}

type inspectedChecksum struct {
	Algorithm string `json:"algorithm"`
	Process   string `json:"process,omitempty"`
	Sum       string `json:"sum"`
	Verified  bool   `json:"verified"`
}

type inspectedFile struct {
	Path    string `json:"path"`
	Payload string `json:"payload"`
	Size    int64  `json:"size"`
	Mode    string `json:"mode"`
}

type inspectedRuleset struct {
	Key      string          `json:"key"`
	Enabled  bool            `json:"enabled"`
	Required bool            `json:"required"`
	Rules    []inspectedRule `json:"rules"`
}

type inspectedRule struct {
	Direction string `json:"direction"`
	Protocol  string `json:"protocol"`
	PortType  string `json:"portType"`
	Port      int    `json:"port"`
	EndPort   int    `json:"endPort"` // the same as port where it is one
}

func newInspected(p *vib.Package) *inspected {
	v := &inspected{
		SchemaVersion: 1, ID: report.Clean(p.ID()), Type: report.Clean(p.Type), Name: report.Clean(p.Name),
		Version: report.Clean(p.Version), Vendor: report.Clean(p.Vendor),
		Summary: oneLine(p.Summary), Description: oneLine(p.Description),
		AcceptanceLevel: report.Clean(p.AcceptanceLevel), Signed: p.Signed,
		LiveInstall: p.LiveInstall, LiveRemove: p.LiveRemove, MaintenanceMode: p.MaintenanceMode,
		Platforms: cleanAll(p.Platforms), Problems: cleanAll(p.Problems),
		Suits: []string{}, Payloads: []inspectedPayload{}, Files: []inspectedFile{}, Rulesets: []inspectedRuleset{},
	}
	if !p.Released.IsZero() {
		v.Released = p.Released.Format(time.RFC3339)
	}
	for _, g := range generations {
		if p.Suits(g.flavour) {
			v.Suits, v.hosts = append(v.Suits, g.flag), append(v.hosts, g.hosts)
		}
	}
	for _, payload := range p.Payloads {
		v.Payloads = append(v.Payloads, newInspectedPayload(payload))
	}
	for _, f := range p.Files {
		v.Files = append(v.Files, inspectedFile{report.Clean(f.Path), report.Clean(f.Payload), f.Size, f.Mode.String()})
	}
	for _, s := range p.Services {
		v.Rulesets = append(v.Rulesets, newInspectedRuleset(s))
	}
	return v
}

func newInspectedPayload(p vib.Payload) inspectedPayload {
	shown := inspectedPayload{report.Clean(p.Name), report.Clean(p.Type), p.Size, p.Opaque, []inspectedChecksum{}}
	for _, c := range p.Checksums {
		shown.Checksums = append(shown.Checksums, inspectedChecksum{report.Clean(c.Algorithm), report.Clean(c.Process), report.Clean(c.Sum), c.Verified})
	}
	return shown
}

func newInspectedRuleset(s firewallxml.Service) inspectedRuleset {
	shown := inspectedRuleset{report.Clean(s.ID), s.Enabled, s.Required, []inspectedRule{}}
	for _, r := range s.Rules {
		shown.Rules = append(shown.Rules, inspectedRule{r.Direction, r.Protocol, portTypeOf(r), r.Port, r.Last()})
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
func oneLine(text string) string { return report.Clean(strings.Join(strings.Fields(text), " ")) }

func cleanAll(texts []string) []string {
	clean := []string{} // in JSON a list, also when empty
	for _, text := range texts {
		clean = append(clean, report.Clean(text))
	}
	return clean
}

// table shows the VIB to people.
func (v *inspected) table(width int) string {
	t := &facts{width: width}
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
	t.fact("install", choose(v.LiveInstall, "live", "at a reboot"))
	t.fact("remove", choose(v.LiveRemove, "live", "at a reboot"))
	t.fact("maintenance mode", choose(v.MaintenanceMode, "needed", "not needed"))
	v.contents(t)
	t.section("Problems", len(v.Problems))
	for _, p := range v.Problems {
		t.hang("  - ", p)
	}
	return t.text.String()
}

func (v *inspected) contents(t *facts) {
	t.section("Payloads", len(v.Payloads))
	for _, p := range v.Payloads {
		size := choose(p.Size < 0, "not there", fmt.Sprintf("%d bytes", p.Size))
		t.line(2, fmt.Sprintf("%s (%s): %s%s", p.Name, p.Type, size, choose(p.Opaque, ", not looked into", "")))
		for _, c := range p.Checksums {
			of := choose(c.Process == "", "as packed", c.Process)
			t.line(4, fmt.Sprintf("%s, %s: %s", c.Algorithm, of, choose(c.Verified, "verified", "NOT VERIFIED")))
		}
	}
	t.section("Files", len(v.Files))
	for _, f := range v.Files {
		t.line(2, fmt.Sprintf("/%s (%s, %d bytes)", f.Path, f.Mode, f.Size))
	}
	t.section("Rulesets", len(v.Rulesets))
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

// facts is text in lines; they wrap behind their indentation. A width of 0 does
// not wrap.
type facts struct {
	text  strings.Builder
	width int
}

func (t *facts) title(s string) { t.line(0, s) }

// labelWidth is that of the longest label and two blanks.
const labelWidth = 18

func (t *facts) fact(label, value string) {
	t.hang(fmt.Sprintf("  %-*s", labelWidth, label), cmp.Or(value, "none"))
}

func (t *facts) line(indent int, s string) { t.hang(strings.Repeat(" ", indent), s) }

// hang writes text behind a prefix, and further lines below it.
func (t *facts) hang(prefix, s string) {
	lines := []string{s}
	if t.width > 0 {
		lines = report.Wrap(s, max(t.width-len(prefix), 1))
	}
	t.text.WriteString(strings.TrimRight(prefix+strings.Join(lines, "\n"+strings.Repeat(" ", len(prefix))), " ") + "\n")
}

func (t *facts) section(name string, n int) {
	fmt.Fprintf(&t.text, "\n%s%s\n", name, choose(n == 0, ": none", ""))
}
