//go:build linux

package lab_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

var _ = Describe("a host's link", func() {
	BeforeEach(func() {
		Expect(net1.SetFirewall(esx1, sim.FirewallState{Off: true})).To(Succeed())
		DeferCleanup(func() { Expect(net1.Latency(esx1, 0, 0)).To(Succeed()) })
	})
	It("is slow, by IPv4 and IPv6, and then fast again", func(ctx SpecContext) {
		const rtt = 150 * time.Millisecond
		Expect(net1.Latency(esx1, rtt, 0)).To(Succeed())
		for _, to := range []func() (string, error){
			func() (string, error) { return from(ctx, esx1, net1.VCH().Addr4, port, patience) },
			func() (string, error) { return from(ctx, esx1, net1.VCH().Addr6, port, patience) },
			func() (string, error) { return ssh(ctx, esx1, "head -c 200000 /dev/zero | wc -c") },
		} {
			start := time.Now()
			_, err := to()
			Expect(err).NotTo(HaveOccurred())
			Expect(time.Since(start)).To(BeNumerically(">=", rtt))
		}
		Expect(net1.Latency(esx1, 0, 0)).To(Succeed())
		_, err := from(ctx, esx1, net1.VCH().Addr4, port, rtt)
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(30*time.Second))
	It("carries much", func(ctx SpecContext) {
		Expect(net1.Latency(esx1, 2*time.Millisecond, 0)).To(Succeed())
		out, err := ssh(ctx, esx1, "head -c 3000000 /dev/zero")
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(HaveLen(3000000))
	}, SpecTimeout(30*time.Second))
	It("is dead", func(ctx SpecContext) {
		Expect(net1.Latency(esx1, 0, 100)).To(Succeed())
		expectBlocked(ctx, esx1, net1.VCH().Addr4)
	}, SpecTimeout(30*time.Second))
})
