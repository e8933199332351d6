//go:build linux

package packets_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/e2e/lab"
)

const (
	port  = 2377
	limit = 2 * time.Minute
)

// all expects every host to have come to the same.
func all(want string) seen {
	m := seen{}
	for _, h := range hosts {
		m[h] = want
	}
	return m
}

var _ = Describe("a probe with real packets", func() {
	var w *world
	BeforeEach(func() { w = newWorld() })
	vch := func() string { return fmt.Sprintf("%s:%d", w.VCH().Addr4, port) }

	It("sees one host's ruleset open, and no other's, by both vantages", func(ctx SpecContext) {
		w.listen(w.VCH(), vch())
		w.sshUp(hosts...)
		for _, vantage := range []string{"ssh", "serial"} {
			Expect(w.probe(ctx, vantage)).To(Equal(all("timeout")), vantage)
		}
		By("enabling vSPC on one host through the API")
		out := w.tool(ctx, "fix", "--allow", "--ruleset", "vSPC", "--host", "esx02*", "--journal", w.key+".journal")
		Expect(out.code).To(Equal(0), out.stderr)
		want := all("timeout")
		want["esx02.example"] = "open"
		for _, vantage := range []string{"ssh", "serial"} {
			Expect(w.probe(ctx, vantage)).To(Equal(want), vantage)
		}
		By("taking it back")
		out = w.tool(ctx, "undo", w.key+".journal", "--journal", w.key+".undo")
		Expect(out.code).To(Equal(0), out.stderr)
		Expect(w.probe(ctx, "ssh")).To(Equal(all("timeout")))
	}, SpecTimeout(limit))

	It("proves check --fix by the hosts' own connections", func(ctx SpecContext) {
		w.listen(w.VCH(), vch())
		out := w.tool(ctx, "check", "--fix", "--journal", w.key+".journal", "--probe", "serial", "--probe-timeout", "2s",
			"--listener-key", w.key, "--vch-ip", w.VCH().Addr4.String())
		Expect(out.code).To(Equal(0), out.stdout+out.stderr)
		Expect(out.stdout).To(ContainSubstring("\nprobed by serial: "))
		Expect(regexp.MustCompile(`(?m)^esx\S+ +\w+ +\S+ +open`).FindAllString(out.stdout, -1)).To(HaveLen(len(hosts)))
	}, SpecTimeout(limit))

	It("is blocked by allowed hosts that leave the VCH out", func(ctx SpecContext) {
		w.listen(w.VCH(), vch())
		w.sshUp("esx01.example", "esx02.example")
		w.open("esx01.example", "203.0.113.99")
		w.open("esx02.example", w.VCH().Addr4.String())
		for _, vantage := range []string{"ssh", "serial"} {
			got := w.probe(ctx, vantage, "--host", "esx0[12]*")
			Expect(got).To(Equal(seen{"esx01.example": "timeout", "esx02.example": "open"}), vantage)
		}
	}, SpecTimeout(limit))

	// one probes from one host by its own nc.
	one := func(ctx context.Context, more ...string) string {
		GinkgoHelper()
		return w.probe(ctx, "ssh", append([]string{"--host", "esx01*"}, more...)...)["esx01.example"]
	}

	It("classes what the network does to a permitted connection", func(ctx SpecContext) {
		w.open("esx01.example")
		w.sshUp("esx01.example")
		key := func() { w.listen(w.VCH(), vch()) }

		By("nobody listening")
		w.listen(w.Target("other"), fmt.Sprintf("%s:%d", w.Target("other").Addr4, port)) // makes the key
		Expect(one(ctx)).To(Equal("refused"))

		key()
		Expect(one(ctx)).To(Equal("open"))
		for _, c := range []struct{ what, script, want string }{
			{"dropped beyond the host", lab.DropPort(port), "timeout"},
			{"reset by a filter", lab.RejectPort(port, "tcp reset"), "refused"},
			{"rejected by a filter", lab.RejectPort(port, "icmpx type port-unreachable"), "refused"},
			{"prohibited by an administrator", lab.RejectPort(port, "icmpx type admin-prohibited"), "unreachable"},
		} {
			By(c.what)
			Expect(w.Path(c.script)).To(Succeed())
			Expect(one(ctx)).To(Equal(c.want), c.what)
		}
		Expect(w.Path("")).To(Succeed())

		By("the host's own firewall prohibiting instead of dropping")
		Expect(w.SetVerdict("esx02.example", "reject with icmpx type admin-prohibited")).To(Succeed())
		w.sshUp("esx02.example")
		Expect(w.probe(ctx, "ssh", "--host", "esx02*")).To(Equal(seen{"esx02.example": "unreachable"}))

		By("no machine at the address")
		Expect(one(ctx, "--probe-target", "203.0.113.200", "--probe-timeout", "5s")).To(Equal("unreachable"))

		By("no route")
		Expect(w.RemoveRoute("esx01.example", w.VCH().Addr4)).To(Succeed())
		Expect(one(ctx)).To(Equal("no-route"))
		Expect(w.RestoreRoute("esx01.example", w.VCH().Addr4)).To(Succeed())
		Expect(one(ctx)).To(Equal("open"))
	}, SpecTimeout(limit))

	It("gets through a second of latency", func(ctx SpecContext) {
		w.open("esx01.example")
		w.sshUp("esx01.example")
		w.listen(w.VCH(), vch())
		Expect(w.Latency("esx01.example", time.Second, 0)).To(Succeed())
		Expect(one(ctx, "--probe-timeout", "10s")).To(Equal("open"))
		Expect(w.probe(ctx, "serial", "--host", "esx01*", "--probe-timeout", "10s")).To(Equal(seen{"esx01.example": "open"}))
	}, SpecTimeout(limit))

	It("gets through losses, given time", func(ctx SpecContext) {
		w.open("esx01.example")
		w.sshUp("esx01.example")
		w.listen(w.VCH(), vch())
		Expect(w.Path(lab.LoseSYN(port, 30))).To(Succeed())
		Expect(one(ctx, "--probe-timeout", "10s", "--probe-retries", "3")).To(Equal("open"))
	}, SpecTimeout(limit))

	It("knows an interception by both vantages", func(ctx SpecContext) {
		w.listen(w.VCH(), vch())
		w.open("esx01.example")
		w.sshUp("esx01.example")
		mitm, err := w.VCH().Listen("tcp", fmt.Sprintf("%s:9999", w.VCH().Addr4))
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(mitm.Close)
		go func() {
			for {
				c, err := mitm.Accept()
				if err != nil {
					return
				}
				go func() {
					_, _ = c.Write([]byte("VIC-PREFLIGHT/1 OPEN 00\n"))
					_, _ = c.Read(make([]byte, 1024))
					time.Sleep(3 * time.Second)
					_ = c.Close()
				}()
			}
		}()
		Expect(w.Path(lab.Redirect(w.Address("esx01.example"), port, 9999))).To(Succeed())
		Expect(one(ctx)).To(Equal("intercepted"))
		Expect(w.probe(ctx, "serial", "--host", "esx01*")).To(Equal(seen{"esx01.example": "intercepted"}))

		By("intercepting this machine instead, which has to ask the listener")
		Expect(w.Path(lab.Redirect(w.Ops().Addr4, port, 9999))).To(Succeed())
		Expect(one(ctx)).To(Equal("open"))
		out := w.tool(ctx, "probe", "--probe", "serial", "--probe-target", w.VCH().Addr4.String(), "--listener-key", w.key)
		Expect(out.code).To(Equal(3), "nothing could be found out")
		Expect(out.stderr).To(ContainSubstring("not the listener with this key"))
	}, SpecTimeout(limit))

	It("does not take an accepted and then reset connection for a proof", func(ctx SpecContext) {
		w.open("esx01.example")
		w.sshUp("esx01.example")
		w.listen(w.Target("other"), fmt.Sprintf("%s:%d", w.Target("other").Addr4, port))
		l, err := w.VCH().Listen("tcp", vch())
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(l.Close)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_ = c.(*net.TCPConn).SetLinger(0)
				_ = c.Close()
			}
		}()
		Expect(one(ctx)).To(BeElementOf("open-unverified", "refused"), "a reset may come before or after nc has noticed that it is connected")
	}, SpecTimeout(limit))

	It("reaches IPv6, and names with several addresses", func(ctx SpecContext) {
		w.open("esx01.example")
		w.sshUp("esx01.example")
		w.listen(w.VCH(), fmt.Sprintf("[::]:%d", port))
		Expect(one(ctx, "--probe-target", w.VCH().Addr6.String())).To(Equal("open"))
		Expect(one(ctx, "--probe-target", "vch")).To(Equal("open"))
		By("a name server that answers nothing")
		var silent net.PacketConn
		Expect(w.Host("esx01.example").Do(func() (err error) {
			silent, err = net.ListenPacket("udp", "127.0.0.1:53")
			return err
		})).To(Succeed())
		DeferCleanup(silent.Close)
		Expect(one(ctx, "--probe-target", "nowhere.example", "--probe-timeout", "5s")).To(Equal("dns"))
	}, SpecTimeout(limit))

	It("goes on past hosts whose SSH is broken", func(ctx SpecContext) {
		w.listen(w.VCH(), vch())
		for _, h := range hosts {
			w.open(h)
		}
		w.sshUp(hosts[0], hosts[4])
		Expect(w.HangSSH(hosts[1])).To(Succeed())
		w.sshUp(hosts[2])
		Expect(w.ChangeHostKey(hosts[2])).To(Succeed())
		Expect(w.RefuseLogin(hosts[3])).To(Succeed())
		got := w.probe(ctx, "ssh")
		Expect(got[hosts[0]]).To(Equal("open"))
		Expect(got[hosts[1]]).To(ContainSubstring("stopped answering in the middle"))
		Expect(got[hosts[2]]).To(ContainSubstring("the host's key has changed"))
		Expect(got[hosts[3]]).To(ContainSubstring("the host refused the login"))
		Expect(got[hosts[4]]).To(Equal("open"))
	}, SpecTimeout(limit))

	It("starts the hosts' SSH service for the moment, and puts it back", func(ctx SpecContext) {
		w.listen(w.VCH(), vch())
		w.open("esx01.example")
		w.sshUp("esx02.example") // by hand: the API does not know of it
		Expect(one(ctx)).To(ContainSubstring("refused"))
		Expect(one(ctx, "--ssh-start-service")).To(Equal("open"))
		Expect(w.vc.Host("esx01.example").ServiceRunning("TSM-SSH")).To(BeFalse())
		Expect(one(ctx)).To(ContainSubstring("refused"), "stopped again")

		w.vc.Fault("StopService", types.ManagedObjectReference{}, &types.HostConfigFault{})
		out := w.tool(ctx, "probe", "--probe", "ssh", "--probe-target", w.VCH().Addr4.String(), "--listener-key", w.key, "--host", "esx01*",
			"--ssh-user", w.SSHUser(), "--ssh-key", w.ClientKey(), "--ssh-known-hosts", w.KnownHosts(), "--ssh-start-service")
		Expect(out.code).To(Equal(4), out.stderr)
		Expect(out.stderr).To(ContainSubstring("is left running on esx01.example"))
	}, SpecTimeout(limit))

	It("leaves no machine after it was killed and cleaned up", func(ctx SpecContext) {
		w.listen(w.VCH(), vch())
		cmd := exec.Command(preflight, "probe", "--probe-timeout", "30s", "--listener-key", w.key, "--probe-target", w.VCH().Addr4.String(),
			"--target", w.vc.URL.Host, "--user", "root", "--password", "pw", "--thumbprint", w.vc.Thumbprint)
		cmd.Env = environment()
		Expect(w.Ops().Start(cmd)).To(Succeed())
		Eventually(func() int { return w.vc.RequestsOf("PowerOnVM_Task") }).WithContext(ctx).Should(Equal(len(hosts)))
		Expect(cmd.Process.Signal(syscall.SIGKILL)).To(Succeed())
		_ = cmd.Wait()
		left := func() int { return len(w.vc.Model().Map().All("VirtualMachine")) }
		Expect(left()).To(Equal(len(hosts)))
		out := w.tool(ctx, "probe", "--cleanup")
		Expect(out.code).To(Equal(0), out.stderr)
		Expect(out.stderr).To(ContainSubstring("may belong to a probe that runs"))
		Expect(left()).To(Equal(len(hosts)), "young ones are left alone")
		out = w.tool(ctx, "probe", "--cleanup", "--force")
		Expect(out.code).To(Equal(0), out.stderr)
		Expect(strings.Count(out.stdout, "removed vic-preflight-probe-")).To(Equal(len(hosts)))
		Expect(left()).To(BeZero())
	}, SpecTimeout(limit))
})
