package fix_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// need is a requirement of one port, for which a ruleset is made.
func need(name, direction, protocol string, port int, prefer string, peers ...string) checks.Requirement {
	return checks.Requirement{
		Name: name, Direction: direction, Protocol: protocol, Ports: []int{port}, Peers: prefixes(peers...), Prefer: []string{prefer}, Owner: checks.ByUser,
		Words: checks.Words{Peer: "a " + name + " server", PeerOption: "--peer", Breaks: "much breaks"},
	}
}

func opening(key string, enabled bool, allowed *inventory.AllowedHosts, rules ...inventory.Rule) *inventory.Ruleset {
	return &inventory.Ruleset{Key: key, Enabled: enabled, Allowed: allowed, Rules: rules}
}

func rule(direction, protocol string, port int) inventory.Rule {
	return inventory.Rule{Port: port, Direction: direction, PortType: "dst", Protocol: protocol}
}

func syslog(enabled bool, allowed *inventory.AllowedHosts) *inventory.Ruleset {
	return opening("syslog", enabled, allowed, rule("outbound", "udp", 514), rule("outbound", "tcp", 514), rule("outbound", "tcp", 1514))
}

func client(enabled bool, allowed *inventory.AllowedHosts) *inventory.Ruleset {
	return opening("vSphereClient", enabled, allowed, rule("inbound", "tcp", 443), rule("inbound", "tcp", 902))
}

// allowAll plans for several requirements on one host.
func allowAll(h inventory.Host, opts fix.AllowOptions, reqs ...checks.Requirement) *fix.Plan {
	return fix.Allow(checks.JudgeAll(&inventory.Inventory{Hosts: []inventory.Host{h}}, reqs...), opts)
}

// told is a plan in short: a line for each requirement.
func told(p *fix.Plan) (lines []string) {
	for _, hp := range p.Hosts {
		line := fmt.Sprintf("%s: %s", hp.Requirement, hp.Reason)
		for _, c := range hp.Changes {
			line += fmt.Sprintf("; %s %s -> %s", c.Verb(), c.Ruleset, c.After.Allowed)
		}
		lines = append(lines, line)
	}
	return lines
}

var _ = DescribeTable("several requirements of one host", func(h inventory.Host, reqs []checks.Requirement, want ...string) {
	Expect(told(allowAll(h, fix.AllowOptions{}, reqs...))).To(Equal(want))
},
	Entry("that take one ruleset take one change", host(syslog(false, everyone())),
		[]checks.Requirement{need("udp", "outbound", "udp", 514, "syslog", "10.0.0.1"), need("ssl", "outbound", "tcp", 1514, "syslog", "10.0.0.2")},
		"udp: chosen; enable syslog -> all", "ssl: shares-a-change"),
	Entry("have their peers in one list", host(syslog(false, addresses("10.9.9.9"))),
		[]checks.Requirement{need("udp", "outbound", "udp", 514, "syslog", "10.0.0.1"), need("ssl", "outbound", "tcp", 1514, "syslog", "10.0.0.2")},
		"udp: chosen; enable syslog -> 10.9.9.9, 10.0.0.1, 10.0.0.2", "ssl: shares-a-change"),
	Entry("lengthen a list that is in force", host(syslog(true, addresses("10.9.9.9"))),
		[]checks.Requirement{need("udp", "outbound", "udp", 514, "syslog", "10.0.0.1"), need("ssl", "outbound", "tcp", 1514, "syslog", "10.0.0.1", "10.0.0.2")},
		"udp: chosen; allow syslog -> 10.9.9.9, 10.0.0.1, 10.0.0.2", "ssl: shares-a-change"),
	Entry("take a change each of two rulesets", host(syslog(false, everyone()), engine(false)),
		[]checks.Requirement{need("udp", "outbound", "udp", 514, "syslog"), checks.VIC()},
		"udp: chosen; enable syslog -> all", "vic: chosen; enable vic-engine -> all"),
	Entry("are each what they are alone", host(syslog(true, everyone())),
		[]checks.Requirement{need("udp", "outbound", "udp", 514, "syslog"), need("ntp", "outbound", "udp", 123, "ntpClient")},
		"udp: already-permitted", "ntp: no-ruleset"),
	Entry("that is not required of it has no row", host(syslog(false, everyone())),
		[]checks.Requirement{func() checks.Requirement {
			r := need("udp", "outbound", "udp", 514, "syslog")
			r.Of = map[string]*checks.Demand{"host-9": {}}
			return r
		}(), need("ssl", "outbound", "tcp", 1514, "syslog")},
		"ssl: chosen; enable syslog -> all"),
	Entry("goes by the host's own peers", host(syslog(true, addresses("10.9.9.9"))),
		[]checks.Requirement{func() checks.Requirement {
			r := need("udp", "outbound", "udp", 514, "syslog")
			r.Of = map[string]*checks.Demand{"host-1": {Peers: prefixes("10.0.0.7")}}
			return r
		}()},
		"udp: chosen; allow syslog -> 10.9.9.9, 10.0.0.7"),
	Entry("that has a peer without an address is left to whoever knows it", host(syslog(true, addresses("10.9.9.9"))),
		[]checks.Requirement{func() checks.Requirement {
			r := need("udp", "outbound", "udp", 514, "syslog")
			r.Of = map[string]*checks.Demand{"host-1": {Unnamed: []string{"logs.example"}}}
			return r
		}()},
		"udp: allowed-hosts-unverified"),
)

