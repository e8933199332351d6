package vsphere_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = It("SetAllowedHosts writes networks as well as addresses, and they are read back", func(ctx SpecContext) {
	vc := start("open")
	s := login(ctx, vc)
	h := hostNamed(collect(ctx, s, vsphere.Selection{}), "esx01.example")
	list := &inventory.AllowedHosts{
		Addrs:    []string{"10.0.0.5", "2001:db8::1"},
		Networks: []inventory.Network{{Address: "10.20.0.0", Bits: 16}, {Address: "2001:db8:1::", Bits: 48}},
	}
	Expect(s.SetAllowedHosts(ctx, h, "vSPC", list)).To(Succeed())
	for _, rs := range vc.Host("esx01.example").Firewall().Ruleset {
		if rs.Key == "vSPC" {
			Expect(rs.AllowedHosts.AllIp).To(BeFalse())
			Expect(rs.AllowedHosts.IpAddress).To(Equal(list.Addrs))
			Expect(rs.AllowedHosts.IpNetwork).To(Equal([]types.HostFirewallRulesetIpNetwork{
				{Network: "10.20.0.0", PrefixLength: 16}, {Network: "2001:db8:1::", PrefixLength: 48},
			}))
		}
	}
	Expect(s.RefreshFirewall(ctx, h)).To(Succeed())
	s.ReadFirewalls(ctx, []*inventory.Host{h})
	Expect(h.Firewall.Ruleset("vSPC").Allowed).To(Equal(list))
}, SpecTimeout(time.Minute))
