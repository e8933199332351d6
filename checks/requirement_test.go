package checks_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// A few requirements as profiles will have them.

func needs(direction, protocol string, ports ...int) checks.Requirement {
	return checks.Requirement{
		Name: "test", Direction: direction, Protocol: protocol, Ports: ports,
		Words: checks.Words{Peer: "a backup proxy", PeerOption: "--peer", Breaks: "backups stop"},
	}
}

func rule(direction, protocol string, port, end int) inventory.Rule {
	return inventory.Rule{Direction: direction, Protocol: protocol, PortType: inventory.Dst, Port: port, EndPort: end}
}

// bySource opens what comes back, and no port of the host.
func bySource(r inventory.Rule) inventory.Rule {
	r.PortType = inventory.Src
	return r
}

func ntp(enabled bool, allowed *inventory.AllowedHosts) *inventory.Ruleset {
	return ruleset("ntpClient", enabled, allowed, rule("outbound", "udp", 123, 0))
}

func nfc(enabled bool, allowed *inventory.AllowedHosts) *inventory.Ruleset {
	return ruleset("NFC", enabled, allowed, rule("inbound", "tcp", 902, 0), rule("outbound", "tcp", 902, 0))
}

type requirementRow struct {
	req     checks.Requirement
	host    inventory.Host
	status  checks.Status
	reason  checks.Reason
	decides []string
	detail  string
}

func preferring(req checks.Requirement, keys ...string) checks.Requirement {
	req.Prefer = keys
	return req
}

func forPeers(req checks.Requirement, list ...string) checks.Requirement {
	req.Peers = peers(list...)
	return req
}

