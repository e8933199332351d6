//go:build linux

package lab_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"
	"golang.org/x/sys/unix"

	"github.com/vic-preflight/vic-preflight/e2e/lab"
	"github.com/vic-preflight/vic-preflight/internal/sim"
)

var _ = Describe("a lab", func() {
	It("is one at a time", func() {
		_, err := lab.New(lab.Options{})
		Expect(err).To(MatchError(ContainSubstring("close it first")))
	})
	It("is alone: a name is refused at once, and no packet finds a way out", func(ctx SpecContext) {
		_, err := net.DefaultResolver.LookupHost(ctx, "vcenter.example.com")
		var dns *net.DNSError
		Expect(errors.As(err, &dns)).To(BeTrue(), "%v", err)
		_, err = net1.Ops().DialContext(ctx, "tcp", "192.0.2.1:443")
		Expect(err).To(MatchError(syscall.ENETUNREACH))
	}, SpecTimeout(20*time.Second))
	It("has programs that run in a machine, and know the others by name", func(ctx SpecContext) {
		out, err := net1.Ops().Command(ctx, "ip", "-o", "-4", "addr", "show", "eth0").Output()
		Expect(err).NotTo(HaveOccurred())
		Expect(string(out)).To(ContainSubstring("203.0.113.10/24"))
		out, err = net1.Ops().Command(ctx, "nc", "-d", "-w", "2", "vch", "2377").Output()
		Expect(err).NotTo(HaveOccurred())
		Expect(string(out)).To(Equal("vch sees 203.0.113.10"))
	}, SpecTimeout(20*time.Second))
	It("dials a name from inside the machine", func(ctx SpecContext) {
		conn, err := net1.Ops().DialContext(ctx, "tcp", "vch:2377")
		Expect(err).NotTo(HaveOccurred())
		Expect(conn.Close()).To(Succeed())
	}, SpecTimeout(20*time.Second))
	It("does not know strangers", func(ctx SpecContext) {
		_, err := net1.Dial(ctx, "esx9.lab", "203.0.113.20:2377")
		Expect(err).To(MatchError("the lab has no host esx9.lab"))
		Expect(net1.SetFirewall("esx9.lab", shut())).NotTo(Succeed())
		Expect(net1.StartSSH("esx9.lab")).NotTo(Succeed())
		Expect(net1.Address("esx9.lab").IsValid()).To(BeFalse())
		Expect(net1.Host("esx9.lab")).To(BeNil())
	})
	It("lets a failed assertion out of Do", func() {
		Expect(func() { _ = net1.Ops().Do(func() error { panic("failed") }) }).To(PanicWith("failed"))
	})
	It("knows what it needs", func() {
		Expect(lab.Missing()).To(BeEmpty())
		GinkgoT().Setenv("PATH", "")
		Expect(lab.Missing()).NotTo(ContainElement("sshd"), "it is not in a plain user's PATH")
		Expect(lab.Missing()).To(ContainElement("nc"))
	})
})

