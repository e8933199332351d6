package checks_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = Describe("a requirement whose ports are let through by different rulesets", func() {
	req := checks.Requirement{
		Name: "site", Direction: inventory.Outbound, Protocol: inventory.TCP, Ports: []int{80, 81},
		Prefer: []string{"one", "two"}, Peers: peers("10.0.0.1", "10.0.0.2"),
	}
	verdict := func(one, two *inventory.AllowedHosts) *checks.Verdict {
		h := host(ruleset("one", true, one, outbound(80, 0)), ruleset("two", true, two, outbound(81, 0)))
		return verdictOn(&h, req)
	}

	It("tells of all of them what they leave out, and which they are", func() {
		v := verdict(addresses("10.0.0.1"), addresses("10.0.0.2"))
		Expect(v.Reason).To(Equal(checks.AllowedHostsExcludePeer))
		Expect(v.Missing).To(ConsistOf(peers("10.0.0.1", "10.0.0.2")))
		Expect(v.Decides).To(Equal([]string{"one", "two"}))
		Expect(v.Detail).To(And(ContainSubstring("TCP 80"), ContainSubstring("TCP 81")))
	})

	It("fails where one of them does", func() {
		Expect(verdict(all(), addresses("10.0.0.2")).Missing).To(Equal(peers("10.0.0.1")))
		Expect(verdict(addresses("10.0.0.1"), all()).Missing).To(Equal(peers("10.0.0.2")))
		Expect(verdict(all(), all()).Status).To(Equal(checks.Pass))
	})
})

var _ = DescribeTable("a ruleset is locked", func(may inventory.Tristate, locked bool) {
	rs := vicEngine(false, all())
	rs.UserControllable = may
	h := host(rs)
	v := verdictOn(&h, checks.VIC())
	Expect(v.Rulesets).To(HaveLen(1))
	Expect(v.Rulesets[0].Locked).To(Equal(locked))
},
	Entry("where the host says that users may not switch it", inventory.No, true),
	Entry("not where it says that they may", inventory.Yes, false),
	Entry("not where it does not say, as before 8.0 U2", inventory.Unknown, false),
)
