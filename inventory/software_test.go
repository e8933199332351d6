package inventory_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = Describe("Software", func() {
	It("is known when something is installed, and never by default", func() {
		Expect(inventory.Software{}.Known()).To(BeFalse())
		Expect(inventory.Software{Unreadable: "no"}.Known()).To(BeFalse())
		Expect(inventory.Software{NotAsked: true}.Known()).To(BeFalse())
		Expect(inventory.Software{VIBs: []inventory.VIB{{Name: "esx-base"}}}.Known()).To(BeTrue())
	})
	It("finds a VIB by its name in any case, and by the whole name", func() {
		s := inventory.Software{VIBs: []inventory.VIB{{Name: "esx-base"}, {Name: "VMware-VIC", Version: "1"}}}
		Expect(s.VIB("vmware-vic")).To(HaveField("Version", "1"))
		Expect(s.VIB("vmware")).To(BeNil())
		Expect(s.VIB("")).To(BeNil())
	})
})
