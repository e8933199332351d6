package preflight

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/report"
)

// sideBySide is how many targets are run at a time: each has calls in flight of its
// own, and an inventory in memory.
const sideBySide = 4

// RunAll does a run for each of the options, some side by side. One target's error
// never stops the others. The report holds a run for each, also for one of which
// nothing could be found out; the errors stand in the same order, nil where there was
// none. Where Facts names a file of several targets there is a run, and an error, for each
// of them. A Baseline need not have all of several targets, but one.
func RunAll(ctx context.Context, list []Options) (*report.Report, []error) {
	started := time.Now()
	list = spread(ctx, list)
	rep := &report.Report{StartedAt: started, Runs: make([]*report.Run, len(list))}
	errs := make([]error, len(list))
	list = shareBaseline(list)
	var g errgroup.Group
	g.SetLimit(sideBySide)
	for i, o := range list {
		g.Go(func() error {
			began := time.Now()
			rep.Runs[i], errs[i] = Run(ctx, o)
			if rep.Runs[i] == nil {
				rep.Runs[i] = &report.Run{
					Target: o.label(), StartedAt: began, Duration: time.Since(began),
					Err: errs[i], Requirements: o.requirements(),
				}
			}
			return nil
		})
	}
	_ = g.Wait() // each target holds its own error
	compareFailed(ctx, list, rep)
	refuseForeign(list, rep, errs)
	if len(rep.Runs) > 0 {
		rep.Requirements, rep.ToolVersion = rep.Runs[0].Requirements, list[0].tool()
	}
	rep.Duration = time.Since(started)
	if len(list) > 0 {
		rep.UnusedWaivers = unused(list, rep)
	}
	return rep, errs
}

// unused are the waivers that no result points to. Where a target told nothing, which
// ones they are is not known; nor is it of those whose check was left out, and a change
// heeds none.
func unused(of []Options, rep *report.Report) (list []checks.Waiver) {
	waivers, o := of[0].Waivers, of[0]
	used := map[*checks.Waiver]bool{}
	for _, run := range rep.Runs {
		if run.Err != nil || run.Interrupted || o.Change.Do != NoChange {
			return nil
		}
		for _, res := range run.Results {
			used[res.Waiver] = true
		}
	}
	selected, err := o.checks()
	asked := func(w checks.Waiver) bool {
		return w.Check == "" && len(o.Only) == 0 || err == nil && among(selected, w.Check)
	}
	for i, w := range waivers {
		if !used[&waivers[i]] && asked(w) {
			list = append(list, w)
		}
	}
	return list
}
