package checks_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// Shorthands for the facts of one host.

func outbound(port, end int) inventory.Rule {
	return inventory.Rule{Port: port, EndPort: end, Direction: "outbound", PortType: "dst", Protocol: "tcp"}
}

func all() *inventory.AllowedHosts { return &inventory.AllowedHosts{All: true} }

func addresses(list ...string) *inventory.AllowedHosts { return &inventory.AllowedHosts{Addrs: list} }

func networks(address string, bits int) *inventory.AllowedHosts {
	return &inventory.AllowedHosts{Networks: []inventory.Network{{Address: address, Bits: bits}}}
}

func ruleset(key string, enabled bool, allowed *inventory.AllowedHosts, rules ...inventory.Rule) *inventory.Ruleset {
	return &inventory.Ruleset{Key: key, Enabled: enabled, Allowed: allowed, Rules: rules}
}

func vicEngine(enabled bool, allowed *inventory.AllowedHosts) *inventory.Ruleset {
	return ruleset("vic-engine", enabled, allowed, outbound(2377, 0))
}

func vSPC(enabled bool, allowed *inventory.AllowedHosts) *inventory.Ruleset {
	return ruleset("vSPC", enabled, allowed, outbound(0, 65535))
}

func nfs(enabled bool, allowed *inventory.AllowedHosts) *inventory.Ruleset {
	return ruleset("nfsClient", enabled, allowed, outbound(0, 65535))
}

// host has the rulesets, and one that has nothing to do with them, as there is no
// ESXi without any.
func host(rulesets ...*inventory.Ruleset) inventory.Host {
	rulesets = append(slices.Clone(rulesets), ruleset("sshServer", true, all(), inventory.Rule{Port: 22, Direction: "inbound", PortType: "dst", Protocol: "tcp"}))
	return inventory.Host{
		Name: "esx1.example", Path: "/dc1/host/c1/esx1.example", Connection: inventory.Connected,
		Firewall: inventory.Firewall{
			ID: "fw-1", OutgoingBlocked: inventory.Yes, Rulesets: rulesets,
			Switch: inventory.Switch{Enabled: inventory.Yes, Loaded: inventory.Yes, DefaultPass: inventory.No},
		},
	}
}

func with(h inventory.Host, change func(*inventory.Host)) inventory.Host {
	change(&h)
	return h
}

func peers(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		p, err := inventory.ParsePrefix(s)
		if err != nil {
			panic(err)
		}
		out = append(out, p)
	}
	return out
}

type verdictRow struct {
	host    inventory.Host
	peers   []netip.Prefix
	port    int // 2377 when 0
	status  checks.Status
	reason  checks.Reason
	decides string
	detail  string // part of it
}

