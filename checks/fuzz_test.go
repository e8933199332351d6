package checks_test

import (
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/inventory"
)

// FuzzCovers compares the port matcher with govmomi's ByRule, which looks at
// port, protocol, port type and direction alone, as Ruleset.Covers does.
func FuzzCovers(f *testing.F) {
	for _, rs := range esx.HostFirewallInfo.Ruleset { // captured from ESXi 6.5.0
		for _, r := range rs.Rule {
			f.Add(r.Port, r.EndPort, string(r.Direction), string(r.PortType), r.Protocol, int32(2377))
			f.Add(r.Port, r.EndPort, string(r.Direction), string(r.PortType), r.Protocol, r.Port)
			f.Add(r.Port, r.EndPort, string(r.Direction), string(r.PortType), r.Protocol, r.EndPort)
		}
	}
	f.Fuzz(func(t *testing.T, port, end int32, direction, portType, protocol string, want int32) {
		if want < 1 || want > 65535 || port < 0 || port > 65535 || end < 0 || end > 65535 {
			return // not a port
		}
		theirs := object.HostFirewallRulesetList{{Key: "x", Rule: []types.HostFirewallRule{{
			Port: port, EndPort: end, Protocol: protocol,
			Direction: types.HostFirewallRuleDirection(direction), PortType: types.HostFirewallRulePortType(portType),
		}}}}
		rule := types.HostFirewallRule{
			Port: want, Protocol: "tcp",
			Direction: types.HostFirewallRuleDirectionOutbound, PortType: types.HostFirewallRulePortTypeDst,
		}
		expected := len(theirs.ByRule(rule)) > 0
		if portType == "" {
			// An absent type means destination; ByRule compares text.
			rule.PortType = ""
			expected = len(theirs.ByRule(rule)) > 0
		}
		ours := &inventory.Ruleset{Key: "x", Rules: []inventory.Rule{{
			Port: int(port), EndPort: int(end), Direction: direction, PortType: portType, Protocol: protocol,
		}}}
		if got := ours.Covers(inventory.Outbound, inventory.TCP, int(want)); got != expected {
			t.Errorf("Covers(%d) = %v, ByRule says %v, of %+v", want, got, expected, ours.Rules)
		}
	})
}
