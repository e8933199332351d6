package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/internal/console"
	"github.com/vic-preflight/vic-preflight/internal/output"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

func newWatch(a *app) *cobra.Command {
	c := &checkFlags{}
	watch := &preflight.WatchOptions{}
	c.output.watch = watch
	cmd := c.command(a, "watch", "Check again and again, and tell what changes")
	f := cmd.Flags()
	f.DurationVar(&watch.Every, "every", 5*time.Minute, "`time` from the beginning of a round to that of the next; 10s or more on a server")
	f.IntVar(&watch.Rounds, "rounds", 0, "`number` of rounds, of which the last gives the exit code; until a signal when absent")
	usage.Section(f, "rounds")
	usage.Show(f, "every", "rounds")
	for _, name := range []string{"wait", "nagios-exit", "facts", "dry-run", "journal"} { // they are refused
		_ = f.MarkHidden(name)
	}
	return cmd
}

// follow does the runs again and again: it writes what the first one finds as check does,
// and then what changes.
func (f *outputFlags) follow(ctx context.Context, a *app, list []preflight.Options, con *console.Console, outputs []output.Output, style report.Style) error {
	if err := output.OfWatch(outputs); err != nil {
		return usageError(fmt.Errorf("--output %w", err))
	}
	var wrong error
	f.watch.Leave = console.Leave(a.stdin, a.stderr, f.watch.Every)
	f.watch.Begin, f.watch.Told = con.Begin, func(r preflight.Round) {
		con.Close()
		if r.Report != nil {
			f.sign(r.Report)
		}
		if r.Number > 1 {
			wrong = output.Follow(ctx, a.stdout, outputs, r.Events, r.Report, style)
		} else if wrong = f.write(ctx, a, r.Report, r.Errs, outputs, style); !r.Last { // else an error tells it
			wrong = errors.Join(wrong, output.Follow(ctx, a.stdout, nil, r.Events, nil, style))
			con.Say("note", fmt.Sprintf("checking again every %s, and telling what changes; Ctrl-C ends it", f.watch.Every))
		}
		if wrong != nil {
			console.Complain(a.stderr, "", wrong, nil)
		}
	}
	last, err := preflight.Watch(ctx, list, *f.watch)
	if err != nil {
		return err
	}
	if exit := f.settle(last.Report, last.Errs, true); exit != nil || wrong == nil {
		return exit
	}
	return &exitError{code: exitUnknown}
}
