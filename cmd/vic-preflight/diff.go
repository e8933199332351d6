package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

func newDiff(a *app) *cobra.Command {
	o := &outputFlags{}
	format, failOn := "", ""
	cmd := &cobra.Command{
		Use: "diff OLD NEW", Short: "Say what became of a report's findings in a later one",
		Long: longHelp("diff"), Example: exampleHelp("diff"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError(fmt.Errorf("diff takes two reports, and there are %d", len(args)), "vic-preflight diff OLD.json NEW.json")
			}
			if failOn != "" && failOn != preflight.FailOnNew {
				return usageError(fmt.Errorf("--fail-on %q is none of: %s", failOn, preflight.FailOnNew))
			}
			d, err := o.diff(cmd.Context(), a, format, args[0], args[1])
			if err != nil || failOn == "" || d.Grade(o.strict) == checks.Pass {
				return err
			}
			return &exitError{code: codes[d.Grade(o.strict)]}
		},
	}
	f := cmd.Flags()
	f.StringVarP(&format, "output", "o", "table", "`format` of the diff: table or json")
	f.StringVar(&failOn, "fail-on", "", "`what` makes exit 1: new, which is what fails now and did not then")
	f.BoolVar(&o.strict, "strict", false, "let new warnings count as new failures")
	o.look.Register(cmd)
	completion.Offer(cmd, "output", "table", "json")
	completion.Offer(cmd, "fail-on", preflight.FailOnNew)
	return cmd
}

// diff compares the two files and writes what it finds.
func (f *outputFlags) diff(ctx context.Context, a *app, format, older, newer string) (*report.Diff, error) {
	style, err := f.look.Style(a.stdout, a.getenv)
	if err != nil {
		return nil, usageError(err)
	}
	if format != "table" && format != "json" {
		return nil, usageError(fmt.Errorf("--output %q is no format of a diff; the formats are: table, json", format))
	}
	d, err := preflight.Diff(ctx, older, newer)
	if err != nil {
		return nil, err
	}
	d.ToolVersion = buildVersion()
	if format == "json" {
		return d, d.JSON(a.stdout)
	}
	return d, d.Table(a.stdout, style)
}
