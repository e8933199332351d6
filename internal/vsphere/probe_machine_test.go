package vsphere_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/simulator"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/sim/simtest"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = Describe("a probe's virtual machine", func() {
	var vc *sim.VCenter
	var s *vsphere.Session
	var h *inventory.Host
	const prefix = "vic-preflight-probe-"
	made := func(ctx context.Context, name string) (*vsphere.Machine, *simulator.VirtualMachine) {
		GinkgoHelper()
		machines, err := s.PrepareMachines(ctx, "/dc1", []*inventory.Host{h})
		Expect(err).NotTo(HaveOccurred())
		m, err := machines.Create(ctx, h, name, "telnet://127.0.0.1:1", "vic-preflight:x")
		Expect(err).NotTo(HaveOccurred())
		for _, e := range vc.Model().Map().All("VirtualMachine") {
			if e.Entity().Name == name {
				return m, e.(*simulator.VirtualMachine)
			}
		}
		Fail("no machine " + name)
		return nil, nil
	}
	left := func() (names []string) {
		for _, e := range vc.Model().Map().All("VirtualMachine") {
			names = append(names, e.Entity().Name)
		}
		return names
	}
	BeforeEach(func(ctx SpecContext) {
		vc = start("open")
		s = login(ctx, vc)
		h = hostNamed(collect(ctx, s, vsphere.Selection{}), "esx01.example")
	})

	It("that DRS placed on another host proves nothing of its own", func(ctx SpecContext) {
		m, vm := made(ctx, prefix+"a")
		pinned, elsewhere := vm.Runtime.Host, vc.Host("esx02.example").Ref
		vm.Runtime.Host = &elsewhere
		Expect(m.PowerOn(ctx)).To(MatchError("it was placed on another host"))
		vm.Runtime.Host = pinned // the simulator looks for its files there
		Expect(m.Destroy(ctx)).To(Succeed())
		Expect(left()).To(BeEmpty())
	}, SpecTimeout(time.Minute))

	It("is powered on on its own host and on no other", func(ctx SpecContext) {
		var asked string
		server := simtest.Bend(GinkgoTB(), vc, func(c *simtest.Call) []byte {
			if c.Method == "PowerOnVM_Task" {
				asked = string(c.Body)
			}
			return c.Pass()
		})
		var err error
		s, err = vsphere.Connect(ctx, vsphere.Config{
			Target: vsphere.Target{Address: server.Address}, User: sim.DefaultUser, Password: sim.DefaultPassword, Thumbprints: []vsphere.Thumbprint{thumbprint(server.Thumbprint)},
		})
		Expect(err).NotTo(HaveOccurred())
		defer s.Close()
		m, _ := made(ctx, prefix+"b")
		Expect(m.PowerOn(ctx)).To(Succeed())
		Expect(asked).To(ContainSubstring(">"+h.ID+"<"), "DRS may place it anywhere")
		Expect(m.Destroy(ctx)).To(Succeed())
	}, SpecTimeout(time.Minute))

	It("is cleaned up by its tag and its name together, and when it is old enough", func(ctx SpecContext) {
		made(ctx, prefix+"ours")
		_, untagged := made(ctx, prefix+"somebody's")
		untagged.Config.ExtraConfig = nil
		made(ctx, "another name")
		removed, young, err := s.CleanupMachines(ctx, prefix, time.Hour)
		Expect(err).NotTo(HaveOccurred())
		Expect(removed).To(BeEmpty())
		Expect(young).To(Equal(1))
		removed, young, err = s.CleanupMachines(ctx, prefix, 0)
		Expect(err).NotTo(HaveOccurred())
		Expect(removed).To(Equal([]string{prefix + "ours"}))
		Expect(young).To(BeZero())
		Expect(left()).To(ConsistOf(prefix+"somebody's", "another name"))
	}, SpecTimeout(time.Minute))
})
