package checks_test

import (
	"net"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/checks"
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

// FuzzOptions holds that no addresses, gateways, ranges and servers of vic-machine create
// make a panic or a verdict without a reason, and that none of them passes which package
// net cannot read.
func FuzzOptions(f *testing.F) {
	for _, o := range [][5]string{
		{"10.0.0.2/24", "10.1.0.0/16,10.2.0.0/16:10.0.0.1", "10.2.0.10-10.2.0.20", "16", "8.8.8.8"},
		{"2001:db8::2/64", "2001:db8::1", "10.2.0.10-20", "31", ""},
		{"10.0.0.2", ":", "10.2.0.0/24", "-1", "x"},
		{"0.0.0.0/0", "0.0.0.0", "10.2.0.20-10.2.0.10", "9223372036854775808", "::1"},
		{"::ffff:10.0.0.2/120", "::ffff:10.0.0.1", "2001:db8::-255", "", "10.0.0.1%a"},
		{"", "", "", "", ""},
	} {
		f.Add(o[0], o[1], o[2], o[3], o[4])
	}
	f.Fuzz(func(t *testing.T, ip, gateway, network, width, server string) {
		role := checks.Role{Network: "public", Given: true, IP: ip, Gateway: gateway}
		vch := &checks.VCH{
			Name: "vch", Bridge: "bridge", Public: role, Client: checks.Role{Network: "client", IP: ip, Gateway: gateway},
			Management: checks.Role{Network: "public", IP: gateway}, DNSServers: []string{server}, BridgeRange: network, BridgeWidth: width,
			ContainerNetworks: []string{"a", "b:" + server}, ContainerGateways: []string{"a:" + ip, "b:" + gateway},
			ContainerRanges: []string{"a:" + network, "b:" + network, network}, ContainerDNS: []string{"a:" + server}, ContainerFirewalls: []string{"a:" + width},
		}
		vch.Address()
		failed := map[string]bool{}
		for _, c := range checks.InputChecks() {
			for _, r := range c.Run(checks.Facts{Inventory: &inventory.Inventory{Placement: &inventory.Placement{}}, VCH: vch}) {
				if r.Reason == "" || r.Check != c.ID || !r.Status.Fine() && r.Detail == "" {
					t.Errorf("%+v", r)
				}
				failed[c.ID] = failed[c.ID] || r.Status == checks.Fail
			}
		}
		_, _, unread := net.ParseCIDR(ip)
		if ip != "" && unread != nil && !failed["static-addresses"] {
			t.Errorf("the address %q passes", ip)
		}
		if server != "" && net.ParseIP(server) == nil && !failed["dns-servers"] {
			t.Errorf("the server %q passes", server)
		}
		if _, _, unread := net.ParseCIDR(network); network != "" && unread != nil && !failed["bridge-range"] {
			t.Errorf("the range %q passes", network)
		}
	})
}
