package fix_test

import (
	"net/netip"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

func everyone() *inventory.AllowedHosts { return &inventory.AllowedHosts{All: true} }

func addresses(list ...string) *inventory.AllowedHosts { return &inventory.AllowedHosts{Addrs: list} }

func ruleset(key string, enabled bool, allowed *inventory.AllowedHosts, port, end int) *inventory.Ruleset {
	return &inventory.Ruleset{
		Key: key, Enabled: enabled, Allowed: allowed,
		Rules: []inventory.Rule{{Port: port, EndPort: end, Direction: "outbound", PortType: "dst", Protocol: "tcp"}},
	}
}

func engine(enabled bool) *inventory.Ruleset {
	return ruleset("vic-engine", enabled, everyone(), 2377, 0)
}

func vSPC(enabled bool, allowed *inventory.AllowedHosts) *inventory.Ruleset {
	return ruleset("vSPC", enabled, allowed, 0, 65535)
}

func locked(rs *inventory.Ruleset) *inventory.Ruleset {
	rs.UserControllable, rs.IPListConfigurable = inventory.No, inventory.No
	return rs
}

// host has the rulesets, and one that has nothing to do with them, as there is no
// ESXi without any.
func host(rulesets ...*inventory.Ruleset) inventory.Host {
	rulesets = append(slices.Clone(rulesets), &inventory.Ruleset{Key: "sshServer", Enabled: true, Allowed: everyone()})
	return inventory.Host{
		ID: "host-1", UUID: "uuid-1", Name: "esx1.example", Path: "/dc/host/c/esx1.example", Connection: inventory.Connected,
		Firewall: inventory.Firewall{ID: "fw-1", Rulesets: rulesets, OutgoingBlocked: inventory.Yes},
	}
}

// judged passes judgement on hosts for the requirement vic.
func judged(hosts []inventory.Host, peers ...netip.Prefix) []checks.Judgements {
	return checks.JudgeAll(&inventory.Inventory{Hosts: hosts}, checks.VIC(peers...))
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		p, err := inventory.ParsePrefix(s)
		if err != nil {
			panic(err) // also where a table is built
		}
		out = append(out, p)
	}
	return out
}

type planRow struct {
	host    inventory.Host
	ruleset string // auto when empty
	peers   []string
	only    []string
	broad   bool

	reason  fix.Reason
	changes string // "verb ruleset -> allowed", empty for none
	opens   string
	warning string
}

func verifyPlan(row planRow) {
	opts := fix.AllowOptions{Ruleset: fix.Auto, Only: prefixes(row.only...), NarrowBroad: row.broad}
	if row.ruleset != "" {
		opts.Ruleset = row.ruleset
	}
	plan := fix.Allow(judged([]inventory.Host{row.host}, prefixes(row.peers...)...), opts)
	Expect(plan.Hosts).To(HaveLen(1))
	hp := plan.Hosts[0]
	Expect(hp.Reason).To(Equal(row.reason), hp.Detail)
	Expect(hp.Detail).NotTo(BeEmpty())
	got := ""
	for _, c := range hp.Changes {
		got = c.Verb() + " " + c.Ruleset + " -> " + c.After.Allowed.String()
		Expect(c.Opens).To(ContainSubstring(row.opens))
		Expect(c.After.Enabled).To(BeTrue())
	}
	Expect(got).To(Equal(row.changes))
	if row.warning == "" {
		Expect(hp.Warnings).To(BeEmpty())
	} else {
		Expect(hp.Warnings).To(ConsistOf(ContainSubstring(row.warning)))
	}
}

// passing is a host on which packets pass whatever is enabled.
func passing(h inventory.Host) inventory.Host {
	h.Firewall.OutgoingBlocked = inventory.No
	return h
}

var _ = DescribeTable("a change does by itself what it is made for", verifyPlan,
	Entry("where the firewall passes all by default", planRow{
		host: passing(host(ruleset("vic-engine", false, everyone(), 2377, 0))), peers: []string{"10.0.0.9"}, only: []string{"10.0.0.8"}, reason: "would-shut-out",
	}),
	Entry("where the firewall is off", planRow{
		host: func() inventory.Host {
			h := host(engine(false))
			h.Firewall.Switch.Enabled = inventory.No
			return h
		}(), peers: []string{"10.0.0.9"}, only: []string{"10.0.0.8"}, reason: "would-shut-out",
	}),
	Entry("where another service's ruleset lets it out", planRow{
		host:  host(engine(false), ruleset("nfsClient", true, everyone(), 0, 65535)),
		peers: []string{"10.0.0.9"}, only: []string{"10.0.0.8"}, reason: "would-shut-out",
	}),
	Entry("and is none where its list was not told", planRow{
		host: passing(host(ruleset("site", true, nil, 2377, 0))), ruleset: "site", peers: []string{"10.0.0.9"}, reason: "host-unavailable",
	}),
)

