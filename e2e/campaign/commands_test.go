package campaign_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/vicmachine"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/profile"
	"github.com/vic-preflight/vic-preflight/report"
)

const (
	user     = "root"
	password = "s3cr3t-campaign"
)

// command is one of the tool's on a simulated vCenter.
type command struct {
	name, scenario string
	set            func(*preflight.Options)
	// changes means that hosts are changed, probes that machines are made.
	changes, probes bool
	// narrows means that it names the hosts that it is about.
	narrows bool
}

var commands = []command{
	{name: "check", scenario: "mixed", set: func(o *preflight.Options) { o.FirewallState, o.Refresh = true, true }},
	{name: "check, all open", scenario: "open", set: func(o *preflight.Options) { o.FirewallState, o.Refresh = true, true }},
	{name: "check, auto", scenario: "estate", set: func(o *preflight.Options) { o.BySettings = profile.FromSettings() }},
	{name: "create", scenario: "vic", narrows: true, set: create},
	{name: "create, refused", scenario: "vic-broken", narrows: true, set: create},
	{name: "fix", scenario: "closed", changes: true, set: func(o *preflight.Options) { o.Change.Do = preflight.Allow }},
	{name: "undo", scenario: "closed", changes: true, set: func(o *preflight.Options) { o.Change.Do = preflight.Undo }},
	{name: "probe", scenario: "open", probes: true, narrows: true, set: func(o *preflight.Options) {
		probe(o)
		o.Probe.Timeout = runTime // this machine may be busy
	}},
	{name: "probe, shut", scenario: "closed", probes: true, narrows: true, set: probe},
}

// probe is of two hosts: it makes many calls for each.
func probe(o *preflight.Options) {
	o.Probe.Vantage, o.Hosts = inventory.VantageSerial, []string{"esx01*", "esx11*"}
}

// vch is the command line of vic-machine create that the scenarios are for.
var vch = strings.Fields("create --compute-resource prod --image-store shared --bridge-network vic-bridge --no-tls --name vch1")

func create(o *preflight.Options) {
	line, err := vicmachine.Parse(vch[1:])
	if err != nil {
		panic(err)
	}
	o.ComputeResource, o.Create = line.VCH.ComputeResource, &preflight.CreateOptions{VCH: line.VCH}
}

// on are options for a simulator that is asked without a proxy.
func on(vc *sim.VCenter, dir string) preflight.Options {
	o := preflight.Options{Target: preflight.Target{
		Address: vc.URL.Host, User: user, Password: password, HasPassword: true, Thumbprints: []string{vc.Thumbprint},
	}}
	o.Change.StateDir = dir
	return o
}

func startSimulator(scenario string) (*sim.VCenter, error) {
	parsed, err := sim.ParseScenario(scenario)
	if err != nil {
		return nil, err
	}
	return sim.Start(parsed, sim.Options{User: user, Password: password})
}

// journal is the file of a fix.
func journal(dir string) string { return filepath.Join(dir, "fix.jsonl") }

// options are the command's; for an undo there is something to take back.
func (c command) options(ctx context.Context, vc *sim.VCenter, dir string) (preflight.Options, error) {
	o := on(vc, dir)
	c.set(&o)
	switch o.Change.Do {
	case preflight.Allow:
		o.Change.Journal = journal(dir)
	case preflight.Undo:
		made := on(vc, dir)
		made.Change.Do, made.Change.Journal = preflight.Allow, journal(dir)
		if _, err := preflight.Run(ctx, made); err != nil {
			return o, fmt.Errorf("make something to undo: %w", err)
		}
		o.Change.UndoJournal, o.Change.Journal = journal(dir), filepath.Join(dir, "undo.jsonl")
	}
	return o, nil
}

// subject is what a verdict is on: a host by its ID, which stays when its name is not told.
type subject struct{ name, check, requirement string }

// verdicts are the worst of each subject.
func verdicts(run *report.Run) map[subject]checks.Status {
	found := map[subject]checks.Status{}
	if run == nil {
		return found
	}
	order := []checks.Status{checks.Skip, checks.Pass, checks.Warn, checks.Unknown, checks.Fail}
	ids := map[string]string{}
	for _, h := range run.Inventory.Hosts {
		ids[h.Path] = h.ID
	}
	for _, r := range run.Results {
		s := subject{cmp.Or(ids[r.Subject], r.Subject), r.Check, r.Requirement}
		if was, ok := found[s]; !ok || slices.Index(order, r.Status) > slices.Index(order, was) {
			found[s] = r.Status
		}
	}
	return found
}

// codeOf is the exit code of a run, as the help of every command has it; an undo's is not
// graded by what is shut afterwards.
func codeOf(run *report.Run, err error, graded bool) int {
	var (
		bad         *preflight.UsageError
		unavailable *preflight.UnavailableError
		unfinished  *preflight.UnfinishedError
		late        *preflight.TimeoutError
		interrupted *preflight.InterruptedError
	)
	grade := 3
	if run != nil {
		grade = map[checks.Status]int{checks.Fail: 1, checks.Unknown: 3, checks.Pass: 0}[run.Grade(false, false)]
	}
	switch {
	case errors.As(err, &interrupted):
		return 130
	case errors.As(err, &unfinished), errors.As(err, &late) && late.Changed:
		return 4
	case errors.As(err, &late) && grade == 1:
		return 1
	case errors.As(err, &unavailable), errors.As(err, &late):
		return 3
	case errors.As(err, &bad):
		return 2
	case err != nil:
		return -1
	}
	if !graded {
		return 0
	}
	return grade
}