var _ = It("a change that several share is refused for all of them", func() {
	p := allowAll(host(syslog(false, everyone())), fix.AllowOptions{}, need("udp", "outbound", "udp", 514, "syslog"), need("ssl", "outbound", "tcp", 1514, "syslog"))
	Expect(p.Changes()).To(HaveLen(1))
	Expect(p.Changes()[0].For).To(Equal([]string{"udp", "ssl"}))
	Expect(p.ChangedHosts()).To(HaveLen(1))
	p.Refuse(func(*fix.HostPlan) (fix.Reason, string) { return fix.NotPrivileged, "may not" })
	Expect(told(p)).To(Equal([]string{"udp: not-privileged", "ssl: not-privileged"}))
})

var _ = It("a list that grows for several is a change for all of them", func() {
	p := allowAll(host(syslog(true, addresses("10.9.9.9"))), fix.AllowOptions{},
		need("udp", "outbound", "udp", 514, "syslog", "10.0.0.1"), need("ssl", "outbound", "tcp", 1514, "syslog", "10.0.0.2"))
	Expect(p.Changes()).To(HaveLen(1))
	Expect(p.Changes()[0].For).To(Equal([]string{"udp", "ssl"}), "the journal keeps what an undo is judged by")
})

// oneByOne are hosts that tell how many calls one of them had at a time.
type oneByOne struct {
	*fakeHosts
	mu         sync.Mutex
	busy, most map[string]int
}

func (o *oneByOne) EnableRuleset(ctx context.Context, h *inventory.Host, key string) error {
	count := func(n int) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.busy[h.ID] += n
		o.most[h.ID] = max(o.most[h.ID], o.busy[h.ID])
	}
	count(1)
	defer count(-1)
	time.Sleep(5 * time.Millisecond)
	return o.fakeHosts.EnableRuleset(ctx, h, key)
}

var _ = It("the changes of one host are made one after the other, whatever they are for", func(ctx SpecContext) {
	list := hosts(4, func() []*inventory.Ruleset { return []*inventory.Ruleset{syslog(false, everyone()), engine(false)} })
	p := fix.Allow(checks.JudgeAll(&inventory.Inventory{Hosts: list}, need("udp", "outbound", "udp", 514, "syslog"), checks.VIC()), fix.AllowOptions{})
	client := &oneByOne{fakeHosts: newFake(list), busy: map[string]int{}, most: map[string]int{}}
	var total atomic.Int64
	opts := applying
	opts.Workers, opts.Progress = 8, func(_ string, _, of int) { total.Store(int64(of)) }
	outcomes, err := fix.Apply(ctx, p, client, &memory{}, opts)
	Expect(err).NotTo(HaveOccurred())
	Expect(outcomes).To(HaveLen(8))
	Expect(client.most).To(Equal(map[string]int{"host-0": 1, "host-1": 1, "host-2": 1, "host-3": 1}))
	Expect(total.Load()).To(BeEquivalentTo(4), "hosts, each once")
	for i, o := range outcomes {
		Expect(o.Done).To(BeTrue())
		Expect(o.Change).To(BeIdenticalTo(p.Changes()[i]))
	}
}, SpecTimeout(10*time.Second))