var _ = It("a list that has what is to be allowed is not written again for peers that are known by names", func() {
	req := need("udp", "outbound", "udp", 514, "syslog", "10.0.0.1")
	req.Unnamed = []string{"logs.example"}
	p := allowAll(host(syslog(true, addresses("10.0.0.1"))), fix.AllowOptions{Only: prefixes("10.0.0.1")}, req)
	Expect(told(p)).To(Equal([]string{"udp: allowed-hosts-unverified"}))
})

var _ = DescribeTable("Allow", verifyPlan,
	Entry("vic-engine where the host has it", planRow{
		host: host(vSPC(false, everyone()), engine(false)), reason: "chosen", changes: "enable vic-engine -> all", opens: "outbound TCP 2377, for any address",
	}),
	Entry("else vSPC, with a word on what it opens", planRow{
		host: host(vSPC(false, everyone())), reason: "chosen", changes: "enable vSPC -> all", opens: "all outbound TCP, for any address", warning: "vSPC lets all outbound TCP",
	}),
	Entry("vSPC when it is named", planRow{
		host: host(vSPC(false, everyone()), engine(false)), ruleset: "vSPC", reason: "chosen", changes: "enable vSPC -> all", warning: "all outbound TCP",
	}),
	Entry("vSPC is not narrowed by the way", planRow{
		host: host(vSPC(false, everyone())), peers: []string{"10.0.0.5"}, only: []string{"10.0.0.5"}, reason: "not-narrowed",
	}),
	Entry("vSPC narrowed to the VCH, as asked for in so many words", planRow{
		host: host(vSPC(false, everyone())), peers: []string{"10.0.0.5"}, only: []string{"10.0.0.5"}, broad: true,
		reason: "chosen", changes: "enable vSPC -> 10.0.0.5", opens: "all outbound TCP, for 10.0.0.5", warning: "VMware's manuals",
	}),
	Entry("a ruleset that the VIB brought before one that opens all", planRow{
		host: host(vSPC(false, everyone()), ruleset("vmware-vic", false, everyone(), 2377, 0)), reason: "chosen", changes: "enable vmware-vic -> all",
	}),
	Entry("a named ruleset that the host has not, though another permits", planRow{
		host: host(vSPC(true, everyone())), ruleset: "vic-engine", reason: "no-ruleset",
	}),
	Entry("a named one that is open for all is not narrowed", planRow{
		host: host(ruleset("site-vch", true, everyone(), 2377, 0)), ruleset: "site-vch", peers: []string{"10.0.0.5"}, only: []string{"10.0.0.5"}, reason: "already-permitted",
	}),
	Entry("an unreadable list of another service's ruleset is no hindrance", planRow{
		host: host(ruleset("nfsClient", true, nil, 0, 65535), engine(false)), reason: "chosen", changes: "enable vic-engine -> all",
	}),
	Entry("an entry of vSPC that is no address is no hindrance", planRow{
		host: host(vSPC(true, addresses("vch.example")), engine(false)), peers: []string{"10.0.0.5"}, reason: "chosen", changes: "enable vic-engine -> all",
	}),
	Entry("a list beside what permits needs no change", planRow{
		host: host(engine(true), vSPC(true, addresses("10.9.9.9"))), reason: "already-permitted",
	}),
	Entry("what permits by facts that could not be refreshed", planRow{
		host: func() inventory.Host { h := host(engine(true)); h.Firewall.Stale = "HostNotReachable"; return h }(), reason: "host-unavailable",
	}),
	Entry("a list that is left over is not put into force with what was asked for", planRow{
		host: host(vSPC(false, addresses("0.0.0.0/0", "10.9.9.9"))), peers: []string{"10.0.0.5"}, only: []string{"10.0.0.5"}, reason: "chosen", changes: "enable vSPC -> 10.0.0.5",
	}),
	Entry("a list that is in force is kept and added to", planRow{
		host: host(vSPC(true, addresses("10.9.9.9"))), peers: []string{"10.0.0.5"}, only: []string{"10.0.0.5"}, reason: "chosen", changes: "allow vSPC -> 10.9.9.9, 10.0.0.5",
	}),
	Entry("a list that is not known is not written over", planRow{
		host: host(vSPC(false, nil)), peers: []string{"10.0.0.5"}, only: []string{"10.0.0.5"}, reason: "host-unavailable",
	}),
	Entry("a list that may be old is not written over", planRow{
		host: func() inventory.Host {
			h := host(vSPC(true, addresses("10.9.9.9")))
			h.Firewall.Stale = "refused"
			return h
		}(), peers: []string{"10.0.0.5"}, reason: "host-unavailable",
	}),
	Entry("a ruleset is enabled from facts that may be old, with a word on it", planRow{
		host: func() inventory.Host { h := host(engine(false)); h.Firewall.Stale = "refused"; return h }(), reason: "chosen", changes: "enable vic-engine -> all", warning: "may be minutes old",
	}),
	Entry("what is open for all already is not narrowed, and that is said", planRow{
		host: host(vSPC(true, everyone())), only: []string{"10.0.0.5"}, reason: "already-permitted", warning: "not narrowed",
	}),
	Entry("a list that leaves out the peer, of an enabled ruleset", planRow{
		host: host(vSPC(true, addresses("10.9.9.9"))), peers: []string{"10.0.0.0/24"}, reason: "chosen", changes: "allow vSPC -> 10.9.9.9, 10.0.0.0/24",
	}),
	Entry("an empty list and a peer", planRow{
		host: host(vSPC(false, addresses())), peers: []string{"10.0.0.5"}, reason: "chosen", changes: "enable vSPC -> 10.0.0.5",
	}),
	Entry("an empty list and no peer", planRow{
		host: host(vSPC(true, addresses())), reason: "chosen", changes: "allow vSPC -> all", warning: "all outbound TCP",
	}),
	Entry("borrowed only", planRow{
		host: host(ruleset("nfsClient", true, everyone(), 0, 65535), engine(false)), reason: "chosen", changes: "enable vic-engine -> all",
	}),
	Entry("off: enabled all the same", planRow{
		host: func() inventory.Host {
			h := host(engine(false))
			h.Firewall.Switch.Enabled = inventory.No
			return h
		}(), reason: "chosen", changes: "enable vic-engine -> all",
	}),

	Entry("already permitted", planRow{host: host(engine(true)), reason: "already-permitted"}),
	Entry("already permitted by another than the named one", planRow{host: host(engine(true), vSPC(false, everyone())), ruleset: "vSPC", reason: "already-permitted"}),
	Entry("enabled for a list, and no peer to compare with", planRow{host: host(vSPC(true, addresses("10.0.0.5"))), reason: "allowed-hosts-unverified"}),

	Entry("no ruleset that could serve", planRow{host: host(), reason: "no-ruleset"}),
	Entry("remoteSerialPort is not taken unless named", planRow{host: host(ruleset("remoteSerialPort", false, everyone(), 0, 65535)), reason: "no-ruleset"}),
	Entry("remoteSerialPort when named", planRow{host: host(ruleset("remoteSerialPort", false, everyone(), 0, 65535)), ruleset: "remoteSerialPort", reason: "chosen", changes: "enable remoteSerialPort -> all", warning: "all outbound TCP"}),
	Entry("a named one that is not there", planRow{host: host(engine(false)), ruleset: "vmware-vic", reason: "no-ruleset"}),
	Entry("a named one that does not open the port", planRow{host: host(ruleset("web", false, everyone(), 80, 0)), ruleset: "web", reason: "no-ruleset"}),
	Entry("a borrowed one, though named", planRow{host: host(ruleset("nfsClient", false, everyone(), 0, 65535)), ruleset: "nfsClient", reason: "borrowed-ruleset"}),
	Entry("not user-controllable: no other is taken in its place", planRow{host: host(locked(engine(false)), vSPC(false, everyone())), reason: "not-user-controllable"}),
	Entry("list not configurable", planRow{host: host(locked(vSPC(true, addresses("10.9.9.9")))), peers: []string{"10.0.0.5"}, reason: "not-user-controllable"}),
	Entry("not user-controllable, but enabled already for too few, list free", planRow{
		host: func() inventory.Host {
			rs := vSPC(true, addresses("10.9.9.9"))
			rs.UserControllable = inventory.No
			return host(rs)
		}(), peers: []string{"10.0.0.5"}, reason: "chosen", changes: "allow vSPC -> 10.9.9.9, 10.0.0.5",
	}),
	Entry("disconnected", planRow{host: func() inventory.Host { h := host(engine(false)); h.Connection = inventory.Disconnected; return h }(), reason: "host-unavailable"}),
	Entry("not read", planRow{host: func() inventory.Host { h := host(); h.Firewall.Unreadable = "it faulted"; return h }(), reason: "host-unavailable"}),
	Entry("allowed hosts not known: writing them would lose them", planRow{host: host(vSPC(true, nil)), peers: []string{"10.0.0.5"}, reason: "host-unavailable"}),
)

