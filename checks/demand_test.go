package checks_test

import (
	"net/netip"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

func on(id string, h inventory.Host) inventory.Host {
	h.ID, h.Name, h.Path, h.Cluster, h.ClusterPath = id, id, "/dc1/host/c1/"+id, "c1", "/dc1/host/c1"
	return h
}

// logs is what two hosts ask for by their settings, each of its own collector.
func logs() checks.Requirement {
	return checks.Requirement{
		Name: "syslog-tcp", Direction: "outbound", Protocol: "tcp", Ports: []int{514}, Prefer: []string{"syslog"},
		Of: map[string]*checks.Demand{
			"host-1": {Peers: peers("10.0.0.8"), From: "Syslog.global.logHost: tcp://10.0.0.8"},
			"host-2": {Peers: peers("10.0.0.9"), From: "Syslog.global.logHost: tcp://10.0.0.9"},
			"host-3": {Unnamed: []string{"logs.example"}, From: "Syslog.global.logHost: tcp://logs.example"},
			"host-4": {Peers: peers("10.0.0.8"), Unnamed: []string{"logs.example"}, From: "Syslog.global.logHost: tcp://10.0.0.8, tcp://logs.example"},
		},
		Words: checks.Words{Peer: "a log collector", PeerOption: "--peer"},
	}
}

func syslog(enabled bool, allowed *inventory.AllowedHosts) *inventory.Ruleset {
	return ruleset("syslog", enabled, allowed, outbound(514, 0))
}

var _ = DescribeTable("what a host asks for by its own settings is judged by its own peers", func(id string, rs *inventory.Ruleset, status checks.Status, reason checks.Reason, says string) {
	results := only(checks.OutboundPort, factsFor(logs(), on(id, host(rs))))
	Expect(results).To(HaveLen(1))
	Expect(results[0].Status).To(Equal(status), results[0].Detail)
	Expect(results[0].Reason).To(Equal(reason), results[0].Detail)
	Expect(results[0].Detail).To(ContainSubstring(says))
},
	Entry("its own is in the list", "host-1", syslog(true, addresses("10.0.0.8")), checks.Pass, checks.Permitted, "syslog lets TCP 514 out to 10.0.0.8 (Syslog.global.logHost: tcp://10.0.0.8)"),
	Entry("another's is in the list", "host-2", syslog(true, addresses("10.0.0.8")), checks.Fail, checks.AllowedHostsExcludePeer, "leaves out 10.0.0.9 (Syslog.global.logHost: tcp://10.0.0.9)"),
	Entry("a name, and everybody passes", "host-3", syslog(true, all()), checks.Pass, checks.Permitted, "to any address (Syslog"),
	Entry("a name, and a list", "host-3", syslog(true, addresses("10.0.0.8")), checks.Warn, checks.AllowedHostsUnverified, "whether that has logs.example is not known: a list holds addresses"),
	Entry("a name besides, and a list that has the rest", "host-4", syslog(true, addresses("10.0.0.8")), checks.Warn, checks.AllowedHostsUnverified, "logs.example"),
	Entry("a name besides, and a list that lacks the rest", "host-4", syslog(true, addresses("10.0.0.9")), checks.Fail, checks.AllowedHostsExcludePeer, "leaves out 10.0.0.8"),
	Entry("a name, and nobody passes", "host-3", syslog(true, addresses()), checks.Fail, checks.AllowedHostsExcludePeer, "an empty list"),
	Entry("disabled", "host-3", syslog(false, all()), checks.Fail, checks.RulesetDisabled, "(Syslog.global.logHost: tcp://logs.example)"),
)

var _ = Describe("a requirement of some hosts", func() {
	It("has no result of the others, and hosts of one firewall keep their own verdicts", func() {
		shared := []*inventory.Ruleset{syslog(true, addresses("10.0.0.8"))}
		hosts := []inventory.Host{on("host-1", host()), on("host-2", host()), on("host-9", host())}
		for i := range hosts {
			hosts[i].Firewall.Rulesets = shared
		}
		f := factsFor(logs(), hosts...)
		results := only(checks.OutboundPort, f)
		Expect(results).To(HaveLen(2))
		Expect(results[0].Status).To(Equal(checks.Pass))
		Expect(results[1].Status).To(Equal(checks.Fail))
		Expect(only(checks.RulePersistence, f)).To(HaveLen(2))
		Expect(only(checks.ClusterDrift, f)).To(HaveLen(1))
	})
	DescribeTable("hosts of one firewall share no verdict where they differ", func(one, other checks.Demand, detail string) {
		req := logs()
		req.Of = map[string]*checks.Demand{"host-1": &one, "host-2": &other}
		hosts := []inventory.Host{on("host-1", host()), on("host-2", host())}
		shared := []*inventory.Ruleset{syslog(true, addresses("10.0.0.8"))}
		hosts[0].Firewall.Rulesets, hosts[1].Firewall.Rulesets = shared, shared
		for _, order := range [][]int{{0, 1}, {1, 0}} {
			judge := checks.NewJudge(req)
			first, _ := judge.Host(&hosts[order[0]])
			second, _ := judge.Host(&hosts[order[1]])
			of := map[string]string{first.Host.ID: first.Port.Detail, second.Host.ID: second.Port.Detail}
			Expect(of["host-1"]).NotTo(ContainSubstring(detail), "host-1 has host-2's verdict")
			Expect(of["host-2"]).To(ContainSubstring(detail), "host-2 has host-1's verdict")
		}
	},
		// A long setting is not told in full: what is left of it can be the same.
		Entry("in their peers", checks.Demand{Peers: peers("10.0.0.8"), From: "a, and 2 more"}, checks.Demand{Peers: peers("10.0.0.9"), From: "a, and 2 more"}, "leaves out 10.0.0.9"),
		Entry("in peers that are known by a name", checks.Demand{Peers: peers("10.0.0.8"), Unnamed: []string{"logs1"}, From: "a"},
			checks.Demand{Peers: peers("10.0.0.8"), Unnamed: []string{"logs2"}, From: "a"}, "whether that has logs2 is not known"),
		Entry("in the setting that names their peers", checks.Demand{Peers: peers("10.0.0.8"), From: "tcp://10.0.0.8"}, checks.Demand{Peers: peers("10.0.0.8"), From: "tcp://10.0.0.8:514"}, "(tcp://10.0.0.8:514)"),
	)
	It("compares those hosts alone, wherever they stand", func() {
		f := factsFor(logs(), on("host-9", host()), on("host-1", host(syslog(true, all()))), on("host-2", host(syslog(false, all()))))
		drift := only(checks.ClusterDrift, f)
		Expect(drift).To(HaveLen(1))
		Expect(drift[0].Reason).To(Equal(checks.Drift))
		Expect(drift[0].Detail).To(ContainSubstring("ruleset-disabled on host-2"))
		Expect(drift[0].Detail).NotTo(ContainSubstring("host-9"))
	})
	It("is not of hosts that are older than it, unless their version is not known", func() {
		req := checks.Requirement{Name: "x", Direction: "inbound", Protocol: "tcp", Ports: []int{443}, Since: "8.0.2"}
		for version, want := range map[string]bool{"8.0.1": false, "7.0.3": false, "8.0.2": true, "8.0.10": true, "9.0.0": true, "": true} {
			_, got := req.For(&inventory.Host{Version: version})
			Expect(got).To(Equal(want), version)
		}
	})
})

var _ = DescribeTable("who switches a ruleset is told by the host before the requirement", func(req checks.Requirement, rs inventory.Ruleset, by checks.Owner, daemon string, reason checks.Reason) {
	gotBy, gotDaemon := req.SwitchedBy(&rs)
	Expect(gotBy).To(Equal(by))
	Expect(gotDaemon).To(Equal(daemon))
	rs.Rules, rs.Allowed = []inventory.Rule{outbound(514, 0)}, all()
	h := host(&rs)
	Expect(verdictOn(&h, req).Reason).To(Equal(reason))
},
	Entry("nobody says", madeFor("", ""), inventory.Ruleset{Key: "syslog"}, checks.ByUser, "", checks.RulesetDisabled),
	Entry("the profile says host", madeFor(checks.ByHost, ""), inventory.Ruleset{Key: "syslog"}, checks.ByHost, "", checks.SwitchedByHost),
	Entry("the profile says host, the host user", madeFor(checks.ByHost, ""), inventory.Ruleset{Key: "syslog", UserControllable: inventory.Yes}, checks.ByUser, "", checks.RulesetDisabled),
	Entry("the profile says service", madeFor(checks.ByService, "ntpd"), inventory.Ruleset{Key: "syslog"}, checks.ByService, "ntpd", checks.SwitchedByService),
	Entry("the profile says service, and the host that users do not", madeFor(checks.ByService, "ntpd"), inventory.Ruleset{Key: "syslog", UserControllable: inventory.No}, checks.ByService, "ntpd", checks.SwitchedByService),
	Entry("the host names another service", madeFor(checks.ByService, "ntpd"), inventory.Ruleset{Key: "syslog", Service: "chronyd"}, checks.ByService, "chronyd", checks.SwitchedByService),
	Entry("the host says that users do not", madeFor(checks.ByUser, ""), inventory.Ruleset{Key: "syslog", UserControllable: inventory.No}, checks.ByHost, "", checks.RulesetDisabled),
	Entry("another ruleset than the profile's", madeFor(checks.ByHost, ""), inventory.Ruleset{Key: "site"}, checks.ByUser, "", checks.RulesetDisabled),
)

func madeFor(by checks.Owner, daemon string) checks.Requirement {
	return checks.Requirement{Name: "x", Direction: "outbound", Protocol: "tcp", Ports: []int{514}, Prefer: []string{"syslog"}, Owner: by, Daemon: daemon}
}

var _ = DescribeTable("what ESXi itself opens when it is needed is not missed until then", func(momentary bool, demanded bool, rs *inventory.Ruleset, status checks.Status, reason checks.Reason) {
	req := madeFor(checks.ByHost, "")
	req.Switched, req.Momentary = "by the first mount", momentary
	req.Peers = []netip.Prefix{peers("10.0.0.9")[0]}
	if demanded {
		req.Of = map[string]*checks.Demand{"host-1": {Peers: req.Peers, From: "NFS datastores: 10.0.0.9"}}
	}
	h := on("host-1", host(rs))
	v := verdictOn(&h, req)
	Expect(v.Status).To(Equal(status), v.Detail)
	Expect(v.Reason).To(Equal(reason), v.Detail)
},
	Entry("before the mount", false, false, syslog(false, all()), checks.Skip, checks.SwitchedWhenNeeded),
	Entry("before the mount, for others' list", false, false, syslog(true, addresses("10.0.0.8")), checks.Skip, checks.SwitchedWhenNeeded),
	Entry("mounted, and shut", false, true, syslog(false, all()), checks.Fail, checks.SwitchedByHost),
	Entry("mounted, and left out", false, true, syslog(true, addresses("10.0.0.8")), checks.Fail, checks.AllowedHostsExcludePeer),
	Entry("mounted, and open", false, true, syslog(true, addresses("10.0.0.9")), checks.Pass, checks.Permitted),
	Entry("for a moment, set up, and shut", true, true, syslog(false, all()), checks.Skip, checks.SwitchedWhenNeeded),
	Entry("for a moment, by no ruleset that the host has", true, true, ruleset("syslog", false, all(), outbound(515, 0)), checks.Fail, checks.NoRuleset),
	Entry("before the mount, by no ruleset that the host has", false, false, ruleset("site", false, all(), outbound(514, 0)), checks.Fail, checks.RulesetDisabled),
	Entry("a list that is not told is not known all the same", true, true, syslog(true, nil), checks.Unknown, checks.FactsUnavailable),
)

var _ = It("what ESXi opens when it is needed does not pass by another of its ports", func() {
	req := madeFor(checks.ByHost, "")
	req.Switched = "by the first mount"
	for _, ports := range [][]int{{111, 514}, {514, 111}} {
		req.Ports = ports
		h := host(syslog(false, all()), ruleset("site", true, all(), outbound(111, 0)))
		v := verdictOn(&h, req)
		Expect(v.Status).To(Equal(checks.Skip), v.Detail)
		Expect(v.Reason).To(Equal(checks.SwitchedWhenNeeded))
	}
})

var _ = It("a port that passes by the default action is not hidden by another one of which lists overlap", func() {
	req := madeFor(checks.ByUser, "")
	req.Peers = peers("10.0.0.9")
	for _, ports := range [][]int{{111, 514}, {514, 111}} {
		req.Ports = ports
		h := host(syslog(true, all()), ruleset("site", true, addresses("10.0.0.8"), outbound(500, 600)))
		h.Firewall.Switch.DefaultPass = inventory.Yes
		v := verdictOn(&h, req)
		Expect(v.Reason).To(Equal(checks.DefaultPass), v.Detail)
		Expect(v.Detail).To(ContainSubstring("is not documented"))
	}
})

var _ = DescribeTable("peer-settings", func(settings []inventory.PeerSetting, status checks.Status, says string) {
	results := only(checks.PeerSettings, facts(with(host(), func(h *inventory.Host) { h.PeerSettings = settings })))
	if settings == nil {
		Expect(results).To(BeEmpty())
		return
	}
	Expect(results).To(HaveLen(1))
	Expect(results[0].Status).To(Equal(status))
	Expect(results[0].Detail).To(ContainSubstring(says))
},
	Entry("were not asked for", nil, checks.Unknown, ""),
	Entry("name nobody", []inventory.PeerSetting{{Name: "NTP servers"}}, checks.Pass, "no setting of the host names a peer"),
	Entry("name peers", []inventory.PeerSetting{{Name: "NTP servers", Values: []string{"a", "b"}, Unnamed: []string{"another"}}}, checks.Pass, "NTP servers: a, b, another"),
	Entry("are unreadable in part", []inventory.PeerSetting{{Name: "NTP servers", Values: []string{"a"}}, {Name: "NFS datastores", Unreadable: "no permission"}}, checks.Unknown, "NFS datastores: no permission"),
	Entry("name very many", []inventory.PeerSetting{{Name: "x", Values: []string{"1", "2", "3", "4", "5", "6", "7", "8"}}}, checks.Pass, "x: 1, 2, 3, 4, 5, 6 and 2 more"),
)