var _ = Describe("who switches a ruleset", func() {
	ntp := func(change func(*checks.Requirement)) checks.Requirement {
		r := need("ntp", "outbound", "udp", 123, "ntpClient", "10.0.0.1")
		change(&r)
		return r
	}
	by := func(o checks.Owner) func(*checks.Requirement) {
		return func(r *checks.Requirement) {
			r.Owner, r.Daemon = o, map[bool]string{true: "ntpd"}[o == checks.ByService]
		}
	}
	keptByESXi := func(r *checks.Requirement) {
		r.Owner, r.Switched, r.From = checks.ByHost, "by the first mount", "a mount"
	}
	ntpClient := func(enabled bool, allowed *inventory.AllowedHosts, change func(*inventory.Ruleset)) inventory.Host {
		rs := opening("ntpClient", enabled, allowed, rule("outbound", "udp", 123))
		if change != nil {
			change(rs)
		}
		return host(rs)
	}
	DescribeTable("decides what is done", func(h inventory.Host, req checks.Requirement, want, says string) {
		p := allowAll(h, fix.AllowOptions{}, req)
		Expect(told(p)).To(Equal([]string{"ntp: " + want}))
		Expect(p.Hosts[0].Detail).To(ContainSubstring(says))
	},
		Entry("users do", ntpClient(false, everyone(), nil), ntp(by(checks.ByUser)), "chosen; enable ntpClient -> all", ""),
		Entry("a service does", ntpClient(false, everyone(), nil), ntp(by(checks.ByService)), "switched-by-service", "the service ntpd switches ntpClient: start it"),
		Entry("a service does, the host says", ntpClient(false, everyone(), func(rs *inventory.Ruleset) { rs.Service = "chronyd" }), ntp(by(checks.ByUser)), "switched-by-service", "the service chronyd switches"),
		Entry("users do, the host says", ntpClient(false, everyone(), func(rs *inventory.Ruleset) { rs.UserControllable = inventory.Yes }), ntp(by(checks.ByService)), "chosen; enable ntpClient -> all", ""),
		Entry("ESXi does", ntpClient(false, everyone(), nil), ntp(by(checks.ByHost)), "not-user-controllable", "the profile's word on ntp; the host does not say"),
		Entry("ESXi does, the host says", ntpClient(false, everyone(), func(rs *inventory.Ruleset) { rs.UserControllable = inventory.No }), ntp(by(checks.ByUser)), "not-user-controllable", "the host says that users may not switch"),
		Entry("a service does, and its list is the users'", ntpClient(true, addresses("10.9.9.9"), nil), ntp(by(checks.ByService)), "chosen; allow ntpClient -> 10.9.9.9, 10.0.0.1", ""),
		Entry("ESXi does, and its list is the users'", ntpClient(true, addresses("10.9.9.9"), nil), ntp(by(checks.ByHost)), "chosen; allow ntpClient -> 10.9.9.9, 10.0.0.1", ""),
		Entry("the list is not the users'", ntpClient(true, addresses("10.9.9.9"), func(rs *inventory.Ruleset) { rs.IPListConfigurable = inventory.No }), ntp(by(checks.ByService)), "not-user-controllable", "may not change the allowed hosts"),
		Entry("ESXi does, with its list", ntpClient(true, addresses("10.9.9.9"), nil), ntp(keptByESXi), "not-user-controllable", "ESXi itself keeps the allowed hosts"),
		Entry("ESXi does when it is needed", ntpClient(false, everyone(), nil), ntp(func(r *checks.Requirement) {
			r.Owner, r.Switched, r.Momentary = checks.ByHost, "for the time of an exchange", true
		}), "switched-when-needed", "for the time of an exchange"),
	)
	It("decides what is closed", func() {
		deny := func(h inventory.Host, reqs ...checks.Requirement) []string {
			return told(fix.Deny(checks.JudgeAll(&inventory.Inventory{Hosts: []inventory.Host{h}}, reqs...), fix.DenyOptions{Managing: []string{"vSphereClient"}}))
		}
		Expect(deny(host(syslog(true, everyone())), need("udp", "outbound", "udp", 514, "syslog"), need("ssl", "outbound", "tcp", 1514, "syslog"))).
			To(Equal([]string{"udp: chosen; disable syslog -> all", "ssl: shares-a-change"}))
		Expect(deny(ntpClient(true, everyone(), nil), ntp(by(checks.ByService)))).To(Equal([]string{"ntp: switched-by-service"}))
		Expect(deny(ntpClient(true, everyone(), nil), ntp(by(checks.ByHost)))).To(Equal([]string{"ntp: not-user-controllable"}))
		Expect(deny(ntpClient(false, everyone(), nil), ntp(by(checks.ByService)))).To(Equal([]string{"ntp: already-denied"}))
		backup := need("backup", "inbound", "tcp", 443, "vSphereClient")
		Expect(deny(host(client(true, everyone())), backup)).To(Equal([]string{"backup: would-shut-out"}))
		site := need("site", "inbound", "tcp", 9999, "site")
		site.NeverNarrowWithout = true
		Expect(deny(host(opening("site", true, everyone(), rule("inbound", "tcp", 9999))), site)).To(Equal([]string{"site: would-shut-out"}))
	})
})