var _ = DescribeTable("outbound-port",
	func(row verdictRow) {
		if row.port == 0 {
			row.port = 2377
		}
		r := verdictOn(&row.host, vicAt(row.port, row.peers...))
		Expect(r.Status).To(Equal(row.status), r.Detail)
		Expect(r.Reason).To(Equal(row.reason), r.Detail)
		Expect(strings.Join(r.Decides, "+")).To(Equal(row.decides))
		Expect(r.Detail).To(ContainSubstring(row.detail))
		Expect(r.Detail).NotTo(BeEmpty())
	},

	// Facts unavailable.
	Entry("disconnected, whatever was remembered", verdictRow{
		host:   with(host(vicEngine(true, all())), func(h *inventory.Host) { h.Connection = inventory.Disconnected }),
		status: checks.Unknown, reason: "facts-unavailable", detail: "disconnected",
	}),
	Entry("not responding", verdictRow{
		host:   with(host(vicEngine(true, all())), func(h *inventory.Host) { h.Connection = inventory.NotResponding }),
		status: checks.Unknown, reason: "facts-unavailable",
	}),
	Entry("connection state not read", verdictRow{
		host:   with(host(vicEngine(true, all())), func(h *inventory.Host) { h.Connection = "" }),
		status: checks.Unknown, reason: "facts-unavailable",
	}),
	Entry("a list with an entry that is no address", verdictRow{
		host:  host(vSPC(true, addresses("vch.example", "10.0.10.0/24"))),
		peers: peers("192.0.2.1"), status: checks.Unknown, reason: "facts-unavailable", decides: "vSPC",
		detail: `the list of vSPC holds what is no address: "vch.example"`,
	}),
	Entry("an empty list of rulesets", verdictRow{
		host:   with(host(), func(h *inventory.Host) { h.Firewall.Rulesets = nil }),
		status: checks.Unknown, reason: "facts-unavailable", detail: "no ESXi without any",
	}),

	// A refresh that was asked for and failed.
	Entry("a pass by facts that could not be refreshed", verdictRow{
		host:   with(host(vicEngine(true, all())), func(h *inventory.Host) { h.Firewall.Stale = "HostNotReachable" }),
		status: checks.Unknown, reason: "facts-stale", decides: "vic-engine", detail: "the refresh failed: HostNotReachable",
	}),
	Entry("a fail by facts that could not be refreshed", verdictRow{
		host:   with(host(vicEngine(false, all())), func(h *inventory.Host) { h.Firewall.Stale = "HostNotReachable" }),
		status: checks.Fail, reason: "ruleset-disabled", decides: "vic-engine",
	}),

	// A list beside what permits.
	Entry("a narrowed broad ruleset beside one for all", verdictRow{
		host:   host(vicEngine(true, all()), vSPC(true, addresses("192.0.2.10"))),
		status: checks.Warn, reason: "lists-overlap", decides: "vic-engine", detail: "vSPC covers the port too",
	}),
	Entry("a narrowed broad ruleset of the key of one for all", verdictRow{
		host:   host(vSPC(true, all()), vSPC(true, addresses("192.0.2.99"))),
		peers:  peers("192.0.2.10"),
		status: checks.Warn, reason: "lists-overlap", decides: "vSPC", detail: "vSPC covers the port too",
	}),
	Entry("a narrowed broad ruleset that leaves the peer in", verdictRow{
		host:  host(vicEngine(true, all()), vSPC(true, addresses("192.0.2.10"))),
		peers: peers("192.0.2.10"), status: checks.Pass, reason: "permitted", decides: "vic-engine",
	}),
	Entry("a narrow ruleset with a list beside one for all", verdictRow{
		host:   host(vicEngine(true, all()), ruleset("site", true, addresses("192.0.2.10"), outbound(2377, 0))),
		status: checks.Pass, reason: "permitted", decides: "vic-engine",
	}),
	Entry("a list that ESXi manages itself", verdictRow{
		host:   host(vicEngine(true, all()), nfs(true, addresses("192.0.2.10"))),
		status: checks.Pass, reason: "permitted", decides: "vic-engine",
	}),
	Entry("a list beside, and a connection that got out", verdictRow{
		host: with(host(vicEngine(true, all()), vSPC(true, addresses("192.0.2.10"))), func(h *inventory.Host) {
			h.Probes = []inventory.Probe{{Requirement: "vic", Vantage: inventory.VantageSSH, Target: "192.0.2.99:2377", Outcome: inventory.Open}}
		}),
		peers:  peers("192.0.2.99"),
		status: checks.Pass, reason: "permitted", decides: "vic-engine", detail: "a connection from the host got out",
	}),
	Entry("a list beside, and a connection that did not get through", verdictRow{
		host: with(host(vicEngine(true, all()), vSPC(true, addresses("192.0.2.10"))), func(h *inventory.Host) {
			h.Probes = []inventory.Probe{{Requirement: "vic", Vantage: inventory.VantageSSH, Outcome: inventory.Timeout}}
		}),
		status: checks.Warn, reason: "lists-overlap", decides: "vic-engine",
	}),
	Entry("firewall not read", verdictRow{
		host:   with(host(), func(h *inventory.Host) { h.Firewall.Unreadable = "it faulted" }),
		status: checks.Unknown, reason: "facts-unavailable", detail: "it faulted",
	}),
	Entry("firewall not read, and known to be off", verdictRow{
		host: with(host(), func(h *inventory.Host) {
			h.Firewall.Unreadable = "it faulted"
			h.Firewall.Switch.Enabled = inventory.No
		}),
		status: checks.Unknown, reason: "facts-unavailable",
	}),
	Entry("in maintenance the facts still count", verdictRow{
		host:   with(host(vicEngine(true, all())), func(h *inventory.Host) { h.Maintenance = inventory.Yes }),
		status: checks.Pass, reason: "permitted", decides: "vic-engine",
	}),

	// Permitted.
	Entry("vic-engine for all", verdictRow{
		host: host(vicEngine(true, all())), status: checks.Pass, reason: "permitted", decides: "vic-engine", detail: "to any address",
	}),
	Entry("vSPC for all tells what it opens", verdictRow{
		host: host(vSPC(true, all())), status: checks.Pass, reason: "permitted", decides: "vSPC", detail: "all other outbound TCP too",
	}),
	Entry("the narrower of two decides", verdictRow{
		host: host(vSPC(true, all()), vicEngine(true, all())), status: checks.Pass, reason: "permitted", decides: "vic-engine",
	}),
	Entry("all, for a peer", verdictRow{
		host: host(vicEngine(true, all())), peers: peers("10.0.0.5"), status: checks.Pass, reason: "permitted", decides: "vic-engine", detail: "to 10.0.0.5",
	}),
	Entry("the peer itself", verdictRow{
		host: host(vSPC(true, addresses("10.0.0.5"))), peers: peers("10.0.0.5"), status: checks.Pass, reason: "permitted", decides: "vSPC",
	}),
	Entry("a network around the peer", verdictRow{
		host: host(vSPC(true, networks("10.0.0.0", 8))), peers: peers("10.0.0.5"), status: checks.Pass, reason: "permitted", decides: "vSPC",
	}),
	Entry("an IPv6 network around the peer", verdictRow{
		host: host(vSPC(true, networks("2001:DB8::", 32))), peers: peers("2001:db8::5"), status: checks.Pass, reason: "permitted", decides: "vSPC",
	}),
	Entry("a peer written as IPv4 in IPv6", verdictRow{
		host: host(vSPC(true, addresses("::ffff:10.0.0.5"))), peers: peers("10.0.0.5"), status: checks.Pass, reason: "permitted", decides: "vSPC",
	}),
	Entry("the union of two rulesets' lists", verdictRow{
		host:  host(vSPC(true, networks("10.0.0.0", 25)), vicEngine(true, networks("10.0.0.128", 25))),
		peers: peers("10.0.0.0/24"), status: checks.Pass, reason: "permitted", decides: "vSPC+vic-engine",
	}),
	Entry("two peers by two rulesets", verdictRow{
		host:  host(vSPC(true, addresses("10.0.0.5")), vicEngine(true, addresses("10.0.0.6"))),
		peers: peers("10.0.0.5", "10.0.0.6"), status: checks.Pass, reason: "permitted", decides: "vSPC+vic-engine",
	}),
	Entry("one ruleset not known, the other enough", verdictRow{
		host:  host(vSPC(true, nil), vicEngine(true, addresses("10.0.0.5"))),
		peers: peers("10.0.0.5"), status: checks.Pass, reason: "permitted", decides: "vic-engine",
	}),
	Entry("a site's own ruleset", verdictRow{
		host: host(ruleset("site-docker", true, all(), outbound(2375, 2380))), status: checks.Pass, reason: "permitted", decides: "site-docker",
	}),
	Entry("an absent port type means destination", verdictRow{
		host:   host(ruleset("site", true, all(), inventory.Rule{Port: 2377, Direction: "outbound", Protocol: "tcp"})),
		status: checks.Pass, reason: "permitted", decides: "site",
	}),
	Entry("permitted although the firewall is off", verdictRow{
		host:   with(host(vicEngine(true, all())), func(h *inventory.Host) { h.Firewall.Switch.Enabled = inventory.No }),
		status: checks.Pass, reason: "permitted", decides: "vic-engine",
	}),
	Entry("another port", verdictRow{
		host: host(ruleset("site", true, all(), outbound(9000, 0))), port: 9000, status: checks.Pass, reason: "permitted", decides: "site",
	}),

	// Restricted, and no peer to compare with.
	Entry("restricted without a peer", verdictRow{
		host: host(vSPC(true, networks("10.20.0.0", 16))), status: checks.Warn, reason: "allowed-hosts-unverified", decides: "vSPC", detail: "--vch-ip",
	}),
	Entry("restricted without a peer, before a borrowed one", verdictRow{
		host: host(vSPC(true, addresses("10.0.0.5")), nfs(true, all())), status: checks.Warn, reason: "allowed-hosts-unverified", decides: "vSPC",
	}),

	// Borrowed.
	Entry("nfsClient alone", verdictRow{
		host: host(nfs(true, all()), vSPC(false, all())), status: checks.Warn, reason: "borrowed-ruleset", decides: "nfsClient",
	}),
	Entry("nfsClient for the peer", verdictRow{
		host: host(nfs(true, addresses("10.0.0.5"))), peers: peers("10.0.0.5"), status: checks.Warn, reason: "borrowed-ruleset", decides: "nfsClient",
	}),
	Entry("a daemon's ruleset", verdictRow{
		host: host(func() *inventory.Ruleset {
			rs := ruleset("backup-agent", true, all(), outbound(2000, 3000))
			rs.Service = "backupd"
			return rs
		}()),
		status: checks.Warn, reason: "borrowed-ruleset", decides: "backup-agent",
	}),
	Entry("a ruleset that the host keeps for itself", verdictRow{
		host: host(func() *inventory.Ruleset {
			rs := ruleset("newThing", true, all(), outbound(0, 65535))
			rs.UserControllable = inventory.No
			return rs
		}()),
		status: checks.Warn, reason: "borrowed-ruleset", decides: "newThing",
	}),
	Entry("vSPC is nobody's, even when the host keeps it", verdictRow{
		host: host(func() *inventory.Ruleset {
			rs := vSPC(true, all())
			rs.UserControllable = inventory.No
			return rs
		}()),
		status: checks.Pass, reason: "permitted", decides: "vSPC",
	}),
	Entry("own and borrowed lists together", verdictRow{
		host:  host(vSPC(true, networks("10.0.0.0", 25)), nfs(true, networks("10.0.0.128", 25))),
		peers: peers("10.0.0.0/24"), status: checks.Warn, reason: "borrowed-ruleset", decides: "nfsClient",
	}),
	Entry("borrowed wins over a firewall that is off", verdictRow{
		host: with(host(nfs(true, all())), func(h *inventory.Host) { h.Firewall.Switch.Enabled = inventory.No }), status: checks.Warn, reason: "borrowed-ruleset", decides: "nfsClient",
	}),
	Entry("borrowed wins over a list that is not known", verdictRow{
		host: host(vSPC(true, nil), nfs(true, all())), status: checks.Warn, reason: "borrowed-ruleset", decides: "nfsClient",
	}),

	// Firewall off, or passing by default.
	Entry("switched off", verdictRow{
		host:   with(host(vSPC(false, all())), func(h *inventory.Host) { h.Firewall.Switch.Enabled = inventory.No }),
		status: checks.Warn, reason: "firewall-off",
	}),
	Entry("not loaded", verdictRow{
		host:   with(host(vSPC(false, all())), func(h *inventory.Host) { h.Firewall.Switch.Loaded = inventory.No }),
		status: checks.Warn, reason: "firewall-off",
	}),
	Entry("default action PASS, where vic-machine create refuses", verdictRow{
		host:   with(host(vSPC(false, all())), func(h *inventory.Host) { h.Firewall.Switch.DefaultPass = inventory.Yes }),
		status: checks.Fail, reason: "default-pass",
		detail: "TCP 2377 passes only by the default action; no ruleset permits it, and vic-machine create refuses such a host",
	}),
	Entry("default action PASS, for a port of which vic-machine knows nothing", verdictRow{
		host:   with(host(vSPC(false, all())), func(h *inventory.Host) { h.Firewall.Switch.DefaultPass = inventory.Yes }),
		port:   2400,
		status: checks.Warn, reason: "default-pass",
	}),
	Entry("default policy of the API, when esxcli does not say", verdictRow{
		host: with(host(vSPC(false, all())), func(h *inventory.Host) {
			h.Firewall.Switch = inventory.Switch{}
			h.Firewall.OutgoingBlocked = inventory.No
		}),
		status: checks.Fail, reason: "default-pass",
	}),
	Entry("esxcli says DROP against the API's copy", verdictRow{
		host:   with(host(vSPC(false, all())), func(h *inventory.Host) { h.Firewall.OutgoingBlocked = inventory.No }),
		status: checks.Fail, reason: "ruleset-disabled", decides: "vSPC",
	}),
	Entry("nothing known of the switch is not off", verdictRow{
		host: with(host(vSPC(false, all())), func(h *inventory.Host) {
			h.Firewall.Switch = inventory.Switch{}
			h.Firewall.OutgoingBlocked = inventory.Unknown
		}),
		status: checks.Fail, reason: "ruleset-disabled", decides: "vSPC",
	}),
	Entry("off before an excluding list", verdictRow{
		host:  with(host(vSPC(true, addresses("10.9.9.9"))), func(h *inventory.Host) { h.Firewall.Switch.Enabled = inventory.No }),
		peers: peers("10.0.0.5"), status: checks.Warn, reason: "firewall-off",
	}),

	// Allowed hosts that are not known are neither all nor none.
	Entry("enabled, allowed hosts not known", verdictRow{
		host: host(vSPC(true, nil)), status: checks.Unknown, reason: "facts-unavailable", decides: "vSPC", detail: "could not be read",
	}),
	Entry("a borrowed one, allowed hosts not known", verdictRow{
		host: host(nfs(true, nil), vSPC(false, all())), peers: peers("10.0.0.5"), status: checks.Unknown, reason: "facts-unavailable", decides: "nfsClient",
	}),
	Entry("enabled for somebody whose address makes no sense", verdictRow{
		host: host(vSPC(true, addresses("10.0.0.300"))), peers: peers("10.0.0.5"), status: checks.Unknown, reason: "facts-unavailable", decides: "vSPC",
	}),

	// Allowed hosts leave the peer out.
	Entry("another address", verdictRow{
		host: host(vSPC(true, addresses("10.0.0.6"))), peers: peers("10.0.0.5"), status: checks.Fail, reason: "allowed-hosts-exclude-peer", decides: "vSPC", detail: "leaves out 10.0.0.5",
	}),
	Entry("half of a network", verdictRow{
		host: host(vSPC(true, networks("10.0.0.0", 25))), peers: peers("10.0.0.0/24"), status: checks.Fail, reason: "allowed-hosts-exclude-peer", decides: "vSPC", detail: "leaves out 10.0.0.0/24",
	}),
	Entry("one of two peers, and only that is named", verdictRow{
		host: host(vSPC(true, addresses("10.0.0.5"))), peers: peers("10.0.0.5", "10.0.0.6"), status: checks.Fail, reason: "allowed-hosts-exclude-peer", decides: "vSPC", detail: "leaves out 10.0.0.6",
	}),
	Entry("an empty list, without a peer", verdictRow{
		host: host(vSPC(true, addresses())), status: checks.Fail, reason: "allowed-hosts-exclude-peer", decides: "vSPC", detail: "empty list",
	}),
	Entry("an empty list, with a peer", verdictRow{
		host: host(vSPC(true, addresses())), peers: peers("10.0.0.5"), status: checks.Fail, reason: "allowed-hosts-exclude-peer", decides: "vSPC", detail: "empty list",
	}),
	Entry("a list for IPv4, a peer of IPv6", verdictRow{
		host: host(vSPC(true, networks("0.0.0.0", 0))), peers: peers("2001:db8::5"), status: checks.Fail, reason: "allowed-hosts-exclude-peer", decides: "vSPC",
	}),

	// Disabled.
	Entry("vic-engine before vSPC", verdictRow{
		host: host(vSPC(false, all()), vicEngine(false, all())), status: checks.Fail, reason: "ruleset-disabled", decides: "vic-engine",
	}),
	Entry("vSPC where there is no vic-engine", verdictRow{
		host: host(ruleset("remoteSerialPort", false, all(), outbound(0, 65535)), vSPC(false, all())), status: checks.Fail, reason: "ruleset-disabled", decides: "vSPC",
	}),
	Entry("one that the host keeps to itself is said to be so", verdictRow{
		host: host(func() *inventory.Ruleset {
			rs := vicEngine(false, all())
			rs.UserControllable = inventory.No
			return rs
		}()),
		status: checks.Fail, reason: "ruleset-disabled", decides: "vic-engine", detail: "users may not switch it",
	}),
	Entry("remoteSerialPort only when there is nothing else", verdictRow{
		host: host(ruleset("remoteSerialPort", false, all(), outbound(0, 65535)), ruleset("site", false, all(), outbound(2377, 0))), status: checks.Fail, reason: "ruleset-disabled", decides: "site",
	}),
	Entry("a site's own", verdictRow{
		host: host(ruleset("site", false, all(), outbound(2377, 0))), status: checks.Fail, reason: "ruleset-disabled", decides: "site",
	}),
	Entry("nfsClient for its own server does not count", verdictRow{
		host:  host(nfs(true, addresses("10.9.9.9")), vSPC(false, all())),
		peers: peers("10.0.0.5"), status: checks.Fail, reason: "ruleset-disabled", decides: "vSPC", detail: "nfsClient is enabled",
	}),
	Entry("nfsClient for its own server does not count without a peer either", verdictRow{
		host: host(nfs(true, addresses("10.9.9.9")), vSPC(false, all())), status: checks.Fail, reason: "ruleset-disabled", decides: "vSPC",
	}),

	// Nothing could.
	Entry("no ruleset at all", verdictRow{host: host(), status: checks.Fail, reason: "no-ruleset"}),
	Entry("only borrowed ones, disabled", verdictRow{
		host: host(nfs(false, all())), status: checks.Fail, reason: "no-ruleset", detail: "other services",
	}),
	Entry("the neighbouring port", verdictRow{
		host: host(ruleset("site", true, all(), outbound(2376, 0))), status: checks.Fail, reason: "no-ruleset",
	}),
	Entry("a range that ends before", verdictRow{
		host: host(ruleset("site", true, all(), outbound(2300, 2376))), status: checks.Fail, reason: "no-ruleset",
	}),
	Entry("a range that starts after", verdictRow{
		host: host(ruleset("site", true, all(), outbound(2378, 2400))), status: checks.Fail, reason: "no-ruleset",
	}),
	Entry("inbound", verdictRow{
		host:   host(ruleset("site", true, all(), inventory.Rule{Port: 2377, Direction: "inbound", PortType: "dst", Protocol: "tcp"})),
		status: checks.Fail, reason: "no-ruleset",
	}),
	Entry("by source port", verdictRow{
		host:   host(ruleset("site", true, all(), inventory.Rule{Port: 2377, Direction: "outbound", PortType: "src", Protocol: "tcp"})),
		status: checks.Fail, reason: "no-ruleset",
	}),
	Entry("UDP", verdictRow{
		host:   host(ruleset("site", true, all(), inventory.Rule{Port: 2377, Direction: "outbound", PortType: "dst", Protocol: "udp"})),
		status: checks.Fail, reason: "no-ruleset",
	}),
)

