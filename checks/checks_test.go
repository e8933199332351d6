package checks_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

func facts(hosts ...inventory.Host) checks.Facts { return factsFor(checks.VIC(), hosts...) }

func factsFor(req checks.Requirement, hosts ...inventory.Host) checks.Facts {
	inv := &inventory.Inventory{Hosts: hosts}
	return checks.Facts{Inventory: inv, Judged: checks.JudgeAll(inv, req)}
}

// verdictOn is the verdict on the port of one host.
func verdictOn(h *inventory.Host, req checks.Requirement) *checks.Verdict {
	j, _ := checks.NewJudge(req).Host(h)
	return j.Port
}

// vicAt is the requirement vic at another port.
func vicAt(port int, peers ...netip.Prefix) checks.Requirement {
	return checks.VIC(peers...).At(port)
}

// only runs one check over the hosts.
func only(id string, f checks.Facts) []checks.Result {
	GinkgoHelper()
	selected, err := checks.Select(checks.Default(), []string{id}, nil)
	Expect(err).NotTo(HaveOccurred())
	return checks.Run(selected, f)
}

type hostRow struct {
	host   inventory.Host
	status checks.Status
	reason checks.Reason
}

func verifyHostRow(id string) func(hostRow) {
	return func(row hostRow) {
		results := only(id, facts(row.host))
		Expect(results).To(HaveLen(1))
		r := results[0]
		Expect(r.Status).To(Equal(row.status), r.Detail)
		Expect(r.Reason).To(Equal(row.reason), r.Detail)
		Expect(r.Check).To(Equal(id))
		Expect(r.Subject).To(Equal(row.host.Path))
		Expect(r.Detail).NotTo(BeEmpty())
	}
}

var _ = DescribeTable("firewall-state looks at the directions that are required", func(incoming, outgoing inventory.Tristate, directions []string, status checks.Status, detail string) {
	h := host()
	h.Firewall.Switch = inventory.Switch{Enabled: inventory.Yes, Loaded: inventory.Yes}
	h.Firewall.IncomingBlocked, h.Firewall.OutgoingBlocked = incoming, outgoing
	f := facts(h)
	f.Judged = nil
	for _, way := range directions {
		f.Judged = append(f.Judged, checks.JudgeAll(f.Inventory, needs(way, "tcp", 902))...)
	}
	res := only(checks.FirewallState, f)[0]
	Expect(res.Status).To(Equal(status))
	Expect(res.Detail).To(Equal(detail))
},
	Entry("in", inventory.No, inventory.Yes, []string{"inbound"}, checks.Warn, "the default action lets all incoming traffic pass"),
	Entry("out", inventory.No, inventory.Yes, []string{"outbound"}, checks.Pass, "the firewall is on and drops by default"),
	Entry("in and out", inventory.No, inventory.Yes, []string{"outbound", "inbound"}, checks.Warn, "the default action lets all incoming traffic pass"),
	Entry("both", inventory.No, inventory.No, []string{"inbound", "outbound"}, checks.Warn, "the default action lets all outgoing and incoming traffic pass"),
	Entry("out, in is what is required", inventory.Yes, inventory.No, []string{"inbound"}, checks.Pass, "the firewall is on and drops by default"),
	Entry("nothing required, and so both", inventory.No, inventory.Yes, nil, checks.Warn, "the default action lets all incoming traffic pass"),
	Entry("in, and not known", inventory.Unknown, inventory.Yes, []string{"outbound", "inbound"}, checks.Warn, "the firewall is on, but its default action for incoming traffic is not known"),
	Entry("in, and not asked for", inventory.Unknown, inventory.Yes, []string{"outbound"}, checks.Pass, "the firewall is on and drops by default"),
	Entry("out, and not known", inventory.Yes, inventory.Unknown, []string{"outbound"}, checks.Warn, "the firewall is on, but its default action is not known"),
)

