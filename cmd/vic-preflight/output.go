package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// outputFlags say what is made of a report, and what counts of it.
type outputFlags struct {
	format       string
	strict       bool
	allowUnknown bool
	timeout      time.Duration

	width         int
	colour, group string
}

func (f *outputFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&f.format, "output", "o", "table", "`format` of the report: "+strings.Join(report.FormatNames(), " or "))
	flags.BoolVar(&f.strict, "strict", false, "let warnings count as failures")
	flags.BoolVar(&f.allowUnknown, "allow-unknown", false, "tolerate hosts that nothing can be found out about")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Minute, "`time` that the run may take; 0 for no limit. What was begun is seen through or cleaned up, for up to 30s more")
	flags.IntVar(&f.width, "width", 0, "`columns` of the table; the terminal's when absent, and one line a host when piped")
	flags.StringVar(&f.group, "group", "auto", "`when` hosts with the same verdict share a row: auto (over 100 hosts, on a terminal), always or never")
	flags.StringVar(&f.colour, "color", "auto", "`when` to colour: auto, always or never [NO_COLOR]")
	complete(cmd, "output", report.FormatNames()...)
	complete(cmd, "group", "auto", "always", "never")
	complete(cmd, "color", "auto", "always", "never")
}

// put says what the flags mean for a run. A time that was not given is the run's to
// say.
func (f *outputFlags) put(o *preflight.Options, cmd *cobra.Command) {
	o.AllowUnknown = f.allowUnknown
	switch {
	case !cmd.Flags().Changed("timeout"):
	case f.timeout == 0:
		o.Timeout = preflight.NoTimeout
	default:
		o.Timeout = f.timeout
	}
}

// style says how the table looks on standard output.
func (f *outputFlags) style(a *app) (report.Style, error) {
	if f.width != 0 && f.width < minWidth {
		return report.Style{}, usageError(fmt.Errorf("--width %d is too narrow for the table: it takes %d or more", f.width, minWidth))
	}
	style, err := f.styleOf(a.stdout, a)
	switch g := report.Grouping(f.group); g {
	case report.GroupAlways, report.GroupNever:
		style.Group = g
	case "auto":
	default:
		return style, usageError(fmt.Errorf("--group %q is none of auto, always and never", f.group))
	}
	if f.width != 0 {
		style.Width = f.width
	}
	return style, err
}

// run does a run for each target, reports, and returns the exit. graded says whether
// the verdicts on the hosts count.
func (f *outputFlags) run(cmd *cobra.Command, a *app, t *targetFlags, base preflight.Options, args []string, graded bool) error {
	format, err := report.FormatNamed(f.format)
	if err != nil {
		return usageError(fmt.Errorf("--output %w", err))
	}
	style, err := f.style(a)
	if err != nil {
		return err
	}
	f.put(&base, cmd)
	list, err := t.list(cmd.Context(), a, base, args)
	if err != nil {
		return err
	}
	if len(list) > 1 && base.Change.Journal != "" {
		return usageError(fmt.Errorf("--journal names one file, and there are %d targets", len(list)), "leave it out: each target gets one of its own")
	}
	con := newConsole(a, len(list) > 1)
	for i := range list {
		list[i].Observer = con.observer(list[i].Target.String())
	}
	rep, errs := preflight.RunAll(cmd.Context(), list)
	rep.ToolVersion = buildVersion()
	con.close()
	if err := f.write(a, rep, errs, format, style, graded); err != nil {
		return &exitError{code: exitUnknown, err: fmt.Errorf("write the report: %w", err)}
	}
	return f.settle(rep, errs, graded)
}

// write puts the report on standard output, and on standard error the errors of
// several targets, what is left, and the hints. Of one target of which nothing is
// known people get no report: its error says it all.
func (f *outputFlags) write(a *app, rep *report.Report, errs []error, format report.Format, style report.Style, graded bool) error {
	several := len(rep.Runs) > 1
	known := several || rep.Runs[0].Err == nil
	if !allUsage(errs) && (known || format.ForPrograms) {
		if err := format.Write(a.stdout, rep, style); err != nil {
			return err
		}
		if graded && !format.ForPrograms { // what was shut on purpose needs no hint on how to open it
			if err := f.hints(a, rep); err != nil {
				return err
			}
		}
	}
	for i, run := range rep.Runs {
		if several && errs[i] != nil {
			a.complain(run.Target, errs[i], preflight.Hints(errs[i]))
		}
		for _, left := range run.Leftovers {
			fmt.Fprintf(a.stderr, "warning: the virtual machine %s could not be removed: vic-preflight probe --cleanup removes it later\n", report.Clean(left))
		}
	}
	return nil
}

// hints writes them to standard error, below the table.
func (f *outputFlags) hints(a *app, r *report.Report) error {
	style, err := f.styleOf(a.stderr, a)
	if err != nil {
		return err
	}
	if style.Width == 0 {
		style.Width = 80 // prose is for people, also in a log
	}
	var b bytes.Buffer
	if err := report.Hints(&b, r, style); err != nil || b.Len() == 0 {
		return err
	}
	_, err = fmt.Fprintf(a.stderr, "\n%s", b.Bytes())
	return err
}
