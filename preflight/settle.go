package preflight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// outcome is what the stages of a run found and did.
type outcome struct {
	started time.Time
	label   string
	// name is the target's for waivers; empty where label is that.
	name      string
	inventory *inventory.Inventory
	changes   *changes // nil where nothing was to be changed
	probed    probed
	running   []string // hosts whose SSH service was started and not stopped
}

// settle judges what is known at the end, and says whether the run ended early or
// left something.
func settle(ctx context.Context, o Options, in *inputs, out outcome) (*report.Run, error) {
	// The clock that counts is the one of now: a report may be read slowly.
	ended := ctx.Err()
	facts := checks.Facts{Inventory: out.inventory, Judged: checks.JudgeAll(out.inventory, o.Requirements...)}
	vch := ""
	if o.Create != nil {
		facts.VCH, vch = &o.Create.VCH, o.Create.VCH.Name
	}
	results := checks.Regrade(checks.Classify(checks.Run(in.checks, facts), facts), o.Severities)
	run := &report.Run{
		Target: out.label, Options: o.asFlags(), Compute: o.ComputeResource, Refreshed: o.facts(in).Refresh, StartedAt: out.started, Interrupted: ended != nil,
		Inventory: out.inventory, Requirements: o.Requirements, VCH: vch,
		Results:  checks.Waive(results, o.Waivers, cmp.Or(out.name, out.label), time.Now()),
		Narrowed: o.ComputeResource != "" || len(o.Hosts) > 0, OnlyNew: o.FailOn == FailOnNew,
		ProbeTarget: out.probed.target, Controls: out.probed.controls, Leftovers: out.probed.leftovers,
	}
	if c := out.changes; c != nil {
		run.Plan, run.DryRun, run.Journal = c.entries(o.Requirements), c.dryRun, c.journal
	}
	if in.baseline != nil {
		run.Compared = in.baseline.Compare(o.Baseline, run)
	}
	run.Duration = time.Since(out.started)
	err := o.verdict(ended, out)
	var unfinished *UnfinishedError
	run.Unfinished = errors.As(err, &unfinished)
	return run, err
}

// asFlags are the options that a command line needs besides the target to reach the
// same server for the same requirement.
func (o *Options) asFlags() (flags []string) {
	add := func(name, value string) {
		if value != "" {
			flags = append(flags, "--"+name+"="+value)
		}
	}
	if !o.Target.simulated() {
		add("user", o.Target.User)
		add("password-file", o.PasswordFile)
		for _, print := range o.Target.Thumbprints {
			add("thumbprint", print)
		}
		if o.Target.Insecure {
			flags = append(flags, "--insecure")
		}
	}
	if len(o.RequiredBy) > 0 {
		return append(flags, o.RequiredBy...)
	}
	req := o.requirement()
	if !req.OfVCH() {
		return flags // it is an undo's, or of a caller that has no command line
	}
	if port := req.Ports[0]; port != checks.DefaultPort {
		add("port", strconv.Itoa(port))
	}
	for _, p := range req.Peers {
		add("vch-ip", inventory.PrefixText(p))
	}
	return flags
}

// verdict is the error of a run that has found out something.
func (o *Options) verdict(ended error, out outcome) error {
	c := out.changes
	if errors.Is(ended, context.Canceled) {
		return &InterruptedError{Reported: true}
	}
	// What is left counts for more than that the time ran out.
	if left := out.left(); left != nil {
		return left
	}
	switch {
	case c != nil && c.refused != nil:
		return &UnfinishedError{Err: c.refused}
	case ended != nil:
		return &TimeoutError{After: o.Timeout, Changed: c != nil && len(c.outcomes) > 0}
	case c != nil && !c.dryRun && c.incomplete(o.AllowUnknown):
		return &UnfinishedError{Err: errors.New("not all that was asked for was made and verified; the report says where")}
	case len(out.inventory.Hidden) > 0:
		return &UnavailableError{
			Err:   fmt.Errorf("the hosts of %s cannot be listed: nothing is known of them", strings.Join(out.inventory.Hidden, ", nor those of ")),
			Hints: []string{"the account needs the privilege System.View on the cluster and what is in it; --compute-resource selects another"},
		}
	}
	return nil
}

// left is an *UnfinishedError where the run has left something, or not all of it is in
// the journal.
func (out *outcome) left() error {
	c := out.changes
	switch {
	case len(out.probed.leftovers) > 0:
		return &UnfinishedError{
			Err:   fmt.Errorf("virtual machines that were made for probes are left, or may be: %d", len(out.probed.leftovers)),
			Hints: []string{"vic-preflight probe --cleanup removes them"},
		}
	case len(out.running) > 0:
		return &UnfinishedError{
			Err:   fmt.Errorf("the SSH service, which was started for the moment, is left running on %s", strings.Join(out.running, ", ")),
			Hints: []string{"stop it in the host's list of services (TSM-SSH)"},
		}
	case c != nil && c.journalErr != nil:
		return &UnfinishedError{
			Err:   fmt.Errorf("the journal %s could not be written to its end: %w", c.journal, c.journalErr),
			Hints: []string{"vic-preflight undo takes back what it holds; --journal names a file elsewhere"},
		}
	}
	return nil
}

// entries turns a plan and its outcomes into what the report shows. Each names its
// requirement where there are several.
func (c *changes) entries(reqs []checks.Requirement) []report.PlanEntry {
	outcomes := make(map[*fix.Change]*fix.Outcome, len(c.outcomes))
	for _, out := range c.outcomes {
		outcomes[out.Change] = out // the setting's is at nil
	}
	var list []report.PlanEntry
	if c.plan.Setting != nil {
		list = append(list, c.settingEntry())
	}
	for _, h := range c.plan.Hosts {
		base := report.PlanEntry{
			Host: h.Host.Name, Path: h.Host.Path, Cluster: h.Host.Cluster,
			Reason: string(h.Reason), Detail: h.Detail, Warnings: h.Warnings, Unknown: h.Reason.Unknown(),
		}
		if len(reqs) > 1 {
			base.Requirement = h.Requirement
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
			if out := outcomes[change]; out != nil {
				became(&e, out)
			}
			list = append(list, e)
		}
	}
	return list
}

// became puts into an entry what became of its change.
func became(e *report.PlanEntry, out *fix.Outcome) {
	e.Done, e.Verified = out.Done, out.Verified
	e.NotBegun = errors.Is(out.Err, fix.ErrNotStarted)
	if out.Err != nil {
		e.Error = out.Err.Error()
	}
}

// settingEntry is of the vCenter, whose place is the root folder.
func (c *changes) settingEntry() report.PlanEntry {
	p := c.plan.Setting
	e := report.PlanEntry{
		Host: c.server, Path: "/", Action: report.None, Setting: &report.PlanSetting{Name: inventory.SettingName},
		Reason: string(p.Reason), Detail: p.Detail, Warnings: p.Warnings, Unknown: p.Reason.Unknown(),
	}
	switch change := p.Change; {
	case p.Reason.Refused():
		e.Action = report.Refuse
	case change != nil:
		e.Action, e.Opens = report.Set, change.Effect
		e.Setting.Before, e.Setting.After = change.Before, change.After
	}
	for _, out := range c.outcomes {
		if out.Setting != nil {
			became(&e, out)
		}
	}
	return e
}

// stateIn is nil where the host has no such ruleset.
func stateIn(s fix.State) *report.RulesetState {
	if s.Absent {
		return nil
	}
	return &report.RulesetState{Enabled: s.Enabled, Allowed: s.Allowed}
}
