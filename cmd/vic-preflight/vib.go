package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/console"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/internal/vib"
	"github.com/vic-preflight/vic-preflight/preflight"
)

func newVIB(a *app) *cobra.Command {
	return usage.Parent("vib", "Build and inspect VIBs that bring hosts a lasting ruleset", "vib what?", "vic-preflight vib build, or vic-preflight vib inspect FILE",
		newVIBBuild(a), newVIBInspect(a))
}

// buildFlags are the flags of vib build.
type buildFlags struct {
	preflight.VIBOptions
	required requirementFlags
}

func newVIBBuild(a *app) *cobra.Command {
	o := &buildFlags{}
	cmd := &cobra.Command{
		Use:   "build --output FILE",
		Short: "Write a VIB, or a bundle, that brings a ruleset for the port",
		Long:  longHelp("vib-build"), Example: exampleHelp("vib-build"),
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.execute(cmd.Context(), a) },
	}
	f := cmd.Flags()
	f.StringVar(&o.Key, "service", "", "`key` of the new ruleset; vmware-vic when absent, and of a profile preflight-PROFILE")
	o.required.registerProfiles(cmd)
	f.IntVar(&o.required.Port, "port", checks.DefaultPort, "destination `port` that it opens")
	f.StringVar(&o.Name, "name", "", "`name` of the VIB; the ruleset's key when absent")
	f.StringVar(&o.Version, "version", "", "`version` of the VIB; 1.0.0-8 or 1.0.0-6.7, by --esxi, when absent, with the port behind if it is another")
	f.StringVar(&o.Vendor, "vendor", vib.DefaultVendor, "`vendor` of the VIB")
	f.StringVar(&o.Summary, "summary", "", "`text` of one line that esxcli shows")
	f.StringVar(&o.ESXi, "esxi", vib.Generations()[0].Name, "`generation` of the hosts: 8 or 6-7")
	f.BoolVar(&o.Bundle, "bundle", false, "write an offline bundle (.zip) with the VIB in it")
	f.StringVar(&o.Released, "release-date", "", "`date` inside, such as 2026-01-02T03:04:05Z; always the same when absent [SOURCE_DATE_EPOCH]")
	f.StringVar(&o.Output, "output", "", "`file` to write, .vib or with --bundle .zip; - for standard output")
	f.BoolVar(&o.Force, "force", false, "replace the file when it exists")
	completion.Offer(cmd, "esxi", vib.Generations()[0].Name, vib.Generations()[1].Name)
	return cmd
}

func (o *buildFlags) execute(ctx context.Context, a *app) error {
	if o.Output == "-" && console.IsTerminal(a.stdout) {
		return usageError(errors.New("--output -: standard output is a terminal, which is no place for binary data"), "send it to a file, or give --output its name")
	}
	o.Wanted, o.Epoch = o.required.Wanted, a.getenv("SOURCE_DATE_EPOCH")
	told, err := preflight.BuildVIB(ctx, o.VIBOptions, a.stdout)
	fmt.Fprint(a.stderr, told)
	return err
}
