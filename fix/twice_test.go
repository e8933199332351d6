package fix_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/fix"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = Describe("a journal with two entries for one ruleset", func() {
	var list []inventory.Host
	BeforeEach(func() {
		list = hosts(2, func() []*inventory.Ruleset {
			return []*inventory.Ruleset{vSPC(true, addresses("10.0.0.5", "10.0.0.6"))}
		})
	})
	undo := func(surveys map[string]fix.Survey, entries []fix.Entry) []fix.HostPlan {
		GinkgoHelper()
		inv := &inventory.Inventory{Endpoint: inventory.Endpoint{InstanceUUID: "u-1"}, Hosts: list}
		plan, err := fix.Undo(inv, fix.Header{InstanceUUID: "u-1"}, entries, surveys, false)
		Expect(err).NotTo(HaveOccurred())
		return plan.Hosts
	}
	before := fix.State{Allowed: everyone()}
	// twice are a change of vSPC and a change of that, on one host.
	twice := func(h *inventory.Host) []*fix.Change {
		between := fix.State{Enabled: true, Allowed: addresses("10.0.0.5")}
		return []*fix.Change{
			{Host: h, Ruleset: "vSPC", Before: before, After: between},
			{Host: h, Ruleset: "vSPC", Before: between, After: fix.State{Enabled: true, Allowed: addresses("10.0.0.5", "10.0.0.6")}},
		}
	}

	It("is undone in one change, from what the last one left to what was before the first", func() {
		plans := undo(nil, recorded(twice(&list[0])...))
		Expect(plans).To(HaveLen(1))
		Expect(plans[0].Reason).To(Equal(fix.Chosen), "what the last one left is nobody else's: "+plans[0].Detail)
		Expect(plans[0].Changes).To(HaveLen(1))
		Expect(plans[0].Changes[0].After).To(Equal(before))
	})

	It("keeps hosts apart", func() {
		plans := undo(nil, recorded(append(twice(&list[0]), twice(&list[1])...)...))
		Expect(plans).To(HaveLen(2))
		for i, hp := range plans {
			Expect(hp.Host.ID).To(Equal(list[i].ID))
			Expect(hp.Changes).To(HaveLen(1))
		}
	})

	It("keeps a VIB and a switch of the ruleset that it brought apart", func() {
		brought := fix.State{Enabled: true, Allowed: everyone()}
		list[0].Firewall.Rulesets = []*inventory.Ruleset{ruleset("vmware-vic", true, addresses("10.0.0.5"), 2377, 0)}
		plans := undo(map[string]fix.Survey{list[0].ID: {VIBs: []fix.InstalledVIB{{Name: "vmware-vic", ID: vibID}}}}, recorded(
			&fix.Change{Host: &list[0], Ruleset: "vmware-vic", Method: fix.MethodVIB, VIB: &fix.VIBChange{Name: "vmware-vic", ID: vibID}, Before: fix.State{Absent: true}, After: brought},
			&fix.Change{Host: &list[0], Ruleset: "vmware-vic", Before: brought, After: fix.State{Enabled: true, Allowed: addresses("10.0.0.5")}},
		))
		Expect(plans).To(HaveLen(1))
		var verbs []string
		for _, c := range plans[0].Changes {
			verbs = append(verbs, c.Verb())
		}
		Expect(verbs).To(ConsistOf("remove", "allow"))
	})

	It("knows service.xml as the last one left it", func() {
		service := func(before, after string) *fix.Change {
			return &fix.Change{
				Host: &list[0], Ruleset: "vicoutgoing", Method: fix.MethodServiceXML, Before: fix.State{Absent: true}, After: fix.State{Enabled: true, Allowed: everyone()},
				File: &fix.FileChange{Path: fix.ServiceXML, Before: []byte(before), After: []byte(after)},
			}
		}
		list[0].Firewall.Rulesets = []*inventory.Ruleset{ruleset("vicoutgoing", true, everyone(), 2377, 0)}
		plans := undo(map[string]fix.Survey{list[0].ID: {File: []byte("three"), Rulesets: []string{"vicoutgoing"}}}, recorded(service("one", "two"), service("two", "three")))
		Expect(plans[0].Reason).To(Equal(fix.Chosen), plans[0].Detail)
		Expect(plans[0].Changes).To(HaveLen(1))
		Expect(string(plans[0].Changes[0].File.After)).To(Equal("one"))
	})
})