var _ = Describe("a ruleset by which the host is managed", func() {
	management := func(peers ...string) checks.Requirement {
		r := need("vcenter-management", "inbound", "tcp", 443, "vSphereClient", peers...)
		r.NeverNarrowWithout = true
		return r
	}
	backup := need("backup", "inbound", "tcp", 443, "vSphereClient", "10.0.0.9")
	known := func(list ...string) func(*inventory.Host, string) ([]netip.Prefix, string) {
		return func(*inventory.Host, string) ([]netip.Prefix, string) { return prefixes(list...), "" }
	}
	unknown := func(*inventory.Host, string) ([]netip.Prefix, string) {
		return nil, "the vCenter's address is not known"
	}
	DescribeTable("gets no list that shuts out who does", func(rs *inventory.Ruleset, req checks.Requirement, managers func(*inventory.Host, string) ([]netip.Prefix, string), only []string, want, says string) {
		p := allowAll(host(rs), fix.AllowOptions{Only: prefixes(only...), Managing: []string{"vSphereClient"}, Managers: managers}, req)
		Expect(told(p)).To(Equal([]string{req.Name + ": " + want}))
		Expect(p.Hosts[0].Detail).To(ContainSubstring(says))
	},
		Entry("but one that has all", client(false, everyone()), management("10.0.0.1"), known("10.0.0.2"), []string{"10.0.0.0/30"}, "chosen; enable vSphereClient -> 10.0.0.0/30", ""),
		Entry("the vCenter", client(false, everyone()), management("10.0.0.1"), known("10.0.0.1"), []string{"10.0.0.2"}, "would-shut-out", "10.0.0.1"),
		Entry("the machine that asks", client(false, everyone()), management("10.0.0.1"), known("10.0.0.2"), []string{"10.0.0.1"}, "would-shut-out", "that shuts out 10.0.0.2"),
		Entry("whoever is not known", client(false, everyone()), management("10.0.0.1"), unknown, []string{"10.0.0.1"}, "would-shut-out", "the vCenter's address is not known"),
		Entry("nor a caller that does not say", client(false, everyone()), management("10.0.0.1"), nil, []string{"10.0.0.1"}, "would-shut-out", "is not known"),
		Entry("peers that are not known", client(false, everyone()), management(), known("10.0.0.1"), []string{"10.0.0.1"}, "would-shut-out", "--peer gives them"),
		Entry("for another requirement either", client(false, everyone()), backup, known("10.0.0.1"), []string{"10.0.0.9"}, "would-shut-out", "that shuts out 10.0.0.1"),
		Entry("nor a list that is left over", client(false, addresses("10.9.9.9")), backup, known("10.0.0.1"), nil, "would-shut-out", "that shuts out 10.0.0.1"),
		Entry("and is enabled for all", client(false, everyone()), backup, unknown, nil, "chosen; enable vSphereClient -> all", ""),
		Entry("and one that is in force grows", client(true, addresses("10.9.9.9")), backup, unknown, nil, "chosen; allow vSphereClient -> 10.9.9.9, 10.0.0.9", ""),
		Entry("and is not narrowed", client(true, everyone()), backup, unknown, []string{"10.0.0.9"}, "already-permitted", ""),
	)
	It("and no other's list leaves out a peer that a host's own settings name", func() {
		req := need("udp", "outbound", "udp", 514, "syslog")
		req.Of = map[string]*checks.Demand{"host-1": {Peers: prefixes("10.0.0.7"), From: "Syslog.global.logHost: 10.0.0.7"}}
		p := allowAll(host(syslog(false, everyone())), fix.AllowOptions{Only: prefixes("10.0.0.1")}, req)
		Expect(told(p)).To(Equal([]string{"udp: would-shut-out"}))
		Expect(p.Hosts[0].Detail).To(And(ContainSubstring("--allowed-ip is too short"), ContainSubstring("10.0.0.7")))
	})
})

