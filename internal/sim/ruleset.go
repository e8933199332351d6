package sim

import (
	"slices"

	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/types"
)

// systemOwned are the rulesets that ESXi 8.0 U2 and U2b both report as neither
// switchable nor configurable by users (vmware/dod-compliance-and-automation,
// esxi-80-000239.md).
var systemOwned = []string{"nfsClient", "nfs41Client", "vsanEncryption"}

// outboundRuleset is an enabled ruleset that lets TCP out to anybody.
func outboundRuleset(key, label string, port, end int32) types.HostFirewallRuleset {
	return types.HostFirewallRuleset{
		Key: key, Label: label, Enabled: true, AllowedHosts: everyone(),
		Rule: []types.HostFirewallRule{{
			Port: port, EndPort: end, Protocol: "tcp",
			Direction: types.HostFirewallRuleDirectionOutbound, PortType: types.HostFirewallRulePortTypeDst,
		}},
	}
}

// firewallOf is a host's firewall as the scenario wants it. The rules behind
// the rulesets are shared with the template and never written to.
func firewallOf(spec hostSpec) *types.HostFirewallInfo {
	if spec.facts != nil {
		return firewallOfFacts(spec)
	}
	info := esx.HostFirewallInfo // captured from ESXi 6.5.0
	info.DefaultPolicy = types.HostFirewallDefaultPolicy{
		IncomingBlocked: types.NewBool(true), OutgoingBlocked: types.NewBool(!spec.defaultPass),
	}
	if spec.recorded != "" {
		info.Ruleset = recordedRulesets(spec.recorded)
		spec.change(info.Ruleset)
		return &info
	}
	info.Ruleset = slices.Clone(info.Ruleset)
	if atLeast(spec.version, "6.7") {
		engine := outboundRuleset("vic-engine", "VIC Engine", 2377, 0)
		engine.Enabled = false
		info.Ruleset = append(info.Ruleset, engine)
	}
	info.Ruleset = append(info.Ruleset, spec.extra...)
	remove := spec.remove
	if atLeast(spec.version, "8.0.2") {
		remove = append([]string{"vvold"}, remove...)
	}
	info.Ruleset = slices.DeleteFunc(info.Ruleset, func(rs types.HostFirewallRuleset) bool {
		return slices.Contains(remove, rs.Key)
	})
	spec.change(info.Ruleset)
	if atLeast(spec.version, "8.0.2") {
		for i := range info.Ruleset {
			rs := &info.Ruleset[i]
			free := !slices.Contains(systemOwned, rs.Key) && !slices.Contains(spec.locked, rs.Key)
			rs.UserControllable, rs.IpListUserConfigurable = types.NewBool(free), types.NewBool(free)
		}
	}
	return &info
}

// change enables and disables rulesets.
func (spec *hostSpec) change(list []types.HostFirewallRuleset) {
	for i := range list {
		rs := &list[i]
		if allowed, ok := spec.enable[rs.Key]; ok {
			rs.Enabled, rs.AllowedHosts = true, allowed
		}
		if slices.Contains(spec.shut, rs.Key) {
			rs.Enabled = false
		}
	}
}

// clone copies everything of a firewall that a call can change.
func clone(info *types.HostFirewallInfo) *types.HostFirewallInfo {
	c := *info
	c.Ruleset = slices.Clone(info.Ruleset)
	return &c
}

func find(info *types.HostFirewallInfo, key string) *types.HostFirewallRuleset {
	for i := range info.Ruleset {
		if info.Ruleset[i].Key == key {
			return &info.Ruleset[i]
		}
	}
	return nil
}
