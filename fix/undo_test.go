package fix_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = DescribeTable("a journal is of the endpoint where it was written",
	func(h fix.Header, here inventory.Endpoint, belongs bool) {
		err := h.Belongs(here)
		Expect(err == nil).To(Equal(belongs), "%v", err)
	},
	Entry("by its identity, whatever its address", fix.Header{InstanceUUID: "u-1", Address: "old"}, inventory.Endpoint{InstanceUUID: "u-1", Address: "new"}, true),
	Entry("not by its address alone", fix.Header{InstanceUUID: "u-1", Address: "vc"}, inventory.Endpoint{InstanceUUID: "u-2", Address: "vc"}, false),
	Entry("by its address, where it has no identity", fix.Header{Address: "esx1"}, inventory.Endpoint{Address: "esx1"}, true),
	Entry("not at another address, where it has no identity", fix.Header{Address: "esx1"}, inventory.Endpoint{Address: "esx2"}, false),
	Entry("not where that has no identity any more", fix.Header{InstanceUUID: "u-1", Address: "vc"}, inventory.Endpoint{Address: "vc"}, false),
)

var _ = Describe("a host that was removed and added again", func() {
	moved := func(entry fix.EntryHost, hosts ...inventory.Host) string {
		GinkgoHelper()
		entries := []fix.Entry{{Host: entry}}
		found := fix.Relocate(&inventory.Inventory{Hosts: hosts}, entries)
		Expect(entries[0].Host).To(Equal(entry), "what was read is not written to")
		return found[0].Host.ID
	}
	entry := fix.EntryHost{ID: "host-1", UUID: "a"}

	It("is found by its hardware's UUID", func() {
		Expect(moved(entry, inventory.Host{ID: "host-7", UUID: "a"}, inventory.Host{ID: "host-8", UUID: "b"})).To(Equal("host-7"))
	})
	It("is found though another has its ID by now", func() {
		Expect(moved(entry, inventory.Host{ID: "host-1", UUID: "b"}, inventory.Host{ID: "host-7", UUID: "a"})).To(Equal("host-7"))
	})
	It("is not looked for while it has its ID", func() {
		Expect(moved(entry, inventory.Host{ID: "host-1", UUID: "a"}, inventory.Host{ID: "host-7", UUID: "a"})).To(Equal("host-1"))
	})
	It("is not guessed where two have the UUID", func() {
		Expect(moved(entry, inventory.Host{ID: "host-7", UUID: "a"}, inventory.Host{ID: "host-8", UUID: "a"})).To(Equal("host-1"))
	})
	It("is not looked for by a UUID that is not known", func() {
		Expect(moved(fix.EntryHost{ID: "host-1"}, inventory.Host{ID: "host-7"})).To(Equal("host-1"))
	})
})

var _ = It("an undo leaves a list alone that the run did not know, and the host tells by now", func() {
	list := hosts(1, func() []*inventory.Ruleset { return []*inventory.Ruleset{vSPC(false, addresses("10.0.0.9"))} })
	inv := &inventory.Inventory{Endpoint: inventory.Endpoint{InstanceUUID: "u-1"}, Hosts: list}
	entries := recorded(&fix.Change{Host: &list[0], Ruleset: "vSPC", Before: fix.State{}, After: fix.State{Enabled: true}})
	restored := func() fix.HostPlan {
		GinkgoHelper()
		plan, err := fix.Undo(inv, fix.Header{InstanceUUID: "u-1"}, entries, nil, false)
		Expect(err).NotTo(HaveOccurred())
		return plan.Hosts[0]
	}
	Expect(restored().Reason).To(Equal(fix.AlreadyRestored), "it is disabled, as it was")
	list[0].Firewall.Rulesets = []*inventory.Ruleset{vSPC(true, addresses("10.0.0.9"))}
	hp := restored()
	Expect(hp.Reason).To(Equal(fix.Chosen), hp.Detail)
	Expect(hp.Changes[0].After).To(Equal(fix.State{Allowed: addresses("10.0.0.9")}), "the list that the host has stays")
})