var _ = It("a plan without a ruleset names the VIB", func() {
	for _, req := range []checks.Requirement{checks.VIC(), checks.VIC().At(4711), need("udp", "outbound", "udp", 514, "syslog")} {
		Expect(allowAll(host(), fix.AllowOptions{}, req).Hosts[0].Detail).To(HaveSuffix("; a VIB that brings one is the lasting way (--method vib)"))
	}
})

// The random hosts of the test below have these rulesets, or some of them.
func anyRulesets(r *rand.Rand) (list []*inventory.Ruleset) {
	allowed := func() *inventory.AllowedHosts {
		switch r.IntN(8) {
		case 0:
			return addresses()
		case 1:
			return addresses("10.0.0.1", "10.9.9.9")
		case 2:
			return &inventory.AllowedHosts{Networks: []inventory.Network{{Address: "10.1.0.0", Bits: 16}}}
		case 3:
			return addresses("logs.example")
		case 4:
			return nil
		}
		return everyone()
	}
	tri := func() inventory.Tristate {
		return []inventory.Tristate{inventory.Unknown, inventory.Unknown, inventory.Yes, inventory.No}[r.IntN(4)]
	}
	on := func() bool { return r.IntN(3) == 0 }
	for _, rs := range []*inventory.Ruleset{
		syslog(on(), allowed()), client(on(), allowed()), engine(on()), vSPC(on(), allowed()),
		opening("ntpClient", on(), allowed(), rule("outbound", "udp", 123)),
		opening("httpClient", on(), allowed(), rule("outbound", "tcp", 80), rule("outbound", "tcp", 443)),
		opening("NFC", on(), allowed(), rule("inbound", "tcp", 902), rule("outbound", "tcp", 902)),
		ruleset("nfsClient", on(), allowed(), 0, 65535),
		opening("site", on(), allowed(), rule("outbound", "udp", 514), rule("inbound", "tcp", 443)),
	} {
		rs.UserControllable, rs.IPListConfigurable = tri(), tri()
		if r.IntN(5) > 0 {
			list = append(list, rs)
		}
	}
	return list
}

