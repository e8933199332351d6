package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/firewallxml"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

func newRule(a *app) *cobra.Command {
	return parent("rule", "Write a firewall rule for a host's own files", "rule what?", "vic-preflight rule render", newRuleRender(a))
}

// renderFlags are the flags of rule render.
type renderFlags struct {
	key, file, host string
	port            int
	ssh             sshFlags
	document, whole bool
}

func newRuleRender(a *app) *cobra.Command {
	o := &renderFlags{}
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Print the <service> element for a host's service.xml",
		Long:  longHelp("rule-render"), Example: exampleHelp("rule-render"),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.execute(cmd.Context(), a) },
	}
	f := cmd.Flags()
	f.StringVar(&o.key, "service", checks.VIC().KeyFrom(checks.ByHand), "`key` of the new ruleset")
	f.IntVar(&o.port, "port", checks.DefaultPort, "destination `port` that it opens")
	f.StringVar(&o.file, "file", "", "the host's service.xml, a `file` or - for standard input")
	f.StringVar(&o.host, "from-host", "", "take service.xml from this `host`, by name or address, over SSH")
	f.BoolVar(&o.whole, "whole", false, "print all of the file with the element in it")
	o.ssh.registerLogin(cmd)
	f.BoolVar(&o.document, "document", false, "print a whole file with this service alone")
	cmd.MarkFlagsMutuallyExclusive("file", "from-host")
	return cmd
}

// lostAtReboot is said on each run.
var lostAtReboot = helpFile("lost-at-reboot.txt")

func (o *renderFlags) execute(ctx context.Context, a *app) error {
	text, err := o.render(ctx, a)
	if err != nil {
		return err
	}
	if _, err := a.stdout.Write(text); err != nil {
		return usageError(fmt.Errorf("write to standard output: %w", err))
	}
	fmt.Fprint(a.stderr, lostAtReboot)
	return nil
}

func (o *renderFlags) render(ctx context.Context, a *app) ([]byte, error) {
	switch {
	case o.document && (o.whole || o.file != "" || o.host != ""):
		return nil, usageError(errors.New("--document prints a file of its own: it takes neither --file nor --from-host nor --whole"))
	case o.whole && o.file == "" && o.host == "":
		return nil, usageError(errors.New("--whole prints all of a file: which? --file names it, or --from-host its host"))
	}
	req, err := (&requirementFlags{port: o.port}).requirement()
	if err != nil {
		return nil, err
	}
	s, err := preflight.NewService("service", o.key, req, checks.ByHand)
	if err != nil {
		return nil, err
	}
	if o.document {
		return firewallxml.Document(s), nil
	}
	original, from, err := o.original(ctx, a)
	if err != nil {
		return nil, err
	}
	if original == nil {
		return firewallxml.Render(s), nil
	}
	edited, s, err := original.Add(s)
	if err != nil {
		return nil, usageError(fmt.Errorf("%s: %w", from, err))
	}
	for _, doubt := range original.Doubts() {
		fmt.Fprintf(a.stderr, "warning: %s: %s\n", report.Clean(from), report.Clean(doubt))
	}
	if o.whole {
		return edited, nil
	}
	return firewallxml.Render(s), nil
}

// original reads the file that the rule is to go into, and says where it is from.
// There is none when none was named.
func (o *renderFlags) original(ctx context.Context, a *app) (*firewallxml.File, string, error) {
	if o.host == "" && o.file == "" {
		return nil, "", nil
	}
	in, from, err := a.open(o.file)
	if o.host != "" {
		var ssh preflight.SSHOptions
		if err := o.ssh.put(&ssh, a); err != nil {
			return nil, "", err
		}
		from = o.host + ":" + fix.ServiceXML
		data, err := preflight.ReadHostFile(ctx, ssh, o.host, fix.ServiceXML)
		if err != nil {
			return nil, from, err
		}
		in = io.NopCloser(bytes.NewReader(data))
	} else if err != nil {
		return nil, from, usageError(fmt.Errorf("--file: %w", err))
	}
	defer in.Close()
	file, err := firewallxml.Read(in)
	if err != nil {
		return nil, from, usageError(fmt.Errorf("%s: %w", from, err),
			"is it a copy of the host's /etc/vmware/firewall/service.xml? as it is, ESXi could not be relied on to understand it")
	}
	return file, from, nil
}
