package preflight_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
	"github.com/vic-preflight/vic-preflight/preflight"
	"github.com/vic-preflight/vic-preflight/report"
)

// lastPeer numbers the loopback addresses that specs have for peers.
var lastPeer atomic.Uint32

// collectorAt stands for a log collector at a loopback address of its own, where nobody
// listens but on the port.
func collectorAt(port int) string {
	GinkgoHelper()
	n := lastPeer.Add(1)
	address := fmt.Sprintf("127.%d.%d.%d", 30+os.Getpid()%30, 1+n/250, 1+n%250)
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", address, port))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			DeferCleanup(c.Close)
		}
	}()
	return address
}

// required are the profiles' requirements.
func required(profiles []string, peers ...string) []checks.Requirement {
	GinkgoHelper()
	list, err := anyPort(preflight.Wanted{Profiles: profiles, Peers: peers}).Requirements()
	Expect(err).NotTo(HaveOccurred())
	return list
}

// probesOf are a host's, by what they were for: "TARGET OUTCOME".
func probesOf(run *report.Run, host string) map[string][]string {
	found := map[string][]string{}
	for _, h := range run.Inventory.Hosts {
		for _, p := range h.Probes {
			if h.Name == host {
				found[p.Requirement] = append(found[p.Requirement], p.Target+" "+string(p.Outcome))
			}
		}
	}
	return found
}

