package fix

import (
	"fmt"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Deny plans to close what Allow may have opened: vic-engine and vSPC, under
// whichever of the two names it was. serialVMs names, by the host's ID, the
// powered-on virtual machines with network serial ports that it would cut off.
func Deny(hosts []inventory.Host, req checks.Requirement, serialVMs map[string][]string) *Plan {
	p := &Plan{Hosts: make([]HostPlan, len(hosts))}
	for i := range hosts {
		p.Hosts[i] = denyHost(&hosts[i], req, serialVMs[hosts[i].ID])
	}
	return p
}

func denyHost(h *inventory.Host, req checks.Requirement, vms []string) HostPlan {
	if hp, yes := unavailable(h); yes {
		return hp
	}
	hp := HostPlan{Host: h, Reason: AlreadyDenied, Detail: "neither vic-engine nor vSPC lets the port out"}
	for _, key := range []string{checks.VICEngine, checks.VSPC} {
		rs := h.Firewall.Ruleset(key)
		if rs == nil || !rs.Enabled || !rs.Covers(req.Port) {
			continue
		}
		if rs.Required || rs.UserControllable == inventory.No {
			hp.Reason, hp.Detail = NotUserControllable, fmt.Sprintf("the host says that users may not switch the ruleset %s off", key)
			continue // the other name can still be closed
		}
		c := &Change{
			Host: h, Ruleset: key, Why: "opened for virtual container hosts",
			Before: StateOf(rs), After: State{Enabled: false, Allowed: rs.Allowed},
			Opens: "nothing any more; it let " + Opens(rs, rs.Allowed),
		}
		hp.Changes = append(hp.Changes, c)
		if !hp.Reason.Refused() {
			hp.Reason, hp.Detail = Chosen, c.Why
		}
	}

	hp.Warnings = stale(h)
	denied := after(h, hp.Changes...)
	if left := others(&denied, req.Port); len(left) > 0 {
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("TCP %d still gets out by %s", req.Port, strings.Join(left, ", ")))
	}
	switch {
	case h.Firewall.Off():
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("TCP %d still gets out: the firewall is off", req.Port))
	case h.Firewall.PassesByDefault():
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("TCP %d still gets out: the default action lets it pass", req.Port))
	}
	if len(vms) > 0 && len(hp.Changes) > 0 {
		hp.Warnings = append(hp.Warnings, fmt.Sprintf("cuts off the network serial ports of the running virtual machines %s", strings.Join(vms, ", ")))
	}
	return hp
}

// others names the enabled rulesets that still let the port out to somebody.
func others(h *inventory.Host, port int) []string {
	var left []string
	for _, rs := range h.Firewall.Rulesets {
		if rs.Enabled && rs.Covers(port) && (rs.Allowed == nil || !rs.Allowed.Empty()) {
			name := rs.Key
			if rs.Allowed == nil || !rs.Allowed.All {
				name += fmt.Sprintf(" (for %s)", rs.Allowed)
			}
			left = append(left, name)
		}
	}
	return left
}
