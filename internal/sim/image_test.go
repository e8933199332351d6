package sim_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmware/govmomi"
	cliesx "github.com/vmware/govmomi/cli/esx"
	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vic-preflight/vic-preflight/internal/sim"
)

var _ = Describe("a host's software", func() {
	var vc *sim.VCenter
	var c *govmomi.Client
	BeforeEach(func(ctx SpecContext) {
		vc = start("mixed")
		c = connect(ctx, vc)
	})
	of := func(ctx SpecContext, host string, properties ...string) (*object.HostSystem, mo.HostSystem) {
		GinkgoHelper()
		h := findHost(ctx, c, host)
		var props mo.HostSystem
		Expect(property.DefaultCollector(c.Client).RetrieveOne(ctx, h.Reference(), properties, &props)).To(Succeed())
		return h, props
	}
	manager := func(ctx SpecContext, host string) types.ManagedObjectReference {
		GinkgoHelper()
		_, props := of(ctx, host, "configManager.imageConfigManager")
		Expect(props.ConfigManager.ImageConfigManager).NotTo(BeNil())
		return *props.ConfigManager.ImageConfigManager
	}
	packages := func(ctx SpecContext, host string) map[string]types.SoftwarePackage {
		GinkgoHelper()
		res, err := methods.FetchSoftwarePackages(ctx, c, &types.FetchSoftwarePackages{This: manager(ctx, host)})
		Expect(err).NotTo(HaveOccurred())
		named := map[string]types.SoftwarePackage{}
		for _, p := range res.Returnval {
			named[p.Name] = p
		}
		return named
	}
	acceptance := func(ctx SpecContext, host string) string {
		GinkgoHelper()
		res, err := methods.HostImageConfigGetAcceptance(ctx, c, &types.HostImageConfigGetAcceptance{This: manager(ctx, host)})
		Expect(err).NotTo(HaveOccurred())
		return res.Returnval
	}
	accept := func(ctx SpecContext, host, level string) error {
		_, err := methods.UpdateHostImageAcceptanceLevel(ctx, c,
			&types.UpdateHostImageAcceptanceLevel{This: manager(ctx, host), NewAcceptanceLevel: level})
		return err
	}

	It("is what VMware ships, and the VIBs of rulesets that come from one", func(ctx SpecContext) {
		for host, want := range map[string]bool{"esx23.example": false, "esx24.example": true, "esx25.example": false} {
			list := packages(ctx, host)
			Expect(list).To(HaveKey("esx-base"), host)
			if want {
				Expect(list).To(HaveKeyWithValue("vmware-vic", HaveField("AcceptanceLevel", "community")))
				Expect(acceptance(ctx, host)).To(Equal("community"))
				continue
			}
			Expect(list).NotTo(HaveKey("vmware-vic"), host)
			Expect(acceptance(ctx, host)).To(Equal("partner"))
		}
		Expect(packages(ctx, "esx04.example")["esx-base"].Version).To(Equal("6.5.0-0.0.5969303"))
	}, SpecTimeout(time.Minute))

	It("can be listed with Host.Config.Image alone", func(ctx SpecContext) {
		vc.Host("esx01.example").Revoke("Host.Config.Image")
		ref := manager(ctx, "esx01.example")
		_, err := methods.FetchSoftwarePackages(ctx, c, &types.FetchSoftwarePackages{This: ref})
		Expect(fault.Is(err, &types.NoPermission{})).To(BeTrue())
		_, err = methods.InstallDate(ctx, c, &types.InstallDate{This: ref})
		Expect(fault.Is(err, &types.NoPermission{})).To(BeTrue())
		Expect(fault.Is(accept(ctx, "esx01.example", "community"), &types.NoPermission{})).To(BeTrue())
		Expect(acceptance(ctx, "esx01.example")).To(Equal("partner"), "reading that takes no privilege of its own")
		profile, err := methods.HostImageConfigGetProfile(ctx, c, &types.HostImageConfigGetProfile{This: ref})
		Expect(err).NotTo(HaveOccurred())
		Expect(profile.Returnval.Name).To(Equal("ESXi-6.7.0-8169922-standard"))
	}, SpecTimeout(time.Minute))

	It("changes for one host alone, in the API as in esxcli", func(ctx SpecContext) {
		vib := sim.VIB{SoftwarePackage: types.SoftwarePackage{
			Name: "site", Version: "1.0.0", Type: "bootbank", Vendor: "Example", AcceptanceLevel: "community",
		}}
		before := time.Now().Add(-time.Minute)
		vc.Host("esx01.example").InstallVIB(vib)
		Expect(packages(ctx, "esx01.example")["site"].CreationDate).To(HaveValue(BeTemporally(">", before)), "the time of installation")
		Expect(packages(ctx, "esx02.example")).NotTo(HaveKey("site"))

		h, _ := of(ctx, "esx01.example", "name")
		values, err := esxcli(ctx, c, h, "software", "vib", "list")
		Expect(err).NotTo(HaveOccurred())
		Expect(values).To(HaveLen(len(packages(ctx, "esx01.example"))))
		Expect(values).To(ContainElement(And(
			HaveKeyWithValue("ID", []string{"Example_bootbank_site_1.0.0"}), HaveKeyWithValue("AcceptanceLevel", []string{"CommunitySupported"}))))
		values, err = esxcli(ctx, c, h, "software", "vib", "get", "-n", "esx-base")
		Expect(err).NotTo(HaveOccurred())
		Expect(values).To(ConsistOf(HaveKeyWithValue("LiveInstallAllowed", []string{"False"})))
		_, err = esxcli(ctx, c, h, "software", "vib", "get", "-n", "nope")
		Expect(err).To(MatchError(ContainSubstring("NoMatchError")))

		vib.Version = "1.0.1"
		vc.Host("esx01.example").InstallVIB(vib)
		Expect(packages(ctx, "esx01.example")["site"].Version).To(Equal("1.0.1"), "in place of the other")
		Expect(vc.Host("esx01.example").RemoveVIB("site")).To(BeTrue())
		Expect(vc.Host("esx01.example").RemoveVIB("site")).To(BeFalse())
		Expect(packages(ctx, "esx01.example")).NotTo(HaveKey("site"))
	}, SpecTimeout(time.Minute))

	It("has an acceptance level that no package may be below", func(ctx SpecContext) {
		Expect(accept(ctx, "esx01.example", "community")).To(Succeed())
		Expect(acceptance(ctx, "esx01.example")).To(Equal("community"))
		Expect(accept(ctx, "esx01.example", "vmware_accepted")).To(Succeed())
		Expect(acceptance(ctx, "esx02.example")).To(Equal("partner"))
		Expect(fault.Is(accept(ctx, "esx24.example", "partner"), &types.HostConfigFault{})).To(BeTrue(), "vmware-vic is there")
		Expect(fault.Is(accept(ctx, "esx01.example", "nonsense"), &types.InvalidArgument{})).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("with Secure Boot is not community's", func(ctx SpecContext) {
		vc.Host("esx01.example").SetSecureBoot(true)
		Expect(fault.Is(accept(ctx, "esx01.example", "community"), &types.HostConfigFault{})).To(BeTrue())
		_, props := of(ctx, "esx01.example", "capability")
		Expect(props.Capability.UefiSecureBoot).To(HaveValue(BeTrue()))
		_, props = of(ctx, "esx02.example", "capability")
		Expect(props.Capability.UefiSecureBoot).To(BeNil())
	}, SpecTimeout(time.Minute))
})

var _ = Describe("a host that starts again", func() {
	It("says when, and shows vCenter its firewall", func(ctx SpecContext) {
		vc := start("closed")
		c := connect(ctx, vc)
		h := vc.Host("esx11.example")
		Expect(h.Change(func(i *types.HostFirewallInfo) error { rulesetOf(i, "vSPC").Enabled = true; return nil })).To(Succeed())
		fw := firewall(ctx, findHost(ctx, c, "esx11.example"))
		Expect(rulesetOf(info(ctx, fw), "vSPC").Enabled).To(BeFalse())
		before := time.Now()
		h.Booted()
		Expect(rulesetOf(info(ctx, fw), "vSPC").Enabled).To(BeTrue())
		var props mo.HostSystem
		Expect(property.DefaultCollector(c.Client).RetrieveOne(ctx, h.Ref, []string{"runtime.bootTime", "summary.runtime.bootTime"}, &props)).To(Succeed())
		Expect(props.Runtime.BootTime).To(HaveValue(BeTemporally(">=", before)))
		Expect(props.Summary.Runtime.BootTime).To(HaveValue(BeTemporally(">=", before)))
	}, SpecTimeout(time.Minute))

	It("reads its files when it is asked to, by either way", func(ctx SpecContext) {
		vc := start("closed")
		c := connect(ctx, vc)
		h := vc.Host("esx11.example")
		read := 0
		h.OnRefresh(func() error { read++; return nil })
		Expect(firewall(ctx, findHost(ctx, c, "esx11.example")).Refresh(ctx)).To(Succeed())
		_, err := esxcli(ctx, c, findHost(ctx, c, "esx11.example"), "network", "firewall", "refresh")
		Expect(err).NotTo(HaveOccurred())
		Expect(read).To(Equal(2))
		_, err = h.Esxcli("network.firewall.refresh", nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(read).To(Equal(3))
		res, err := h.Esxcli("network.firewall.get", nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(res.Values).To(ConsistOf(cliesx.Values{"DefaultAction": {"DROP"}, "Enabled": {"true"}, "Loaded": {"true"}}))
	}, SpecTimeout(time.Minute))
})
