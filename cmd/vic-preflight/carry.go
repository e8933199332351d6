package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// carried is what became of a plan.
type carried struct {
	plan     *fix.Plan
	outcomes []*fix.Outcome
	journal  string
	dryRun   bool
}

// incomplete reports whether something that was asked for was not made and
// verified.
func (c *carried) incomplete(allowUnknown bool) bool {
	for _, h := range c.plan.Hosts {
		if h.Reason.Refused() && !(allowUnknown && h.Reason.Unknown()) {
			return true
		}
	}
	for _, o := range c.outcomes {
		if !o.Done || !o.Verified {
			return true
		}
	}
	return false
}

// interruptedVerify is how long an interrupted run still looks whether what it
// did holds.
const interruptedVerify = 5 * time.Second

// carryOut asks for the privilege, then, unless it is a dry run, opens the
// journal, applies the plan and verifies it.
func (r *running) carryOut(plan *fix.Plan, inv *inventory.Inventory, c *changing) (*carried, error) {
	r.refuseUnprivileged(plan)
	done := &carried{plan: plan, dryRun: c.dryRun}
	if c.dryRun || len(plan.Changes()) == 0 {
		return done, nil
	}
	if r.ctx.Err() != nil {
		for _, change := range plan.Changes() {
			done.outcomes = append(done.outcomes, &fix.Outcome{Change: change, Err: fix.ErrNotStarted})
		}
		return done, nil
	}
	path, err := c.journalPath(r.app, r.started)
	if err != nil {
		return nil, &exitError{code: exitUnverified, err: err, hints: []string{"nothing was changed; --journal names another file"}}
	}
	journal, err := fix.CreateJournal(path, fix.Header{
		Tool: buildVersion(), StartedAt: r.started.UTC(), Address: inv.Endpoint.Address,
		InstanceUUID: inv.Endpoint.InstanceUUID, FullName: inv.Endpoint.FullName, Datacenter: inv.Datacenter,
	})
	if err != nil {
		return nil, &exitError{code: exitUnverified, err: err, hints: []string{"nothing was changed; --journal names another file"}}
	}
	done.journal = path
	fmt.Fprintf(r.app.stderr, "journal: %s\n", path)

	done.outcomes, err = fix.Apply(r.ctx, plan, r.session, journal, fix.ApplyOptions{
		Workers: r.workers, HostTimeout: c.hostTimeout, OnHost: r.onHost, Progress: r.progress.update,
	})
	if err = errors.Join(err, journal.Close()); err != nil {
		return nil, &exitError{code: exitUnverified, err: err}
	}
	ctx, stop := r.afterwards(interruptedVerify)
	defer stop()
	fix.Verify(ctx, done.outcomes, r.session, fix.VerifyOptions{
		Timeout: c.verifyTimeout, HostTimeout: c.hostTimeout, Workers: r.workers, Progress: r.progress.update,
	})
	return done, nil
}

// afterwards is a context for what is still to be looked at: it lives on for a
// while after the run was interrupted or its time ran out.
func (r *running) afterwards(grace time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.ctx))
	stop := context.AfterFunc(r.ctx, func() { time.AfterFunc(grace, cancel) })
	return ctx, func() { stop(); cancel() }
}

// refuseUnprivileged asks beforehand, so that a missing privilege is known
// before anything changes. Where the server does not say, the calls will tell.
func (r *running) refuseUnprivileged(plan *fix.Plan) {
	hosts := plan.ChangedHosts()
	if len(hosts) == 0 || r.ctx.Err() != nil {
		return
	}
	granted, err := r.session.Privileged(r.ctx, hosts, fix.Privilege)
	if err != nil {
		fmt.Fprintf(r.app.stderr, "warning: whether the account may change the hosts is not known: %v\n", err)
		return
	}
	plan.Refuse(func(h *fix.HostPlan) (fix.Reason, string) {
		if may, known := granted[h.Host.ID]; known && !may {
			return fix.NotPrivileged, fmt.Sprintf("the account lacks the privilege %s on the host", fix.Privilege)
		}
		return "", ""
	})
	if n := len(plan.ChangedHosts()); n == 0 {
		fmt.Fprintf(r.app.stderr, "error: the account lacks the privilege %s on all %d hosts that need a change: nothing is changed\n", fix.Privilege, len(hosts))
	}
}

// journalPath is the file that --journal names, or a new one in the state
// directory.
func (c *changing) journalPath(a *app, started time.Time) (string, error) {
	if c.journal != "" {
		return c.journal, nil
	}
	state := a.getenv("XDG_STATE_HOME")
	if state == "" {
		home := a.getenv("HOME")
		if home == "" {
			return "", errors.New("there is no state directory for the journal: neither XDG_STATE_HOME nor HOME is set")
		}
		state = filepath.Join(home, ".local", "state")
	}
	name := fmt.Sprintf("%s-%d.jsonl", started.UTC().Format("20060102T150405.000Z"), os.Getpid())
	return filepath.Join(state, "vic-preflight", "journals", name), nil
}

// stateIn is nil where the host has no such ruleset.
func stateIn(s fix.State) *report.RulesetState {
	if s.Absent {
		return nil
	}
	return &report.RulesetState{Enabled: s.Enabled, Allowed: s.Allowed}
}

// entries turns a plan and its outcomes into what the report shows.
func (c *carried) entries() []report.PlanEntry {
	if c == nil {
		return nil
	}
	outcomes := make(map[*fix.Change]*fix.Outcome, len(c.outcomes))
	for _, o := range c.outcomes {
		outcomes[o.Change] = o
	}
	var list []report.PlanEntry
	for _, h := range c.plan.Hosts {
		base := report.PlanEntry{
			Host: h.Host.Name, Path: h.Host.Path, Cluster: h.Host.Cluster,
			Reason: string(h.Reason), Detail: h.Detail, Warnings: h.Warnings,
		}
		if len(h.Changes) == 0 || h.Reason.Refused() {
			e := base
			e.Action = report.None
			if h.Reason.Refused() {
				e.Action = report.Refuse
			}
			list = append(list, e)
			base.Reason, base.Warnings = string(fix.Chosen), nil
		}
		for i, change := range h.Changes {
			e := base
			if i > 0 {
				e.Warnings = nil
			}
			e.Action, e.Ruleset, e.Detail, e.Opens = report.Action(change.Verb()), change.Ruleset, change.Why, change.Opens
			e.Before, e.After = stateIn(change.Before), stateIn(change.After)
			if o := outcomes[change]; o != nil {
				e.Done, e.Verified = o.Done, o.Verified
				e.NotBegun = errors.Is(o.Err, fix.ErrNotStarted)
				if o.Err != nil {
					e.Error = o.Err.Error()
				}
			}
			list = append(list, e)
		}
	}
	return list
}