var _ = DescribeTable("firewall-state", verifyHostRow(checks.FirewallState),
	Entry("on and dropping", hostRow{host(), checks.Pass, "filtering"}),
	Entry("switched off", hostRow{with(host(), func(h *inventory.Host) { h.Firewall.Switch.Enabled = inventory.No }), checks.Warn, "firewall-off"}),
	Entry("not loaded", hostRow{with(host(), func(h *inventory.Host) { h.Firewall.Switch.Loaded = inventory.No }), checks.Warn, "firewall-off"}),
	Entry("passing by default", hostRow{with(host(), func(h *inventory.Host) { h.Firewall.Switch.DefaultPass = inventory.Yes }), checks.Warn, "default-pass"}),
	Entry("not permitted to ask is a warning, not a pass", hostRow{
		with(host(), func(h *inventory.Host) { h.Firewall.Switch = inventory.Switch{Unreadable: "no"} }), checks.Warn, "switch-unreadable",
	}),
	Entry("a default action that nobody told", hostRow{with(host(), func(h *inventory.Host) {
		h.Firewall.Switch.DefaultPass, h.Firewall.OutgoingBlocked = inventory.Unknown, inventory.Unknown
	}), checks.Warn, "switch-unreadable"}),
	Entry("a switch that nobody asked for", hostRow{
		with(host(), func(h *inventory.Host) { h.Firewall.Switch = inventory.Switch{NotAsked: true} }), checks.Skip, "switch-not-asked",
	}),
	Entry("a switch that nobody asked for, and a default that passes", hostRow{
		with(host(), func(h *inventory.Host) {
			h.Firewall.Switch, h.Firewall.OutgoingBlocked = inventory.Switch{NotAsked: true}, inventory.No
		}), checks.Warn, "default-pass",
	}),
	Entry("half an answer", hostRow{with(host(), func(h *inventory.Host) { h.Firewall.Switch.Loaded = inventory.Unknown }), checks.Warn, "switch-unreadable"}),
	Entry("refresh refused", hostRow{with(host(), func(h *inventory.Host) { h.Firewall.Stale = "no" }), checks.Warn, "facts-stale"}),
	Entry("not read", hostRow{with(host(), func(h *inventory.Host) { h.Firewall.Unreadable = "no" }), checks.Unknown, "facts-unavailable"}),
	Entry("disconnected", hostRow{with(host(), func(h *inventory.Host) { h.Connection = inventory.Disconnected }), checks.Unknown, "facts-unavailable"}),
)

var _ = It("host-state names what keeps the connection state from being known, where the firewall tells", func() {
	results := only(checks.HostState, facts(with(host(), func(h *inventory.Host) {
		h.Connection, h.Firewall.Unreadable = "", "its firewall could not be read: the account lacks the privilege System.Read"
	})))
	Expect(results).To(ConsistOf(HaveField("Detail",
		"the host's connection state is not known; its firewall could not be read: the account lacks the privilege System.Read")))
})

var _ = DescribeTable("host-state", verifyHostRow(checks.HostState),
	Entry("connected", hostRow{host(), checks.Pass, "connected"}),
	Entry("not responding", hostRow{with(host(), func(h *inventory.Host) { h.Connection = inventory.NotResponding }), checks.Warn, "not-responding"}),
	Entry("disconnected", hostRow{with(host(), func(h *inventory.Host) { h.Connection = inventory.Disconnected }), checks.Warn, "disconnected"}),
	Entry("not known", hostRow{with(host(), func(h *inventory.Host) { h.Connection = "" }), checks.Unknown, "facts-unavailable"}),
	Entry("maintenance", hostRow{with(host(), func(h *inventory.Host) { h.Maintenance = inventory.Yes }), checks.Warn, "maintenance"}),
	Entry("quarantine", hostRow{with(host(), func(h *inventory.Host) { h.Quarantine = inventory.Yes }), checks.Warn, "quarantine"}),
	Entry("quarantine not known", hostRow{with(host(), func(h *inventory.Host) { h.Quarantine = inventory.Unknown }), checks.Pass, "connected"}),
	Entry("powered off by DPM", hostRow{with(host(), func(h *inventory.Host) { h.Connection, h.Standby = inventory.NotResponding, "in" }), checks.Warn, "standby"}),
	Entry("entering standby", hostRow{with(host(), func(h *inventory.Host) { h.Standby = "entering" }), checks.Warn, "standby"}),
	Entry("standby none", hostRow{with(host(), func(h *inventory.Host) { h.Standby = "none" }), checks.Pass, "connected"}),
)

