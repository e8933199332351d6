package preflight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/linger"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/report"
)

// changes are a plan and what became of it.
type changes struct {
	plan *fix.Plan
	// server is the name of the vCenter, whose setting may be of the plan.
	server   string
	outcomes []*fix.Outcome
	journal  string
	// journalErr says that the journal may not hold all.
	journalErr error
	dryRun     bool
	// refused says why a plan was not carried out that was to be; else it is nil.
	refused error
}

// change does what was asked for: it plans, asks for the privilege, and unless it is
// a dry run journals, applies and verifies. It returns nil where nothing was asked
// for. What a change may have made decisive is read afterwards.
func change(ctx context.Context, s *session, inv *inventory.Inventory, o Options, in *inputs) (*changes, error) {
	if !in.changes(&o.Change) {
		return nil, nil
	}
	p, err := plan(ctx, s, inv, o, in)
	if err != nil {
		return nil, err
	}
	defer p.close()
	refuseUnprivileged(ctx, s, p.Plan, o.observer())
	o.Change.repairs.spare(p.Plan)
	done := &changes{plan: p.Plan, server: o.Target.Address, dryRun: o.Change.DryRun}
	undone := p.NotBegun()
	if len(undone) > 0 {
		if done.refused = permit(ctx, s, inv, done, o); done.refused != nil {
			done.dryRun = true
		}
	}
	switch {
	case done.dryRun || len(undone) == 0:
		return done, nil
	case ctx.Err() != nil:
		done.outcomes = undone
		return done, nil
	}
	journal, err := openJournal(inv, o)
	if err != nil {
		return nil, &UnfinishedError{Err: err, Hints: []string{"nothing was changed; --journal names another file"}}
	}
	done.journal = journal.Path
	o.observer().Journal(journal.Path)
	if done.outcomes, err = apply(ctx, s, p, journal, o); err != nil {
		return nil, &UnfinishedError{Err: err}
	}
	o.Change.repairs.count(done.outcomes)
	done.journalErr = journal.Close()
	verify(ctx, s, done.outcomes, o)
	if len(p.Changes()) > 0 {
		s.ReadSoftware(ctx, pointers(inv, func(*inventory.Host) bool { return true }), o.facts(in))
	}
	return done, nil
}

// changes reports whether there is something to plan.
func (in *inputs) changes(c *ChangeOptions) bool {
	if in.journal != nil {
		return len(in.journal.Entries) > 0 || in.journal.Setting != nil
	}
	return c.Any()
}

// permit says why a plan must not be carried out: it is not clear which hosts are meant, it
// is larger than was allowed, or its user does not want it.
func permit(ctx context.Context, s *session, inv *inventory.Inventory, c *changes, o Options) error {
	hosts := len(c.plan.ChangedHosts())
	if hosts > 0 && o.Create != nil && o.ComputeResource == "" && inv.Placement.Compute.Problem != "" {
		return fmt.Errorf("which hosts are meant is not clear: %s: nothing was changed", inv.Placement.Compute.Problem)
	}
	if o.Change.MaxHosts > 0 && hosts > o.Change.MaxHosts {
		return fmt.Errorf("the plan changes %d hosts, and --max-hosts allows %d: nothing was changed", hosts, o.Change.MaxHosts)
	}
	if o.Change.Confirm == nil || c.dryRun || ctx.Err() != nil {
		return nil
	}
	defer linger.Pause(ctx)()
	return o.Change.Confirm(ctx, &report.Run{
		Target: s.label, Inventory: inv, Requirements: o.Requirements, Plan: c.entries(o.Requirements), DryRun: true,
	})
}

// refuseUnprivileged asks beforehand, so that a missing privilege is known before
// anything changes. Where the server does not say, the calls will tell.
func refuseUnprivileged(ctx context.Context, s *session, p *fix.Plan, obs Observer) {
	hosts := p.ChangedHosts()
	if len(hosts) == 0 || ctx.Err() != nil {
		return
	}
	granted, err := s.Privileged(ctx, hosts, fix.Privilege)
	if err != nil {
		obs.Warn(fmt.Sprintf("whether the account may change the hosts is not known: %v", err))
		return
	}
	p.Refuse(func(h *fix.HostPlan) (fix.Reason, string) {
		if may, known := granted[h.Host.ID]; known && !may {
			return fix.NotPrivileged, fmt.Sprintf("the account lacks the privilege %s on the host", fix.Privilege)
		}
		return "", ""
	})
	if len(p.ChangedHosts()) == 0 {
		obs.Warn(fmt.Sprintf("the account lacks the privilege %s on all %d hosts that need a change: nothing is changed", fix.Privilege, len(hosts)))
	}
}

func apply(ctx context.Context, s *session, p planned, journal *fix.Journal, o Options) ([]*fix.Outcome, error) {
	opts := fix.ApplyOptions{Workers: o.workers(), HostTimeout: o.Change.HostTimeout, Progress: o.progress}
	if p.client != nil {
		opts.OnHost = p.client
	}
	return fix.Apply(ctx, p.Plan, s, journal, opts)
}

// interruptedVerify is how long a run that ended early still looks whether what it
// did holds.
const interruptedVerify = 5 * time.Second

func verify(ctx context.Context, s *session, outcomes []*fix.Outcome, o Options) {
	looking, cancel := linger.Context(ctx, 0, interruptedVerify)
	defer cancel()
	fix.Verify(looking, outcomes, s, fix.VerifyOptions{
		Timeout: o.Change.VerifyTimeout, HostTimeout: o.Change.HostTimeout, Workers: o.workers(), Progress: o.progress,
	})
}

// openJournal makes the file that Journal names, or a new one in the state directory.
func openJournal(inv *inventory.Inventory, o Options) (*fix.Journal, error) {
	started := time.Now().UTC()
	header := fix.Header{
		Tool: o.tool(), StartedAt: started, Address: inv.Endpoint.Address, InstanceUUID: inv.Endpoint.InstanceUUID,
		FullName: inv.Endpoint.FullName, Datacenter: inv.Datacenter,
	}
	for _, req := range o.Requirements {
		header.Requirements = append(header.Requirements, *fix.RequirementOf(req))
	}
	if o.Change.Journal != "" {
		return fix.CreateJournal(o.Change.Journal, header)
	}
	state := cmp.Or(o.Change.StateDir, StateHome(os.Getenv))
	if !filepath.IsAbs(state) {
		return nil, errors.New("there is no state directory for the journal: neither XDG_STATE_HOME nor HOME is set (on Windows LOCALAPPDATA and USERPROFILE)")
	}
	// Runs side by side may begin at the same moment.
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s-%d-%d.jsonl", started.Format("20060102T150405.000Z"), os.Getpid(), n)
		journal, err := fix.CreateJournal(filepath.Join(state, "vic-preflight", "journals", name), header)
		if !errors.Is(err, fs.ErrExist) {
			return journal, err
		}
	}
}

// incomplete reports whether something that was asked for was not made and
// verified.
func (c *changes) incomplete(allowUnknown bool) bool {
	missing := func(r fix.Reason) bool { return r.Refused() && !(allowUnknown && r.Unknown()) }
	if s := c.plan.Setting; s != nil && missing(s.Reason) {
		return true
	}
	for _, h := range c.plan.Hosts {
		if missing(h.Reason) {
			return true
		}
	}
	for _, out := range c.outcomes {
		if !out.Done || !out.Verified {
			return true
		}
	}
	return false
}
