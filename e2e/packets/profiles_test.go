//go:build linux

package packets_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/e2e/lab"
)

// rulesets sets rulesets of a host through the API, or those of every host: whom each lets
// through, nil for a disabled one and none for everybody.
func (w *world) rulesets(host string, allowed map[string][]string) {
	GinkgoHelper()
	for _, name := range hosts {
		if host != "" && host != name {
			continue
		}
		Expect(w.vc.Host(name).Change(func(info *types.HostFirewallInfo) error {
			for i := range info.Ruleset {
				rs := &info.Ruleset[i]
				if list, ok := allowed[rs.Key]; ok {
					rs.Enabled = list != nil
					rs.AllowedHosts = &types.HostFirewallRulesetIpList{AllIp: len(list) == 0, IpAddress: list}
				}
			}
			return nil
		})).To(Succeed())
	}
}

// answer lets a service stand in a namespace that accepts and says nothing.
func answer(ns *lab.NS, port int) {
	GinkgoHelper()
	l, err := ns.Listen("tcp", fmt.Sprintf("0.0.0.0:%d", port))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func(c net.Conn) { _, _ = io.Copy(io.Discard, c); _ = c.Close() }(c)
		}
	}()
}

// connects is what tcp-connect says of each host for a requirement.
func (w *world) connects(ctx SpecContext, requirement string, args ...string) seen {
	GinkgoHelper()
	out := w.tool(ctx, append([]string{"check", "--only", "outbound-port,tcp-connect", "--refresh", "--probe-timeout", "2s", "-o", "json"}, args...)...)
	var r struct {
		Targets []struct {
			Hosts []struct {
				Name   string
				Checks []struct{ ID, Requirement, Status, Reason string }
			}
		}
	}
	Expect(json.Unmarshal([]byte(out.stdout), &r)).To(Succeed(), out.stderr)
	found := seen{}
	for _, h := range r.Targets[0].Hosts {
		for _, c := range h.Checks {
			if c.ID == "tcp-connect" && c.Requirement == requirement {
				found[h.Name] = c.Status + " " + c.Reason
			}
		}
	}
	return found
}

var _ = Describe("a probe for profiles with real packets", func() {
	var w *world
	BeforeEach(func() { w = newWorld() })
	// but is what every host came to, but for one.
	but := func(every, host, one string) seen {
		m := all(every)
		m[host] = one
		return m
	}
	ssh := func() []string {
		return []string{"--probe", "ssh", "--ssh-user", w.SSHUser(), "--ssh-key", w.ClientKey(), "--ssh-known-hosts", w.KnownHosts()}
	}

	It("sees syslog's ruleset turn exactly that host's connection to the collector", func(ctx SpecContext) {
		w.sshUp(hosts...)
		answer(w.VCH(), 1514)
		w.rulesets("", map[string][]string{"syslog": nil, "vSPC": nil})
		args := func() []string {
			return append(ssh(), "--profile", "syslog", "--profile", "ntp", "--peer", "syslog=ssl://"+w.VCH().Addr4.String(), "--peer", "ntp=203.0.113.99")
		}
		Expect(w.connects(ctx, "syslog-ssl", args()...)).To(Equal(all("fail host-blocked")))
		w.rulesets("esx02.example", map[string][]string{"syslog": {}})
		Expect(w.connects(ctx, "syslog-ssl", args()...)).To(Equal(but("fail host-blocked", "esx02.example", "pass accepted")))
		w.rulesets("esx02.example", map[string][]string{"syslog": {"203.0.113.99"}})
		Expect(w.connects(ctx, "syslog-ssl", args()...)).To(Equal(all("fail host-blocked")))
		Expect(w.connects(ctx, "ntp", args()...)).To(Equal(all("skip not-provable")))

		By("the host's own dial, without a login")
		w.rulesets("esx02.example", map[string][]string{"syslog": {}})
		serial := []string{"--probe", "serial", "--profile", "syslog", "--peer", "ssl://" + w.VCH().Addr4.String()}
		Expect(w.connects(ctx, "syslog-ssl", serial...)).To(Equal(but("fail host-blocked", "esx02.example", "pass accepted")))

		By("something that answers one host in the place of a collector that is down")
		answer(w.VCH(), 9999)
		down := append(ssh(), "--host", "esx02*", "--profile", "syslog", "--peer", "tcp://"+w.VCH().Addr4.String())
		Expect(w.connects(ctx, "syslog-tcp", down...)).To(Equal(seen{"esx02.example": "pass nobody-listens"}))
		Expect(w.Path(lab.Redirect(w.Address("esx02.example"), 514, 9999))).To(Succeed())
		Expect(w.connects(ctx, "syslog-tcp", down...)).To(Equal(seen{"esx02.example": "warn reachable-unverified"}))
	}, SpecTimeout(limit))

	It("sees NFC's allowed hosts shut out exactly this machine, and no other", func(ctx SpecContext) {
		here, other := w.Ops().Addr4.String(), w.Target("other")
		for _, h := range hosts {
			answer(w.Host(h), 902)
		}
		w.rulesets("", map[string][]string{"NFC": {}, "vSphereClient": {}})
		args := []string{"--probe", "local", "--profile", "vddk-nbd", "--peer", here}
		const requirement = "vddk-nbd-disk-data"
		Expect(w.connects(ctx, requirement, args...)).To(Equal(all("pass accepted")))
		Expect(w.connects(ctx, "vddk-nbd-authentication", args...)).To(Equal(all("warn nobody-listens")))

		By("leaving this machine out of one host's list")
		w.rulesets("esx02.example", map[string][]string{"NFC": {other.Addr4.String()}, "vSphereClient": {other.Addr4.String()}})
		Expect(w.connects(ctx, requirement, args...)).To(Equal(but("pass accepted", "esx02.example", "fail host-blocked")))
		conn, err := other.DialContext(ctx, "tcp", w.Address("esx02.example").String()+":902")
		Expect(err).NotTo(HaveOccurred(), "the other machine still gets in")
		Expect(conn.Close()).To(Succeed())

		By("the other machine being the mover: what this one sees proves nothing of it")
		theirs := []string{"--probe", "local", "--profile", "vddk-nbd", "--peer", other.Addr4.String()}
		Expect(w.connects(ctx, requirement, theirs...)).To(Equal(all("warn not-the-peer")))

		By("the path blocking what the host permits")
		Expect(w.Ops().NFT("table inet path { chain output { type filter hook output priority filter; tcp dport 902 drop; }; }\n")).To(Succeed())
		Expect(w.connects(ctx, requirement, args...)).To(Equal(but("fail path-blocked", "esx02.example", "fail host-blocked")))
	}, SpecTimeout(limit))

	It("lets hosts connect to each other", func(ctx SpecContext) {
		w.sshUp(hosts...)
		for _, h := range hosts {
			answer(w.Host(h), 8000)
		}
		w.rulesets("", map[string][]string{"vMotion": {}, "vSPC": nil})
		args := append(ssh(), "--profile", "vmotion", "--peer", "203.0.113.0/24")
		Expect(w.connects(ctx, "vmotion-migration-in", args...)).To(Equal(all("pass accepted")))
		w.rulesets("esx02.example", map[string][]string{"vMotion": nil})
		got := w.connects(ctx, "vmotion-migration-in", args...)
		Expect(got).To(HaveKeyWithValue("esx02.example", "fail host-blocked"))
	}, SpecTimeout(limit))
})
