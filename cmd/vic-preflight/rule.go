package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

func newRule(a *app) *cobra.Command {
	return usage.Parent("rule", "Write a firewall rule for a host's own files", "rule what?", "vic-preflight rule render", newRuleRender(a))
}

// renderFlags are the flags of rule render.
type renderFlags struct {
	preflight.RuleOptions
	file     string
	required requirementFlags
	ssh      sshFlags
}

func newRuleRender(a *app) *cobra.Command {
	o := &renderFlags{}
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Print the <service> element for a host's service.xml",
		Long:  longHelp("rule-render"), Example: exampleHelp("rule-render"),
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.execute(cmd.Context(), a) },
	}
	f := cmd.Flags()
	f.StringVar(&o.Key, "service", "", "`key` of the new ruleset; vicoutgoing when absent, and of a profile byhand-PROFILE")
	o.required.registerProfiles(cmd)
	f.IntVar(&o.required.Port, "port", checks.DefaultPort, "destination `port` that it opens")
	f.StringVar(&o.file, "file", "", "the host's service.xml, a `file` or - for standard input")
	f.StringVar(&o.Host, "from-host", "", "take service.xml from this `host`, by name or address, over SSH")
	f.BoolVar(&o.Whole, "whole", false, "print all of the file with the element in it")
	o.ssh.registerLogin(cmd)
	f.BoolVar(&o.Document, "document", false, "print a whole file with this service alone")
	cmd.MarkFlagsMutuallyExclusive("file", "from-host")
	return cmd
}

// lostAtReboot is said on each run.
var lostAtReboot = helpFile("lost-at-reboot.txt")

func (o *renderFlags) execute(ctx context.Context, a *app) error {
	err := o.ssh.put(&o.SSH, a)
	if err != nil {
		return err
	}
	if o.file != "" {
		in, name, err := infile.Argument(ctx, o.file, infile.Long, a.stdin)
		if err != nil {
			return usageError(fmt.Errorf("--file: %w", err))
		}
		defer in.Close()
		o.File, o.FileName = in, name
	}
	o.Wanted = o.required.Wanted
	text, doubts, err := preflight.RenderRule(ctx, o.RuleOptions)
	if err != nil {
		return err
	}
	for _, doubt := range doubts {
		fmt.Fprintf(a.stderr, "warning: %s\n", report.Clean(doubt))
	}
	if _, err := a.stdout.Write(text); err != nil {
		return usageError(fmt.Errorf("write to standard output: %w", err))
	}
	fmt.Fprint(a.stderr, lostAtReboot)
	return nil
}
