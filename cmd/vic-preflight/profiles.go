package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/profile"
	"github.com/vic-preflight/vic-preflight/report"
)

func newProfiles(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "profiles [NAME]", Short: "Say which ports ESXi hosts need for what, and by which rulesets",
		Long: longHelp("profiles"), Example: exampleHelp("profiles"), ValidArgs: profile.Names(),
		RunE: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return report.Profiles(a.stdout, profile.All())
			case 1:
				p, err := profile.Named(args[0])
				if err != nil {
					return usageError(err, "vic-preflight profiles lists them")
				}
				return report.Profile(a.stdout, p)
			}
			return usageError(fmt.Errorf("profiles takes one name, not %d", len(args)))
		},
	}
}