func anyRequirements(r *rand.Rand) []checks.Requirement {
	peers := func() []string {
		return [][]string{nil, {"10.0.0.1"}, {"10.1.2.3", "10.0.0.2"}, {"10.2.0.0/16"}}[r.IntN(4)]
	}
	service := need("ntp", "outbound", "udp", 123, "ntpClient", peers()...)
	service.Owner, service.Daemon = checks.ByService, "ntpd"
	management := need("vcenter-management", "inbound", "tcp", 443, "vSphereClient", peers()...)
	management.Ports, management.NeverNarrowWithout, management.Accept = []int{443, 902}, true, []string{"NFC"}
	own := need("own", "outbound", "udp", 514, "syslog")
	own.Of = map[string]*checks.Demand{"host-1": {Peers: prefixes(peers()...), From: "a setting"}, "host-2": {Unnamed: []string{"logs.example"}, From: "a setting"}}
	byHost := need("nfc", "inbound", "tcp", 902, "NFC", peers()...)
	byHost.Owner, byHost.Accept = checks.ByHost, []string{"vSphereClient"}
	all := []checks.Requirement{
		service, management, own, byHost, checks.VIC(prefixes(peers()...)...),
		need("udp", "outbound", "udp", 514, "syslog", peers()...), need("ssl", "outbound", "tcp", 1514, "syslog", peers()...),
		need("https", "outbound", "tcp", 443, "httpClient", peers()...), need("backup", "inbound", "tcp", 443, "vSphereClient", peers()...),
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:2+r.IntN(3)]
}

// open reports by itself whether a host lets a peer through, for want of one anybody.
func open(live map[string]fix.State, h *inventory.Host, req checks.Requirement) bool {
	for _, port := range req.Ports {
		for _, peer := range append(req.Peers, netip.Prefix{})[:max(len(req.Peers), 1)] {
			if !slices.ContainsFunc(h.Firewall.Rulesets, func(rs *inventory.Ruleset) bool {
				s := live[rs.Key]
				if !s.Enabled || s.Allowed == nil || !rs.Covers(req.Direction, req.Protocol, port) {
					return false
				}
				list, _ := s.Allowed.Prefixes()
				return s.Allowed.All || !peer.IsValid() && len(list) > 0 || peer.IsValid() && slices.ContainsFunc(list, func(p netip.Prefix) bool {
					return p.Bits() <= peer.Bits() && p.Contains(peer.Addr())
				})
			}) {
				return false
			}
		}
	}
	return true
}

// applied carries a plan out, with a journal, and returns what that holds.
func applied(ctx context.Context, p *fix.Plan, hosts *fakeHosts, reqs []checks.Requirement) *fix.Recorded {
	GinkgoHelper()
	header := fix.Header{Address: "vc.example", InstanceUUID: "u-1"}
	for _, req := range reqs {
		header.Requirements = append(header.Requirements, *fix.RequirementOf(req))
	}
	j, err := fix.CreateJournal(filepath.Join(GinkgoT().TempDir(), "j.jsonl"), header)
	Expect(err).NotTo(HaveOccurred())
	outcomes, err := fix.Apply(ctx, p, hosts, j, applying)
	Expect(err).NotTo(HaveOccurred())
	Expect(j.Close()).To(Succeed())
	fix.Verify(ctx, outcomes, hosts, verifying)
	for _, o := range outcomes {
		Expect(o.Err).NotTo(HaveOccurred())
		Expect(o.Verified).To(BeTrue())
	}
	recorded, err := fix.ReadJournal(j.Path)
	Expect(err).NotTo(HaveOccurred())
	return recorded
}

