package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/report"
)

func newExplain(a *app) *cobra.Command {
	return &cobra.Command{
		Use:       "explain [CHECK|REASON]",
		Short:     "Say what a check or a reason means, and how to mend it",
		Example:   exampleHelp("explain"),
		ValidArgs: explained(),
		RunE: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return report.Explanations(a.stdout, checks.VIC(), fix.Explanations())
			case 1:
				known, err := report.Explain(a.stdout, args[0], checks.VIC(), fix.Explanations())
				if err == nil && !known {
					return usageError(fmt.Errorf("there is no check or reason %q", args[0]), append(usage.DidYouMean(args[0], explained()), "vic-preflight explain lists them")...)
				}
				return err
			}
			return usageError(fmt.Errorf("explain takes one check or reason, not %d", len(args)))
		},
	}
}

// explained are the names that explain knows.
func explained() []string {
	names := checks.IDs()
	for _, e := range append(checks.Explanations(), fix.Explanations()...) {
		names = append(names, string(e.Reason))
	}
	return names
}