var _ = DescribeTable("the verdict on the port of other requirements",
	func(row requirementRow) {
		v := verdictOn(&row.host, row.req)
		Expect(v.Status).To(Equal(row.status), v.Detail)
		Expect(v.Reason).To(Equal(row.reason), v.Detail)
		Expect(v.Decides).To(Equal(row.decides), v.Detail)
		Expect(v.Detail).To(Equal(row.detail))
	},

	// Inbound.
	Entry("inbound, permitted", requirementRow{
		preferring(needs("inbound", "tcp", 902), "NFC"), host(nfc(true, all())),
		checks.Pass, "permitted",
		[]string{"NFC"},
		"NFC lets TCP 902 in from any address",
	}),
	Entry("inbound, for a peer", requirementRow{
		forPeers(preferring(needs("inbound", "tcp", 902), "NFC"), "10.0.0.9"), host(nfc(true, addresses("10.0.0.9"))),
		checks.Pass, "permitted",
		[]string{"NFC"},
		"NFC lets TCP 902 in from 10.0.0.9",
	}),
	Entry("inbound, not for the peer", requirementRow{
		forPeers(preferring(needs("inbound", "tcp", 902), "NFC"), "10.0.0.9"), host(nfc(true, addresses("10.0.0.8"))),
		checks.Fail, "allowed-hosts-exclude-peer",
		[]string{"NFC"},
		"NFC lets TCP 902 in from 10.0.0.8, which leaves out 10.0.0.9",
	}),
	Entry("inbound, for a list, and no peer given", requirementRow{
		preferring(needs("inbound", "tcp", 902), "NFC"), host(nfc(true, addresses("10.0.0.8"))),
		checks.Warn, "allowed-hosts-unverified",
		[]string{"NFC"},
		"NFC lets TCP 902 in from 10.0.0.8 alone; give the backup proxy's address with --peer",
	}),
	Entry("inbound, disabled", requirementRow{
		preferring(needs("inbound", "tcp", 902), "NFC"), host(nfc(false, all())),
		checks.Fail, "ruleset-disabled",
		[]string{"NFC"},
		"NFC would let TCP 902 in, but it is disabled",
	}),
	Entry("inbound, and all that is open is outbound", requirementRow{
		needs("inbound", "tcp", 902), host(vSPC(true, all())),
		checks.Fail, "no-ruleset", nil, "no ruleset of this host lets TCP 902 in",
	}),
	Entry("inbound, and all that is open is by source port", requirementRow{
		needs("inbound", "tcp", 902), host(ruleset("site", true, all(), bySource(rule("inbound", "tcp", 902, 0)))),
		checks.Fail, "no-ruleset", nil, "no ruleset of this host lets TCP 902 in",
	}),
	Entry("inbound, by another service's ruleset", requirementRow{
		needs("inbound", "tcp", 902), host(nfc(true, all())),
		checks.Warn, "borrowed-ruleset",
		[]string{"NFC"},
		"TCP 902 passes only through NFC, which belongs to another service and goes when that does",
	}),
	Entry("inbound, by the default action of inbound traffic", requirementRow{
		needs("inbound", "tcp", 902), with(host(), func(h *inventory.Host) {
			h.Firewall.Switch.DefaultPass, h.Firewall.IncomingBlocked, h.Firewall.OutgoingBlocked = inventory.Unknown, inventory.No, inventory.Yes
		}),
		checks.Warn, "default-pass", nil, "TCP 902 passes only by the default action; no ruleset permits it",
	}),
	Entry("inbound, where the default action of outbound traffic alone passes", requirementRow{
		needs("inbound", "tcp", 902), with(host(), func(h *inventory.Host) {
			h.Firewall.Switch.DefaultPass, h.Firewall.IncomingBlocked, h.Firewall.OutgoingBlocked = inventory.Unknown, inventory.Yes, inventory.No
		}),
		checks.Fail, "no-ruleset", nil, "no ruleset of this host lets TCP 902 in",
	}),

	// UDP.
	Entry("UDP, permitted", requirementRow{
		preferring(needs("outbound", "udp", 123), "ntpClient"), host(ntp(true, all())),
		checks.Pass, "permitted",
		[]string{"ntpClient"},
		"ntpClient lets UDP 123 out to any address",
	}),
	Entry("UDP, disabled", requirementRow{
		preferring(needs("outbound", "udp", 123), "ntpClient"), host(ntp(false, all())),
		checks.Fail, "ruleset-disabled",
		[]string{"ntpClient"},
		"ntpClient would let UDP 123 out, but it is disabled",
	}),
	Entry("UDP, and all that is open is TCP", requirementRow{
		needs("outbound", "udp", 123), host(vSPC(true, all())),
		checks.Fail, "no-ruleset", nil, "no ruleset of this host lets UDP 123 out",
	}),

	// Breadth is judged against the requirement.
	Entry("what is made for it is not borrowed, however wide", requirementRow{
		preferring(needs("outbound", "tcp", 2049), "nfsClient"), host(nfs(true, all())),
		checks.Pass, "permitted",
		[]string{"nfsClient"},
		"nfsClient lets TCP 2049 out to any address",
	}),
	Entry("vSPC is another service's where nobody names it", requirementRow{
		needs("outbound", "tcp", 1514), host(vSPC(true, all())),
		checks.Warn, "borrowed-ruleset",
		[]string{"vSPC"},
		"TCP 1514 passes only through vSPC, which belongs to another service and goes when that does",
	}),
	Entry("breadth counts the protocol and the direction alone", requirementRow{
		needs("outbound", "udp", 514), host(ruleset("site", true, all(), rule("outbound", "udp", 514, 0), rule("outbound", "tcp", 0, 65535), rule("inbound", "udp", 0, 65535))),
		checks.Pass, "permitted",
		[]string{"site"},
		"site lets UDP 514 out to any address",
	}),
	Entry("broad UDP says what it opens", requirementRow{
		needs("outbound", "udp", 514), host(ruleset("site", true, all(), rule("outbound", "udp", 0, 65535))),
		checks.Pass, "permitted",
		[]string{"site"},
		"site lets UDP 514 out to any address, and all other outbound UDP too",
	}),

	// Several ports.
	Entry("ports of one ruleset", requirementRow{
		preferring(needs("outbound", "tcp", 111, 2049), "nfsClient"), host(nfs(true, all())),
		checks.Pass, "permitted",
		[]string{"nfsClient"},
		"nfsClient lets TCP 111 and 2049 out to any address",
	}),
	Entry("ports of two rulesets", requirementRow{
		needs("outbound", "tcp", 80, 443), host(ruleset("a", true, all(), outbound(80, 0)), ruleset("b", true, all(), outbound(443, 0))),
		checks.Pass, "permitted",
		[]string{"a", "b"},
		"a lets TCP 80 out to any address; b lets TCP 443 out to any address",
	}),
	Entry("one of two ports is shut", requirementRow{
		needs("outbound", "tcp", 80, 443), host(ruleset("a", true, all(), outbound(80, 0)), ruleset("b", false, all(), outbound(443, 0))),
		checks.Fail, "ruleset-disabled",
		[]string{"b"},
		"b would let TCP 443 out, but it is disabled",
	}),
	Entry("one of two ports that nothing opens", requirementRow{
		needs("outbound", "tcp", 80, 443), host(ruleset("a", true, all(), outbound(80, 0))),
		checks.Fail, "no-ruleset", nil, "no ruleset of this host lets TCP 443 out",
	}),
)

var _ = Describe("a run of several requirements", func() {
	It("has a result for each, and one of what is the host's own", func() {
		h := host(vicEngine(true, all()), nfc(false, all()))
		inv := &inventory.Inventory{Hosts: []inventory.Host{h}}
		backup := preferring(needs("inbound", "tcp", 902), "NFC")
		got := map[string]string{}
		for _, r := range checks.Run(checks.Default(), checks.Facts{Inventory: inv, Judged: checks.JudgeAll(inv, checks.VIC(), backup)}) {
			Expect(got).NotTo(HaveKey(r.Check + " " + r.Requirement))
			got[r.Check+" "+r.Requirement] = r.Status.String()
		}
		Expect(got).To(Equal(map[string]string{
			"outbound-port vic": "pass", "outbound-port test": "fail",
			"rule-persistence vic": "pass", "rule-persistence test": "skip",
			"tcp-connect vic": "skip", "tcp-connect test": "skip",
			"firewall-state ": "pass", "host-state ": "pass",
		}))
	})
})

