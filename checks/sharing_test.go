package checks_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Hosts share a verdict where all that it hangs on is the same. A simulator's hosts share
// their rulesets, and so do a vCenter's.
var _ = DescribeTable("hosts that share their rulesets and differ in the default policy have verdicts of their own",
	func(direction string, set func(*inventory.Firewall, inventory.Tristate)) {
		req := checks.VIC()
		if direction == inventory.Inbound {
			req = checks.Requirement{Name: "backup", Direction: inventory.Inbound, Protocol: inventory.TCP, Ports: []int{902}, Prefer: []string{"NFC"}}
		}
		one := host(ruleset("other", true, all(), outbound(80, 0)))
		one.Firewall.Switch = inventory.Switch{NotAsked: true} // the API's own word counts where esxcli was not asked
		hosts := []inventory.Host{one, one, one}
		for i, blocked := range []inventory.Tristate{inventory.Yes, inventory.No, inventory.Unknown} {
			hosts[i].Firewall.IncomingBlocked, hosts[i].Firewall.OutgoingBlocked = inventory.Yes, inventory.Yes
			set(&hosts[i].Firewall, blocked)
		}
		for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
			judge := checks.NewJudge(req)
			for _, i := range order {
				j, _ := judge.Host(&hosts[i])
				want := map[int]checks.Reason{0: checks.NoRuleset, 1: checks.DefaultPass, 2: checks.NoRuleset}[i]
				Expect(j.Port.Reason).To(Equal(want), "host %d of %v: %s", i, order, j.Port.Detail)
			}
		}
	},
	Entry("outbound", inventory.Outbound, func(fw *inventory.Firewall, blocked inventory.Tristate) { fw.OutgoingBlocked = blocked }),
	Entry("inbound", inventory.Inbound, func(fw *inventory.Firewall, blocked inventory.Tristate) { fw.IncomingBlocked = blocked }),
)

var _ = It("a list of rulesets that begins as another one is a list of its own", func() {
	rulesets := []*inventory.Ruleset{ruleset("other", true, all(), outbound(80, 0)), vicEngine(true, all())}
	long, short := host(rulesets...), host(rulesets...)
	long.Firewall.Rulesets, short.Firewall.Rulesets = rulesets, rulesets[:1]
	for _, order := range [][2]*inventory.Host{{&long, &short}, {&short, &long}} {
		judge := checks.NewJudge(checks.VIC())
		for _, h := range order {
			j, _ := judge.Host(h)
			want := map[*inventory.Host]checks.Reason{&long: checks.Permitted, &short: checks.NoRuleset}[h]
			Expect(j.Port.Reason).To(Equal(want), "with %d rulesets: %s", len(h.Firewall.Rulesets), j.Port.Detail)
		}
	}
})

var _ = It("hosts that share their rulesets and differ in the master switch have verdicts of their own", func() {
	on := host(ruleset("other", true, all(), outbound(80, 0)))
	off := on
	off.Firewall.Switch.Enabled = inventory.No
	for _, order := range [][2]*inventory.Host{{&on, &off}, {&off, &on}} {
		judge := checks.NewJudge(checks.VIC())
		for _, h := range order {
			j, _ := judge.Host(h)
			want := map[*inventory.Host]checks.Reason{&on: checks.NoRuleset, &off: checks.FirewallOff}[h]
			Expect(j.Port.Reason).To(Equal(want), j.Port.Detail)
		}
	}
})
