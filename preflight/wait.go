package preflight

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/hostssh"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/report"
)

// The pause between two rounds of RunUntil is a twentieth of its time within these.
const (
	shortestPause = time.Second
	longestPause  = 30 * time.Second
)

// RunUntil does RunAll again and again until done says that the report will do, or the
// time is up: while hosts are upgraded one after the other, for instance. It returns the
// last report, and the first one in which a server refused a login: wrong passwords lock
// accounts. missing is told of each report that does not do, how long the pause is and
// how much time is left. What a target's observer was told once it is not told again.
func RunUntil(ctx context.Context, list []Options, wait time.Duration, done func(*report.Report, []error) bool, missing func(r *report.Report, pause, left time.Duration)) (*report.Report, []error) {
	ends, refused := time.Now().Add(wait), &hostssh.Refusals{}
	pause := min(max(wait/20, shortestPause), longestPause)
	for i := range list {
		list[i].Observer = &once{Observer: list[i].observer(), told: map[string]bool{}}
		list[i].SSH.refused = refused
	}
	for {
		rep, errs := RunAll(ctx, list)
		left := time.Until(ends)
		if done(rep, errs) || left <= 0 || slices.ContainsFunc(errs, refusedLogin) {
			return rep, errs
		}
		if pause := min(pause, left); ctx.Err() == nil {
			missing(rep, pause, left)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
		if ctx.Err() != nil {
			return rep, brokenOff(errs)
		}
	}
}

// brokenOff are the errors of targets that were to be looked at again: what was wrong with
// one is told beside.
func brokenOff(errs []error) []error {
	for i, err := range errs {
		var interrupted *InterruptedError
		if !errors.As(err, &interrupted) {
			errs[i] = errors.Join(&InterruptedError{Reported: true}, err)
		}
	}
	return errs
}

func refusedLogin(err error) bool {
	var refused *vsphere.LoginError
	return errors.As(err, &refused)
}

// once is told nothing twice, unless it forgets.
type once struct {
	Observer
	mu sync.Mutex
	// told is what was told since it forgot, before what was told in the time before that.
	told, before map[string]bool
}

func (o *once) first(text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	is := !o.told[text] && !o.before[text]
	o.told[text] = true
	return is
}

// forget lets it be told again what was not told since it last forgot: it remembers no
// more however long it goes on.
func (o *once) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told, o.before = map[string]bool{}, o.told
}

// Note implements Observer.
func (o *once) Note(text string) {
	if o.first(text) {
		o.Observer.Note(text)
	}
}

// Warn implements Observer.
func (o *once) Warn(text string) {
	if o.first(text) {
		o.Observer.Warn(text)
	}
}