var _ = Describe("Deny", func() {
	deny := func(h inventory.Host, vms ...string) fix.HostPlan {
		return fix.Deny(judged([]inventory.Host{h}), fix.DenyOptions{SerialVMs: map[string][]string{"host-1": vms}}).Hosts[0]
	}
	It("closes both names and leaves the lists alone", func() {
		hp := deny(host(engine(true), vSPC(true, addresses("10.0.0.5"))))
		Expect(hp.Reason).To(Equal(fix.Chosen))
		Expect(hp.Changes).To(HaveLen(2))
		for _, c := range hp.Changes {
			Expect(c.Verb()).To(Equal("disable"))
			Expect(c.After.Allowed).To(Equal(c.Before.Allowed))
		}
	})
	It("leaves alone what is closed", func() {
		Expect(deny(host(engine(false), vSPC(false, everyone()))).Reason).To(Equal(fix.AlreadyDenied))
	})
	It("does not take facts that could not be refreshed for a closed port", func() {
		h := host(engine(false))
		h.Firewall.Stale = "HostNotReachable"
		hp := deny(h)
		Expect(hp.Reason).To(Equal(fix.HostUnavailable))
		Expect(hp.Detail).To(ContainSubstring("the refresh failed: HostNotReachable"))
	})
	It("closes the second of two rulesets of one key", func() {
		hp := deny(host(engine(false), engine(true)))
		Expect(hp.Reason).To(Equal(fix.Chosen))
		Expect(hp.Changes).To(HaveLen(1))
		Expect(hp.Changes[0].Before.Enabled).To(BeTrue())
	})
	It("says what still lets the port out", func() {
		hp := deny(host(engine(true), ruleset("nfsClient", true, addresses("10.0.0.9"), 0, 65535), ruleset("site", true, everyone(), 2377, 0)))
		Expect(hp.Warnings).To(ConsistOf("TCP 2377 still gets out by nfsClient (for 10.0.0.9), site"))
	})
	It("says that a firewall that is off closes nothing", func() {
		h := host(engine(true))
		h.Firewall.Switch.Enabled = inventory.No
		Expect(deny(h).Warnings).To(ConsistOf(ContainSubstring("the firewall is off")))
	})
	It("names the virtual machines that it cuts off", func() {
		Expect(deny(host(engine(true)), "web-1", "web-2").Warnings).To(ConsistOf(ContainSubstring("web-1, web-2")))
		Expect(deny(host(engine(false)), "web-1").Warnings).To(BeEmpty(), "nothing changes")
	})
	It("closes the one name when the other is locked", func() {
		hp := deny(host(engine(true), locked(vSPC(true, everyone()))))
		Expect(hp.Reason).To(Equal(fix.NotUserControllable))
		Expect(hp.Changes).To(HaveLen(1))
		Expect(hp.Warnings).To(ConsistOf(ContainSubstring("still gets out by vSPC")))
	})
	It("leaves alone a ruleset of a name that it knows, which opens something else", func() {
		Expect(deny(host(ruleset("vic-engine", true, everyone(), 9999, 0))).Reason).To(Equal(fix.AlreadyDenied))
	})
	It("closes the second name when the first is locked", func() {
		hp := deny(host(locked(engine(true)), vSPC(true, everyone())))
		Expect(hp.Reason).To(Equal(fix.NotUserControllable))
		Expect(hp.Changes).To(HaveLen(1), "vSPC can still be closed")
		Expect(hp.Changes[0].Ruleset).To(Equal("vSPC"))
	})
	It("refuses what users may not switch", func() {
		Expect(deny(host(locked(engine(true)))).Reason).To(Equal(fix.NotUserControllable))
		rs := engine(true)
		rs.Required = true
		Expect(deny(host(rs)).Reason).To(Equal(fix.NotUserControllable))
	})
	It("has nothing to do with a host that it cannot see", func() {
		h := host(engine(true))
		h.Connection = inventory.NotResponding
		Expect(deny(h).Reason).To(Equal(fix.HostUnavailable))
	})
})

