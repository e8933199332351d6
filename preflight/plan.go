package preflight

import (
	"context"
	"fmt"
	"slices"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/internal/onhost"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// planned is a plan, and what it takes to carry it out on the hosts themselves.
type planned struct {
	*fix.Plan
	// client is nil where the plan needs no logins.
	client *onhost.Client
	// close ends the way into the hosts.
	close func()
}

// plan says what is to be done, and why, for every host and the vCenter's setting. It
// changes nothing but the SSH services that are started for a survey; the caller must
// close what it returns.
func plan(ctx context.Context, s *session, inv *inventory.Inventory, o Options, in *inputs) (planned, error) {
	p, err := planHosts(ctx, s, inv, o, in)
	if err == nil {
		p.Setting = planSetting(ctx, s, inv, o, in)
	}
	return p, err
}

// planSetting is nil where nobody asks for the vCenter's setting. Its facts are those of
// the inventory where it has them.
func planSetting(ctx context.Context, s *session, inv *inventory.Inventory, o Options, in *inputs) *fix.SettingPlan {
	undoes := in.journal != nil && in.journal.Setting != nil
	switch {
	case !undoes && !o.Change.Setting:
		return nil
	case undoes && len(o.Hosts) > 0:
		o.observer().Note(fmt.Sprintf("%s is left as it is: --host narrows the undo to hosts, and it is the vCenter's", inventory.SettingName))
		return nil
	}
	setting := &inventory.Setting{}
	if inv.Placement != nil {
		setting = &inv.Placement.Setting // what is judged afterwards
	}
	if !setting.Asked {
		*setting = s.ReadSetting(ctx)
	}
	if setting.MayChange == inventory.Unknown && setting.Asked {
		setting.MayChange = s.MayChangeSetting(ctx)
	}
	if undoes {
		return fix.UndoSetting(setting, in.journal.Setting, o.Change.Force)
	}
	return fix.MakeSetting(setting)
}

func planHosts(ctx context.Context, s *session, inv *inventory.Inventory, o Options, in *inputs) (planned, error) {
	p := planned{Plan: &fix.Plan{}, close: func() {}}
	judged := checks.JudgeAll(inv, o.Requirements...)
	switch {
	case o.Change.Do == NoChange:
	case o.Change.Do == Undo:
		return planUndo(ctx, s, inv, o, in)
	case o.Change.Do == Deny:
		p.Plan = planDeny(ctx, s, judged, o)
	case in.offer != nil:
		return planOffer(ctx, s, in.offer.Decisive(judged), o, in), nil
	default:
		p.Plan = fix.Allow(judged, fix.AllowOptions{
			Ruleset: o.Change.Ruleset, Only: o.Change.Only, NarrowBroad: o.Change.NarrowBroad,
			Managing: managing(o.Requirements), Managers: managers(s, o.Requirements),
		})
	}
	inOrder(p.Plan, inv)
	return p, nil
}

// inOrder puts a plan's hosts into the inventory's order: not every requirement is of all.
func inOrder(p *fix.Plan, inv *inventory.Inventory) {
	place := make(map[*inventory.Host]int, len(inv.Hosts))
	for i := range inv.Hosts {
		place[&inv.Hosts[i]] = i
	}
	slices.SortStableFunc(p.Hosts, func(a, b fix.HostPlan) int { return place[a.Host] - place[b.Host] })
}

// planDeny names the virtual machines that a deny would cut off.
func planDeny(ctx context.Context, s *session, judged []checks.Judgements, o Options) *fix.Plan {
	opts := fix.DenyOptions{Managing: managing(o.Requirements)}
	p := fix.Deny(judged, opts)
	hosts := p.ChangedHosts()
	if len(hosts) == 0 {
		return p
	}
	var err error
	if opts.SerialVMs, err = s.SerialVMs(ctx, hosts); err != nil {
		o.observer().Warn(fmt.Sprintf("which virtual machines this cuts off is not known: %v", err))
	}
	return fix.Deny(judged, opts)
}

// planOffer asks the hosts that want the offer.
func planOffer(ctx context.Context, s *session, judged checks.Judgements, o Options, in *inputs) planned {
	var wanted []*inventory.Host
	for i := range judged.Hosts {
		if j := &judged.Hosts[i]; in.offer.Wants(j) {
			wanted = append(wanted, j.Host)
		}
	}
	way := openHosts(ctx, s, o, in.login, wanted)
	client := &onhost.Client{Login: *in.login, Place: way.place, VIB: in.vib}
	methods := []fix.Method{in.offer.Method}
	surveys := survey(ctx, o, client, wanted, func(*inventory.Host) []fix.Method { return methods })
	return planned{fix.Bring(judged, *in.offer, surveys), client, way.close}
}

// planUndo plans to take back what the journal says, on the hosts that are selected.
func planUndo(ctx context.Context, s *session, inv *inventory.Inventory, o Options, in *inputs) (planned, error) {
	p := planned{close: func() {}}
	entries := in.journal.Entries
	if len(o.Hosts) > 0 { // those left out on purpose are not missing
		entries = slices.DeleteFunc(slices.Clone(entries), func(e fix.Entry) bool {
			return !slices.ContainsFunc(inv.Hosts, func(h inventory.Host) bool { return h.ID == e.Host.ID })
		})
	}
	var surveys map[string]fix.Survey
	if changesHosts(entries) {
		methods := map[string][]fix.Method{} // by host ID
		for _, e := range entries {
			if e.OnHost() && !slices.Contains(methods[e.Host.ID], e.Method) {
				methods[e.Host.ID] = append(methods[e.Host.ID], e.Method)
			}
		}
		hosts := pointers(inv, func(h *inventory.Host) bool { return len(methods[h.ID]) > 0 && h.IsConnected() })
		way := openHosts(ctx, s, o, in.login, hosts)
		p.client, p.close = &onhost.Client{Login: *in.login, Place: way.place}, way.close
		surveys = survey(ctx, o, p.client, hosts, func(h *inventory.Host) []fix.Method { return methods[h.ID] })
	}
	var err error
	if p.Plan, err = fix.Undo(inv, in.journal.Header, entries, surveys, o.Change.Force); err != nil {
		p.close()
		return planned{}, foreign(err)
	}
	return p, nil
}
