package vsphere_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

var _ = Describe("a host whose parent and owner cannot be read", func() {
	It("is dropped from no run", func(ctx SpecContext) {
		vc := start("mixed")
		no := &types.NoPermission{PrivilegeId: "System.View"}
		vc.Host("esx04.example").Deny("parent", no)
		vc.Deny(vc.Ref("prod", "ClusterComputeResource"), "host", no)
		inv := collect(ctx, login(ctx, vc), vsphere.Selection{})
		Expect(inv.Hosts).To(HaveLen(20))
		Expect(hostNamed(inv, "esx04.example").Cluster).To(BeEmpty(), "where it is is not known")
		Expect(hostNamed(inv, "esx04.example").Firewall.Unreadable).To(BeEmpty(), "and its firewall is")
	}, SpecTimeout(time.Minute))

	It("is told of where its cluster's own place cannot be read either", func(ctx SpecContext) {
		vc := start("mixed")
		no := &types.NoPermission{PrivilegeId: "System.View"}
		prod := vc.Ref("prod", "ClusterComputeResource")
		vc.Deny(prod, "parent", no)
		vc.Deny(prod, "host", no)
		inv := collect(ctx, login(ctx, vc), vsphere.Selection{})
		Expect(inv.Hidden).To(ConsistOf("/prod (the account lacks the privilege System.View)"), "it may have hosts of this datacenter")
	}, SpecTimeout(time.Minute))
})
