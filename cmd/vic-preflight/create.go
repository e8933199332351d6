package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/longflag"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
)

// createFlags are those of create: check's, beside the options of vic-machine.
type createFlags struct {
	checkFlags
	file     string
	opsLogin bool
}

func newCreate(a *app) *cobra.Command {
	c := &createFlags{}
	cmd := &cobra.Command{
		Use:   "create [vic-machine create's options]",
		Short: "Say all that vic-machine create would refuse, and create nothing",
		Long:  longHelp("create"), Example: exampleHelp("create"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.execute(cmd, a, args) },
	}
	f := cmd.Flags()
	c.register(cmd, checks.IDs())
	f.StringVar(&c.file, "from-file", "", "`file` with the command line of vic-machine create, or - for standard input")
	f.BoolVar(&c.opsLogin, "ops-login", false, "sign in as --ops-user with --ops-password, and out again, as create does")
	usage.Section(f, "checks")
	f.BoolVar(&c.setting, "fix-setting", false, "set the vCenter's "+inventory.SettingName+" to true, as create would")
	usage.Section(f, "changes")
	usage.Show(f, "from-file", "fix", "fix-setting")
	return cmd
}

// foreign are the options of vic-machine that a command takes beside its own.
func foreign(cmd *cobra.Command) []string {
	if cmd.Name() != "create" {
		return nil
	}
	return vicmachine.Names()
}

// separate puts what is vic-machine's behind "--", where the command line is of create; a
// shell that completes one is offered it.
func separate(root *cobra.Command, args []string) []string {
	args = completion.VICMachine(root, args)
	cmd, _, err := root.Find(args[:min(1, len(args))])
	if err != nil || cmd.Name() != "create" {
		return args
	}
	return append(args[:1:1], vicmachine.Separate(args[1:], longflag.Takes(cmd.Flags()))...)
}

func (c *createFlags) execute(cmd *cobra.Command, a *app, args []string) error {
	var line []string
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		args, line = args[:at], args[at:]
	}
	var wanted *vicmachine.Command
	err := reading(cmd, "--from-file", func() (err error) {
		wanted, err = vicmachine.Read(cmd.Context(), line, c.file, a.stdin)
		return err
	})
	switch {
	case err != nil:
		return usageError(err)
	case wanted.Help:
		return cmd.Help()
	case len(args)+len(c.target.Targets) > 1:
		return usageError(errors.New("create takes one target, as vic-machine does, and there is another word for one"),
			"a value with blanks stands in quotation marks, a boolean option takes its value behind =, and a long dash is no dash")
	}
	c.target.Targets = append(c.target.Targets, args...)
	if c.target.Take(wanted, c.file != "") {
		fmt.Fprintln(a.stderr, "note: the target of vic-machine's options, with its user and password, is passed over for the one of vic-preflight's own")
	}
	if at, ok := wanted.VCH.Address(); ok && len(c.requirement.VCHs) == 0 {
		c.requirement.VCHs = []string{at.Addr().String()}
	}
	o := preflight.CreateOptions{VCH: wanted.VCH, OpsLogin: c.opsLogin}
	if wanted.OpsPassword != nil {
		o.OpsPassword = *wanted.OpsPassword
	}
	return c.run(cmd, a, nil, preflight.Options{Create: &o})
}
