package checks_test

import (
	"net/netip"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// collector and mover are requirements as profiles have them: one outbound, one inbound.
func collector(peers ...string) checks.Requirement {
	req := checks.VIC(prefixes(peers)...)
	req.Name, req.Peer, req.PeerOption = "syslog-tcp", "a log collector", "--peer"
	return req
}

func mover(peers ...string) checks.Requirement {
	return checks.Requirement{
		Name: "vddk", Direction: inventory.Inbound, Protocol: inventory.TCP, Ports: []int{902}, Peers: prefixes(peers),
		Prefer: []string{"NFC"}, Owner: checks.ByHost, Words: checks.Words{Peer: "a backup proxy", PeerOption: "--peer", Breaks: "nothing is read"},
	}
}

func prefixes(texts []string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

type connectRow struct {
	req    checks.Requirement
	host   inventory.Host
	probes []inventory.Probe
	status checks.Status
	reason checks.Reason
	detail string
}

var _ = DescribeTable("tcp-connect of profiles", func(row connectRow) {
	for i := range row.probes {
		row.probes[i].Requirement = row.req.Name
	}
	// What was tried for another requirement counts for nothing.
	row.host.Probes = append(row.probes, inventory.Probe{Requirement: "another", Outcome: inventory.Timeout})
	results := only(checks.TCPConnect, factsFor(row.req, row.host))
	Expect(results).To(HaveLen(1))
	Expect(results[0].Status).To(Equal(row.status), results[0].Detail)
	Expect(results[0].Reason).To(Equal(row.reason), results[0].Detail)
	Expect(results[0].Detail).To(ContainSubstring(row.detail))
	if row.reason == checks.Accepted {
		Expect(results[0].Note).To(ContainSubstring("who accepted is not proved"))
	}
},
	Entry("UDP, whatever was tried", connectRow{
		func() checks.Requirement { r := collector(); r.Protocol = inventory.UDP; return r }(), host(vicEngine(true, all())),
		[]inventory.Probe{{Outcome: inventory.Open}},
		checks.Skip, "not-provable", "UDP does not answer",
	}),
	Entry("nothing tried, outbound", connectRow{collector(), host(vicEngine(true, all())), nil, checks.Skip, "not-probed", "from the host"}),
	Entry("nothing tried, inbound", connectRow{mover(), host(nfc(true, all())), nil, checks.Skip, "not-probed", "--probe local"}),
	Entry("nothing tried, between hosts", connectRow{
		func() checks.Requirement { r := mover(); r.AmongHosts = true; return r }(), host(nfc(true, all())), nil, checks.Skip, "not-probed", "--probe ssh",
	}),
	Entry("all left out", connectRow{
		collector(), host(vicEngine(true, all())), []inventory.Probe{{Target: "10.0.0.0/24", Cause: "a network"}}, checks.Skip, "not-probed", "10.0.0.0/24 (a network)",
	}),
	Entry("accepted by a service", connectRow{
		collector(), host(vicEngine(true, all())),
		[]inventory.Probe{{Target: "10.0.0.9:514", Outcome: inventory.OpenUnverified}},
		checks.Pass, "accepted", "10.0.0.9:514: the connection was accepted in 0s, and who accepted it is not proved",
	}),
	Entry("accepted, with a doubt", connectRow{
		collector(), host(vicEngine(true, all())),
		[]inventory.Probe{{Outcome: inventory.OpenUnverified, Doubt: "from this machine nobody listens there"}},
		checks.Warn, "reachable-unverified", "from this machine nobody listens there",
	}),
	Entry("accepted although nothing permits", connectRow{
		collector(), host(vSPC(false, all())), []inventory.Probe{{Outcome: inventory.OpenUnverified}}, checks.Warn, "open-unexpected", "",
	}),
	Entry("the worst of several counts, and is named", connectRow{
		collector(), host(vicEngine(true, all())),
		[]inventory.Probe{{Target: "10.0.0.9:514", Outcome: inventory.OpenUnverified}, {Target: "10.0.0.8:514", Outcome: inventory.Timeout}},
		checks.Fail, "path-blocked", "10.0.0.8:514: the rulesets permit",
	}),
	Entry("several that pass are all named", connectRow{
		collector(), host(vicEngine(true, all())),
		[]inventory.Probe{{Target: "10.0.0.9:514", Outcome: inventory.OpenUnverified}, {Target: "10.0.0.8:514", Outcome: inventory.OpenUnverified}},
		checks.Pass, "accepted", "; 10.0.0.8:514: ",
	}),
	Entry("what was left out is named beside what was tried", connectRow{
		collector(), host(vicEngine(true, all())),
		[]inventory.Probe{{Target: "10.0.0.9:514", Outcome: inventory.OpenUnverified}, {Target: "10.0.0.5:514", Cause: "4 are enough"}},
		checks.Pass, "accepted", "; not tried: 10.0.0.5:514 (4 are enough)",
	}),
	Entry("inbound, accepted", connectRow{
		mover(), host(nfc(true, all())),
		[]inventory.Probe{{Vantage: "local", Outcome: inventory.OpenUnverified, From: "this machine", Target: "esx1:902"}},
		checks.Pass, "accepted", "esx1:902 from this machine: ",
	}),
	Entry("inbound, and ESXi itself answered", connectRow{
		mover(), host(nfc(true, all())), []inventory.Probe{{Outcome: inventory.Open}}, checks.Pass, "reachable", "got through to the host",
	}),
	Entry("inbound, refused", connectRow{
		mover(), host(nfc(true, all())), []inventory.Probe{{Outcome: inventory.Refused}}, checks.Warn, "nobody-listens", "the host refused the connection",
	}),
	Entry("inbound, permitted and silent", connectRow{
		mover(), host(nfc(true, all())), []inventory.Probe{{Outcome: inventory.Timeout}}, checks.Fail, "path-blocked", "",
	}),
	Entry("inbound, shut and silent", connectRow{
		mover(), host(nfc(false, all())), []inventory.Probe{{Outcome: inventory.Timeout}}, checks.Fail, "host-blocked", "",
	}),
	Entry("inbound, a list that nothing was compared with, and silence", connectRow{
		mover(), host(nfc(true, addresses("10.0.0.9"))), []inventory.Probe{{Outcome: inventory.Timeout}}, checks.Fail, "blocked", "",
	}),
	Entry("inbound, from one of the peers", connectRow{
		mover("10.0.0.0/24"), host(nfc(true, all())), []inventory.Probe{{Outcome: inventory.OpenUnverified, Peer: "10.0.0.7"}}, checks.Pass, "accepted", "",
	}),
	Entry("inbound, got through from a machine that is no peer", connectRow{
		mover("10.0.0.9/32"), host(nfc(true, all())),
		[]inventory.Probe{{Outcome: inventory.OpenUnverified, Peer: "10.0.0.7"}},
		checks.Warn, "not-the-peer", "this machine, 10.0.0.7, is none of the peers 10.0.0.9",
	}),
	Entry("inbound, silence for a machine that is no peer accuses nobody", connectRow{
		mover("10.0.0.9/32"), host(nfc(true, addresses("10.0.0.9"))),
		[]inventory.Probe{{Outcome: inventory.Timeout, Peer: "10.0.0.7"}},
		checks.Warn, "not-the-peer", "",
	}),
	Entry("inbound, peers that the host's own settings name", connectRow{
		func() checks.Requirement {
			r := mover()
			r.Of = map[string]*checks.Demand{host().ID: {Peers: prefixes([]string{"10.0.0.9/32"}), From: "a setting: 10.0.0.9"}}
			return r
		}(),
		host(nfc(true, all())),
		[]inventory.Probe{{Outcome: inventory.OpenUnverified, Peer: "10.0.0.7"}},
		checks.Skip, "not-the-peer", "",
	}),
	Entry("inbound, from an address that is not known", connectRow{
		mover("10.0.0.9/32"), host(nfc(true, all())), []inventory.Probe{{Outcome: inventory.OpenUnverified}}, checks.Warn, "not-the-peer", "",
	}),
	Entry("inbound, the host's name does not resolve", connectRow{
		mover(), host(nfc(true, all())), []inventory.Probe{{Outcome: inventory.DNS}}, checks.Unknown, "probe-failed", "the host's name",
	}),
	Entry("silence where ESXi opens when it is needed", connectRow{
		func() checks.Requirement {
			r := mover()
			r.Switched, r.Momentary = "for an exchange", true
			return r
		}(),
		host(nfc(false, all())),
		[]inventory.Probe{{Outcome: inventory.Timeout}},
		checks.Skip, "switched-when-needed", "",
	}),
)

var _ = DescribeTable("connections settle lists that overlap only where all of them were answered, and they were those of the peers", func(settled bool, req checks.Requirement, probes ...inventory.Probe) {
	h := host(
		ruleset("site", true, all(), outbound(2377, 0), outbound(2378, 0)),
		ruleset("wide", true, addresses("10.0.0.9"), outbound(1, 65535)),
	)
	if req.Direction == inventory.Inbound {
		h = host(ruleset("site", true, all(), rule("inbound", "tcp", 902, 0)), ruleset("wide", true, addresses("10.0.0.9"), rule("inbound", "tcp", 1, 65535)))
	}
	for i := range probes {
		probes[i].Requirement = req.Name
	}
	h.Probes = probes
	want := checks.ListsOverlap
	if settled {
		want = checks.Permitted
	}
	Expect(verdictOn(&h, req).Reason).To(Equal(want))
},
	Entry("none", false, collector("10.0.0.5/32")),
	Entry("one that a service accepted", true, collector("10.0.0.5/32"), refusedAt("10.0.0.5:2377")),
	Entry("one that a service accepted", true, collector("10.0.0.5/32"), inventory.Probe{Target: "10.0.0.5:2377", Outcome: inventory.OpenUnverified}),
	Entry("one in doubt", false, collector("10.0.0.5/32"), inventory.Probe{Target: "10.0.0.5:2377", Outcome: inventory.OpenUnverified, Doubt: "x"}),
	Entry("one of two", false, collector("10.0.0.5/32"), refusedAt("10.0.0.5:2377"), inventory.Probe{Target: "10.0.0.5:2377", Outcome: inventory.Timeout}),
	Entry("one, and one that was left out", false, collector("10.0.0.5/32"), refusedAt("10.0.0.5:2377"), inventory.Probe{}),
	Entry("one to another address, which the list has", false, collector("10.0.0.5/32"), refusedAt("10.0.0.9:2377")),
	Entry("one to another port", false, collector("10.0.0.5/32"), refusedAt("10.0.0.5:2378")),
	Entry("one to a port that ends alike", false, collector("10.0.0.5/32"), refusedAt("10.0.0.5:12377")),
	Entry("one to one of two peers", false, collector("10.0.0.5/32", "10.0.0.6/32"), refusedAt("10.0.0.5:2377")),
	Entry("one to each of two peers", true, collector("10.0.0.5/32", "10.0.0.6/32"), refusedAt("10.0.0.5:2377"), refusedAt("10.0.0.6:2377")),
	Entry("one at one of two ports", false, collector("10.0.0.5/32").At(2377, 2378), refusedAt("10.0.0.5:2377")),
	Entry("one at each of two ports", true, collector("10.0.0.5/32").At(2377, 2378), refusedAt("10.0.0.5:2377"), refusedAt("10.0.0.5:2378")),
	Entry("one to an address of a network", false, collector("10.0.0.0/29"), refusedAt("10.0.0.5:2377")),
	Entry("one, where no peer is known", false, collector(), refusedAt("10.0.0.5:2377")),
	Entry("one to IPv6", true, collector("fd00::5/128"), refusedAt("[fd00::5]:2377")),
	Entry("one to a name that may be another machine's", false, collector("10.0.0.5/32"), refusedAt("logs.example:2377")),
	Entry("one to a peer by its name", true, named("logs.example"), refusedAt("LOGS.example:2377")),
	Entry("one to a peer by another name", false, named("logs.example"), refusedAt("other.example:2377")),
	Entry("one of the peer to the host", true, mover("10.0.0.5/32"), inventory.Probe{Target: "esx1:902", Peer: "10.0.0.5", Outcome: inventory.Open}),
	Entry("one of another machine to the host", false, mover("10.0.0.5/32", "10.0.0.9/32"), inventory.Probe{Target: "esx1:902", Peer: "10.0.0.9", Outcome: inventory.Open}),
)

func refusedAt(target string) inventory.Probe {
	return inventory.Probe{Target: target, Outcome: inventory.Refused}
}

// named is a collector that the host's settings name.
func named(name string) checks.Requirement {
	r := collector()
	r.Of = map[string]*checks.Demand{host().ID: {Unnamed: []string{name}, From: "a setting"}}
	return r
}