var _ = It("Opens tells inbound from outbound and ranges from ports", func() {
	rs := &inventory.Ruleset{Rules: []inventory.Rule{
		{Port: 0, EndPort: 65535, Direction: "outbound", Protocol: "tcp"},
		{Port: 23, Direction: "inbound", Protocol: "tcp"},
		{Port: 1024, EndPort: 65535, Direction: "inbound", Protocol: "tcp"},
	}}
	Expect(fix.Opens(rs, everyone())).To(Equal("all outbound TCP and inbound TCP 23 and inbound TCP 1024-65535, for any address"))
	Expect(fix.Opens(rs, nil)).To(HaveSuffix("for addresses that the host does not tell"))
	Expect(fix.Opens(rs, addresses())).To(HaveSuffix("for nobody"))
})

var _ = Describe("a host whose only permission is lost at the next reboot", func() {
	byHand := func() *inventory.Ruleset { return ruleset("vicoutgoing", true, everyone(), 2377, 0) }
	plan := func(key string, peers []netip.Prefix, rulesets ...*inventory.Ruleset) fix.HostPlan {
		p := fix.Allow(judged([]inventory.Host{host(rulesets...)}, peers...), fix.AllowOptions{Ruleset: key})
		return p.Hosts[0]
	}

	It("gets what lasts", func() {
		hp := plan(fix.Auto, nil, byHand(), engine(false))
		Expect(hp.Reason).To(Equal(fix.Chosen))
		Expect(hp.Changes).To(HaveLen(1))
		Expect(hp.Changes[0].Ruleset).To(Equal("vic-engine"))
		Expect(hp.Warnings).To(BeEmpty())
	})
	It("is left alone, and said to be, where the host has nothing that lasts", func() {
		locked := engine(false)
		locked.UserControllable = inventory.No
		for _, rulesets := range [][]*inventory.Ruleset{{byHand()}, {byHand(), locked}} {
			hp := plan(fix.Auto, nil, rulesets...)
			Expect(hp.Reason).To(Equal(fix.AlreadyPermitted))
			Expect(hp.Detail).To(HaveSuffix(", until the next reboot"))
		}
		Expect(plan(fix.Auto, nil, engine(true)).Detail).NotTo(ContainSubstring("reboot"))
	})
	It("gets the named one as well", func() {
		hp := plan("vic-engine", nil, byHand(), engine(false))
		Expect(hp.Reason).To(Equal(fix.Chosen))
		Expect(hp.Changes[0].Ruleset).To(Equal("vic-engine"))
		Expect(hp.Warnings).To(BeEmpty())
	})
	It("gets the named one for the address that it leaves out", func() {
		hp := plan("vic-engine", prefixes("10.0.0.5/32"), byHand(), ruleset("vic-engine", true, addresses("10.0.0.9"), 2377, 0))
		Expect(hp.Reason).To(Equal(fix.Chosen))
		Expect(hp.Changes[0].After.Allowed.Addrs).To(Equal([]string{"10.0.0.9", "10.0.0.5"}))
	})
	It("is warned of where the named one lets through too few", func() {
		hp := plan("vic-engine", nil, byHand(), ruleset("vic-engine", false, addresses("10.0.0.9"), 2377, 0))
		Expect(hp.Reason).To(Equal(fix.Chosen))
		Expect(hp.Warnings).To(ContainElement(ContainSubstring("lost at the next reboot, give --vch-ip")))
	})
	It("has nothing to gain from the one that permits it", func() {
		Expect(plan("vicoutgoing", nil, byHand()).Reason).To(Equal(fix.AlreadyPermitted))
	})
})