var _ = It("any hosts and requirements: what is not refused passes, nothing else changes, and all comes back", func(ctx SpecContext) {
	seen := map[fix.Reason]int{}
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 14))
		inv := &inventory.Inventory{Endpoint: inventory.Endpoint{Address: "vc.example", InstanceUUID: "u-1"}}
		for i := range 3 {
			h := host(anyRulesets(r)...)
			h.ID, h.UUID, h.Path = fmt.Sprintf("host-%d", i+1), fmt.Sprintf("uuid-%d", i+1), fmt.Sprintf("/dc/host/esx%d", i+1)
			inv.Hosts = append(inv.Hosts, h)
		}
		reqs := anyRequirements(r)
		opts := fix.AllowOptions{NarrowBroad: r.IntN(2) == 0, Managing: []string{"vSphereClient"}}
		vCenter := prefixes("10.0.0.1")
		if r.IntN(2) == 0 {
			opts.Managers = func(*inventory.Host, string) ([]netip.Prefix, string) { return vCenter, "" }
		}
		if r.IntN(3) == 0 {
			opts.Only = prefixes("10.0.0.0/30", "10.1.0.0/16", "10.2.0.0/16")[r.IntN(2):]
		}
		hosts, before := newFake(inv.Hosts), newFake(inv.Hosts).live
		plan := fix.Allow(checks.JudgeAll(inv, reqs...), opts)
		changed := map[string]bool{}
		for _, c := range plan.Changes() {
			at := c.Host.ID + c.Ruleset
			Expect(changed[at]).To(BeFalse(), "seed %d: %s is changed twice", seed, at)
			changed[at] = true
			list := c.After.Allowed
			if c.Ruleset == "vSphereClient" && !c.Before.Enabled && (list == nil || !list.All) {
				have, _ := list.Prefixes()
				Expect(opts.Managers != nil && inventory.Covered(vCenter[0], have)).To(BeTrue(), "seed %d: %s shuts the vCenter out", seed, list)
			}
		}
		recorded := applied(ctx, plan, hosts, reqs)
		for id, rulesets := range before {
			for key, was := range rulesets {
				now := hosts.live[id][key]
				if !changed[id+key] {
					Expect(now).To(Equal(was), "seed %d", seed)
				}
				Expect(now.Enabled || !was.Enabled).To(BeTrue(), "seed %d: %s was closed", seed, key)
			}
		}
		for _, hp := range plan.Hosts {
			seen[hp.Reason]++
			req := reqs[slices.IndexFunc(reqs, func(q checks.Requirement) bool { return q.Name == hp.Requirement })]
			own, required := req.For(hp.Host)
			Expect(required).To(BeTrue())
			if !hp.Reason.Refused() && hp.Reason != fix.Unverified {
				Expect(open(hosts.live[hp.Host.ID], hp.Host, own)).To(BeTrue(), "seed %d: %s: %s: %s", seed, hp.Requirement, hp.Reason, hp.Detail)
			}
		}
		undo, err := fix.Undo(inv, recorded.Header, recorded.Entries, nil, false)
		Expect(err).NotTo(HaveOccurred())
		applied(ctx, undo, hosts, nil)
		Expect(hosts.live).To(Equal(before), "seed %d", seed)
	}
	for _, reason := range []fix.Reason{fix.Chosen, fix.SharesChange, fix.AlreadyPermitted, fix.Unverified, fix.WouldShutOut, fix.SwitchedByService, fix.NotUserControllable, fix.NoRuleset, fix.HostUnavailable} {
		Expect(seen[reason]).To(BeNumerically(">", 3), "%s of %v", reason, seen)
	}
})