// probed is a host with an outcome.
func probed(h inventory.Host, vantage inventory.Vantage, outcome inventory.Outcome) inventory.Host {
	h.Probes = []inventory.Probe{{Requirement: "vic", Vantage: vantage, Outcome: outcome, Cause: "because"}}
	return h
}

var _ = DescribeTable("tcp-connect", verifyHostRow(checks.TCPConnect),
	Entry("not probed", hostRow{host(vicEngine(true, all())), checks.Skip, "not-probed"}),
	Entry("permitted and open", hostRow{probed(host(vicEngine(true, all())), "serial", inventory.Open), checks.Pass, "reachable"}),
	Entry("open although nothing permits", hostRow{probed(host(vSPC(false, all())), "ssh", inventory.Open), checks.Warn, "open-unexpected"}),
	Entry("open, by a borrowed ruleset", hostRow{probed(host(nfs(true, all())), "ssh", inventory.Open), checks.Pass, "reachable"}),
	Entry("open, of a host that could not be read", hostRow{
		probed(with(host(), func(h *inventory.Host) { h.Firewall.Unreadable = "no" }), "ssh", inventory.Open), checks.Pass, "reachable",
	}),
	Entry("accepted by nobody knows whom", hostRow{probed(host(vicEngine(true, all())), "ssh", inventory.OpenUnverified), checks.Warn, "reachable-unverified"}),
	Entry("refused is a pass for the host", hostRow{probed(host(vicEngine(true, all())), "ssh", inventory.Refused), checks.Pass, "nobody-listens"}),
	Entry("refused although nothing permits", hostRow{probed(host(vSPC(false, all())), "ssh", inventory.Refused), checks.Warn, "open-unexpected"}),
	Entry("permitted, and silence", hostRow{probed(host(vicEngine(true, all())), "serial", inventory.Timeout), checks.Fail, "path-blocked"}),
	Entry("permitted, and unreachable", hostRow{probed(host(vicEngine(true, all())), "ssh", inventory.Unreachable), checks.Fail, "path-blocked"}),
	Entry("permitted, and no route", hostRow{probed(host(vicEngine(true, all())), "ssh", inventory.NoRoute), checks.Fail, "path-blocked"}),
	Entry("not permitted, and silence", hostRow{probed(host(vSPC(false, all())), "serial", inventory.Timeout), checks.Fail, "host-blocked"}),
	Entry("a list that nothing was compared with, and silence", hostRow{probed(host(vSPC(true, addresses("10.0.0.9"))), "serial", inventory.Timeout), checks.Fail, "blocked"}),
	Entry("not read, and silence", hostRow{
		probed(with(host(), func(h *inventory.Host) { h.Firewall.Unreadable = "no" }), "serial", inventory.Timeout), checks.Fail, "blocked",
	}),
	Entry("a name that does not resolve", hostRow{probed(host(vicEngine(true, all())), "ssh", inventory.DNS), checks.Fail, "name-unresolved"}),
	Entry("intercepted, proved", hostRow{probed(host(vicEngine(true, all())), "ssh", inventory.Intercepted), checks.Fail, "path-intercepted"}),
	Entry("intercepted, by the port's own state", hostRow{probed(host(vicEngine(true, all())), "serial", inventory.Intercepted), checks.Warn, "path-intercepted"}),
	Entry("could not be tried", hostRow{probed(host(vicEngine(true, all())), "serial", inventory.ProbeError), checks.Unknown, "probe-failed"}),
)

