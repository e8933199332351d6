package vsphere_test

import (
	"context"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
	"github.com/vic-preflight/vic-preflight/internal/vsphere"
	"github.com/vic-preflight/vic-preflight/inventory"
)

var _ = Describe("a host's software", func() {
	const refused = "the account lacks the privilege Host.Config.Image"

	// asking reads the software of the named hosts.
	asking := func(ctx context.Context, vc *sim.VCenter, hosts ...string) *inventory.Inventory {
		GinkgoHelper()
		inv, err := login(ctx, vc).Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{
			Switch:   func(*inventory.Host) bool { return false },
			Software: func(h *inventory.Host) bool { return slices.Contains(hosts, h.Name) },
		})
		Expect(err).NotTo(HaveOccurred())
		return inv
	}

	It("is read through the API, of those alone that are asked", func(ctx SpecContext) {
		vc := start("mixed")
		inv := asking(ctx, vc, "esx24.example", "esx25.example", "esx31.example")
		software := hostNamed(inv, "esx24.example").Software
		Expect(software.Unreadable).To(BeEmpty())
		vib := software.VIB("VMware-VIC")
		Expect(vib).NotTo(BeNil())
		Expect(vib.Installed).To(BeTemporally("==", time.Date(2023, 3, 28, 0, 0, 0, 0, time.UTC)))
		vib.Installed = time.Time{}
		Expect(*vib).To(Equal(inventory.VIB{Name: "vmware-vic", Version: "1.0.0-0.0.1", Vendor: "VMware", AcceptanceLevel: inventory.Community}))
		Expect(software.VIB("esx-base").AcceptanceLevel).To(Equal("vmware_certified"))
		Expect(hostNamed(inv, "esx25.example").Software.Known()).To(BeTrue())
		Expect(hostNamed(inv, "esx25.example").Software.VIB("vmware-vic")).To(BeNil())
		for _, h := range inv.Hosts {
			if h.Name != "esx24.example" && h.Name != "esx25.example" {
				Expect(h.Software).To(Equal(inventory.Software{NotAsked: true}), h.Name)
			}
		}
		Expect(vc.RequestsOf("fetchSoftwarePackages")).To(Equal(2))
		Expect(vc.RequestsOf("ExecuteSoap")).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("takes no call where no host is asked, and one property call for many", func(ctx SpecContext) {
		vc := start("large?hosts=120")
		properties := func() int { return vc.RequestsOf("RetrievePropertiesEx") }
		asking(ctx, vc)
		none := properties()
		Expect(vc.RequestsOf("fetchSoftwarePackages")).To(BeZero())
		asking(ctx, vc, "esx00001.example", "esx00060.example", "esx00119.example")
		Expect(properties() - none).To(Equal(none + 1))
		Expect(vc.RequestsOf("fetchSoftwarePackages")).To(Equal(3))
	}, SpecTimeout(time.Minute))

	It("is read by esxcli where the API refuses, and is the same", func(ctx SpecContext) {
		vc := start("mixed")
		before := asking(ctx, vc, "esx24.example")
		vc.Host("esx24.example").Revoke("Host.Config.Image")
		after := asking(ctx, vc, "esx24.example")
		Expect(vc.RequestsOf("ExecuteSoap")).To(Equal(1))
		strip := func(inv *inventory.Inventory) inventory.Software {
			s := hostNamed(inv, "esx24.example").Software
			for i := range s.VIBs { // esxcli knows the day alone
				s.VIBs[i].Installed = s.VIBs[i].Installed.UTC().Truncate(24 * time.Hour)
			}
			return s
		}
		Expect(strip(after)).To(Equal(strip(before)))
		Expect(strip(after).Known()).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("is read by esxcli where the host has no image manager, or an old one", func(ctx SpecContext) {
		vc := start("mixed")
		vc.Host("esx23.example").Object().ConfigManager.ImageConfigManager = nil
		vc.Host("esx24.example").Deny("configManager.imageConfigManager", &types.NoPermission{PrivilegeId: "System.View"})
		vc.Fault("fetchSoftwarePackages", types.ManagedObjectReference{}, &types.MethodNotFound{Method: "FetchSoftwarePackages"})
		inv := asking(ctx, vc, "esx23.example", "esx24.example", "esx25.example")
		for _, name := range []string{"esx23.example", "esx24.example", "esx25.example"} {
			Expect(hostNamed(inv, name).Software.VIB("esx-base")).NotTo(BeNil(), name)
		}
	}, SpecTimeout(time.Minute))

	It("costs a host its own list, and says why", func(ctx SpecContext) {
		vc := start("mixed")
		vc.Host("esx26.example").Revoke("Host.Config.Image") // which may not run esxcli either
		vc.Host("esx24.example").Revoke("Host.Config.Image")
		vc.Fault("RetrieveManagedMethodExecuter", vc.Host("esx24.example").Ref, &types.NoPermission{PrivilegeId: "Host.Config.Image"})
		inv := asking(ctx, vc, "esx23.example", "esx24.example", "esx26.example")
		Expect(hostNamed(inv, "esx26.example").Software).To(Equal(inventory.Software{
			Unreadable: refused + "; by esxcli: the account lacks the privilege Host.Config.Settings",
		}))
		Expect(hostNamed(inv, "esx24.example").Software).To(Equal(inventory.Software{Unreadable: refused}))
		Expect(hostNamed(inv, "esx23.example").Software.Known()).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("of the others is read when a host is removed half way", func(ctx SpecContext) {
		vc := start("mixed")
		gone, removed := vc.Host("esx23.example"), false
		inv, err := login(ctx, vc).Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{
			Switch: func(*inventory.Host) bool { return false },
			Software: func(h *inventory.Host) bool {
				if !removed {
					removed = true
					vc.Model().Map().Remove(vc.Model().Service.Context, gone.Ref)
				}
				return h.Cluster == "legacy"
			},
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(hostNamed(inv, "esx23.example").Software.Unreadable).To(ContainSubstring("no longer in the inventory"))
		for _, name := range []string{"esx21.example", "esx24.example", "esx25.example"} {
			Expect(hostNamed(inv, name).Software.Known()).To(BeTrue(), name)
		}
	}, SpecTimeout(time.Minute))

	It("is read later of those that were not asked before", func(ctx SpecContext) {
		vc := start("mixed")
		s := login(ctx, vc)
		inv := collect(ctx, s, vsphere.Selection{})
		h := hostNamed(inv, "esx25.example")
		ask := vsphere.CollectOptions{Software: func(*inventory.Host) bool { return true }}
		s.ReadSoftware(ctx, []*inventory.Host{h}, ask)
		Expect(h.Software.Known()).To(BeTrue())
		s.ReadSoftware(ctx, []*inventory.Host{h}, ask)
		Expect(vc.RequestsOf("fetchSoftwarePackages")).To(Equal(1))
	}, SpecTimeout(time.Minute))

	It("is not awaited longer than a host may take", func(ctx SpecContext) {
		vc := start("mixed")
		release := vc.Hold("fetchSoftwarePackages", types.ManagedObjectReference{}, nil)
		defer release()
		inv, err := login(ctx, vc).Collect(ctx, vsphere.Selection{}, vsphere.CollectOptions{
			Switch:      func(*inventory.Host) bool { return false },
			Software:    func(h *inventory.Host) bool { return h.Name == "esx24.example" },
			HostTimeout: 200 * time.Millisecond,
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(hostNamed(inv, "esx24.example").Software).To(Equal(inventory.Software{Unreadable: "the time ran out"}))
	}, SpecTimeout(time.Minute))
})

var _ = Describe("a list that esxcli answers with", func() {
	two := []map[string]string{{"Name": "a", "Version": "1"}, {"Name": "b", "Version": ""}}
	DescribeTable("is read in every form",
		func(text string, want []map[string]string) {
			list, err := vsphere.ParseList(text)
			Expect(err).NotTo(HaveOccurred())
			Expect(list).To(Equal(want))
		},
		Entry("an array", `<obj xmlns="urn:vim25" versionId="5.0" xsi:type="ArrayOfDataObject" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
			<DataObject xsi:type="VimEsxCLIsoftwareviblistVIBSummaryExt"><Name>a</Name><Version>1</Version></DataObject>
			<DataObject xsi:type="VimEsxCLIsoftwareviblistVIBSummaryExt"><Name>b</Name><Version></Version></DataObject></obj>`, two),
		Entry("with prefixes", `<r:obj xmlns:r="urn:reflect"><r:DataObject><r:Name> a </r:Name><r:Version>1</r:Version></r:DataObject><r:DataObject><r:Name>b</r:Name><r:Version/></r:DataObject></r:obj>`, two),
		Entry("an array of one", `<obj><DataObject><Name>a</Name></DataObject></obj>`, []map[string]string{{"Name": "a"}}),
		Entry("an object alone", `<obj><Name>a</Name></obj>`, []map[string]string{{"Name": "a"}}),
		Entry("a field that repeats", `<obj><DataObject><Name>a</Name><Payloads>x</Payloads><Payloads>y</Payloads></DataObject></obj>`, []map[string]string{{"Name": "a", "Payloads": "x"}}),
		Entry("an empty array", `<obj xsi:type="ArrayOfDataObject" xmlns:xsi="x"></obj>`, nil),
		Entry("nothing", ``, nil),
	)
	It("is refused when it is no XML", func() {
		for _, text := range []string{"<obj><DataObject><Name>a</DataObject></obj>", "<obj><DataObject><Name>a"} {
			_, err := vsphere.ParseList(text)
			Expect(err).To(MatchError(ContainSubstring("malformed XML")), text)
		}
	})
})
