package sim_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

var _ = Describe("an account with a few privileges", func() {
	var vc *sim.VCenter
	var c *govmomi.Client
	BeforeEach(func(ctx SpecContext) {
		vc = start("closed")
		c = connect(ctx, vc)
	})
	// lacking is the privilege that a call was refused for.
	lacking := func(err error) (privilege string) {
		fault.In(err, func(f types.BaseMethodFault, _ string, _ []types.LocalizableMessage) bool {
			if no, ok := f.(*types.NoPermission); ok {
				privilege = no.PrivilegeId
			}
			return privilege != ""
		})
		return privilege
	}
	enable := func(ctx context.Context) error {
		_, err := methods.EnableRuleset(ctx, c, &types.EnableRuleset{This: vc.Host("esx01.example").FirewallRef(), Id: "vSPC"})
		return err
	}
	property := func(ctx context.Context, path string) error {
		var h mo.HostSystem
		return c.RetrieveOne(ctx, vc.Host("esx01.example").Ref, []string{path}, &h)
	}

	It("is refused what they do not cover, which is named", func(ctx SpecContext) {
		Expect(property(ctx, "summary")).To(Succeed())
		vc.Grant("System.View")
		Expect(lacking(enable(ctx))).To(Equal("Host.Config.NetService"))
		Expect(property(ctx, "name")).To(Succeed())
		Expect(lacking(property(ctx, "summary"))).To(Equal("System.Read"))

		vc.Grant("System.View", "System.Read", "Host.Config.NetService")
		Expect(enable(ctx)).To(Succeed())
		Expect(property(ctx, "summary")).To(Succeed())
		Expect(vc.Asked()).To(ContainElements("Host.Config.NetService", "System.View"))
		vc.Host("esx01.example").Revoke("Host.Config.NetService")
		Expect(lacking(enable(ctx))).To(Equal("Host.Config.NetService"), "on the one host alone")
	}, SpecTimeout(time.Minute))

	It("is told so beforehand, and does not sign in with none", func(ctx SpecContext) {
		vc.Grant("System.View")
		res, err := methods.HasPrivilegeOnEntities(ctx, c, &types.HasPrivilegeOnEntities{
			This: *c.ServiceContent.AuthorizationManager, PrivId: []string{"System.View", "System.Read"},
			Entity: []types.ManagedObjectReference{vc.Host("esx01.example").Ref, c.ServiceContent.RootFolder},
		})
		Expect(err).NotTo(HaveOccurred())
		for _, e := range res.Returnval {
			Expect(e.PrivAvailability).To(Equal([]types.PrivilegeAvailability{{PrivId: "System.View", IsGranted: true}, {PrivId: "System.Read"}}))
		}
		vc.Grant()
		Expect(lacking(c.Login(ctx, nil))).To(Equal("System.View"))
	}, SpecTimeout(time.Minute))
})
