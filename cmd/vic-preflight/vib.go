package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/vib"
	"github.com/vic-preflight/vic-preflight/report"
)

// generation is what --esxi takes.
type generation struct {
	flag    string
	flavour vib.Flavour
	hosts   string
	// release tells the default versions apart. An upgraded host should find
	// its new VIB to be the newer one.
	release string
}

var generations = []generation{
	{"8", vib.ESXi8, "ESXi 8", "8"},
	{"6-7", vib.ESXi6And7, "ESXi 6.x and 7.x", "6.7"},
}

// The content of a VIB with the default flags. Who changes what it builds to
// changes defaultRelease too: ESXi refuses other content under the same version.
const (
	defaultVendor  = "vic-preflight"
	defaultRelease = "1.0.0"
)

// defaultDate is fixed, so that a VIB built anywhere and any time is the same.
var defaultDate = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newVIB(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "vib",
		Short: "Build and inspect VIBs that bring hosts a lasting ruleset",
		Args:  noCommand,
		RunE: func(*cobra.Command, []string) error {
			return usageError(errors.New("vib what?"), "vic-preflight vib build, or vic-preflight vib inspect FILE")
		},
	}
	cmd.AddCommand(newVIBBuild(a), newVIBInspect(a))
	return cmd
}

// buildOptions are the flags of vib build.
type buildOptions struct {
	opening
	name, version, vendor, summary string
	esxi, released, output         string
	bundle, force                  bool
}

func newVIBBuild(a *app) *cobra.Command {
	o := &buildOptions{}
	cmd := &cobra.Command{
		Use:   "build --output FILE",
		Short: "Write a VIB, or a bundle, that brings a ruleset for the port",
		Long: `build writes a VIB that brings hosts a ruleset for the port, enabled, and keeps
it there over reboots. It is for hosts that have no ruleset of their own that
could serve: "vic-preflight fix --allow" is the better way where there is one.

ESXi 8 and ESXi 6.x and 7.x want different VIBs. The same flags give the same
file, byte for byte. Other content wants another --version: ESXi refuses
"unequal payloads" under one ID.

The VIB is not signed. Hosts take it at the acceptance level CommunitySupported
alone, and do not boot with it when UEFI Secure Boot is on.`,
		Example: joinLines(
			"  vic-preflight vib build --output vmware-vic.vib",
			"  vic-preflight vib build --esxi 6-7 --output vmware-vic-67.vib",
			"",
			"  # for an update manager",
			"  vic-preflight vib build --bundle --output vmware-vic.zip",
			"",
			"  # on each host, with the file in /tmp",
			"  esxcli software acceptance set --level=CommunitySupported",
			"  esxcli software vib install -v /tmp/vmware-vic.vib",
			"  esxcli network firewall refresh",
		),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.execute(cmd.Context(), a) },
	}
	f := cmd.Flags()
	o.opening.register(f, checks.VMwareVIC)
	f.StringVar(&o.name, "name", "", "`name` of the VIB; the ruleset's key when absent")
	f.StringVar(&o.version, "version", "", "`version` of the VIB; 1.0.0-8 or 1.0.0-6.7, by --esxi, when absent, with the port behind if it is another")
	f.StringVar(&o.vendor, "vendor", defaultVendor, "`vendor` of the VIB")
	f.StringVar(&o.summary, "summary", "", "`text` of one line that esxcli shows")
	f.StringVar(&o.esxi, "esxi", generations[0].flag, "`generation` of the hosts: 8 or 6-7")
	f.BoolVar(&o.bundle, "bundle", false, "write an offline bundle (.zip) with the VIB in it")
	f.StringVar(&o.released, "release-date", "", "`date` inside, such as 2026-01-02T03:04:05Z; always the same when absent [SOURCE_DATE_EPOCH]")
	f.StringVar(&o.output, "output", "", "`file` to write, .vib or with --bundle .zip; - for standard output")
	f.BoolVar(&o.force, "force", false, "replace the file when it exists")
	return cmd
}

func (o *buildOptions) execute(ctx context.Context, a *app) error {
	if err := o.checkOutput(a); err != nil {
		return err
	}
	g, spec, err := o.spec(a)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if o.bundle {
		err = vib.Bundle(&b, spec)
	} else {
		err = vib.Build(&b, spec)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return classify(err)
	}
	if o.output == "-" {
		if _, err := a.stdout.Write(b.Bytes()); err != nil {
			return usageError(fmt.Errorf("write to standard output: %w", err))
		}
	} else if err := writeFile(o.output, b.Bytes(), o.force); err != nil {
		return err
	}
	fmt.Fprint(a.stderr, o.told(g, spec, b.Bytes()))
	return nil
}

