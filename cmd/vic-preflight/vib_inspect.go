package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/console"
	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/preflight"
)

func newVIBInspect(a *app) *cobra.Command {
	output := "table"
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what a VIB holds, and whether it is what it says",
		Long:  longHelp("vib-inspect"), Example: exampleHelp("vib-inspect"),
		ValidArgsFunction: completion.File,
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
	completion.Offer(cmd, "output", "table", "json")
	return cmd
}

func inspect(ctx context.Context, a *app, path, output string) error {
	in, name, err := infile.Argument(ctx, path, 2*infile.Package, a.stdin)
	if err != nil {
		return usageError(err)
	}
	defer in.Close()
	found, err := preflight.InspectVIB(ctx, in, name)
	if err != nil {
		return err
	}
	switch err := found.Write(a.stdout, output == "json", console.Width(a.stdout, a.getenv("COLUMNS"))); {
	case err != nil:
		return usageError(fmt.Errorf("write to standard output: %w", err))
	case len(found.Problems) > 0:
		return &exitError{code: exitFailed}
	}
	return nil
}