var _ = It("any hosts and requirements: what is not refused is closed, who manages stays, and all comes back", func(ctx SpecContext) {
	seen := map[fix.Reason]int{}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 15))
		h := host(anyRulesets(r)...)
		inv := &inventory.Inventory{Endpoint: inventory.Endpoint{Address: "vc.example", InstanceUUID: "u-1"}, Hosts: []inventory.Host{h}}
		reqs := anyRequirements(r)
		hosts, before := newFake(inv.Hosts), newFake(inv.Hosts).live
		plan := fix.Deny(checks.JudgeAll(inv, reqs...), fix.DenyOptions{Managing: []string{"vSphereClient"}})
		recorded := applied(ctx, plan, hosts, reqs)
		Expect(hosts.live["host-1"]["vSphereClient"]).To(Equal(before["host-1"]["vSphereClient"]), "seed %d", seed)
		for key, now := range hosts.live["host-1"] {
			made := slices.ContainsFunc(reqs, func(q checks.Requirement) bool { return slices.Contains(q.Switchable(), key) })
			Expect(now.Enabled && !before["host-1"][key].Enabled).To(BeFalse(), "seed %d: %s was opened", seed, key)
			Expect(made || now.Enabled == before["host-1"][key].Enabled).To(BeTrue(), "seed %d: %s is of nobody that was named", seed, key)
		}
		for _, hp := range plan.Hosts {
			seen[hp.Reason]++
			req := reqs[slices.IndexFunc(reqs, func(q checks.Requirement) bool { return q.Name == hp.Requirement })]
			for _, key := range req.Switchable() {
				if !hp.Reason.Refused() {
					rs := inv.Hosts[0].Firewall.Ruleset(key)
					Expect(rs != nil && rs.Enabled && req.Covers(rs)).To(BeFalse(), "seed %d: %s", seed, key)
				}
			}
		}
		undo, err := fix.Undo(inv, recorded.Header, recorded.Entries, nil, false)
		Expect(err).NotTo(HaveOccurred())
		applied(ctx, undo, hosts, nil)
		Expect(hosts.live).To(Equal(before), "seed %d", seed)
	}
	for _, reason := range []fix.Reason{fix.Chosen, fix.SharesChange, fix.AlreadyDenied, fix.WouldShutOut, fix.SwitchedByService, fix.NotUserControllable} {
		Expect(seen[reason]).To(BeNumerically(">", 0), "%s of %v", reason, seen)
	}
})

var _ = It("a requirement that no ruleset is known for is told of without a gap", func() {
	web := need("web", "inbound", "tcp", 443, "")
	web.Prefer = nil
	inv := &inventory.Inventory{Hosts: []inventory.Host{host(client(true, everyone()))}}
	Expect(fix.Deny(checks.JudgeAll(inv, web), fix.DenyOptions{}).Hosts[0].Detail).To(Equal("no ruleset for it alone lets the port in"))
	web.Ports = []int{444}
	Expect(allowAll(inv.Hosts[0], fix.AllowOptions{}, web).Hosts[0].Detail).To(HavePrefix("the host has no ruleset for it alone that lets TCP 444 in; "))
})

var _ = It("a list that lets nobody through is not opened for all where a peer has a name alone", func() {
	req := need("ssl", "outbound", "tcp", 1514, "syslog")
	req.Of = map[string]*checks.Demand{"host-1": {Unnamed: []string{"logs.example"}, From: "Syslog.global.logHost: ssl://logs.example"}}
	p := allowAll(host(syslog(false, &inventory.AllowedHosts{})), fix.AllowOptions{}, req)
	Expect(p.Changes()).To(BeEmpty())
	Expect(p.Hosts[0].Reason.Refused()).To(BeTrue(), "%s", p.Hosts[0].Reason)
})

var _ = It("a host that was changed and could not be read again is not told of as it was", func(ctx SpecContext) {
	list := []inventory.Host{host(syslog(false, everyone()))}
	client := newFake(list)
	plan := fix.Allow(checks.JudgeAll(&inventory.Inventory{Hosts: list}, need("ssl", "outbound", "tcp", 1514, "syslog", "10.0.0.2")), fix.AllowOptions{})
	outcomes, err := fix.Apply(ctx, plan, client, nopLog{}, fix.ApplyOptions{Workers: 1, HostTimeout: time.Second})
	Expect(err).NotTo(HaveOccurred())
	Expect(outcomes).To(HaveLen(1))
	silent := &unread{Client: client}
	fix.Verify(ctx, outcomes, silent, fix.VerifyOptions{Timeout: 10 * time.Millisecond, HostTimeout: time.Second, Workers: 1})
	Expect(outcomes[0].Verified).To(BeFalse())
	Expect(outcomes[0].Change.Host.Firewall.Unreadable).To(ContainSubstring("could not be read again"))
})

// unread is a server that answers no read.
type unread struct{ fix.Client }

func (*unread) ReadFirewalls(context.Context, []*inventory.Host) {}

type nopLog struct{}

func (nopLog) Record(*fix.Change) error               { return nil }
func (nopLog) RecordSetting(*fix.SettingChange) error { return nil }
