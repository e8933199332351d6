package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/internal/completion"
	"github.com/vic-preflight/vic-preflight/internal/console"
	"github.com/vic-preflight/vic-preflight/internal/output"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// outputFlags say what is made of a report, and what counts of it.
type outputFlags struct {
	outputs      []string
	hints        bool
	nagiosExit   bool
	strict       bool
	allowUnknown bool
	timeout      time.Duration
	// wait is check's: how long to check again.
	wait time.Duration
	// watch is nil for a single run.
	watch *preflight.WatchOptions

	look console.Look
}

func (f *outputFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.outputs, "output", "o", nil, "`format[=file]` of the report, repeatable: "+strings.Join(report.FormatNames(), ", ")+". The table goes to standard output when nothing else does")
	flags.BoolVar(&f.hints, "hints", false, "tell below the table of every reason and all ways out, not of the main ones alone")
	flags.BoolVar(&f.nagiosExit, "nagios-exit", false, "exit as a plugin of Nagios: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, also for what is wrong with the command line")
	flags.BoolVar(&f.strict, "strict", false, "let warnings count as failures")
	flags.BoolVar(&f.allowUnknown, "allow-unknown", false, "tolerate hosts that nothing can be found out about")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Minute, "`time` that the run may take; 0 for no limit. What was begun is seen through or cleaned up, for up to 30s more")
	f.look.Register(cmd)
	registerConfig(flags)
	usage.Show(flags, "output")
	completion.Offer(cmd, "output", report.FormatNames()...)
}

// put says what the flags mean for a run. A time that was not given is the run's to
// say.
func (f *outputFlags) put(o *preflight.Options, a *app, cmd *cobra.Command) {
	o.AllowUnknown = f.allowUnknown
	if a.config != nil {
		o.Severities, o.Waivers = a.config.Severities, a.config.Waivers
	}
	switch {
	case !cmd.Flags().Changed("timeout"):
	case f.timeout == 0:
		o.Timeout = preflight.NoTimeout
	default:
		o.Timeout = f.timeout
	}
}

// run does a run for each target, reports, and returns the exit. graded says whether
// the verdicts on the hosts count.
func (f *outputFlags) run(cmd *cobra.Command, a *app, t *targetFlags, base preflight.Options, args []string, graded bool) error {
	outputs, err := output.Parse(f.outputs)
	if err != nil {
		return usageError(fmt.Errorf("--output %w", err))
	}
	style, err := f.look.Style(a.stdout, a.getenv)
	if err != nil {
		return usageError(err)
	}
	if f.hints {
		style.Advice = report.AdviceFull
	}
	if !graded { // what was shut on purpose needs no hint on how to open it
		style.Advice = report.AdviceNone
	}
	f.put(&base, a, cmd)
	list, err := t.list(cmd.Context(), a, base, args)
	if err != nil {
		return err
	}
	if len(list) > 1 && base.Change.Journal != "" {
		return usageError(fmt.Errorf("--journal names one file, and there are %d targets", len(list)), "leave it out: each target gets one of its own")
	}
	con := console.New(a.stderr, len(list) > 1)
	for i := range list {
		list[i].Observer = con.Observer(list[i].Target.String())
	}
	if f.watch != nil {
		return f.follow(cmd.Context(), a, list, con, outputs, style)
	}
	rep, errs := f.until(cmd.Context(), list, con, graded)
	con.Close()
	f.sign(rep)
	wrong, exit := f.write(cmd.Context(), a, rep, errs, outputs, style), f.settle(rep, errs, graded)
	// What was shut on purpose is not judged.
	switch nagios := f.nagiosExit && graded && !allUsage(errs); {
	case wrong != nil && (nagios || exit == nil):
		return &exitError{code: max(exitUnknown, codeOf(preflight.Ended(wrong))), err: wrong}
	case wrong != nil:
		console.Complain(a.stderr, "", wrong, nil)
	case nagios:
		return &exitError{code: rep.NagiosCode(f.strict, f.allowUnknown)}
	}
	return exit
}

// sign puts into a report what this program is, and what passes.
func (f *outputFlags) sign(rep *report.Report) {
	rep.ToolVersion = buildVersion()
	rep.Gate = report.Gate{Strict: f.strict, AllowUnknown: f.allowUnknown}
}

// until does the runs, again and again where --wait is given.
func (f *outputFlags) until(ctx context.Context, list []preflight.Options, con *console.Console, graded bool) (*report.Report, []error) {
	if f.wait == 0 {
		return preflight.RunAll(ctx, list)
	}
	good := func(rep *report.Report, errs []error) bool {
		return allUsage(errs) || f.settle(rep, errs, graded) == nil
	}
	return preflight.RunUntil(ctx, list, f.wait, good, con.Missing)
}

// write sends the report to where it goes; to standard error the errors of several
// targets, and what is left. Of one target of which nothing is known people get no
// report: its error says it all.
func (f *outputFlags) write(ctx context.Context, a *app, rep *report.Report, errs []error, outputs []output.Output, style report.Style) (err error) {
	several := len(rep.Runs) > 1
	known := several || rep.Runs[0].Err == nil && !errors.Is(errs[0], console.ErrNotWanted)
	if !allUsage(errs) {
		err = output.WriteFiles(ctx, outputs, rep)
		if summary := a.getenv("GITHUB_STEP_SUMMARY"); summary != "" && output.Named(outputs, "github") {
			err = errors.Join(err, output.AppendSummary(ctx, summary, rep))
		}
		for _, o := range outputs {
			if o.Path == "" && (known || o.Format.ForPrograms) {
				err = errors.Join(err, output.ToStream(ctx, func() error { return o.Format.Write(a.stdout, rep, style) }))
			}
		}
	}
	for i, run := range rep.Runs {
		if errs[i] != nil && (several || f.nagiosExit && !allUsage(errs)) { // else it is the exit's
			console.Complain(a.stderr, run.Target, errs[i], preflight.Hints(errs[i]))
		}
	}
	console.Aftermath(a.stderr, rep)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
