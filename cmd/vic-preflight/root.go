package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/report"
)

// version is set by the Makefile; see buildVersion.
var version string

// app is what a run may touch of the world around it.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, a *app, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		// What cobra finds wrong by itself, such as an unknown command.
		exit = &exitError{code: exitUsage, err: err, hints: []string{"vic-preflight --help lists the commands"}}
	}
	if exit.err != nil {
		// An error may quote what a server said.
		fmt.Fprintf(a.stderr, "vic-preflight: %s\n", report.Clean(exit.err.Error()))
		for _, hint := range exit.hints {
			fmt.Fprintf(a.stderr, "hint: %s\n", report.Clean(hint))
		}
	}
	return exit.code
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "vic-preflight",
		Short: "Check that every ESXi host can reach a virtual container host on TCP 2377",
		Long: `ESXi hosts dial the virtual container host (VCH) of vSphere Integrated
Containers on TCP 2377. vic-preflight tells, before vic-machine create, for
every host of a cluster: is the port permitted, by which ruleset, for the VCH's
address, and will it last.

Try it without a vCenter:

  vic-preflight check --target sim://mixed`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.CompletionOptions.HiddenDefaultCmd = false
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(err, fmt.Sprintf("%s --help lists the flags", cmd.CommandPath()))
	})
	root.AddCommand(newCheck(a), newFix(a), newUpdate(a), newUndo(a), newProbe(a), newListen(a), newVIB(a), newRule(a), newSim(a), newExplain(a), newVersion(a))
	root.SetUsageTemplate(usageTemplate)
	return root
}

// usageTemplate is cobra's, with the flags before the examples and EXIT STATUS
// at the end.
const usageTemplate = `Usage:
  {{.UseLine}}{{if .HasAvailableSubCommands}} COMMAND

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}{{if .HasExample}}

EXAMPLES
{{.Example}}{{end}}

` + exitStatus + `
`

// noCommand refuses arguments that are no command.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError(fmt.Errorf("there is no command %s", quoteWord(args[0])), cmd.CommandPath()+" --help lists the commands")
}

// noArgs is cobra.NoArgs with this tool's exit code.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(fmt.Errorf("%s takes no argument, and %s is one", cmd.CommandPath(), quoteWord(args[0])), "is a flag missing before it?")
	}
	return nil
}

// quoteWord repeats an argument only when it is a plain word: anything else may
// be a target that holds a password.
func quoteWord(s string) string {
	if regexp.MustCompile(`^[a-z-]{1,30}$`).MatchString(s) {
		return strconv.Quote(s)
	}
	return "what was given"
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, "vic-preflight", buildVersion())
			return err
		},
	}
}

// buildVersion is the released version, or the commit it was built from.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	commit, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if commit == "" {
		return "dev"
	}
	return "dev-" + commit + dirty
}

// joinLines joins help text that is kept as lines in the source.
func joinLines(lines ...string) string { return strings.Join(lines, "\n") }
