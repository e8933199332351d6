package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/config"
	"github.com/vic-preflight/vic-preflight/internal/console"
	"github.com/vic-preflight/vic-preflight/internal/longflag"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/report"
)

// version is set by the Makefile; see buildVersion.
var version string

// app is what a command may touch of the world around it.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookupEnv      func(string) (string, bool)
	// stateDir is where journals go by themselves.
	stateDir string
	// helpAll is --help-all: help tells all there is.
	helpAll bool
	// dir is where a configuration file is looked for; empty means the working directory.
	dir string
	// config is nil where there is no configuration file.
	config *config.Config
}

func (a *app) getenv(key string) string {
	value, _ := a.lookupEnv(key)
	return value
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, a *app, args []string) int {
	root := newRoot(a)
	if i := slices.Index(args, "--help-all"); i >= 0 {
		a.helpAll, args[i] = true, "--help"
	}
	args = longflag.Expand(root, separate(root, args))
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	exit := exitOf(err)
	if exit.err != nil {
		console.Complain(a.stderr, "", exit.err, exit.hints)
	}
	nagios := cmd.Flags().Lookup("nagios-exit") // a bad flag keeps those after it from being read
	if exit.err != nil && (slices.Contains(args, "--nagios-exit") || nagios != nil && nagios.Value.String() == "true") {
		fmt.Fprintf(a.stdout, "VIC-PREFLIGHT UNKNOWN: %s\n", report.Clean(strings.ReplaceAll(exit.err.Error(), "|", "_")))
		return nagiosUnknown
	}
	if exit.code == exitInterrupted {
		return signalled(ctx)
	}
	return exit.code
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "vic-preflight",
		Short: "Check that every ESXi host can reach a virtual container host on TCP 2377",
		Long:  longHelp("root"), Example: exampleHelp("root"),
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		SilenceUsage:               true,
		Args:                       usage.NoCommand,
		PersistentPreRunE: func(cmd *cobra.Command, args []string) error {
			if err := longflag.Filled(cmd.Flags()); err != nil {
				return usageError(err, "is a variable unset? leave the option out to do without it")
			}
			if at := cmd.ArgsLenAtDash(); at >= 0 {
				args = args[:at] // what stands behind is another program's
			}
			if slices.Contains(args, "") && cmd.Name() != cobra.ShellCompRequestCmd {
				return usageError(errors.New("an argument is given and empty"), "is a variable unset?")
			}
			return a.configure(cmd)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.CompletionOptions.HiddenDefaultCmd = false
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		hints, err := usage.Plain(cmd, err, foreign(cmd)...)
		return usageError(err, hints...)
	})
	root.AddCommand(newCheck(a), newWatch(a), newCreate(a), newFix(a), newUpdate(a), newUndo(a), newProbe(a), newListen(a), newVIB(a), newRule(a), newCollect(a), newSim(a), newProfiles(a), newExplain(a), newDiff(a), newConfig(a), newVersion(a))
	usage.Install(root, a.stdout, &a.helpAll)
	root.Version = buildVersion()
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	completion.FilesAlone(root)
	root.SetUsageTemplate(usageTemplate + exitStatus + "\n")
	return root
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: usage.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, "vic-preflight", buildVersion())
			return err
		},
	}
}

// buildVersion is the released version, or what Go knows of the commit.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); version == "" && ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return cmp.Or(version, "dev")
}
