package inventory_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/inventory"
)

func tcp(port, end int) inventory.Rule {
	return inventory.Rule{Port: port, EndPort: end, Direction: inventory.Outbound, PortType: inventory.Dst, Protocol: inventory.TCP}
}

var _ = DescribeTable("a rule covers outbound TCP 2377",
	func(rule inventory.Rule, want bool) {
		Expect(rule.Covers(inventory.Outbound, inventory.TCP, 2377)).To(Equal(want))
		set := &inventory.Ruleset{Rules: []inventory.Rule{tcp(80, 0), rule}}
		Expect(set.Covers(inventory.Outbound, inventory.TCP, 2377)).To(Equal(want), "nor does one beside it")
	},
	Entry("by its port, where endPort is 0, which the API says of one port", tcp(2377, 0), true),
	Entry("by its port, where endPort is the same, which esxcli says of one port", tcp(2377, 2377), true),
	Entry("by a range that ends there", tcp(2000, 2377), true),
	Entry("by a range that begins there", tcp(2377, 3000), true),
	Entry("by a range around it", tcp(0, 65535), true),
	Entry("not by a range that ends before it", tcp(2000, 2376), false),
	Entry("not by a range that begins behind it", tcp(2378, 3000), false),
	Entry("not by another port, where endPort is 0", tcp(2376, 0), false),
	Entry("not by a lower port alone, as endPort 0 is no end of a range", tcp(1, 0), false),
	Entry("not by port 0 alone", tcp(0, 0), false),
	Entry("not by a range that runs backwards", tcp(3000, 2000), false),
	Entry("by a rule that does not say which port it means: the destination's", inventory.Rule{Port: 2377, Direction: inventory.Outbound, Protocol: inventory.TCP}, true),
	Entry("not by the source port", inventory.Rule{Port: 2377, Direction: inventory.Outbound, Protocol: inventory.TCP, PortType: inventory.Src}, false),
	Entry("not by UDP", inventory.Rule{Port: 2377, Direction: inventory.Outbound, Protocol: inventory.UDP, PortType: inventory.Dst}, false),
	Entry("not inbound", inventory.Rule{Port: 2377, Direction: inventory.Inbound, Protocol: inventory.TCP, PortType: inventory.Dst}, false),
)

var _ = DescribeTable("the ports that a ruleset opens are counted once each",
	func(want int, rules ...inventory.Rule) {
		Expect((&inventory.Ruleset{Rules: rules}).Opened(inventory.Outbound, inventory.TCP)).To(Equal(want))
	},
	Entry("none", 0),
	Entry("one, where endPort is 0", 1, tcp(2377, 0)),
	Entry("all", 65536, tcp(0, 65535)),
	Entry("two ranges apart, in any order", 20, tcp(200, 209), tcp(100, 109)),
	Entry("two ranges that overlap", 15, tcp(100, 109), tcp(105, 114)),
	Entry("one in another", 10, tcp(100, 109), tcp(103, 105)),
	Entry("two that touch", 20, tcp(100, 109), tcp(110, 119)),
	Entry("a range that runs backwards", 0, tcp(109, 100)),
	Entry("not those of the other direction", 1, tcp(1, 0), inventory.Rule{Port: 2, Direction: inventory.Inbound, Protocol: inventory.TCP}),
)

// defaultPolicy is what is known of it: the host's own word, the API's copy of both
// directions.
type defaultPolicy struct {
	pass, incoming, outgoing inventory.Tristate
}

var _ = DescribeTable("what no ruleset names",
	func(is defaultPolicy, direction string, passes, drops bool) {
		fw := &inventory.Firewall{IncomingBlocked: is.incoming, OutgoingBlocked: is.outgoing, Switch: inventory.Switch{DefaultPass: is.pass}}
		Expect(fw.PassesByDefault(direction)).To(Equal(passes))
		Expect(fw.DropsByDefault(direction)).To(Equal(drops))
	},
	Entry("neither passes nor is dropped for sure where nobody told", defaultPolicy{}, inventory.Outbound, false, false),
	Entry("passes by the API's copy", defaultPolicy{outgoing: inventory.No}, inventory.Outbound, true, false),
	Entry("is dropped by the API's copy", defaultPolicy{outgoing: inventory.Yes}, inventory.Outbound, false, true),
	Entry("outbound does not hang on what is inbound", defaultPolicy{incoming: inventory.No, outgoing: inventory.Yes}, inventory.Outbound, false, true),
	Entry("inbound does not hang on what is outbound", defaultPolicy{incoming: inventory.Yes, outgoing: inventory.No}, inventory.Inbound, false, true),
	Entry("passes by the host's own word, whatever the copy says", defaultPolicy{pass: inventory.Yes, outgoing: inventory.Yes}, inventory.Outbound, true, false),
	Entry("is dropped by the host's own word, whatever the copy says", defaultPolicy{pass: inventory.No, outgoing: inventory.No}, inventory.Outbound, false, true),
)

var _ = DescribeTable("a firewall filters nothing",
	func(is inventory.Switch, off bool) { Expect((&inventory.Firewall{Switch: is}).Off()).To(Equal(off)) },
	Entry("where it is switched off", inventory.Switch{Enabled: inventory.No, Loaded: inventory.Yes}, true),
	Entry("where its module is not loaded", inventory.Switch{Enabled: inventory.Yes, Loaded: inventory.No}, true),
	Entry("not where it is on", inventory.Switch{Enabled: inventory.Yes, Loaded: inventory.Yes}, false),
	Entry("not where nobody told: not known is not off", inventory.Switch{}, false),
)

var _ = Describe("the networks of allowed hosts", func() {
	nets := &inventory.AllowedHosts{Networks: []inventory.Network{{Address: "10.20.0.0", Bits: 16}, {Address: "2001:DB8::", Bits: 32}}}
	It("are compared as addresses are", func() {
		prefixes, malformed := nets.Prefixes()
		Expect(malformed).To(BeEmpty())
		Expect(prefixes).To(HaveLen(2))
		Expect(nets.Canonical()).To(Equal("10.20.0.0/16 2001:db8::/32"))
	})
	It("are shown, and are no empty list", func() {
		Expect(nets.Empty()).To(BeFalse())
		Expect(nets.String()).To(Equal("10.20.0.0/16, 2001:DB8::/32"))
	})
})
