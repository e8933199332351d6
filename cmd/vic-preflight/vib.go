package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/console"
	"github.com/vic-preflight/vic-preflight/internal/newfile"
	"github.com/vic-preflight/vic-preflight/internal/vib"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

func newVIB(a *app) *cobra.Command {
	return parent("vib", "Build and inspect VIBs that bring hosts a lasting ruleset", "vib what?", "vic-preflight vib build, or vic-preflight vib inspect FILE",
		newVIBBuild(a), newVIBInspect(a))
}

// buildFlags are the flags of vib build.
type buildFlags struct {
	preflight.VIBOptions
	output        string
	bundle, force bool
}

func newVIBBuild(a *app) *cobra.Command {
	o := &buildFlags{}
	cmd := &cobra.Command{
		Use:   "build --output FILE",
		Short: "Write a VIB, or a bundle, that brings a ruleset for the port",
		Long:  longHelp("vib-build"), Example: exampleHelp("vib-build"),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.execute(cmd.Context(), a) },
	}
	f := cmd.Flags()
	f.StringVar(&o.Key, "service", checks.VIC().KeyFrom(checks.FromVIB), "`key` of the new ruleset")
	f.IntVar(&o.Port, "port", checks.DefaultPort, "destination `port` that it opens")
	f.StringVar(&o.Name, "name", "", "`name` of the VIB; the ruleset's key when absent")
	f.StringVar(&o.Version, "version", "", "`version` of the VIB; 1.0.0-8 or 1.0.0-6.7, by --esxi, when absent, with the port behind if it is another")
	f.StringVar(&o.Vendor, "vendor", vib.DefaultVendor, "`vendor` of the VIB")
	f.StringVar(&o.Summary, "summary", "", "`text` of one line that esxcli shows")
	f.StringVar(&o.ESXi, "esxi", vib.Generations()[0].Name, "`generation` of the hosts: 8 or 6-7")
	f.BoolVar(&o.bundle, "bundle", false, "write an offline bundle (.zip) with the VIB in it")
	f.StringVar(&o.Released, "release-date", "", "`date` inside, such as 2026-01-02T03:04:05Z; always the same when absent [SOURCE_DATE_EPOCH]")
	f.StringVar(&o.output, "output", "", "`file` to write, .vib or with --bundle .zip; - for standard output")
	f.BoolVar(&o.force, "force", false, "replace the file when it exists")
	complete(cmd, "esxi", vib.Generations()[0].Name, vib.Generations()[1].Name)
	return cmd
}

func (o *buildFlags) execute(ctx context.Context, a *app) error {
	if err := o.checkOutput(a); err != nil {
		return err
	}
	o.VIBOptions.Epoch = a.getenv("SOURCE_DATE_EPOCH")
	g, spec, err := preflight.NewVIBSpec(o.VIBOptions)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if o.bundle {
		err = vib.Bundle(&b, spec)
	} else {
		err = vib.Build(&b, spec)
	}
	switch {
	case err != nil:
		return usageError(err)
	case ctx.Err() != nil:
		return &preflight.InterruptedError{}
	}
	if o.output == "-" {
		if _, err := a.stdout.Write(b.Bytes()); err != nil {
			return usageError(fmt.Errorf("write to standard output: %w", err))
		}
	} else if err := o.writeError(newfile.Write(o.output, b.Bytes(), o.force)); err != nil {
		return err
	}
	fmt.Fprint(a.stderr, report.BuiltVIB(spec, g, o.output, b.Bytes()))
	return nil
}

// extension is what ESXi and people tell the two kinds of file by.
func (o *buildFlags) extension() string {
	if o.bundle {
		return ".zip"
	}
	return ".vib"
}

func (o *buildFlags) checkOutput(a *app) error {
	switch {
	case o.output == "":
		return usageError(errors.New("no output: --output names the file to write"), "--output "+o.Key+o.extension())
	case o.output == "-" && console.IsTerminal(a.stdout):
		return usageError(errors.New("--output -: standard output is a terminal, which is no place for binary data"), "send it to a file, or give --output its name")
	case o.output != "-" && filepath.Ext(o.output) != o.extension():
		return usageError(fmt.Errorf("--output %s does not end in %s, by which ESXi knows what it is given", o.output, o.extension()),
			"--bundle writes a .zip, without it a .vib is written")
	case o.output != "-":
		return o.writeError(newfile.Vacant(o.output, o.force))
	}
	return nil
}

func (o *buildFlags) writeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return usageError(fmt.Errorf("%s is there already", o.output), "--force replaces it")
	}
	return usageError(fmt.Errorf("write %s: %w", o.output, err))
}
