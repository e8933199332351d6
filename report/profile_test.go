package report_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/profile"
	"github.com/vic-preflight/vic-preflight/report"
)

var _ = Describe("profiles", func() {
	It("are listed with what each asks for", func() {
		var b strings.Builder
		Expect(report.Profiles(&b, profile.All())).To(Succeed())
		Expect(b.String()).To(ContainSubstring(`
syslog        Remote syslog
              outbound TCP 1514 to a log collector (one of these)
              outbound TCP 514 to a log collector (one of these)
              outbound UDP 514 to a log collector (one of these)
ntp           Time by NTP
              outbound UDP 123 to an NTP server
`))
		for line := range strings.Lines(b.String()) {
			Expect(len(line)).To(BeNumerically("<=", 81), line)
		}
	})
	It("are shown one by one", func() {
		p, err := profile.Named("vcenter")
		Expect(err).NotTo(HaveOccurred())
		var b strings.Builder
		Expect(report.Profile(&b, p)).To(Succeed())
		Expect(b.String()).To(Equal(`vcenter: Management by vCenter Server

  peer            the vCenter Server, by --peer
  set on hosts in the address of the vCenter Server that manages the host

vcenter-heartbeat
  opens           outbound UDP 902 to the vCenter Server
  rulesets        vpxHeartbeats
  switched by     the service vpxa
  where shut      the host shows as not responding when no heartbeat arrives for
                  60 seconds
  proof           none: UDP does not answer
  never narrow    without the vCenter Server

vcenter-management
  opens           inbound TCP 443 and 902 from the vCenter Server
  rulesets        vSphereClient
  also taken      NFC
  switched by     users
  where shut      vCenter Server loses the host
  proof           from the machine that asks
  never narrow    without the vCenter Server

Sources
  https://knowledge.broadcom.com/external/article/323612/esxi-host-disconnects-from-vcenter-serve.html
  https://knowledge.broadcom.com/external/article/435077/esxi-host-intermittently-transitions-to.html
  https://knowledge.broadcom.com/external/article/432374
  govmomi v0.56.0 simulator/esx/host_firewall_system.go
`))
	})
	It("keep to 80 columns but for addresses, and have a choice's alternatives", func() {
		for _, p := range profile.All() {
			var b strings.Builder
			Expect(report.Profile(&b, p)).To(Succeed())
			for line := range strings.Lines(b.String()) {
				Expect(len(line) <= 81 || strings.Contains(line, "https://")).To(BeTrue(), line)
			}
			if p.Name == "syslog" {
				Expect(b.String()).To(ContainSubstring("  one of          syslog-ssl, syslog-tcp, syslog-udp\n"))
			}
		}
	})
})
