package vsphere_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// place reads what is known of the place for a virtual container host.
func place(ctx context.Context, s *vsphere.Session, inv *inventory.Inventory, want vsphere.PlacementWanted) *inventory.Placement {
	GinkgoHelper()
	p := s.ReadPlacement(ctx, inv, want)
	Expect(p).NotTo(BeNil())
	return p
}

var _ = Describe("ReadPlacement", func() {
	It("reads a cluster", func(ctx SpecContext) {
		vc := start("open")
		s := login(ctx, vc)
		inv := collect(ctx, s, vsphere.Selection{ComputeResource: "prod"})
		p := place(ctx, s, inv, vsphere.PlacementWanted{
			ComputeResource: "prod", Name: "vch1", Datastores: []string{"ds://datastore1 (1)/vch"}, Networks: []string{"VM Network"},
		})
		Expect(p.Datacenter).To(Equal("/dc1"))
		Expect(p.Compute.Unreadable).To(BeEmpty())
		Expect(p.Compute.Problem).To(BeEmpty())
		Expect(p.Compute.Path).To(Equal("/dc1/host/prod"))
		Expect(p.Compute.Cluster).To(BeTrue())
		Expect(p.Compute.Hosts).To(HaveLen(3))
		Expect(p.Compute.DRS).To(Equal(inventory.Yes))
		Expect(p.FindDatastores("datastore1 (1)")).To(HaveExactElements(HaveField("Mounts",
			HaveExactElements(inventory.Mount{Host: inv.Hosts[0].ID, ReadWrite: inventory.Yes, Mounted: inventory.Yes, Accessible: inventory.Yes}))))
		Expect(p.FindDatastores("datastore1 (2)")).To(HaveExactElements(HaveField("Mounts", BeNil())), "nobody asked for it")
		Expect(p.FindNetworks("VM Network")).To(HaveExactElements(HaveField("Path", "/dc1/network/VM Network")))
		Expect(p.Setting).To(Equal(inventory.Setting{Asked: true, MayChange: inventory.Yes}))
		Expect(p.LicensesUnreadable).To(BeEmpty())
		Expect(p.Hosts).To(HaveLen(3))
		for _, h := range inv.Hosts {
			Expect(p.Licenses[h.ID].Features).To(ConsistOf("serialuri", "dvs"))
			Expect(p.Hosts[h.ID].PoweredOn).To(Equal(inventory.Yes))
			Expect(p.Hosts[h.ID].NTPRunning).To(Equal(inventory.No))
		}
		Expect(p.Taken).To(Equal(inventory.NameHolder{}))
	}, SpecTimeout(time.Minute))

	It("reads a bare host", func(ctx SpecContext) {
		s := login(ctx, start("esxi"))
		inv := collect(ctx, s, vsphere.Selection{})
		p := place(ctx, s, inv, vsphere.PlacementWanted{Name: "vch1", Datastores: []string{""}, Networks: []string{"VM Network"}})
		Expect(p.Datacenter).To(Equal("/ha-datacenter"))
		Expect(p.Compute.Unreadable).To(BeEmpty())
		Expect(p.Compute.Cluster).To(BeFalse())
		Expect(p.Setting).To(Equal(inventory.Setting{}))
		Expect(p.Licenses[inv.Hosts[0].ID].Features).To(ConsistOf("serialuri", "dvs"))
		Expect(p.FindDatastores("")).To(HaveExactElements(HaveField("Mounts", HaveLen(1))))
		Expect(p.Hosts[inv.Hosts[0].ID].ManagedByKnown).To(BeTrue())
	}, SpecTimeout(time.Minute))
})