var _ = Describe("cluster-drift", func() {
	member := func(name string, rulesets ...*inventory.Ruleset) inventory.Host {
		h := host(rulesets...)
		h.Name, h.Path, h.Cluster, h.ClusterPath = name, "/dc/host/c/"+name, "c", "/dc/host/c"
		return h
	}
	It("passes a uniform cluster, whichever ruleset opens the port", func() {
		r := only(checks.ClusterDrift, facts(member("a", vSPC(true, all())), member("b", vicEngine(true, all()))))
		Expect(r).To(HaveLen(1))
		Expect(r[0].Status).To(Equal(checks.Pass))
		Expect(r[0].Scope).To(Equal(checks.ScopeCluster))
		Expect(r[0].Subject).To(Equal("/dc/host/c"))
	})
	It("names the hosts that differ", func() {
		r := only(checks.ClusterDrift, facts(member("a", vSPC(true, all())), member("b", vSPC(false, all())), member("d", vSPC(true, all()))))
		Expect(r[0].Status).To(Equal(checks.Warn))
		Expect(r[0].Reason).To(Equal(checks.Drift))
		Expect(r[0].Detail).To(Equal("1 of 3 hosts differ from the rest (permitted): ruleset-disabled on b"))
	})
	It("takes the best verdict for the norm, not the most common one", func() {
		r := only(checks.ClusterDrift, facts(member("a", vSPC(false, all())), member("b", vSPC(true, all())), member("d", vSPC(false, all()))))
		Expect(r[0].Detail).To(Equal("2 of 3 hosts differ from the rest (permitted): ruleset-disabled on a, d"))
	})
	It("takes lists in another order and spelling for equal", func() {
		r := only(checks.ClusterDrift, facts(member("a", vSPC(true, addresses("10.0.0.5", "2001:DB8::1"))), member("b", vSPC(true, addresses("2001:db8::1", "10.0.0.5")))))
		Expect(r[0].Reason).To(Equal(checks.Uniform))
	})
	It("sees lists that differ", func() {
		r := only(checks.ClusterDrift, facts(member("a", vSPC(true, addresses("10.0.0.5"))), member("b", vSPC(true, addresses("10.0.0.6")))))
		Expect(r[0].Reason).To(Equal(checks.Drift))
	})
	It("leaves hosts out that could not be judged, and says when too few are left", func() {
		lost := member("b")
		lost.Connection = inventory.Disconnected
		r := only(checks.ClusterDrift, facts(member("a", vSPC(true, all())), lost))
		Expect(r[0].Status).To(Equal(checks.Skip))
		Expect(r[0].Reason).To(Equal(checks.TooFewHosts))
	})
	It("tells the lists of every port apart", func() {
		req := checks.Requirement{Name: "x", Direction: inventory.Outbound, Protocol: inventory.TCP, Ports: []int{514, 1514}}
		lists := func(second string) []*inventory.Ruleset {
			return []*inventory.Ruleset{
				ruleset("first", true, addresses("10.0.0.5"), outbound(514, 0)), ruleset("second", true, addresses(second), outbound(1514, 0)),
			}
		}
		r := only(checks.ClusterDrift, factsFor(req, member("a", lists("10.0.0.6")...), member("b", lists("10.0.0.7")...)))
		Expect(r[0].Reason).To(Equal(checks.Drift), "the second port's lists differ: %s", r[0].Detail)
		r = only(checks.ClusterDrift, factsFor(req, member("a", lists("10.0.0.6")...), member("b", lists("10.0.0.6")...)))
		Expect(r[0].Reason).To(Equal(checks.Uniform), r[0].Detail)
	})
	It("has nothing to say of standalone hosts", func() {
		Expect(only(checks.ClusterDrift, facts(host(), host()))).To(BeEmpty())
	})
})

