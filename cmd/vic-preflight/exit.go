package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/usage"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// The exit codes. They are a contract; help/exit-status.txt tells them in every help.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnknown     = 3
	exitUnverified  = 4
	exitInterrupted = 130
	// nagiosUnknown is what a plugin of Nagios exits with that could not do its work.
	nagiosUnknown = 3
)

// signalled is the exit code of what the context's end interrupted: the signal's, as shells
// have it. A person at a prompt ends it by Ctrl-C without one.
func signalled(ctx context.Context) int {
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		if cause := context.Cause(ctx); cause != nil && strings.HasPrefix(cause.Error(), s.String()) {
			return 128 + int(s)
		}
	}
	return exitInterrupted
}

// exitError is an error with the exit code it stands for and hints on the way
// out. A nil err exits silently: the report has said it all.
type exitError struct {
	code  int
	err   error
	hints []string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usageError(err error, hints ...string) error {
	if ended := preflight.Ended(err); codeOf(ended) > exitUsage {
		return ended // what could not be read was no fault of it
	}
	var helped interface{ Ways() []string }
	if errors.As(err, &helped) {
		hints = append(hints, helped.Ways()...)
	}
	return &exitError{code: exitUsage, err: err, hints: hints}
}

// exitOf gives an error its exit code and its hints.
func exitOf(err error) *exitError {
	var exit *exitError
	if errors.As(err, &exit) {
		return exit
	}
	if code := codeOf(err); code != 0 {
		return &exitError{code: code, err: err, hints: preflight.Hints(err)}
	}
	return exitOf(usageError(usage.PlainGroups(err))) // what cobra finds wrong by itself
}

// codeOf is the exit code of an error of a run; 0 for any other, and for none.
func codeOf(err error) int {
	var (
		bad         *preflight.UsageError
		unavailable *preflight.UnavailableError
		unfinished  *preflight.UnfinishedError
		late        *preflight.TimeoutError
		interrupted *preflight.InterruptedError
	)
	switch {
	case errors.As(err, &interrupted):
		return exitInterrupted
	case errors.As(err, &unfinished), errors.As(err, &late) && late.Changed:
		return exitUnverified
	case errors.As(err, &unavailable), errors.As(err, &late):
		return exitUnknown
	case errors.As(err, &bad):
		return exitUsage
	}
	return 0
}

// severity orders exit codes of several targets, the worst first.
var severity = []int{exitInterrupted, exitUnverified, exitFailed, exitUnknown, exitUsage, exitOK}

// settle is the exit of a command whose report was written. graded says whether the
// verdicts on the hosts count.
func (f *outputFlags) settle(rep *report.Report, errs []error, graded bool) error {
	code := exitOK
	for i, run := range rep.Runs {
		c := f.code(run, errs[i], graded)
		if c == exitUsage && len(rep.Runs) > 1 && !allUsage(errs) {
			c = exitUnknown // of one target nothing could be found out
		}
		if slices.Index(severity, c) < slices.Index(severity, code) {
			code = c
		}
	}
	switch {
	case code == exitOK:
		return nil
	case len(errs) == 1 && errs[0] != nil:
		return &exitError{code: code, err: errs[0], hints: preflight.Hints(errs[0])}
	}
	return &exitError{code: code}
}

// code is the exit code of one target.
func (f *outputFlags) code(run *report.Run, err error, graded bool) int {
	grade := codes[run.Grade(f.strict, f.allowUnknown)]
	switch code := codeOf(err); {
	case code == exitUnknown && run.Err == nil && graded && grade == exitFailed:
		return exitFailed // the time ran out, but not before that was known
	case err != nil:
		return cmp.Or(code, exitUnknown) // an error is never green
	case run.DryRun:
		return codes[run.PlanGrade(f.strict, f.allowUnknown)]
	case graded:
		return grade
	}
	return exitOK
}

// codes are those of grades.
var codes = map[checks.Status]int{checks.Fail: exitFailed, checks.Unknown: exitUnknown, checks.Pass: exitOK}

// allUsage reports whether nothing was done for any target.
func allUsage(errs []error) bool {
	return !slices.ContainsFunc(errs, func(err error) bool { return codeOf(err) != exitUsage })
}