var _ = Describe("a probe for profiles", func() {
	It("lets each host connect to the peers of each, by its own firewall, in one run", func(ctx SpecContext) {
		vc := start("open")
		Expect(vc.Host("esx01.example").Change(func(info *types.HostFirewallInfo) error {
			for i := range info.Ruleset {
				if info.Ruleset[i].Key == "syslog" {
					info.Ruleset[i].Enabled = true
				}
				if info.Ruleset[i].Key == "vSPC" { // it opens everything
					info.Ruleset[i].Enabled = false
				}
			}
			return nil
		})).To(Succeed())
		peer := collectorAt(1514)
		o := on(vc)
		o.Hosts, o.Refresh = []string{"esx01*"}, true
		o.Requirements = append(required([]string{"syslog", "ntp"}, "syslog=ssl://"+peer, "ntp="+peer), backup())
		o.Probe = preflight.ProbeOptions{Vantage: inventory.VantageSerial, Timeout: time.Second}
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		got := statuses(run, checks.TCPConnect)
		Expect(got).To(HaveKeyWithValue("esx01.example syslog-ssl", "pass accepted"))
		Expect(got).To(HaveKeyWithValue("esx01.example ntp", "skip not-provable"))
		Expect(got).To(HaveKeyWithValue("esx01.example backup", "skip not-probed"))
		Expect(run.ProbeTarget).To(Equal(peer + ":1514"))
		Expect(probesOf(run, "esx01.example")).To(Equal(map[string][]string{"syslog-ssl": {peer + ":1514 open-unverified"}}))
		Expect(vc.Model().Map().All("VirtualMachine")).To(BeEmpty())

		By("a host whose ruleset is shut")
		vc.ChangeAll(func(info *types.HostFirewallInfo) {
			for i := range info.Ruleset {
				info.Ruleset[i].Enabled = false
			}
		})
		run, err = preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(statuses(run, checks.TCPConnect)).To(HaveKeyWithValue("esx01.example syslog-ssl", "fail host-blocked"))
	}, SpecTimeout(time.Minute))

	It("proves what others open to a host from this machine, and nothing of what the host opens", func(ctx SpecContext) {
		peer := collectorAt(1514)
		o := on(start("open"))
		o.Requirements = append(required([]string{"syslog"}, "ssl://"+peer), backup())
		o.Probe.Vantage = inventory.VantageLocal
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		got := statuses(run, checks.TCPConnect)
		Expect(got).To(HaveKeyWithValue("esx01.example syslog-ssl", "skip not-probed"), "this machine's connection is a control")
		Expect(got).To(HaveKeyWithValue("esx01.example backup", "warn nobody-listens"))
		Expect(run.Controls).To(HaveLen(1))
		Expect(run.Controls[0].Outcome).To(Equal(inventory.OpenUnverified))
		Expect(run.ProbeTarget).To(Equal(peer + ":1514, TCP 902 of each host"))
		h := run.Inventory.Hosts[slices.IndexFunc(run.Inventory.Hosts, func(h inventory.Host) bool { return h.Name == "esx01.example" })]
		Expect(h.Probes[0].From).To(Equal("this machine"))
		Expect(h.Probes[0].Peer).To(HavePrefix("127."))

		By("this machine being none of the peers")
		o = on(start("open"))
		o.Requirements = []checks.Requirement{backup()}
		o.Requirements[0].Peers = []netip.Prefix{netip.MustParsePrefix("203.0.113.9/32")}
		o.Probe.Vantage = inventory.VantageLocal
		run, err = preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(statuses(run, checks.TCPConnect)).To(HaveKeyWithValue("esx01.example backup", "warn not-the-peer"))
	}, SpecTimeout(time.Minute))

	It("goes by each host's own peers, a few of them, and names what it leaves out", func(ctx SpecContext) {
		vc := start("open")
		peer := collectorAt(1514)
		o := on(vc)
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		id := func(name string) string {
			return run.Inventory.Hosts[slices.IndexFunc(run.Inventory.Hosts, func(h inventory.Host) bool { return h.Name == name })].ID
		}
		var many []netip.Prefix
		for n := range 6 {
			many = append(many, netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 99, 99, byte(n + 1)}), 32))
		}
		o.Requirements = required([]string{"syslog"}, "ssl://203.0.113.9")
		o.Requirements[0].Of = map[string]*checks.Demand{
			id("esx01.example"): {Peers: []netip.Prefix{netip.MustParsePrefix(peer + "/32"), netip.MustParsePrefix("10.0.0.0/24")}, Unnamed: []string{"-e", "a b"}},
			id("esx02.example"): {Peers: many},
		}
		o.Probe = preflight.ProbeOptions{Vantage: inventory.VantageSerial, Timeout: time.Second}
		run, err = preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(probesOf(run, "esx01.example")).To(Equal(map[string][]string{"syslog-ssl": {peer + ":1514 timeout", "10.0.0.0/24 ", "-e ", "a b "}}))
		got := probesOf(run, "esx02.example")["syslog-ssl"]
		Expect(got).To(HaveLen(5))
		Expect(got[4]).To(Equal("127.99.99.5:1514, 127.99.99.6:1514 "))
		Expect(probesOf(run, "esx03.example")).To(BeEmpty(), "nothing is required of it")
	}, SpecTimeout(time.Minute))

	It("says what would prove what it cannot", func(ctx SpecContext) {
		var m memory
		o := on(start("open"))
		o.Requirements, o.Observer = append(required([]string{"ntp"}), backup()), &m
		o.Probe.Vantage = inventory.VantageSSH
		key := filepath.Join(GinkgoT().TempDir(), "password")
		Expect(os.WriteFile(key, []byte("x"), 0o600)).To(Succeed())
		o.SSH = preflight.SSHOptions{PasswordFile: key, KnownHosts: os.DevNull}
		run, err := preflight.Run(ctx, o)
		Expect(err).NotTo(HaveOccurred())
		Expect(run.ProbeTarget).To(BeEmpty())
		Expect(m.texts).To(ContainElement("note: --probe ssh tries no connection; what proves the requirements: ntp none: UDP does not answer, backup from the machine that asks"))
	}, SpecTimeout(time.Minute))

	DescribeTable("is refused where one target is given for what has several, or none",
		func(ctx SpecContext, reqs func() []checks.Requirement, change func(*preflight.Options), says string) {
			o := preflight.Options{Target: preflight.Target{Address: "sim://closed"}, Requirements: reqs()}
			o.Probe.Vantage = inventory.VantageSerial
			change(&o)
			_, err := preflight.Run(ctx, o)
			var usage *preflight.UsageError
			Expect(err).To(BeAssignableToTypeOf(usage))
			Expect(err).To(MatchError(ContainSubstring(says)))
		},
		Entry("several requirements", func() []checks.Requirement { return append(required([]string{"nfs3"}, "127.0.0.9"), backup()) },
			func(o *preflight.Options) { o.Probe.Target = "127.0.0.9" }, "--probe-target is of one requirement"),
		Entry("an inbound one", func() []checks.Requirement { return []checks.Requirement{backup()} },
			func(o *preflight.Options) { o.Probe.Target = "127.0.0.9" }, "--probe-target is of one requirement"),
		Entry("a listener's key", func() []checks.Requirement { return append(required([]string{"ntp"}), backup()) },
			func(o *preflight.Options) { o.Probe.ListenerKey = "key" }, "--listener-key is of one requirement"),
		Entry("a profile without an address", func() []checks.Requirement { return required([]string{"kms"}) },
			func(*preflight.Options) {}, "no target to connect to"),
	)
})

var _ = DescribeTable("a host's own address among what another host has for peers",
	func(theirs, own []string, want string) {
		parse := func(list []string) (prefixes []netip.Prefix) {
			for _, text := range list {
				prefixes = append(prefixes, netip.MustParsePrefix(text))
			}
			return prefixes
		}
		Expect(preflight.OwnAmong(parse(theirs), parse(own))).To(Equal(want))
	},
	Entry("of two hosts", []string{"10.0.0.1/32"}, []string{"10.0.0.2/32"}, "10.0.0.1"),
	Entry("of three", []string{"10.0.0.3/32", "10.0.0.1/32"}, []string{"10.0.0.2/32", "10.0.0.3/32"}, "10.0.0.1"),
	Entry("none that is known", []string{"10.0.0.3/32"}, []string{"10.0.0.2/32", "10.0.0.3/32"}, ""),
	Entry("no network", []string{"10.0.0.0/24"}, nil, ""))