var _ = Describe("Requirement", func() {
	It("describes itself", func() {
		Expect(checks.VIC().String()).To(Equal("outbound TCP 2377 to a virtual container host"))
		Expect(checks.VIC(peers("10.0.0.5", "10.1.0.0/24")...).String()).To(Equal("outbound TCP 2377 to 10.0.0.5, 10.1.0.0/24"))
		Expect(needs("inbound", "udp", 8000, 8001, 8002).String()).To(Equal("inbound UDP 8000-8002 from a backup proxy"))
		Expect(checks.Requirement{Name: "x", Direction: "outbound", Protocol: "tcp", Ports: []int{1}}.String()).To(Equal("outbound TCP 1"))
	})
	It("fills its words into texts, and leaves what nobody can fill", func() {
		Expect(needs("inbound", "tcp", 902).Say("{service} {way} {to} {a peer}: {the peer}, {option}, {breaks}; {prefer} {vib} {host}")).
			To(Equal("TCP 902 in from a backup proxy: the backup proxy, --peer, backups stop; {prefer} {vib} {host}"))
		Expect(checks.VIC().Say("{prefer} {fallback} {vib}")).To(Equal("vic-engine vSPC vmware-vic"))
	})
	It("has a valid default, with keys of which it is known how they come", func() {
		Expect(checks.VIC().Validate()).To(Succeed())
		Expect(checks.VIC().KeyFrom(checks.FromVIB)).To(Equal("vmware-vic"))
		Expect(checks.VIC().KeyFrom(checks.ByHand)).To(Equal("vicoutgoing"))
		Expect(checks.VIC().ByVICMachine()).To(BeTrue())
		Expect(vicAt(2378).ByVICMachine()).To(BeFalse())
	})
	DescribeTable("is refused when it is not whole", func(change func(*checks.Requirement), says string) {
		req := checks.VIC()
		change(&req)
		Expect(req.Validate()).To(MatchError(ContainSubstring(says)))
	},
		Entry(nil, func(r *checks.Requirement) { r.Name = "" }, "no name"),
		Entry(nil, func(r *checks.Requirement) { r.Direction = "both" }, `"both" is neither outbound nor inbound`),
		Entry(nil, func(r *checks.Requirement) { r.Protocol = "icmp" }, `"icmp" is neither tcp nor udp`),
		Entry(nil, func(r *checks.Requirement) { r.Ports = nil }, "has no port"),
		Entry(nil, func(r *checks.Requirement) { r.Ports = []int{0} }, "0 is not a port: it takes 1 to 65535"),
		Entry(nil, func(r *checks.Requirement) { r.Ports = []int{2377, 70000} }, "70000 is not a port"),
	)
	It("is whole with the first port and the last", func() {
		for _, port := range []int{1, 65535} {
			Expect(needs("outbound", "tcp", port).Validate()).To(Succeed(), "port %d is one", port)
		}
		Expect(needs("outbound", "tcp", 65536).Validate()).NotTo(Succeed())
	})
	It("opens ports that follow each other by one rule, and says them as one", func() {
		req := needs("inbound", "tcp", 5900, 5901, 5902, 443, 80, 81)
		Expect(req.Rules()).To(Equal([]inventory.Rule{
			{Port: 5900, EndPort: 5902, Direction: "inbound", PortType: "dst", Protocol: "tcp"},
			{Port: 443, Direction: "inbound", PortType: "dst", Protocol: "tcp"},
			{Port: 80, EndPort: 81, Direction: "inbound", PortType: "dst", Protocol: "tcp"},
		}))
		Expect(req.Service()).To(Equal("TCP 5900-5902, 443, 80 and 81"))
	})
	It("is opened by a ruleset for it alone, however many ports it has", func() {
		req := needs("outbound", "tcp")
		for port := 5900; port < 6200; port++ {
			req.Ports = append(req.Ports, port)
		}
		rs := ruleset("site", true, all(), req.Rules()...)
		Expect(req.BreadthOf(rs)).To(Equal(checks.Dedicated))
		rs.Rules[0].EndPort += 15
		Expect(req.BreadthOf(rs)).To(Equal(checks.Dedicated))
		rs.Rules[0].EndPort++
		Expect(req.BreadthOf(rs)).To(Equal(checks.Broad))
	})
	It("knows the rules that open it and nothing else", func() {
		req := needs("inbound", "udp", 514, 1514)
		rs := ruleset("new", true, all(), req.Rules()...)
		Expect(req.Covers(rs)).To(BeTrue())
		Expect(rs.Opened("inbound", "udp")).To(Equal(2))
		Expect(rs.Opened("outbound", "udp") + rs.Opened("inbound", "tcp")).To(BeZero())
	})
})
