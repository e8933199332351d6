package preflight

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/internal/newfile"
	"github.com/vic-preflight/vic-preflight/internal/vib"
	"github.com/vic-preflight/vic-preflight/report"
)

// VIBOptions say what a VIB is to bring. Empty texts leave it to the generation.
type VIBOptions struct {
	// Key is that of the new ruleset, empty for the one by which it is known what it is for;
	// Wanted is what it opens.
	Key    string
	Wanted Wanted
	// Name, Version, Vendor and Summary are the VIB's.
	Name, Version, Vendor, Summary string
	// ESXi is the generation of the hosts, as vib.GenerationNamed has it.
	ESXi string
	// Released is a date in RFC 3339, and Epoch one in seconds since 1970, which counts
	// where there is no other.
	Released, Epoch string

	// Output is the file to write, - for the writer that BuildVIB gets. One that is there
	// is replaced only where Force is set. Bundle writes an offline bundle.
	Output        string
	Bundle, Force bool
}

// BuildVIB writes a VIB, and returns what to tell its user. The errors are *UsageError,
// which names the flag of vib build, and *InterruptedError.
func BuildVIB(ctx context.Context, o VIBOptions, stdout io.Writer) (told string, err error) {
	reqs, err := o.Wanted.until(ctx)
	if err != nil {
		return "", err
	}
	g, spec, err := newVIBSpec(o, reqs)
	if err != nil {
		return "", err
	}
	if err := o.checkOutput(spec.Name); err != nil {
		return "", err
	}
	var b bytes.Buffer
	if o.Bundle {
		err = vib.Bundle(&b, spec)
	} else {
		err = vib.Build(&b, spec)
	}
	switch {
	case err != nil:
		return "", &UsageError{Err: err}
	case ctx.Err() != nil:
		return "", &InterruptedError{}
	case o.Output != "-":
		err = o.writeError(newfile.Write(o.Output, b.Bytes(), o.Force))
	default:
		if _, err = stdout.Write(b.Bytes()); err != nil {
			err = usage("", "write to standard output: %w", err)
		}
	}
	if err != nil {
		return "", err
	}
	told = report.BuiltVIB(spec, g, o.Output, b.Bytes())
	if o.Wanted.OfProfiles() {
		for _, remark := range remarks(reqs) {
			told += "note: " + report.Clean(remark) + "\n"
		}
	}
	return told, nil
}

// extension is what ESXi and people tell the two kinds of file by.
func (o *VIBOptions) extension() string {
	if o.Bundle {
		return ".zip"
	}
	return ".vib"
}

func (o *VIBOptions) checkOutput(name string) error {
	switch {
	case o.Output == "":
		return &UsageError{Err: errors.New("no output: --output names the file to write"), Hints: []string{"--output " + name + o.extension()}}
	case o.Output == "-":
		return nil
	case filepath.Ext(o.Output) != o.extension():
		return &UsageError{
			Err:   fmt.Errorf("--output %s does not end in %s, by which ESXi knows what it is given", o.Output, o.extension()),
			Hints: []string{"--bundle writes a .zip, without it a .vib is written"},
		}
	}
	return o.writeError(newfile.Vacant(o.Output, o.Force))
}

func (o *VIBOptions) writeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return &UsageError{Err: fmt.Errorf("%s is there already", o.Output), Hints: []string{"--force replaces it"}}
	}
	return usage("", "write %s: %w", o.Output, err)
}

// newVIBSpec is what a VIB for the requirements is built from.
func newVIBSpec(o VIBOptions, reqs []checks.Requirement) (vib.Generation, vib.Spec, error) {
	g, ok := vib.GenerationNamed(o.ESXi)
	if !ok {
		return g, vib.Spec{}, &UsageError{Err: fmt.Errorf("--esxi %q is none of 8 and 6-7", o.ESXi), Hints: []string{"ESXi 9 is not known"}}
	}
	service, err := NewService("service", o.Key, checks.FromVIB, reqs)
	if err != nil {
		return g, vib.Spec{}, err
	}
	released, err := vib.ReleaseDate(o.Released, o.Epoch)
	if err != nil {
		return g, vib.Spec{}, &UsageError{Err: err}
	}
	opens, summary, release := inWords(reqs, service)
	spec := vib.NewSpec(g, service, opens, summary)
	spec.Version += release
	spec.Vendor, spec.Released = o.Vendor, released
	for _, given := range []struct {
		text string
		to   *string
	}{{o.Name, &spec.Name}, {o.Version, &spec.Version}, {o.Summary, &spec.Summary}} {
		if given.text != "" {
			*given.to = given.text
		}
	}
	if err := spec.Validate(); err != nil {
		return g, spec, &UsageError{Err: errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")), Hints: []string{"vic-preflight vib build --help lists the flags"}}
	}
	return g, spec, nil
}

// inWords are the words of a VIB for the requirements, and what its version ends in: other
// content takes another version.
func inWords(reqs []checks.Requirement, s firewallxml.Service) (opens, summary, release string) {
	var what, whom []string
	for _, req := range reqs {
		req.Peers = nil // it opens the ports to all
		what, whom = append(what, req.Direction+" "+req.Service()), append(whom, req.String())
	}
	opens = strings.Join(what, ", ")
	switch vic := checks.VIC(); {
	case len(reqs) > 1 || reqs[0].Name != vic.Name:
		return opens, strings.Join(whom, "; "), fmt.Sprintf(".%d", crc32.ChecksumIEEE(firewallxml.Render(s)))
	case !slices.Equal(reqs[0].Ports, vic.Ports):
		release = "." + strconv.Itoa(reqs[0].Ports[0])
	}
	return opens, opens + " to virtual container hosts", release
}

// InspectVIB reads all of a VIB, and says what it holds. Name is the file's, for the report
// and for errors, which are *UsageError and *InterruptedError.
func InspectVIB(ctx context.Context, in io.Reader, name string) (*report.VIB, error) {
	p, read, err := vib.ReadWhole(ctx, in)
	switch {
	case errors.Is(err, vib.ErrBundle):
		return nil, &UsageError{Err: fmt.Errorf("%s: %w", name, err), Hints: []string{"it looks like an offline bundle: unzip it, and inspect the .vib in its folder vib20"}}
	case err != nil:
		return nil, Ended(&UsageError{Err: fmt.Errorf("%s: %w", name, err)})
	}
	found := report.NewVIB(p)
	found.File, found.Size, found.SHA256 = report.Clean(name), read.Size, fmt.Sprintf("%x", read.SHA256)
	return found, nil
}