var _ = Describe("outbound-port", func() {
	It("lists every ruleset that covers the port, the deciding one first", func() {
		h := host(nfs(false, all()), vSPC(true, addresses("10.0.0.9")), ruleset("webAccess", true, all(), outbound(80, 0)), vicEngine(true, all()))
		r := verdictOn(&h, checks.VIC())
		var keys []string
		for _, v := range r.Rulesets {
			keys = append(keys, v.Key+" "+string(v.Breadth))
		}
		Expect(keys).To(Equal([]string{"vic-engine dedicated", "vSPC broad", "nfsClient borrowed"}))
	})

	It("never gets worse when more is allowed", func() {
		for range 3000 {
			h, req := randomHost()
			before := verdictOn(&h, req)
			allowMore(&h)
			after := verdictOn(&h, req)
			if after.Reason == checks.ListsOverlap {
				Expect(after.Status).To(Equal(checks.Warn), "what is allowed has a list, and nobody knows what ESXi makes of it")
				continue
			}
			Expect(after.Status.Worse(before.Status)).To(BeFalse(),
				"%s (%s) became %s (%s)", before.Reason, before.Detail, after.Reason, after.Detail)
		}
	})

	It("is the same whether hosts share their rulesets or not", func() {
		inv := &inventory.Inventory{}
		var req checks.Requirement
		for i := range 300 {
			var h inventory.Host
			h, req = randomHost()
			if i%3 > 0 { // the same list, under another switch
				h.Firewall.Rulesets = inv.Hosts[i-1].Firewall.Rulesets
			}
			h.Path = fmt.Sprint(i)
			inv.Hosts = append(inv.Hosts, h)
		}
		all, err := checks.Select(checks.Default(), []string{checks.OutboundPort}, nil)
		Expect(err).NotTo(HaveOccurred())
		for i, r := range checks.Run(all, checks.Facts{Inventory: inv, Judged: checks.JudgeAll(inv, req)}) {
			Expect(r).To(Equal(checks.Result{
				Check: checks.OutboundPort, Requirement: "vic", Scope: checks.ScopeHost, Subject: inv.Hosts[i].Path,
				Verdict: verdictOn(&inv.Hosts[i], req),
			}))
		}
	})

	It("does not hang on the master switch where that is said not to matter", func() {
		states := []inventory.Tristate{inventory.Unknown, inventory.Yes, inventory.No}
		spared := 0
		for range 2000 {
			h, req := randomHost()
			h.Firewall.Switch = inventory.Switch{}
			want := verdictOn(&h, req)
			matters := checks.NewJudge(req).SwitchMatters(&h)
			if matters {
				continue
			}
			spared++
			for _, enabled := range states {
				for _, pass := range states {
					h.Firewall.Switch = inventory.Switch{Enabled: enabled, Loaded: inventory.Yes, DefaultPass: pass}
					Expect(verdictOn(&h, req)).To(Equal(want))
				}
			}
		}
		Expect(spared).To(BeNumerically(">", 100))
	})

	It("hangs on the master switch where nothing permits the port", func() {
		closed := host(vicEngine(false, all()))
		Expect(checks.NewJudge(checks.VIC()).SwitchMatters(&closed)).To(BeTrue())
	})

	It("never passes when nothing of its own is enabled", func() {
		for range 1000 {
			h, req := randomHost()
			for _, rs := range h.Firewall.Rulesets {
				if req.BreadthOf(rs) != checks.Borrowed {
					rs.Enabled = false
				}
			}
			Expect(verdictOn(&h, req).Status).NotTo(Equal(checks.Pass))
		}
	})
})