var _ = Describe("a host's firewall", func() {
	It("opens and shuts that host alone", func(ctx SpecContext) {
		for _, h := range []string{esx1, esx2, esx3} {
			expectBlocked(ctx, h, net1.VCH().Addr4)
		}
		Expect(net1.SetFirewall(esx2, shut(ruleset(port, 0)))).To(Succeed())
		Expect(from(ctx, esx2, net1.VCH().Addr4, port, patience)).To(Equal("vch sees " + net1.Address(esx2).String()))
		for _, h := range []string{esx1, esx3} {
			expectBlocked(ctx, h, net1.VCH().Addr4)
		}
		Expect(net1.SetFirewall(esx2, shut())).To(Succeed())
		expectBlocked(ctx, esx2, net1.VCH().Addr4)
	}, SpecTimeout(20*time.Second))

	allow := func(change func(*types.HostFirewallRuleset)) sim.FirewallState {
		rs := ruleset(port, 0)
		change(&rs)
		return shut(ruleset(80, 0), rs)
	}
	list := func(l types.HostFirewallRulesetIpList) sim.FirewallState {
		return allow(func(rs *types.HostFirewallRuleset) { rs.AllowedHosts = &l })
	}
	network := func(address string, bits int32) []types.HostFirewallRulesetIpNetwork {
		return []types.HostFirewallRulesetIpNetwork{{Network: address, PrefixLength: bits}}
	}
	type row struct {
		state  sim.FirewallState
		v4, v6 bool
	}
	DescribeTable("passes the VCH's port by IPv4 and by IPv6", func(ctx SpecContext, r row) {
		Expect(net1.SetFirewall(esx1, r.state)).To(Succeed())
		for to, open := range map[netip.Addr]bool{net1.VCH().Addr4: r.v4, net1.VCH().Addr6: r.v6} {
			if open {
				Expect(from(ctx, esx1, to, port, patience)).To(HavePrefix("vch sees"), "%s", to)
			} else {
				expectBlocked(ctx, esx1, to)
			}
		}
	},
		Entry("off", row{sim.FirewallState{Off: true, Info: &types.HostFirewallInfo{}}, true, true}),
		Entry("off, without anything known", row{sim.FirewallState{Off: true}, true, true}),
		Entry("passing by default", row{sim.FirewallState{DefaultPass: true, Info: &types.HostFirewallInfo{}}, true, true}),
		Entry("nothing enabled", row{allow(func(rs *types.HostFirewallRuleset) { rs.Enabled = false }), false, false}),
		Entry("everyone allowed", row{allow(func(*types.HostFirewallRuleset) {}), true, true}),
		Entry("no list", row{allow(func(rs *types.HostFirewallRuleset) { rs.AllowedHosts = nil }), true, true}),
		Entry("an empty list", row{list(types.HostFirewallRulesetIpList{}), false, false}),
		Entry("a range", row{shut(ruleset(0, 65535)), true, true}),
		Entry("the range's end", row{shut(ruleset(2000, port)), true, true}),
		Entry("a range beside it", row{shut(ruleset(port+1, 65535)), false, false}),
		Entry("UDP", row{allow(func(rs *types.HostFirewallRuleset) { rs.Rule[0].Protocol = "udp" }), false, false}),
		Entry("the link layer's protocol", row{allow(func(rs *types.HostFirewallRuleset) { rs.Rule[0].Protocol = "cdp" }), false, false}),
		Entry("inbound", row{allow(func(rs *types.HostFirewallRuleset) { rs.Rule[0].Direction = "inbound" }), false, false}),
		Entry("the port as a source", row{allow(func(rs *types.HostFirewallRuleset) { rs.Rule[0].PortType = "src" }), false, false}),
		Entry("all ports as sources", row{allow(func(rs *types.HostFirewallRuleset) {
			rs.Rule[0].Port, rs.Rule[0].EndPort, rs.Rule[0].PortType = 1024, 65535, "src"
		}), true, true}),
		Entry("the VCH's address", row{list(types.HostFirewallRulesetIpList{IpAddress: []string{"203.0.113.20"}}), true, false}),
		Entry("the VCH's IPv6 address", row{list(types.HostFirewallRulesetIpList{IpAddress: []string{"fd00:113::20"}}), false, true}),
		Entry("another address", row{list(types.HostFirewallRulesetIpList{IpAddress: []string{"203.0.113.21", "fd00:113::21"}}), false, false}),
		Entry("its network, with host bits", row{list(types.HostFirewallRulesetIpList{IpNetwork: network("203.0.113.99", 24)}), true, false}),
		Entry("its IPv6 network", row{list(types.HostFirewallRulesetIpList{IpNetwork: network("fd00:113::", 64)}), false, true}),
		Entry("another network", row{list(types.HostFirewallRulesetIpList{IpNetwork: network("203.0.113.128", 25)}), false, false}),
		Entry("overlapping", row{list(types.HostFirewallRulesetIpList{
			IpAddress: []string{"203.0.113.20", "203.0.113.20"}, IpNetwork: network("203.0.113.0", 24),
		}), true, false}),
	)
	It("keeps what it had when the new one makes no sense", func(ctx SpecContext) {
		Expect(net1.SetFirewall(esx1, shut(ruleset(port, 0)))).To(Succeed())
		Expect(net1.SetFirewall(esx1, list(types.HostFirewallRulesetIpList{IpAddress: []string{"nonsense"}}))).
			To(MatchError(ContainSubstring("set the firewall of esx1.lab: ruleset test: allowed hosts")))
		Expect(net1.SetVerdict(esx1, "nonsense")).To(MatchError(ContainSubstring("esx1.lab")))
		Expect(reach(ctx, esx1)).To(Succeed())
	}, SpecTimeout(20*time.Second))
	DescribeTable("says no as it is told", func(ctx SpecContext, verdict string, errno syscall.Errno) {
		Expect(net1.SetVerdict(esx1, verdict)).To(Succeed())
		Expect(reach(ctx, esx1)).To(MatchError(errno))
		expectBlocked(ctx, esx2, net1.VCH().Addr4)
		Expect(net1.SetFirewall(esx1, shut(ruleset(port, 0)))).To(Succeed())
		Expect(reach(ctx, esx1)).To(Succeed())
	},
		Entry(nil, "reject", syscall.ECONNREFUSED),
		Entry(nil, "reject with icmpx type admin-prohibited", syscall.EHOSTUNREACH),
	)
})

