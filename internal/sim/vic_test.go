package sim_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

var _ = Describe("the scenario vic", func() {
	It("has what vic-machine create reads", func(ctx SpecContext) {
		vc := start("vic")
		c := connect(ctx, vc)
		finder := find.NewFinder(c.Client)
		pg, err := finder.Network(ctx, "/dc1/network/vic-bridge")
		Expect(err).NotTo(HaveOccurred())
		var group mo.DistributedVirtualPortgroup
		Expect(property.DefaultCollector(c.Client).RetrieveOne(ctx, pg.Reference(), nil, &group)).To(Succeed())
		Expect(group.Host).To(HaveLen(3))
		Expect(group.Config.Uplink).To(Equal(types.NewBool(false)))
	}, SpecTimeout(time.Minute))
	It("broken", func(ctx SpecContext) { connect(ctx, start("vic-broken")) }, SpecTimeout(time.Minute))
	It("is built of a thousand hosts", func(ctx SpecContext) {
		t := time.Now()
		vc := start("vic?hosts=1000")
		GinkgoWriter.Println(time.Since(t))
		Expect(vc.HostNames()).To(HaveLen(1002))
	}, SpecTimeout(time.Minute))
})