var _ = Describe("Select", func() {
	ids := func(list []checks.Check) (out []string) {
		for _, c := range list {
			out = append(out, c.ID)
		}
		return out
	}
	It("takes all by default, in order", func() {
		all, err := checks.Select(checks.Default(), nil, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(ids(all)).To(Equal([]string{"outbound-port", "firewall-state", "host-state", "rule-persistence", "tcp-connect", "cluster-drift", "peer-settings"}))
	})
	It("narrows and leaves out", func() {
		some, err := checks.Select(checks.Default(), []string{"host-state", "outbound-port"}, []string{"host-state"})
		Expect(err).NotTo(HaveOccurred())
		Expect(ids(some)).To(Equal([]string{"outbound-port"}))
	})
	It("names unknown IDs and the known ones", func() {
		_, err := checks.Select(checks.Default(), []string{"port-outbound"}, []string{"nope"})
		var unknown *checks.UnknownIDError
		Expect(err).To(BeAssignableToTypeOf(unknown))
		Expect(err).To(MatchError(`unknown check "port-outbound", "nope"; the checks are: outbound-port, firewall-state, host-state, rule-persistence, tcp-connect, cluster-drift, peer-settings`))
	})
})

var _ = Describe("Status", func() {
	It("is unknown when nobody set it", func() {
		var v checks.Verdict
		Expect(v.Status).To(Equal(checks.Unknown))
	})
	It("orders from fail to skip", func() {
		Expect(slices.IsSortedFunc(checks.Statuses(), func(a, b checks.Status) int {
			if a.Worse(b) {
				return -1
			}
			return 1
		})).To(BeTrue())
		Expect(checks.Worst([]checks.Result{{Verdict: &checks.Verdict{Status: checks.Pass}}, {Verdict: &checks.Verdict{}}, {Verdict: &checks.Verdict{Status: checks.Warn}}})).To(Equal(checks.Unknown))
		Expect(checks.Worst(nil)).To(Equal(checks.Skip))
		Expect(checks.Worst([]checks.Result{{Verdict: &checks.Verdict{Status: checks.Skip}}})).To(Equal(checks.Unknown), "all leave the question out, and nothing was found out")
	})
	It("survives JSON", func() {
		for _, s := range checks.Statuses() {
			text, err := json.Marshal(s)
			Expect(err).NotTo(HaveOccurred())
			var back checks.Status
			Expect(json.Unmarshal(text, &back)).To(Succeed())
			Expect(back).To(Equal(s))
		}
		var s checks.Status
		Expect(json.Unmarshal([]byte(`"green"`), &s)).To(MatchError(ContainSubstring(`"green" is not a status`)))
	})
})

var _ = Describe("every reason", func() {
	It("is explained, once, and failures say what to do", func() {
		seen := map[checks.Reason]bool{}
		for _, e := range checks.Explanations() {
			Expect(seen[e.Reason]).To(BeFalse(), "%s is explained twice", e.Reason)
			seen[e.Reason] = true
			Expect(e.Meaning).To(HaveSuffix("."), string(e.Reason))
			Expect(string(e.Reason)).To(MatchRegexp(`^[a-z]+(-[a-z]+)*$`))
		}
		for range 3000 {
			h, req := randomHost()
			h.Cluster, h.ClusterPath = "c", "/dc/host/c"
			h.Connection = pick(inventory.Connected, inventory.Connected, inventory.NotResponding, inventory.Disconnected)
			h.Maintenance = pick(inventory.Yes, inventory.No)
			other, _ := randomHost()
			other.Cluster, other.ClusterPath, other.Path = "c", "/dc/host/c", "/dc/host/c/other"
			f := factsFor(req, h, other)
			for _, r := range checks.Run(checks.Default(), f) {
				e, ok := checks.Explain(r.Reason)
				Expect(ok).To(BeTrue(), "%s has no explanation", r.Reason)
				if r.Status == checks.Fail {
					Expect(e.Hint).NotTo(BeEmpty(), string(r.Reason))
				}
			}
		}
	})
	It("is none that does not exist", func() {
		_, ok := checks.Explain("no-such-reason")
		Expect(ok).To(BeFalse())
	})
})

var _ = Describe("Pick", func() {
	It("goes by presence: vic-engine, then vSPC, and nothing else", func() {
		pickOf := func(rulesets ...*inventory.Ruleset) string {
			h := host(rulesets...)
			return checks.VIC().Pick(&h)
		}
		Expect(pickOf(vSPC(false, all()), vicEngine(false, all()))).To(Equal("vic-engine"))
		Expect(pickOf(vSPC(false, all()))).To(Equal("vSPC"))
		Expect(pickOf(nfs(false, all()), ruleset("remoteSerialPort", false, all(), outbound(0, 65535)))).To(BeEmpty())
	})
	It("takes neither vic-engine nor, unasked, all outbound TCP for another port", func() {
		h := host(vSPC(false, all()), vicEngine(false, all()), ruleset("syslog", false, all(), outbound(514, 0), outbound(1514, 0)))
		Expect(vicAt(9000).Pick(&h)).To(BeEmpty())
		Expect(vicAt(1514).Pick(&h)).To(BeEmpty())
	})
	It("takes the narrowest that lasts before one that opens all", func() {
		h := host(vSPC(false, all()), ruleset("site", false, all(), outbound(2377, 0)), ruleset("vmware-vic", false, all(), outbound(2377, 0)))
		Expect(checks.VIC().Pick(&h)).To(Equal("vmware-vic"), "whether the site's own lasts is not known")
		h = host(vSPC(false, all()), ruleset("vicoutgoing", false, all(), outbound(2377, 0)))
		Expect(checks.VIC().Pick(&h)).To(Equal("vSPC"), "vicoutgoing is lost at the next reboot")
		locked := ruleset("vmware-vic", false, all(), outbound(2377, 0))
		locked.UserControllable = inventory.No
		h = host(vSPC(false, all()), locked)
		Expect(checks.VIC().Pick(&h)).To(Equal("vSPC"))
	})
})

var _ = It("BuiltIn knows ESXi's own keys, in any case, and no others", func() {
	for _, key := range []string{"vic-engine", "vSPC", "VSPC", "sshserver", "fdm", "vit", "IKED", "vprobeServer", "netDump"} {
		Expect(checks.BuiltIn(key)).To(BeTrue(), key)
	}
	for _, key := range []string{"", "vmware-vic", "vicoutgoing", "vic", "vic-engine2", "nsx-mpa"} {
		Expect(checks.BuiltIn(key)).To(BeFalse(), key)
	}
})

var _ = DescribeTable("a new ruleset is called by what it is for", func(vib, hand string, names ...string) {
	var reqs []checks.Requirement
	for _, name := range names {
		req := checks.VIC()
		if name != "vic" {
			req.Name, req.Accept = name, []string{"vSPC"}
		}
		reqs = append(reqs, req)
	}
	Expect(checks.NewKey(checks.FromVIB, reqs...)).To(Equal(vib))
	Expect(checks.NewKey(checks.ByHand, reqs...)).To(Equal(hand))
	for key, from := range map[string]checks.Source{vib: checks.FromVIB, hand: checks.ByHand} {
		Expect(checks.SourceOf(key)).To(Equal(from))
		Expect(checks.KeyFree(key, from, reqs...)).To(Succeed())
	}
},
	Entry("a virtual container host", "vmware-vic", "vicoutgoing", "vic"),
	Entry("a profile", "preflight-ntp", "byhand-ntp", "ntp"),
	Entry("one of a profile", "preflight-syslog-ssl-6514", "byhand-syslog-ssl-6514", "syslog-ssl-6514"),
	Entry("all of a profile", "preflight-vddk-nbd", "byhand-vddk-nbd", "vddk-nbd-data", "vddk-nbd-control"),
	Entry("two of which one begins the other", "preflight-a-b", "byhand-a-b", "a-b-c", "a-b"),
	Entry("two profiles", "preflight-syslog-udp-ntp", "byhand-syslog-udp-ntp", "syslog-udp", "ntp"),
	Entry("two, of which one has several", "preflight-vddk-nbd-ntp", "byhand-vddk-nbd-ntp", "vddk-nbd-data", "vddk-nbd-control", "ntp"),
)

var _ = It("a rule written by hand takes no key of a VIB's for another requirement", func() {
	req := checks.VIC()
	req.Name, req.Accept = "ntp", nil
	err := checks.KeyFree("Preflight-ntp", checks.ByHand, req)
	Expect(err).To(MatchError(ContainSubstring("is the key of a VIB's ruleset")))
	var taken *checks.KeyTakenError
	Expect(errors.As(err, &taken)).To(BeTrue())
	Expect(taken.Hints).To(ContainElement(ContainSubstring("byhand-ntp")))
})

var _ = It("KeyFree takes keys that differ by case alone for one", func() {
	for _, key := range []string{"VMware-VIC", "NSX-mpa"} {
		Expect(checks.KeyFree(key, checks.ByHand, checks.VIC())).To(MatchError(ContainSubstring("is the key of a VIB's ruleset")), key)
	}
	Expect(checks.KeyFree("VIT", checks.FromVIB, checks.VIC())).To(MatchError(ContainSubstring("ESXi brings itself")))
	Expect(checks.KeyFree("vmware-vic", checks.FromVIB, checks.VIC())).To(Succeed())
})

var _ = DescribeTable("BreadthOf",
	func(rs *inventory.Ruleset, want checks.Breadth) { Expect(checks.VIC().BreadthOf(rs)).To(Equal(want)) },
	Entry("one port", vicEngine(true, all()), checks.Dedicated),
	Entry("sixteen ports", ruleset("x", true, all(), outbound(2370, 2385)), checks.Dedicated),
	Entry("seventeen ports", ruleset("x", true, all(), outbound(2370, 2386)), checks.Broad),
	Entry("overlapping rules count once", ruleset("x", true, all(), outbound(2370, 2379), outbound(2375, 2384)), checks.Dedicated),
	Entry("two far ranges add up", ruleset("x", true, all(), outbound(2370, 2379), outbound(9000, 9009)), checks.Broad),
	Entry("all TCP", vSPC(true, all()), checks.Broad),
	Entry("remoteSerialPort", ruleset("remoteSerialPort", true, all(), outbound(0, 65535)), checks.Broad),
	Entry("a broad one of the site's own", ruleset("everything", true, all(), outbound(0, 65535)), checks.Broad),
	Entry("NFS", nfs(true, all()), checks.Borrowed),
)

var _ = DescribeTable("UnavailableHint has a way out for each cause", func(detail, says string) {
	Expect(checks.UnavailableHint(detail)).To(ContainSubstring(says))
},
	Entry("a privilege", "its firewall could not be read: the account lacks the privilege System.Read", "Give the account the privilege"),
	Entry("no permission", "its firewall could not be read: the account has no permission", "System.Read"),
	Entry("the session", "its firewall could not be read: the session has expired, and could not be renewed", "ended twice"),
	Entry("the clock", "its firewall could not be read: the time ran out", "--timeout"),
	Entry("an end before", "its firewall was not read", "--timeout"),
	Entry("a host that is gone", "its firewall could not be read: it is no longer in the inventory", "removed"),
	Entry("nonsense", "its firewall could not be read: the answer cannot be read: XML syntax error", "nonsense"),
	Entry("an empty list", "the list of rulesets that was read is empty, and there is no ESXi without any", "esxcli"),
)

var _ = DescribeTable("Pick takes what people switch for programs of their own, and the narrowest", func(port int, want, pick string, rulesets ...*inventory.Ruleset) {
	req := checks.VIC().At(port)
	h := host(rulesets...)
	v := verdictOn(&h, req)
	Expect(v.Reason).To(Equal(checks.RulesetDisabled), v.Detail)
	Expect(v.Decides).To(Equal([]string{want}))
	Expect(req.Pick(&h)).To(Equal(pick))
},
	Entry("sshClient", 22, "sshClient", "sshClient", everything("remoteSerialPort"), ruleset("sshClient", false, all(), outbound(22, 0)), everything("vSPC")),
	Entry("ftpClient", 21, "ftpClient", "ftpClient", everything("vSPC"), ruleset("ftpClient", false, all(), outbound(21, 0))),
	Entry("httpClient", 80, "httpClient", "httpClient", ruleset("httpClient", false, all(), outbound(80, 0), outbound(443, 0)), ruleset("faultTolerance", false, all(), outbound(80, 0))),
	Entry("of two of the site's, the one that opens less besides", 4711, "preflight-b", "preflight-b",
		ruleset("preflight-a", false, all(), outbound(4711, 0), inventory.Rule{Port: 4711, Direction: "inbound", Protocol: "tcp"}), ruleset("preflight-b", false, all(), outbound(4711, 0))),
	Entry("of two broad ones none by itself, and the narrower to name", 25, "vSPC", "", everything("remoteSerialPort"), everything("vSPC")),
)

var _ = It("a broad ruleset is not named without what it opens besides", func() {
	h := host(everything("vSPC"))
	Expect(verdictOn(&h, checks.VIC().At(25)).Detail).To(Equal("vSPC would let TCP 25 out, and all other outbound TCP too, but it is disabled"))
	h = host(ruleset("sshClient", false, all(), outbound(22, 0)))
	Expect(verdictOn(&h, checks.VIC().At(22)).Detail).To(Equal("sshClient would let TCP 22 out, but it is disabled"))
})

// everything is a disabled ruleset that opens all outbound TCP; remoteSerialPort lets more in.
func everything(key string) *inventory.Ruleset {
	rs := ruleset(key, false, all(), outbound(0, 65535))
	if key == "remoteSerialPort" {
		rs.Rules = append(rs.Rules, inventory.Rule{Port: 1024, EndPort: 65535, Direction: "inbound", Protocol: "tcp"})
	}
	return rs
}