// extension is what ESXi and people tell the two kinds of file by.
func (o *buildOptions) extension() string {
	if o.bundle {
		return ".zip"
	}
	return ".vib"
}

func (o *buildOptions) checkOutput(a *app) error {
	switch {
	case o.output == "":
		return usageError(errors.New("no output: --output names the file to write"), "--output "+o.key+o.extension())
	case o.output == "-" && isTerminal(a.stdout):
		return usageError(errors.New("--output -: standard output is a terminal, which is no place for binary data"), "send it to a file, or give --output its name")
	case o.output != "-" && filepath.Ext(o.output) != o.extension():
		return usageError(fmt.Errorf("--output %s does not end in %s, by which ESXi knows what it is given", o.output, o.extension()),
			"--bundle writes a .zip, without it a .vib is written")
	case o.output != "-":
		return vacant(o.output, o.force)
	}
	return nil
}

func (o *buildOptions) spec(a *app) (generation, vib.Spec, error) {
	g, err := findGeneration(o.esxi)
	if err != nil {
		return g, vib.Spec{}, err
	}
	service, err := o.service()
	if err != nil {
		return g, vib.Spec{}, err
	}
	released, err := o.releaseDate(a)
	if err != nil {
		return g, vib.Spec{}, err
	}
	spec := vib.Spec{
		Name: o.name, Version: o.version, Vendor: o.vendor, Summary: o.summary,
		Description: fmt.Sprintf("Brings the firewall ruleset %s, which lets outbound TCP %d through, and keeps it over reboots.", o.key, o.port),
		Released:    released, Flavour: g.flavour, Service: service,
	}
	if spec.Name == "" {
		spec.Name = o.key
	}
	if spec.Version == "" {
		spec.Version = defaultRelease + "-" + g.release
		if o.port != checks.DefaultPort {
			spec.Version += "." + strconv.Itoa(o.port)
		}
	}
	if spec.Summary == "" {
		spec.Summary = fmt.Sprintf("Outbound TCP %d to virtual container hosts", o.port)
	}
	if err := spec.Validate(); err != nil {
		return g, spec, usageError(errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")), "vic-preflight vib build --help lists the flags")
	}
	return g, spec, nil
}

func findGeneration(flag string) (generation, error) {
	for _, g := range generations {
		if g.flag == flag {
			return g, nil
		}
	}
	return generation{}, usageError(fmt.Errorf("--esxi %q is none of 8 and 6-7", flag), "ESXi 9 is not known")
}

func (o *buildOptions) releaseDate(a *app) (time.Time, error) {
	if o.released != "" {
		t, err := time.Parse(time.RFC3339, o.released)
		if err != nil {
			return t, usageError(fmt.Errorf("--release-date %q is no date with time and zone", o.released), "it takes the form 2026-01-02T03:04:05Z")
		}
		return t, nil
	}
	epoch := a.getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return defaultDate, nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, usageError(fmt.Errorf("SOURCE_DATE_EPOCH %q is no number of seconds since 1970", epoch))
	}
	return time.Unix(seconds, 0), nil
}

// told says what was written and what to do with it.
func (o *buildOptions) told(g generation, spec vib.Spec, data []byte) string {
	file := filepath.Base(o.output)
	wrote := o.output
	if o.output == "-" {
		file, wrote = spec.Name+o.extension(), "standard output"
	}
	install, other := "-v", "the others want a VIB of their own"
	if o.bundle {
		install, other = "-d", "the others want a bundle of their own"
	}
	for _, another := range generations {
		if another != g {
			other += fmt.Sprintf(" (--esxi %s)", another.flag)
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
%s`, report.Clean(wrote), spec.ID(), len(data), sha256.Sum256(data), g.hosts, other,
		install, shellWord("/tmp/"+report.Clean(file)), spec.Service.ID, o.misjudged())
}

// misjudged warns of a key by which check takes the ruleset for another kind.
func (o *buildOptions) misjudged() string {
	switch o.key {
	case checks.VMwareVIC:
		return ""
	case checks.VICOutgoing:
		return "note: check takes " + o.key + " for a ruleset written by hand, which is lost at a reboot; " + checks.VMwareVIC + " it knows to be a VIB's\n"
	}
	return "note: check cannot tell by the key " + o.key + " that a VIB brought it, and warns; " + checks.VMwareVIC + " it knows to be a VIB's\n"
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9/._+-]+$`)

// shellWord quotes a word for a command to copy.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
