// Package preflight does one run: it finds out of one target, a vCenter or an ESXi
// host, whether its hosts let through what is required, and where that is asked for
// it probes, changes and verifies.
//
// Options go in, a report.Run comes out; progress, notes and warnings go to an
// Observer. The package knows how a run proceeds. It knows neither flags nor
// terminals nor formats.
package preflight

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/guard"
	"github.com/vic-preflight/vic-preflight/internal/linger"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// Run does one run, from signing in to the verdicts. The hosts' state is what the
// options ask for, whatever the error says.
//
// Where nothing could be found out, the run is nil, and the error is a *UsageError,
// an *UnavailableError, or an *InterruptedError. Else the run holds what was found
// and done; with it comes an *InterruptedError or a *TimeoutError when it ended
// early, and an *UnfinishedError when a change that was asked for was not made and
// verified, or something is left.
//
// A fault of the program itself is an *UnfinishedError where something may have been
// changed, else an *UnavailableError.
func Run(ctx context.Context, o Options) (done *report.Run, err error) {
	crash := guard.Do(func() error {
		done, err = run(ctx, o)
		var aside *guard.PanicError
		if errors.As(err, &aside) { // where files were read
			return aside
		}
		return nil
	})
	switch {
	case crash == nil:
		return done, err
	case o.changes():
		return nil, &UnfinishedError{Err: crash, Hints: []string{"what was begun may be left: the journal has the changes (vic-preflight undo), and vic-preflight probe --cleanup removes machines"}}
	}
	return nil, &UnavailableError{Err: crash}
}

// changes reports whether a run may change something, for a moment at least.
func (o *Options) changes() bool {
	return o.Change.Any() && !o.Change.DryRun || o.Probe.Vantage == inventory.VantageSerial || o.SSH.StartService
}

func run(ctx context.Context, o Options) (*report.Run, error) {
	started := time.Now()
	in, err := load(ctx, &o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := o.bound(ctx, started)
	defer cancel()
	if in.facts != nil {
		return judge(ctx, o, in)
	}
	s, err := signIn(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := in.belongs(s, o); err != nil {
		return nil, err
	}
	inv, err := collect(ctx, s, &o, in)
	if err != nil {
		return nil, err
	}
	// What keeps a probe from being made is known before anything is changed.
	p, err := prepareProbe(ctx, s, inv, o, in)
	if err != nil {
		return nil, err
	}
	defer p.close()
	done, err := change(ctx, s, inv, o, in)
	if err != nil {
		return nil, err
	}
	findOrigins(ctx, s, inv, o, in)
	probed := connect(ctx, s, p, inv, o)
	return settle(ctx, o, in, outcome{started: started, label: s.label, inventory: inv, changes: done, probed: probed, running: s.running})
}

// bound is the context of the whole run, which reads its files first.
func (o *Options) bound(ctx context.Context, started time.Time) (context.Context, context.CancelFunc) {
	left := o.Timeout - time.Since(started)
	switch {
	case o.Timeout == NoTimeout:
		return context.WithCancel(ctx)
	case o.Change.Confirm != nil:
		return linger.Pausable(ctx, left)
	}
	return context.WithTimeout(ctx, left)
}

// Reading is the context in which files, and what somebody types, are read: a run's time,
// whichever it will be, is more than that takes.
func (o *Options) Reading(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.Timeout < 0 { // none, or one that Validate refuses
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, cmp.Or(o.Timeout, defaultTimeout))
}
