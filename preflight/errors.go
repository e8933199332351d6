package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

// UsageError means that an option, or a file that one names, cannot be taken.
// Nothing was done.
type UsageError struct {
	// Option is the option's name without dashes; empty where the text names it, or
	// several.
	Option string
	Err    error
	// Hints say the way out.
	Hints []string
}

func (e *UsageError) Error() string {
	if e.Option == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("--%s %v", e.Option, e.Err)
}

func (e *UsageError) Unwrap() error { return e.Err }

func usage(option, format string, args ...any) error {
	return &UsageError{Option: option, Err: fmt.Errorf(format, args...)}
}

// file is a *UsageError about a file that an option names.
func file(option string, err error, hints ...string) error {
	return &UsageError{Err: fmt.Errorf("--%s: %w", option, err), Hints: hints}
}

// UnavailableError means that it could not be found out: no connection, no login,
// or no way to do what was asked for. Nothing was changed.
type UnavailableError struct {
	Err   error
	Hints []string
}

func (e *UnavailableError) Error() string { return e.Err.Error() }

func (e *UnavailableError) Unwrap() error { return e.Err }

// UnfinishedError means that a change which was asked for was not all made and
// verified, or that something which the run made is left.
type UnfinishedError struct {
	Err   error
	Hints []string
}

func (e *UnfinishedError) Error() string { return e.Err.Error() }

func (e *UnfinishedError) Unwrap() error { return e.Err }

// InterruptedError means that the run's context was cancelled.
type InterruptedError struct {
	// Reported is true where the run holds what was known and done.
	Reported bool
}

func (e *InterruptedError) Error() string {
	if e.Reported {
		return "interrupted; what was known and done is reported"
	}
	return "interrupted before anything was known"
}

// TimeoutError means that the run's time ran out after it had found out something.
type TimeoutError struct {
	After time.Duration
	// Changed is true where changes were begun.
	Changed bool
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("the time ran out after %s; what was known and done is reported", e.After)
}

// Hints are the ways out that an error names; there may be none.
func Hints(err error) []string {
	var (
		bad         *UsageError
		unavailable *UnavailableError
		unfinished  *UnfinishedError
		late        *TimeoutError
	)
	switch {
	case errors.As(err, &unavailable):
		return unavailable.Hints
	case errors.As(err, &bad):
		return bad.Hints
	case errors.As(err, &unfinished):
		return unfinished.Hints
	case errors.As(err, &late):
		return []string{timeoutHint}
	}
	return nil
}

// Ended turns the error of what its context ended, such as the reading of a file, into one of
// this package's. Any other stays as it is.
func Ended(err error) error {
	var known *UnavailableError
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled):
		return &InterruptedError{}
	case errors.Is(err, context.DeadlineExceeded):
		return &UnavailableError{Err: fmt.Errorf("the time ran out: %w", err), Hints: []string{timeoutHint}}
	}
	return err
}

const timeoutHint = "--timeout sets how long a run may take"

// classify turns an error of the vSphere layer into one of this package's, with
// its hints.
func classify(err error) error {
	var (
		untrusted *vsphere.UntrustedError
		mismatch  *vsphere.ThumbprintMismatchError
		login     *vsphere.LoginError
		selection *vsphere.SelectionError
		foreign   *vsphere.NotVSphereError
		away      *vsphere.UnreachableError
		local     *vsphere.ConfigError
	)
	unavailable := func(hints ...string) error { return &UnavailableError{Err: err, Hints: hints} }
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Ended(err)
	case errors.As(err, &mismatch):
		return unavailable(
			"somebody may be intercepting the connection, or the certificate was renewed",
			fmt.Sprintf("presented, SHA-256: %s", mismatch.Presented),
			fmt.Sprintf("presented, SHA-1:   %s", mismatch.PresentedLegacy),
			"compare it with the server's own console before you trust it; nothing was sent to it",
		)
	case errors.As(err, &untrusted):
		return unavailable(
			"compare the thumbprint with the server's own console; if it is the same, add:",
			fmt.Sprintf("--thumbprint %s", untrusted.Thumbprint),
			fmt.Sprintf("where it shows SHA-1: --thumbprint %s", untrusted.Legacy),
		)
	case errors.As(err, &login):
		if strings.ContainsAny(login.User, `@\`) {
			return unavailable("several wrong logins lock many accounts: look before you try again")
		}
		return unavailable("vCenter wants the domain too, such as administrator@vsphere.local")
	case errors.As(err, &selection), errors.As(err, &local):
		return &UsageError{Err: err}
	case errors.As(err, &foreign):
		return unavailable("--target takes the address of a vCenter or an ESXi host")
	case errors.As(err, &away):
		return unavailable("is the address right, and does a firewall or proxy stand in between?")
	}
	return &UnavailableError{Err: errors.New(vsphere.Describe(err))}
}