var _ = Describe("the path beyond the hosts", func() {
	BeforeEach(func() {
		Expect(net1.SetFirewall(esx1, sim.FirewallState{Off: true})).To(Succeed())
	})
	It("drops", func(ctx SpecContext) {
		Expect(net1.Path(lab.DropPort(port))).To(Succeed())
		expectBlocked(ctx, esx1, net1.VCH().Addr4)
		_, err := from(ctx, esx1, net1.VCH().Addr4, 9999, patience)
		Expect(err).NotTo(HaveOccurred())
		Expect(net1.Path("")).To(Succeed())
		Expect(reach(ctx, esx1)).To(Succeed())
	}, SpecTimeout(20*time.Second))
	It("drops what one host sends, by a rule of one's own", func(ctx SpecContext) {
		Expect(net1.SetFirewall(esx2, sim.FirewallState{Off: true})).To(Succeed())
		Expect(net1.Path(fmt.Sprintf("chain in { type filter hook input priority 0; ip saddr %s drop; }", net1.Address(esx1)))).To(Succeed())
		expectBlocked(ctx, esx1, net1.VCH().Addr4)
		Expect(reach(ctx, esx2)).To(Succeed())
	}, SpecTimeout(20*time.Second))
	DescribeTable("rejects", func(ctx SpecContext, with string, errno syscall.Errno) {
		Expect(net1.Path(lab.RejectPort(port, with))).To(Succeed())
		Expect(reach(ctx, esx1)).To(MatchError(errno))
	},
		Entry(nil, "tcp reset", syscall.ECONNREFUSED),
		Entry(nil, "icmpx type admin-prohibited", syscall.EHOSTUNREACH),
	)
	It("loses attempts to connect", func(ctx SpecContext) {
		Expect(net1.Path(lab.LoseSYN(port, 100))).To(Succeed())
		expectBlocked(ctx, esx1, net1.VCH().Addr4)
		Expect(net1.Path(lab.LoseSYN(port, 30))).To(Succeed())
		var lost atomic.Int32
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := from(ctx, esx1, net1.VCH().Addr4, port, 700*time.Millisecond); err != nil {
					lost.Add(1)
				}
			})
		}
		all.Wait()
		Expect(lost.Load()).To(BeNumerically("~", 30, 25), "of 100")
	}, SpecTimeout(30*time.Second))
	It("leads elsewhere, for one host", func(ctx SpecContext) {
		Expect(net1.SetFirewall(esx2, sim.FirewallState{Off: true})).To(Succeed())
		Expect(net1.Path(lab.Redirect(net1.Address(esx1), port, 9999))).To(Succeed())
		Expect(from(ctx, esx1, net1.VCH().Addr4, port, patience)).To(HavePrefix("trap sees"))
		Expect(reach(ctx, esx2)).To(Succeed())
	}, SpecTimeout(20*time.Second))
	It("is not there, to one address", func(ctx SpecContext) {
		Expect(net1.RemoveRoute(esx1, net1.VCH().Addr4)).To(Succeed())
		Expect(reach(ctx, esx1)).To(MatchError(syscall.ENETUNREACH))
		_, err := from(ctx, esx1, net1.Target("other").Addr4, port, patience)
		Expect(err).NotTo(HaveOccurred())
		Expect(net1.RestoreRoute(esx1, net1.VCH().Addr4)).To(Succeed())
		Expect(reach(ctx, esx1)).To(Succeed())
	}, SpecTimeout(20*time.Second))
	It("refuses a script that is none", func() {
		Expect(net1.Path("nonsense")).To(MatchError(ContainSubstring("path to the VCH")))
	})
})