// random follows the suite's seed, so that a failure can be run again with
// -ginkgo.seed.
var random *rand.Rand

var _ = BeforeEach(func() {
	seed := uint64(GinkgoRandomSeed())
	random = rand.New(rand.NewPCG(seed, seed))
})

func pick[T any](list ...T) T { return list[random.IntN(len(list))] }

func randomAllowed() *inventory.AllowedHosts {
	return pick(nil, all(), addresses(), addresses("10.0.0.5"), addresses("10.0.0.5", "10.0.0.6"),
		networks("10.0.0.0", 24), networks("10.0.0.0", 30), addresses("garbage"))
}

func randomHost() (inventory.Host, checks.Requirement) {
	h := host()
	for _, key := range []string{"vSPC", "vic-engine", "remoteSerialPort", "nfsClient", "site", "vicoutgoing"} {
		if random.IntN(3) == 0 {
			continue
		}
		rule := pick(outbound(2377, 0), outbound(0, 65535), outbound(2000, 3000), outbound(80, 0))
		h.Firewall.Rulesets = append(h.Firewall.Rulesets, ruleset(key, random.IntN(2) == 0, randomAllowed(), rule))
	}
	tri := func() inventory.Tristate { return pick(inventory.Unknown, inventory.Yes, inventory.No) }
	h.Firewall.Switch = inventory.Switch{Enabled: tri(), Loaded: tri(), DefaultPass: tri()}
	h.Firewall.OutgoingBlocked = tri()
	h.Software = randomSoftware()
	h.Origins = pick(nil, nil, map[string]inventory.Origin{"site": {File: siteXML, VIB: pick("", "our-rules")}})
	if random.IntN(4) == 0 {
		h = remembered(h, pick(time.Time{}, later, reported), pick("vicoutgoing", "site", "gone"))
	}
	return h, checks.VIC(pick(nil, peers("10.0.0.5"), peers("10.0.0.0/29"), peers("10.0.0.5", "10.0.0.6"))...)
}

// allowMore widens what the host lets out: it enables a ruleset, lengthens a
// list, or allows all.
func allowMore(h *inventory.Host) {
	if len(h.Firewall.Rulesets) == 0 {
		h.Firewall.Rulesets = append(h.Firewall.Rulesets, vicEngine(true, all()))
		return
	}
	rs := h.Firewall.Rulesets[random.IntN(len(h.Firewall.Rulesets))]
	switch {
	case !rs.Enabled && (rs.Allowed == nil || len(rs.Allowed.Addrs) > 0 && rs.Allowed.Addrs[0] == "garbage"):
		// Enabling something unreadable makes less known, not more allowed.
	case !rs.Enabled:
		rs.Enabled = true
	case rs.Allowed != nil && !rs.Allowed.All && random.IntN(2) == 0:
		longer := *rs.Allowed
		longer.Addrs = append([]string{"10.0.0.7"}, longer.Addrs...)
		rs.Allowed = &longer
	default:
		rs.Allowed = all()
	}
}
