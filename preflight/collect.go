package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// collect reads the facts. When the run ends half way it returns what is known, and
// no error: the context tells. What the hosts' own settings ask for it adds to the options.
func collect(ctx context.Context, s *session, o *Options, in *inputs) (*inventory.Inventory, error) {
	if in.journal != nil && len(in.journal.Entries) == 0 {
		if in.journal.Setting == nil {
			o.observer().Note("the journal holds no change: there is nothing to undo")
		}
		return &inventory.Inventory{Endpoint: s.Endpoint()}, nil
	}
	inv, err := s.Collect(ctx, o.selection(s, in), o.facts(in))
	var gone *vsphere.SelectionError
	if errors.As(err, &gone) && in.journal != nil && in.journal.Setting != nil && len(o.Hosts) == 0 {
		// The hosts have gone, and the vCenter's setting can be undone without them.
		return &inventory.Inventory{Endpoint: s.Endpoint()}, nil
	}
	var missing *vsphere.SelectionError
	if inv == nil {
		inv, missing = unplaced(s, *o, err)
	}
	if inv == nil && in.journal != nil {
		err = fmt.Errorf("the journal is of %s: %w", in.journal.Header.Address, err)
	}
	if inv == nil {
		return nil, classify(err)
	}
	if o.Create != nil {
		place(ctx, s, inv, *o, missing)
	}
	if in.journal != nil {
		in.journal.Entries = fix.Relocate(inv, in.journal.Entries)
		o.Requirements = in.journal.Required()
	}
	warnStale(inv, o.observer())
	return inv, o.remind(s.label, inv, in)
}

// selection says which hosts the run is about. A journal names those of an undo.
func (o *Options) selection(s *session, in *inputs) vsphere.Selection {
	sel := vsphere.Selection{Datacenter: s.datacenter, ComputeResource: o.ComputeResource, Hosts: o.Hosts}
	if in.journal != nil {
		for _, h := range fix.Hosts(in.journal.Entries) {
			sel.Wanted = append(sel.Wanted, vsphere.HostIdentity{ID: h.ID, UUID: h.UUID})
		}
	}
	return sel
}

// facts says what is read besides the rulesets. A change is planned from fresh facts
// alone.
func (o *Options) facts(in *inputs) vsphere.CollectOptions {
	opts := vsphere.CollectOptions{
		Refresh: o.Refresh || o.Change.Do != NoChange, HostTimeout: o.Change.HostTimeout, Progress: o.progress,
	}
	judges := sync.OnceValue(o.judges) // when the requirements are known
	if len(o.BySettings) > 0 {
		opts.PeerSettings = o.demand
	}
	// What a deny, or an undo, leaves open is told for every host, and create asks every one.
	if !o.FirewallState && o.Create == nil && !slices.Contains(o.Only, checks.FirewallState) && (o.Change.Do == NoChange || o.Change.Do == Allow) {
		opts.Switch = anyJudge(judges, (*checks.Judge).SwitchMatters)
	}
	// What does not last is repaired by what does.
	if among(in.checks, checks.RulePersistence) || o.Change.Do == Allow {
		opts.Software = anyJudge(judges, (*checks.Judge).SoftwareMatters)
	}
	return opts
}

func (o *Options) judges() []*checks.Judge {
	judges := make([]*checks.Judge, len(o.Requirements))
	for i, req := range o.Requirements {
		judges[i] = checks.NewJudge(req)
	}
	return judges
}

// anyJudge reports whether a fact matters to one of the requirements.
func anyJudge(judges func() []*checks.Judge, matters func(*checks.Judge, *inventory.Host) bool) func(*inventory.Host) bool {
	return func(h *inventory.Host) bool {
		return slices.ContainsFunc(judges(), func(j *checks.Judge) bool { return matters(j, h) })
	}
}

// warnStale says that a refresh was asked for and refused: the verdicts may be of
// minutes ago, whichever checks are run.
func warnStale(inv *inventory.Inventory, obs Observer) {
	n, why := 0, ""
	for i := range inv.Hosts {
		if h := &inv.Hosts[i]; h.Firewall.Stale != "" {
			n, why = n+1, fmt.Sprintf("%s: %s", h.Name, h.Firewall.Stale)
		}
	}
	if n > 0 {
		obs.Warn(fmt.Sprintf("the facts of %d of %d hosts may be minutes old, the refresh failed (%s)", n, len(inv.Hosts), why))
	}
}

// pointers are the hosts of an inventory that fit.
func pointers(inv *inventory.Inventory, fits func(*inventory.Host) bool) []*inventory.Host {
	var hosts []*inventory.Host
	for i := range inv.Hosts {
		if h := &inv.Hosts[i]; fits(h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// workers is how many hosts are worked on at a time, where that is not the server's
// to say.
func (o *Options) workers() int {
	if o.Concurrency == 0 {
		return vsphere.DefaultWorkers
	}
	return o.Concurrency
}

// mostWorkers lets the calls in flight grow where the options leave their number to
// the run.
func (o *Options) mostWorkers() int {
	if o.Concurrency == 0 {
		return grownWorkers
	}
	return o.Concurrency
}

// grownWorkers hides a round trip of 50 ms behind a vCenter that still answers as
// quickly as before.
const grownWorkers = 64
