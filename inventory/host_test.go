package inventory_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = Describe("a host", func() {
	It("that DPM has powered off is in standby, though it does not respond", func() {
		h := inventory.Host{Connection: inventory.NotResponding, Standby: "in"}
		Expect(h.StateLabel()).To(Equal("standby"))
		h.Standby = "none"
		Expect(h.StateLabel()).To(Equal("not responding"))
	})
	It("has a package by its name in whatever case, and not by a part of it", func() {
		s := inventory.Software{VIBs: []inventory.VIB{{Name: "VMware-VIC"}}}
		Expect(s.VIB("vmware-vic")).NotTo(BeNil())
		Expect(s.VIB("vmware")).To(BeNil())
	})
	It("whose list of packages is empty was not read: no host has none", func() {
		Expect(inventory.Software{}.Known()).To(BeFalse())
	})
})

var _ = DescribeTable("the major version", func(version string, want int) {
	Expect(inventory.MajorVersion(version)).To(Equal(want))
},
	Entry("of 8.0.2", "8.0.2", 8),
	Entry("of 10", "10.1", 10),
	Entry("that is not known", "", 0),
	Entry("that is no number", "x.y", 0),
)
