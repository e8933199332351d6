package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/preflight"
)

// undoFlags are those of the undo command.
type undoFlags struct {
	target targetFlags
	change changeFlags
	output outputFlags
	ssh    sshFlags
	force  bool
}

func newUndo(a *app) *cobra.Command {
	u := &undoFlags{}
	cmd := &cobra.Command{
		Use:   "undo JOURNAL",
		Short: "Take back what fix, check --fix or create changed",
		Long:  longHelp("undo"), Example: exampleHelp("undo"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError(fmt.Errorf("undo takes one journal, not %d", len(args)), "the run that made the changes printed its journal's path")
			}
			return u.execute(cmd, a, args[0])
		},
	}
	f := cmd.Flags()
	f.BoolVar(&u.force, "force", false, "restore also what somebody else has changed since")
	u.target.register(cmd)
	cmd.ValidArgsFunction = completion.File // not a target
	u.change.register(f)
	u.output.register(cmd)
	u.ssh.register(cmd)
	usage.Section(f, "changes")
	usage.Show(f, "force", "dry-run")
	_ = f.MarkHidden("compute-resource") // the journal names the hosts
	return cmd
}

func (u *undoFlags) execute(cmd *cobra.Command, a *app, journal string) error {
	o := preflight.Options{Only: []string{checks.OutboundPort}}
	o.Change.Do, o.Change.UndoJournal, o.Change.Force = preflight.Undo, journal, u.force
	if err := cmp.Or(u.change.put(&o, a, cmd.Flags()), u.ssh.put(&o.SSH, a)); err != nil {
		return err
	}
	return u.output.run(cmd, a, &u.target, o, nil, false)
}
