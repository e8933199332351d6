package preflight

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/linger"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

func (o *Options) readBaseline(in *inputs) (err error) {
	if o.Baseline == "" {
		return nil
	}
	read := o.saved
	if read == nil {
		read = &earlier{path: o.Baseline}
	}
	if in.baseline, err = read.report(); err != nil {
		return err
	}
	for _, req := range o.Requirements {
		if err := in.baseline.Covers(req); err != nil {
			return &UsageError{Err: fmt.Errorf("--baseline %s: %w", o.Baseline, err)}
		}
	}
	return nil
}

// earlier is a report that several runs read once.
type earlier struct {
	path        string
	once        sync.Once
	begun, done atomic.Bool

	saved *report.Saved
	err   error
}

func (e *earlier) report() (*report.Saved, error) {
	e.begun.Store(true)
	e.once.Do(func() { e.saved, e.err = openBaseline(e.path) })
	e.done.Store(true)
	return e.saved, e.err
}

// late is report after a run, which may have been ended before it came to that.
func (e *earlier) late(ctx context.Context, o *Options) (*report.Saved, error) {
	reading, cancel := o.Reading(ctx)
	defer cancel()
	late, cancel := linger.Context(reading, 0, linger.Grace)
	defer cancel()
	return infile.Until(late, "read --baseline", e.report)
}

// givenUp reports whether nobody waits for it any more, after the runs.
func (e *earlier) givenUp() bool { return e.begun.Load() && !e.done.Load() }

func openBaseline(path string) (*report.Saved, error) {
	saved, err := openReport(path)
	if err != nil {
		return nil, file("baseline", err, reportHint)
	}
	return saved, nil
}

const reportHint = "vic-preflight check -o json makes such a report"

func openReport(path string) (*report.Saved, error) {
	f, err := infile.Open(path, infile.Huge)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	saved, err := report.ReadSaved(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return saved, nil
}

// Diff compares the reports in two files. Its errors are *UsageError and *InterruptedError.
func Diff(ctx context.Context, older, newer string) (*report.Diff, error) {
	var both [2]*report.Saved
	for i, path := range []string{older, newer} {
		saved, err := infile.Until(ctx, "read "+path, func() (*report.Saved, error) { return openReport(path) })
		if err != nil {
			return nil, Ended(&UsageError{Err: err, Hints: []string{reportHint}})
		}
		both[i] = saved
	}
	then, now := both[0], both[1]
	d, err := report.NewDiff(then, now)
	if err != nil {
		return nil, &UsageError{Err: fmt.Errorf("%s and %s are about different things: of the first one: %w", older, newer, err)}
	}
	d.OldName, d.NewName = older, newer
	return d, nil
}

// remind tells the hosts what the baseline says of them. One of other servers is
// refused before anything is changed. In a check of several targets the others decide
// that: see refuseForeign.
func (o *Options) remind(label string, inv *inventory.Inventory, in *inputs) error {
	if in.baseline == nil {
		return nil
	}
	err := in.baseline.Remind(label, inv)
	if err == nil || o.shared && !o.changes() {
		return nil
	}
	return o.foreignBaseline(err)
}

func (o *Options) foreignBaseline(err error) error {
	return &UsageError{Err: fmt.Errorf("--baseline %s: %w", o.Baseline, err), Hints: []string{"log in to the server that the report is of"}}
}

// shareBaseline lets several runs read the same baseline once. The options that came in
// stay as they are.
func shareBaseline(list []Options) []Options {
	list = slices.Clone(list)
	readers := map[string]*earlier{}
	for i := range list {
		o := &list[i]
		if o.Baseline == "" {
			continue
		}
		if readers[o.Baseline] == nil {
			readers[o.Baseline] = &earlier{path: o.Baseline}
		}
		o.saved, o.shared = readers[o.Baseline], len(list) > 1
	}
	return list
}

// compareFailed says of targets of which nothing could be found out what is not known
// of them any more.
func compareFailed(ctx context.Context, list []Options, rep *report.Report) {
	for i, run := range rep.Runs {
		if list[i].saved == nil || run.Err == nil || list[i].saved.givenUp() {
			continue
		}
		if saved, err := list[i].saved.late(ctx, &list[i]); err == nil {
			run.Compared = saved.Compare(list[i].Baseline, run)
		}
	}
}

// refuseForeign refuses a baseline that has none of the targets. One that could not be
// read is known by its name.
func refuseForeign(list []Options, rep *report.Report, errs []error) {
	absent := func(run *report.Run) bool {
		return run.Compared != nil && run.Compared.Then.Missing == report.MissingTarget
	}
	if slices.ContainsFunc(rep.Runs, func(run *report.Run) bool { return !absent(run) }) {
		return
	}
	for i, run := range rep.Runs {
		if errs[i] != nil {
			continue
		}
		errs[i] = list[i].foreignBaseline(fmt.Errorf("it is a report of other endpoints: it has none of the %d targets", len(list)))
		rep.Runs[i] = &report.Run{Target: run.Target, StartedAt: run.StartedAt, Duration: run.Duration, Err: errs[i], Requirements: run.Requirements, Compared: run.Compared}
	}
}
