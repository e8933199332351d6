package vsphere_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = Describe("the SSH service of a host", func() {
	const service = "TSM-SSH"
	var vc *sim.VCenter
	var s *vsphere.Session
	var h *inventory.Host
	BeforeEach(func(ctx SpecContext) {
		vc = start("open")
		s = login(ctx, vc)
		h = hostNamed(collect(ctx, s, vsphere.Selection{}), "esx01.example")
	})

	It("is left running where it ran already", func(ctx SpecContext) {
		vc.Host(h.Name).SetServiceRunning(service, true)
		restore, err := s.StartSSH(ctx, h)
		Expect(err).NotTo(HaveOccurred())
		Expect(restore(ctx)).To(Succeed())
		Expect(vc.Host(h.Name).ServiceRunning(service)).To(BeTrue())
		Expect(vc.RequestsOf("StartService") + vc.RequestsOf("StopService")).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("is stopped again where it was started, also when the run's context has ended", func(ctx SpecContext) {
		vc.Host(h.Name).SetServiceRunning(service, false)
		run, cancel := context.WithCancel(ctx)
		restore, err := s.StartSSH(run, h)
		Expect(err).NotTo(HaveOccurred())
		Expect(vc.Host(h.Name).ServiceRunning(service)).To(BeTrue())
		cancel()
		Expect(restore(ctx)).To(Succeed())
		Expect(vc.Host(h.Name).ServiceRunning(service)).To(BeFalse())
	}, SpecTimeout(time.Minute))

	It("is stopped again where the answer to the start was lost", func(ctx SpecContext) {
		vc.Host(h.Name).SetServiceRunning(service, false)
		vc.Fault("StartService", types.ManagedObjectReference{}, &types.HostConfigFault{})
		restore, err := s.StartSSH(ctx, h)
		Expect(err).To(HaveOccurred())
		vc.Host(h.Name).SetServiceRunning(service, true) // so it was started all the same
		Expect(restore(ctx)).To(Succeed())
		Expect(vc.Host(h.Name).ServiceRunning(service)).To(BeFalse())
	}, SpecTimeout(time.Minute))
})
