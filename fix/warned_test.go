package fix_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = It("Deny says that a default action which passes closes nothing", func() {
	h := host(engine(true))
	h.Firewall.Switch = inventory.Switch{Enabled: inventory.Yes, Loaded: inventory.Yes, DefaultPass: inventory.Yes}
	plan := fix.Deny(judged([]inventory.Host{h}), fix.DenyOptions{}).Hosts[0]
	Expect(plan.Reason).To(Equal(fix.Chosen))
	Expect(plan.Warnings).To(ConsistOf("TCP 2377 still gets out: the default action lets it pass"))
})

var _ = DescribeTable("a host that does not tell of Secure Boot gets a VIB without a signature",
	func(version string, reason fix.Reason) {
		o := vibOffer()
		o.Suits = func(string) (string, []string) { return "", nil }
		plan := fix.Bring(judged([]inventory.Host{shutHost(version)})[0], o, map[string]fix.Survey{"host-1": {Acceptance: fix.CommunitySupported}})
		Expect(plan.Hosts[0].Reason).To(Equal(reason), plan.Hosts[0].Detail)
	},
	Entry("where its version has none", "5.5.0", fix.Chosen),
	Entry("where its version has none yet", "6.0.0", fix.Chosen),
	Entry("not from the version on that brought it", "6.5.0", fix.HostUnsuited),
	Entry("not by a later one", "6.7.0", fix.HostUnsuited),
	Entry("not by one of today", "8.0.2", fix.HostUnsuited),
	Entry("not by one that is not known", "", fix.HostUnsuited),
)
