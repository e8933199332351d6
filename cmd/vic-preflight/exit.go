package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

// The exit codes. They are a contract; exitStatus prints them in every help.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnknown     = 3
	exitUnverified  = 4
	exitInterrupted = 130
)

const exitStatus = `EXIT STATUS
  0    done, and every check passed (warnings allowed; --strict turns them into
       1); after --deny and undo: done, whatever the checks say then
  1    a check failed; --dry-run: there is something to do, or it is refused
  2    usage or configuration error: nothing was done
  3    could not find out: no connection, no login, or a host stayed unknown
       and none failed (--allow-unknown tolerates hosts)
  4    a change was asked for and not all of it was made and verified
  130  interrupted; what was known is reported`

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
	return &exitError{code: exitUsage, err: err, hints: hints}
}

// classify gives an error of the vSphere layer its exit code and its hints.
func classify(err error) error {
	var (
		already   *exitError
		untrusted *vsphere.UntrustedError
		mismatch  *vsphere.ThumbprintMismatchError
		login     *vsphere.LoginError
		selection *vsphere.SelectionError
		foreign   *vsphere.NotVSphereError
		away      *vsphere.UnreachableError
		local     *vsphere.ConfigError
	)
	switch {
	case err == nil || errors.As(err, &already):
		return err
	case errors.Is(err, context.Canceled):
		return &exitError{code: exitInterrupted, err: errors.New("interrupted before anything was known")}
	case errors.Is(err, context.DeadlineExceeded):
		return &exitError{code: exitUnknown, err: fmt.Errorf("the time ran out: %w", err), hints: []string{"--timeout sets how long a run may take"}}
	case errors.As(err, &mismatch):
		return &exitError{code: exitUnknown, err: err, hints: []string{
			"somebody may be intercepting the connection, or the certificate was renewed",
			fmt.Sprintf("presented, SHA-256: %s", mismatch.Presented),
			fmt.Sprintf("presented, SHA-1:   %s", mismatch.PresentedLegacy),
			"compare it with the server's own console before you trust it; nothing was sent to it",
		}}
	case errors.As(err, &untrusted):
		return &exitError{code: exitUnknown, err: err, hints: []string{
			"compare the thumbprint with the server's own console; if it is the same, add:",
			fmt.Sprintf("--thumbprint %s", untrusted.Thumbprint),
		}}
	case errors.As(err, &login):
		return &exitError{code: exitUnknown, err: err, hints: []string{
			"vCenter wants the domain too, such as administrator@vsphere.local",
		}}
	case errors.As(err, &selection), errors.As(err, &local):
		return usageError(err)
	case errors.As(err, &foreign):
		return &exitError{code: exitUnknown, err: err, hints: []string{"--target takes the address of a vCenter or an ESXi host"}}
	case errors.As(err, &away):
		return &exitError{code: exitUnknown, err: err, hints: []string{"is the address right, and does a firewall or proxy stand in between?"}}
	}
	return &exitError{code: exitUnknown, err: errors.New(vsphere.Describe(err))}
}

// verdict is the exit code of results that were all reported. A host that is
// tolerated because nothing can be found out about it is not failed by --strict
// for the very state that makes it so.
func verdict(results []checks.Result, strict, allowUnknown bool) int {
	code := exitOK
	for _, r := range results {
		lost := r.Reason == checks.HostDisconnected || r.Reason == checks.HostNotResponding
		switch {
		case r.Status == checks.Fail, r.Status == checks.Warn && strict && !(lost && allowUnknown):
			return exitFailed
		case r.Status == checks.Unknown && !allowUnknown:
			code = exitUnknown
		}
	}
	return code
}
