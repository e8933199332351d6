package preflight

import (
	"fmt"
	"slices"
	"sync"

	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

func (o *Options) readBaseline(in *inputs) (err error) {
	if o.Baseline == "" {
		return nil
	}
	read := o.saved
	if read == nil {
		read = func() (*report.Saved, error) { return openBaseline(o.Baseline) }
	}
	if in.baseline, err = read(); err != nil {
		return err
	}
	for _, req := range o.Requirements {
		if err := in.baseline.Covers(req); err != nil {
			return &UsageError{Err: fmt.Errorf("--baseline %s: %w", o.Baseline, err)}
		}
	}
	return nil
}

func openBaseline(path string) (*report.Saved, error) {
	saved, err := openReport(path)
	if err != nil {
		return nil, file("baseline", err, reportHint)
	}
	return saved, nil
}

const reportHint = "vic-preflight check -o json makes such a report"

func openReport(path string) (*report.Saved, error) {
	f, err := infile.Open(path)
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

// Diff compares the reports in two files. An error is a *UsageError.
func Diff(older, newer string) (*report.Diff, error) {
	then, err := openReport(older)
	if err != nil {
		return nil, &UsageError{Err: err, Hints: []string{reportHint}}
	}
	now, err := openReport(newer)
	if err != nil {
		return nil, &UsageError{Err: err, Hints: []string{reportHint}}
	}
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
	readers := map[string]func() (*report.Saved, error){}
	for i := range list {
		o := &list[i]
		if o.Baseline == "" {
			continue
		}
		if readers[o.Baseline] == nil {
			path := o.Baseline
			readers[path] = sync.OnceValues(func() (*report.Saved, error) { return openBaseline(path) })
		}
		o.saved, o.shared = readers[o.Baseline], len(list) > 1
	}
	return list
}

// compareFailed says of targets of which nothing could be found out what is not known
// of them any more.
func compareFailed(list []Options, rep *report.Report) {
	for i, run := range rep.Runs {
		if list[i].saved == nil || run.Err == nil {
			continue
		}
		if saved, err := list[i].saved(); err == nil {
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
