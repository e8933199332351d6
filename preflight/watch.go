package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/infile"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/report"
)

// WatchOptions say how a watch goes on.
type WatchOptions struct {
	// Every is the time from the beginning of a round to that of the next: 10 seconds or
	// more, unless all targets are simulated in this process. The round after one that took
	// longer begins at once, but for a short pause.
	Every time.Duration
	// Rounds is how many there are; 0 means that they go on until the context ends.
	Rounds int
	// Leave is asked before the first round whether hosts may be changed, where a Confirm is
	// set: that one is not asked of each plan. An error ends the watch, in an
	// *UnfinishedError. nil means yes.
	Leave func(context.Context) error
	// Begin is called before each round, and Told after it.
	Begin func()
	Told  func(Round)
}

// Round is one of a watch: RunAll, and what is new since the round before.
type Round struct {
	// Number counts from 1. Last means that there is no further one.
	Number int
	Last   bool
	// Report is nil where the context ended the round: the one before is the last whole
	// one. Of the first round there is one all the same.
	Report *report.Report
	// Errs are those of the report's runs.
	Errs []error
	// Events tell what has changed since the round before; of a round that was ended, what
	// it changed itself.
	Events []report.Event
}

const (
	shortestEvery = 10 * time.Second
	// breath is the pause after a round that took longer than Every, if that is longer.
	breath = 5 * time.Second
)

// Watch does RunAll again and again, as WatchOptions say, and returns the last whole round.
// Rounds never overlap, and none is made up for. A target that cannot be reached is
// tried again in the next round; a login that was refused ends the watch, since wrong
// passwords lock accounts, as does a first round that finds nothing but errors of usage.
//
// With ChangeOptions.Do Allow each round repairs what it finds, and has a journal of its own
// where it changes something. A host that was changed in several rounds, and was well in
// none between, is left alone until it is.
//
// The error is a *UsageError for options that a watch does not take, an *UnavailableError
// where a login was refused, and an *InterruptedError where the context ended.
func Watch(ctx context.Context, list []Options, w WatchOptions) (Round, error) {
	if err := w.validate(list); err != nil {
		return Round{}, err
	}
	if err := w.permitted(ctx, list); err != nil {
		return Round{}, err
	}
	list, stop := watched(ctx, list)
	defer stop()
	var past report.Chronicle
	var last Round
	for n := 1; ; n++ {
		began := time.Now()
		w.Begin()
		rep, errs := RunAll(ctx, list)
		if ctx.Err() != nil && n > 1 {
			w.Told(Round{Number: n, Events: past.Changes(rep)})
			return last, &InterruptedError{Reported: true}
		}
		rep.Watch = &report.Watch{Round: n, Every: w.Every}
		last = Round{n, false, rep, errs, past.Next(rep, errs)}
		refused := slices.IndexFunc(errs, refusedLogin)
		enough := n == w.Rounds || n == 1 && !slices.ContainsFunc(errs, notUsage)
		last.Last = refused >= 0 || enough || ctx.Err() != nil
		w.Told(last)
		switch {
		case refused >= 0:
			return last, &UnavailableError{
				Err:   fmt.Errorf("the watch of %s ends, as wrong passwords lock accounts: %w", list[refused].Target, errs[refused]),
				Hints: Hints(errs[refused]),
			}
		case enough:
			return last, nil
		}
		if !w.pause(ctx, began) {
			return last, &InterruptedError{Reported: last.Report.Runs[0].Err == nil}
		}
		forget(list)
	}
}

func notUsage(err error) bool {
	var bad *UsageError
	return !errors.As(err, &bad)
}

// validate refuses what is of a single run.
func (w *WatchOptions) validate(list []Options) error {
	simulated := func(o Options) bool { return o.Target.simulated() }
	switch {
	case w.Every <= 0:
		return usage("every", "%s is no time to wait", w.Every)
	case w.Every < shortestEvery && slices.ContainsFunc(list, func(o Options) bool { return !simulated(o) }):
		return usage("every", "%s is too short for a server that others need: it takes %s or more", w.Every, shortestEvery)
	case w.Rounds < 0:
		return usage("rounds", "%d is no number of rounds", w.Rounds)
	}
	for _, o := range list {
		switch {
		case o.Facts != "":
			return &UsageError{Err: errors.New("--facts is of a file, in which nothing changes"), Hints: []string{"a watch takes a target; check --facts judges the file"}}
		case o.Change.DryRun:
			return &UsageError{Err: errors.New("--dry-run does not go with a watch: without --fix it changes nothing"), Hints: []string{"check --fix --dry-run prints the plan"}}
		case o.Change.Journal != "":
			return &UsageError{
				Err:   errors.New("--journal names one file, and each round of a watch that changes something has a journal of its own"),
				Hints: []string{"they go to vic-preflight/journals in the state directory, which XDG_STATE_HOME names"},
			}
		}
		if err := o.oncePipes(); err != nil {
			return err
		}
	}
	return nil
}

// oncePipes refuses pipes among the files that each round reads: the second would read nothing.
func (o *Options) oncePipes() error {
	for _, f := range [][2]string{
		{"baseline", o.Baseline},
		{"listener-key", o.Probe.ListenerKey},
		{"ssh-key", o.SSH.Key},
		{"ssh-password-file", o.SSH.PasswordFile},
		{"ssh-known-hosts", o.SSH.KnownHosts},
	} {
		if infile.IsPipe(f[1]) {
			return &UsageError{
				Err:   fmt.Errorf("--%s %s is a pipe, which is read once, and each round of a watch reads it", f[0], f[1]),
				Hints: []string{"give a file"},
			}
		}
	}
	return nil
}

// permitted asks for leave to change hosts.
func (w *WatchOptions) permitted(ctx context.Context, list []Options) error {
	if w.Leave == nil || !slices.ContainsFunc(list, func(o Options) bool { return o.Change.Confirm != nil }) {
		return nil
	}
	err := w.Leave(ctx)
	switch {
	case ctx.Err() != nil:
		return &InterruptedError{}
	case err != nil:
		return &UnfinishedError{Err: err}
	}
	return nil
}

// watched are the options for the runs of a watch. A simulator in this process lasts from
// round to round, until stop is called.
func watched(ctx context.Context, list []Options) (all []Options, stop func()) {
	all = slices.Clone(list)
	var running []*sim.VCenter
	refused := &hostssh.Refusals{}
	for i := range all {
		o := &all[i]
		o.Change.Confirm = nil
		o.Observer = &once{Observer: o.observer(), told: map[string]bool{}}
		o.SSH.refused = refused
		if o.Change.Do == Allow {
			o.Change.repairs = &repairs{}
		}
		if !o.Target.simulated() {
			continue
		}
		if vc, err := startSimulator(ctx, o.Target); err == nil { // else the runs say why
			o.simulator = vc
			running = append(running, vc)
		}
	}
	return all, func() {
		for _, vc := range running {
			vc.Close()
		}
	}
}

// forget lets the observers tell again what the round that is over did not tell.
func forget(list []Options) {
	for i := range list {
		list[i].Observer.(*once).forget()
	}
}

// pause waits for the next round, and reports whether there is to be one.
func (w *WatchOptions) pause(ctx context.Context, began time.Time) bool {
	pause := max(w.Every-time.Since(began), min(w.Every, breath))
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}
