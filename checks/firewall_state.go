package checks

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// FirewallState is the ID of the check of the firewall's master switch.
const FirewallState = "firewall-state"

func firewallState() Check {
	return Check{
		ID:    FirewallState,
		Title: "The host's firewall is on, loaded, and drops what no ruleset permits",
		Why: "A firewall that is off lets everything pass, so a closed ruleset goes unnoticed until somebody " +
			"turns the firewall on. Then {breaks}.",
		Run: func(f Facts) []Result {
			forVIC := slices.ContainsFunc(f.Judged, func(j Judgements) bool { return j.Requirement.ByVICMachine() })
			ways := directions(f.Judged)
			return perHost(FirewallState, func(h *inventory.Host) *Verdict { return judgeFirewallState(h, forVIC, ways) })(f)
		},
	}
}

// directions are those of the requirements. Where nothing is required, no direction is left
// out.
func directions(judged []Judgements) []string {
	both := []string{inventory.Outbound, inventory.Inbound}
	if len(judged) == 0 {
		return both
	}
	return slices.DeleteFunc(both, func(way string) bool {
		return !slices.ContainsFunc(judged, func(j Judgements) bool { return j.Requirement.Direction == way })
	})
}

// traffic names what goes in the directions.
func traffic(ways []string) string {
	words := make([]string, len(ways))
	for i, way := range ways {
		words[i] = map[string]string{inventory.Outbound: "outgoing", inventory.Inbound: "incoming"}[way]
	}
	return enumerate(words) + " traffic"
}

// The verdicts on most hosts, which share them.
var (
	filtering      = &Verdict{Status: Pass, Reason: Filtering, Detail: "the firewall is on and drops by default"}
	switchNotAsked = &Verdict{
		Status: Skip, Reason: SwitchNotAsked,
		Detail: "the rulesets decide, whether the firewall is on or off; --firewall-state asks all the same",
	}
)

// judgeFirewallState looks at the default action in the directions given. It says for
// vSphere Integrated Containers besides what vic-machine create makes of a switch that is
// not told: it asks every host for it before all else, and ends at the first error.
func judgeFirewallState(h *inventory.Host, forVIC bool, ways []string) *Verdict {
	if v := unreadable(h); v != nil {
		return v
	}
	fw := &h.Firewall
	passing := slices.DeleteFunc(slices.Clone(ways), func(way string) bool { return !fw.PassesByDefault(way) })
	untold := slices.DeleteFunc(slices.Clone(ways), fw.DropsByDefault)
	switch {
	case fw.Switch.Enabled == inventory.No:
		return &Verdict{Status: Warn, Reason: FirewallOff, Detail: "the firewall is switched off"}
	case fw.Switch.Loaded == inventory.No:
		return &Verdict{Status: Warn, Reason: FirewallOff, Detail: "the firewall's module is not loaded"}
	case len(passing) > 0:
		return &Verdict{Status: Warn, Reason: DefaultPass, Detail: fmt.Sprintf("the default action lets all %s pass", traffic(passing))}
	case fw.Stale != "":
		return &Verdict{
			Status: Warn, Reason: FactsStale,
			Detail: fmt.Sprintf("the facts may be minutes old, the refresh failed: %s", fw.Stale),
		}
	case fw.Switch.NotAsked:
		return switchNotAsked
	case fw.Switch.Enabled == inventory.Unknown || fw.Switch.Loaded == inventory.Unknown:
		why := cmp.Or(fw.Switch.Unreadable, "the host did not say")
		v := &Verdict{Status: Warn, Reason: SwitchUnreadable, Detail: "whether the firewall is on is not known: " + why}
		if forVIC && fw.Switch.Unreadable != "" {
			v.Detail += "; vic-machine create asks it too, and refuses where the same account gets no answer"
		}
		return v
	case len(untold) > 0:
		v := &Verdict{Status: Warn, Reason: SwitchUnreadable, Detail: "the firewall is on, but its default action is not known"}
		if slices.Contains(untold, inventory.Inbound) {
			v.Detail = fmt.Sprintf("the firewall is on, but its default action for %s is not known", traffic(untold))
		}
		return v
	}
	return filtering
}
