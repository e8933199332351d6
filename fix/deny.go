package fix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// DenyOptions say what a Deny has to heed.
type DenyOptions struct {
	// SerialVMs names, by the host's ID, the powered-on virtual machines with network
	// serial ports that it would cut off.
	SerialVMs map[string][]string
	// Managing is as in AllowOptions: those rulesets are not closed.
	Managing []string
}

// Deny plans to close what Allow may have opened by itself: the requirements'
// switchable rulesets, under whichever of their names it was.
func Deny(judged []checks.Judgements, opts DenyOptions) *Plan {
	p := &Plan{}
	for _, h := range byHost(judged) {
		var made []*Change
		for _, j := range h.on {
			then := j.then(made)
			hp := denyHost(then.Host, *then.Required, opts)
			hp.Host, hp.Requirement = h.Host, then.Required.Name
			if hp.Reason == AlreadyDenied && len(switchable(h.Host, *then.Required)) > 0 {
				hp.Reason, hp.Detail = SharesChange, "a change for another requirement does it"
			}
			made = append(made, hp.join(made)...)
			p.Hosts = append(p.Hosts, hp)
		}
	}
	return p
}

func denyHost(h *inventory.Host, req checks.Requirement, opts DenyOptions) HostPlan {
	if hp, yes := unavailable(h); yes {
		return hp
	}
	hp := HostPlan{
		Host: h, Reason: AlreadyDenied,
		Detail: req.Say(noneOf(&req) + " lets the port {way}"),
	}
	for _, rs := range switchable(h, req) {
		key := rs.Key
		if reason, why := keepsOpen(rs, &req, opts.Managing); reason != "" {
			hp.Reason, hp.Detail = reason, why
			continue // the other name can still be closed
		}
		c := &Change{
			Host: h, Ruleset: key, Why: req.Say("it lets {service} {way}, for whomever it was opened"),
			Before: StateOf(rs), After: State{Enabled: false, Allowed: rs.Allowed},
			Opens: "nothing any more; it let " + Opens(rs, rs.Allowed),
		}
		hp.Changes = append(hp.Changes, c)
		if !hp.Reason.Refused() {
			hp.Reason, hp.Detail = Chosen, c.Why
		}
	}
	if h.Firewall.Stale != "" && hp.Reason == AlreadyDenied {
		hp.Reason, hp.Detail = HostUnavailable, fmt.Sprintf("%s, by facts that may be minutes old: the refresh failed: %s", hp.Detail, h.Firewall.Stale)
	}
	hp.Warnings = append(stale(h), stillOpen(h, hp.Changes, req)...)
	serial := slices.ContainsFunc(hp.Changes, func(c *Change) bool { return slices.Contains(serialRulesets(), c.Ruleset) })
	if vms := opts.SerialVMs[h.ID]; len(vms) > 0 && serial {
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("cuts off the network serial ports of the running virtual machines %s", strings.Join(vms, ", ")))
	}
	return hp
}

// keepsOpen is why a ruleset is not closed; empty where it is.
func keepsOpen(rs *inventory.Ruleset, req *checks.Requirement, managing []string) (Reason, string) {
	switch {
	case req.NeverNarrowWithout, slices.Contains(managing, rs.Key):
		return WouldShutOut, fmt.Sprintf("the host is managed by the ruleset %s, which is never closed", rs.Key)
	case rs.Required, rs.UserControllable == inventory.No && rs.Service == "":
		return NotUserControllable, fmt.Sprintf("the host says that users may not switch the ruleset %s off", rs.Key)
	}
	return notByUsers(req, rs), whoSwitches(req, rs, "stop")
}

// serialRulesets are those by which network serial ports of virtual machines get out.
func serialRulesets() []string {
	vic := checks.VIC()
	return append(vic.Switchable(), vic.Accept...)
}

// switchable are the host's enabled rulesets that Allow may have opened, in the
// order in which it takes them. Of two rulesets of one key each has its own state,
// and one call switches the key.
func switchable(h *inventory.Host, req checks.Requirement) []*inventory.Ruleset {
	var list []*inventory.Ruleset
	for _, key := range req.Switchable() {
		i := slices.IndexFunc(h.Firewall.Rulesets, func(rs *inventory.Ruleset) bool {
			return rs.Key == key && rs.Enabled && req.Covers(rs)
		})
		if i >= 0 {
			list = append(list, h.Firewall.Rulesets[i])
		}
	}
	return list
}

// stillOpen warns of what lets the requirement through after the changes.
func stillOpen(h *inventory.Host, changes []*Change, req checks.Requirement) []string {
	var warnings []string
	warn := func(why string) {
		warnings = append(warnings, req.Say(fmt.Sprintf("{service} still gets {way}%s", why)))
	}
	denied := after(h, changes...)
	if left := others(&denied, req); len(left) > 0 {
		warn(" by " + strings.Join(left, ", "))
	}
	switch {
	case h.Firewall.Off():
		warn(": the firewall is off")
	case h.Firewall.PassesByDefault(req.Direction):
		warn(": the default action lets it pass")
	}
	return warnings
}

// others names the enabled rulesets that still let the ports through to somebody.
func others(h *inventory.Host, req checks.Requirement) []string {
	var left []string
	for _, rs := range h.Firewall.Rulesets {
		if rs.Enabled && req.Covers(rs) && (rs.Allowed == nil || !rs.Allowed.Empty()) {
			name := rs.Key
			if rs.Allowed == nil || !rs.Allowed.All {
				name += fmt.Sprintf(" (for %s)", rs.Allowed)
			}
			left = append(left, name)
		}
	}
	return left
}
