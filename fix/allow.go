package fix

import (
	"fmt"
	"net/netip"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Auto lets Allow choose the ruleset by what the host has.
const Auto = "auto"

// AllowOptions say how the port is to be opened.
type AllowOptions struct {
	Requirement checks.Requirement
	// Ruleset is Auto or a key.
	Ruleset string
	// Only narrows what is enabled to these peers; empty leaves the allowed
	// hosts alone where they already let the requirement through.
	Only []netip.Prefix
}

// Allow plans to let the port out on every host.
func Allow(hosts []inventory.Host, opts AllowOptions) *Plan {
	p := &Plan{Hosts: make([]HostPlan, len(hosts))}
	for i := range hosts {
		p.Hosts[i] = allowHost(&hosts[i], opts)
	}
	return p
}

func allowHost(h *inventory.Host, opts AllowOptions) HostPlan {
	if hp, yes := unavailable(h); yes {
		return hp
	}
	plan := func(reason Reason, format string, args ...any) HostPlan {
		return HostPlan{Host: h, Reason: reason, Detail: fmt.Sprintf(format, args...)}
	}
	verdict := judge(h, opts.Requirement)
	switch {
	case verdict.Reason == checks.Permitted && !(opts.named() && replaces(h, opts)):
		hp := plan(AlreadyPermitted, "%s%s", verdict.Detail, untilReboot(h, opts.Requirement))
		hp.Warnings = append(stale(h), wider(h, verdict.Decides, opts.Only)...)
		return hp
	case verdict.Reason == checks.AllowedHostsUnverified && len(opts.Only) == 0:
		return plan(Unverified, "%s", verdict.Detail)
	case verdict.Status == checks.Unknown:
		return plan(HostUnavailable, "%s", verdict.Detail)
	}

	key, why := choose(h, opts)
	if key == "" {
		return plan(NoRuleset, "the host has neither %s nor %s; a VIB that brings a ruleset is the lasting way: fix --allow --method vib", checks.VICEngine, checks.VSPC)
	}
	rs := h.Firewall.Ruleset(key)
	switch {
	case rs == nil:
		return plan(NoRuleset, "the host has no ruleset %s", key)
	case !rs.Covers(opts.Requirement.Port):
		return plan(NoRuleset, "the ruleset %s does not let TCP %d out", key, opts.Requirement.Port)
	case checks.BreadthOf(rs) == checks.Borrowed:
		return plan(BorrowedRuleset, "the ruleset %s belongs to another service, which switches it as it needs", key)
	}

	c := &Change{Host: h, Ruleset: key, Why: why, Before: StateOf(rs)}
	c.After = State{Enabled: true, Allowed: allowedAfter(rs, opts)}
	lists := !sameList(c.Before.Allowed, c.After.Allowed)
	switch {
	case verdict.Reason == checks.Permitted && rs.Enabled && !lists:
		return plan(AlreadyPermitted, "%s%s", verdict.Detail, untilReboot(h, opts.Requirement))
	case lists && c.Before.Allowed == nil:
		return plan(HostUnavailable, "whom the ruleset %s lets through could not be read, and writing a list would lose it", key)
	case lists && h.Firewall.Stale != "":
		return plan(HostUnavailable, "the allowed hosts of the ruleset %s may be old, the refresh failed (%s), and writing them would lose what is new", key, h.Firewall.Stale)
	case !rs.Enabled && rs.UserControllable == inventory.No:
		return plan(NotUserControllable, "the host says that users may not switch the ruleset %s; --ruleset names another", key)
	case lists && rs.IPListConfigurable == inventory.No:
		return plan(NotUserControllable, "the host says that users may not change the allowed hosts of the ruleset %s; --ruleset names another", key)
	}
	changed := after(h, c)
	if r := judge(&changed, opts.Requirement); r.Status == checks.Fail || r.Status == checks.Unknown {
		// Allowed hosts that could not be read, or hold something that is no
		// address: writing the list back would lose it.
		return plan(HostUnavailable, "%s", r.Detail)
	}
	c.Opens = Opens(rs, c.After.Allowed)
	hp := plan(Chosen, "%s", why)
	hp.Changes, hp.Warnings = []*Change{c}, stale(h)
	if verdict.Reason == checks.Permitted && !checks.Lasts(&changed, opts.Requirement) {
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("%s lets the port out to %s alone: what else permits it now is lost at the next reboot, give --vch-ip", key, c.After.Allowed))
	}
	if checks.BreadthOf(rs) == checks.Broad && c.After.Allowed != nil && c.After.Allowed.All {
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("%s lets %s; --allowed-ip narrows it to the virtual container host", key, c.Opens))
	}
	return hp
}

func (o *AllowOptions) named() bool { return o.Ruleset != Auto && o.Ruleset != "" }

// replaces reports whether the named ruleset would let the port out past the next
// reboot on a host where what permits it now may not last.
func replaces(h *inventory.Host, opts AllowOptions) bool {
	rs := h.Firewall.Ruleset(opts.Ruleset)
	return rs != nil && !checks.Lasts(h, opts.Requirement)
}

// untilReboot says of what permits the port that it is lost.
func untilReboot(h *inventory.Host, req checks.Requirement) string {
	if checks.Lost(h, req) {
		return ", until the next reboot"
	}
	return ""
}

// wider warns that a ruleset that is enabled already lets through more than the
// addresses that were asked for: what works is left alone, not narrowed.
func wider(h *inventory.Host, key string, only []netip.Prefix) []string {
	rs := h.Firewall.Ruleset(key)
	if len(only) == 0 || rs == nil || rs.Allowed == nil || !rs.Allowed.All {
		return nil
	}
	return []string{fmt.Sprintf("%s was enabled already, for any address: it is left alone, and not narrowed", key)}
}

// choose names the ruleset to enable. It goes by what is there, never by what
// an attempt answers.
func choose(h *inventory.Host, opts AllowOptions) (key, why string) {
	if opts.Ruleset != Auto && opts.Ruleset != "" {
		return opts.Ruleset, "named by --ruleset"
	}
	switch key := checks.Pick(&h.Firewall, opts.Requirement.Port); key {
	case checks.VICEngine:
		return key, "the narrowest built-in ruleset: it opens this port alone"
	case checks.VSPC:
		if h.Firewall.Ruleset(checks.VICEngine) != nil {
			return key, "vic-engine opens another port, and vSPC is built in"
		}
		return key, "the host has no vic-engine (vSphere 6.7 and later do), and vSPC is built in"
	default:
		return "", ""
	}
}

// allowedAfter is whom the ruleset is to let through.
func allowedAfter(rs *inventory.Ruleset, opts AllowOptions) *inventory.AllowedHosts {
	before, peers := rs.Allowed, opts.Requirement.Peers
	switch {
	case len(opts.Only) > 0 && !rs.Enabled:
		// A list that is left over from before is not in force, and is not put
		// into force: what is enabled is what was asked for.
		return merge(nil, opts.Only)
	case len(opts.Only) > 0:
		return merge(before, opts.Only)
	case before == nil || before.All:
		return before
	case before.Empty() && len(peers) == 0:
		// Enabled for nobody it would open nothing: as ESXi is installed, a
		// ruleset lets all through.
		return &inventory.AllowedHosts{All: true}
	default:
		return merge(before, peers)
	}
}