var _ = Describe("a host's SSH server", func() {
	startAfter := func(host string) { DeferCleanup(func() { Expect(net1.StartSSH(host)).To(Succeed()) }) }
	const nc = "nc -zv -w 2 203.0.113.20 2377"

	It("runs nc through the host's firewall", func(ctx SpecContext) {
		Expect(net1.SetFirewall(esx1, shut(ruleset(port, 0)))).To(Succeed())
		out, err := ssh(ctx, esx1, nc)
		Expect(code(err)).To(BeZero(), out)
		Expect(out).To(ContainSubstring("succeeded!"))
		out, err = ssh(ctx, esx2, nc)
		Expect(code(err)).To(Equal(1), out)
		Expect(out).To(ContainSubstring("timed out"))
		Expect(net1.SetVerdict(esx2, "reject")).To(Succeed())
		out, err = ssh(ctx, esx2, nc)
		Expect(code(err)).To(Equal(1), out)
		Expect(out).To(ContainSubstring("refused"))
	}, SpecTimeout(30*time.Second))
	It("stops and starts", func(ctx SpecContext) {
		startAfter(esx3)
		Expect(net1.StopSSH(esx3)).To(Succeed())
		out, err := ssh(ctx, esx3, "true")
		Expect(code(err)).To(Equal(255), out)
		Expect(out).To(ContainSubstring("Connection refused"))
		Expect(net1.StartSSH(esx3)).To(Succeed())
		out, err = ssh(ctx, esx3, "hostname >/dev/null; echo $HOME")
		Expect(code(err)).To(BeZero(), out)
		Expect(out).To(Equal("/run/home"), "not the home of whoever runs the tests")
	}, SpecTimeout(30*time.Second))
	It("refuses a login", func(ctx SpecContext) {
		startAfter(esx3)
		Expect(net1.RefuseLogin(esx3)).To(Succeed())
		out, err := ssh(ctx, esx3, "true")
		Expect(code(err)).To(Equal(255), out)
		Expect(out).To(ContainSubstring("Permission denied"))
	}, SpecTimeout(30*time.Second))
	It("shows logins what the host has, and ends with the host", func(ctx SpecContext) {
		startAfter(esx3)
		dir := GinkgoT().TempDir()
		Expect(os.WriteFile(dir+"/own", nil, 0o600)).To(Succeed())
		Expect(net1.SetSession(esx3, lab.Session{
			Prepare: func() error { return unix.Mount(dir, "/tmp", "", unix.MS_BIND, "") },
			Env:     []string{"PATH=/usr/bin:/bin:/own", "ONE=1"},
		})).To(Succeed())
		DeferCleanup(func() { Expect(net1.SetSession(esx3, lab.Session{})).To(Succeed()) })
		Expect(net1.StartSSH(esx3)).To(Succeed())
		out, err := ssh(ctx, esx3, "echo /tmp/* $PATH $ONE")
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(Equal("/tmp/own /usr/bin:/bin:/own 1"))
		out, err = ssh(ctx, esx2, "ls /tmp/own")
		Expect(err).To(HaveOccurred(), out)

		ended := make(chan error, 1)
		go func() {
			_, err := ssh(ctx, esx3, "echo > /tmp/started; exec sleep 60")
			ended <- err
		}()
		Eventually(func() error { _, err := os.Stat(dir + "/started"); return err }).WithTimeout(10 * time.Second).Should(Succeed())
		Expect(net1.Halt(esx3)).To(Succeed())
		Eventually(ended).WithTimeout(10 * time.Second).Should(Receive(HaveOccurred()))
		Expect(net1.Halt("nobody")).NotTo(Succeed())
	}, SpecTimeout(30*time.Second))
	It("cannot start where somebody listens already", func() {
		startAfter(esx3)
		Expect(net1.StopSSH(esx3)).To(Succeed())
		squatter, err := net1.Host(esx3).Listen("tcp", ":22")
		Expect(err).NotTo(HaveOccurred())
		defer func() { _ = squatter.Close() }()
		Expect(net1.StartSSH(esx3)).To(MatchError(MatchRegexp("start sshd on esx3.lab: .*Address already in use")))
	})
	It("says nothing", func(ctx SpecContext) {
		startAfter(esx3)
		Expect(net1.HangSSH(esx3)).To(Succeed())
		conn, err := net1.Ops().DialContext(ctx, "tcp", net1.Address(esx3).String()+":22")
		Expect(err).NotTo(HaveOccurred())
		defer func() { _ = conn.Close() }()
		Expect(conn.SetReadDeadline(time.Now().Add(blockedAfter))).To(Succeed())
		_, err = conn.Read(make([]byte, 1))
		Expect(err).To(MatchError(os.ErrDeadlineExceeded))
		Expect(net1.StopSSH(esx3)).To(Succeed())
		Expect(conn.SetReadDeadline(time.Now().Add(5 * time.Second))).To(Succeed())
		_, err = conn.Read(make([]byte, 1))
		Expect(err).To(HaveOccurred())
		Expect(err).NotTo(MatchError(os.ErrDeadlineExceeded))
	}, SpecTimeout(30*time.Second))
	It("has another key than it had", func(ctx SpecContext) {
		known, err := os.ReadFile(net1.KnownHosts())
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Count(string(known), "ssh-ed25519")).To(Equal(3))
		Expect(string(known)).To(ContainSubstring("esx2.lab,203.0.113.102,fd00:113::102 ssh-ed25519"))
		startAfter(esx3)
		Expect(net1.ChangeHostKey(esx3)).To(Succeed())
		out, err := ssh(ctx, esx3, "true")
		Expect(code(err)).To(Equal(255), out)
		Expect(out).To(ContainSubstring("REMOTE HOST IDENTIFICATION HAS CHANGED"))
		Expect(os.ReadFile(net1.KnownHosts())).To(Equal(known))
	}, SpecTimeout(30*time.Second))
})
