package checks_test

import (
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// What vic-machine create did in one case.
type deed string

const (
	passed  deed = "passes"
	warned  deed = "passes, warns"
	refused deed = "refuses"
	crashed deed = "crashes"
)

// oracle is what vic-machine at commit 9489f63e3 was seen to do against a simulator that
// was bent in one thing, and what is found here.
type oracle struct {
	bend   func(*plan)
	create deed
	want   []string
	// differs says why ours is another verdict, where it is.
	differs string
}

func verifyOracle(o oracle) {
	p := deployable()
	o.bend(p)
	Expect(p.findings()).To(ConsistOf(o.want))
	does := passed
	unknown := false
	for _, r := range p.run() {
		switch {
		case r.Class == checks.CreateRefuses:
			Expect(r.Status).To(Equal(checks.Fail), r.Check)
			does = refused
		case r.Class == checks.CreateWarns && does != refused:
			does = warned
		}
		unknown = unknown || r.Status == checks.Unknown
	}
	if o.differs == "" {
		Expect(does).To(Equal(o.create))
		Expect(unknown).To(BeFalse())
		return
	}
	Expect(does != o.create || unknown).To(BeTrue(), "ours is the same after all")
}

// shut closes the port of a host.
func (p *plan) shut(n int) { p.host(n).Firewall.Rulesets[0] = vicEngine(false, all()) }

var _ = DescribeTable("case by case, as the real program was seen to do", verifyOracle,
	Entry("base", oracle{func(*plan) {}, passed, nil, ""}),
	Entry("lic-serialuri", oracle{
		func(p *plan) { p.license(1, "dvs") }, refused,
		[]string{"license/esx01: fail license-feature create-refuses"},
		"",
	}),
	Entry("lic-dvs", oracle{
		func(p *plan) { p.license(1, "serialuri") }, refused,
		[]string{"license/esx01: fail license-feature create-refuses"},
		"",
	}),
	Entry("lic-refuse", oracle{
		func(p *plan) {
			p.place.Licenses, p.place.LicensesUnreadable = nil, "the account lacks the privilege Global.Licenses"
		}, refused,
		[]string{
			"license/esx01: unknown place-unreadable", "license/esx02: unknown place-unreadable", "license/esx03: unknown place-unreadable",
			"license-expiry/esx01: unknown place-unreadable", "license-expiry/esx02: unknown place-unreadable", "license-expiry/esx03: unknown place-unreadable",
		},
		"create may be run by another account: what this one may not read is not known (exit code 3)",
	}),
	Entry("esxi-lic", oracle{
		func(p *plan) { p.bare(); p.license(1, "dvs") }, refused,
		[]string{"license/esx01: fail license-feature create-refuses"},
		"",
	}),
	Entry("esxi-lic-dvs", oracle{func(p *plan) { p.bare(); p.license(1, "serialuri") }, passed, nil, ""}),
	Entry("dvs-missing", oracle{
		func(p *plan) { p.network("vic-bridge").Hosts = p1to3[1:] }, refused,
		[]string{"network-hosts/esx01: fail host-outside-switch create-refuses"},
		"",
	}),
	Entry("drs-off", oracle{
		func(p *plan) { p.place.Compute.DRS = inventory.No }, warned,
		[]string{"drs/prod: warn drs-off create-warns"},
		"",
	}),
	Entry("drs-off-vmgroup", oracle{
		func(p *plan) { p.place.Compute.DRS, p.vch.AffinityVMGroup = inventory.No, true }, refused,
		[]string{"drs/prod: warn drs-off create-warns", "vm-group/prod: fail vm-group-without-drs create-refuses"},
		"",
	}),
	Entry("vmgroup-exists", oracle{
		func(p *plan) { p.place.Compute.Groups, p.vch.AffinityVMGroup = []string{"vch1"}, true }, refused,
		[]string{"vm-group/prod: fail vm-group-exists create-refuses"},
		"",
	}),
	Entry("drs-nil", oracle{
		func(p *plan) { p.place.Compute.DRS = inventory.Unknown }, crashed,
		[]string{"drs/prod: unknown place-unreadable"},
		"nothing crashes: what the server leaves out is not known",
	}),
	Entry("mount-nil", oracle{func(p *plan) {
		p.mount("shared", 1, func(m *inventory.Mount) { m.Accessible = inventory.Unknown })
	}, crashed, []string{"attached-hosts/esx01: unknown place-unreadable"}, "nothing crashes: what the server leaves out is not known"}),
	Entry("pnb-false", oracle{
		func(p *plan) { p.place.Setting.Values, p.place.Setting.MayChange = []string{"false"}, inventory.Yes }, passed,
		[]string{settingResult + "warn setting-unset create-silent"},
		"",
	}),
	Entry("pnb-refuse", oracle{
		func(p *plan) { p.place.Setting.Values, p.place.Setting.MayChange = []string{"false"}, inventory.No }, refused,
		[]string{settingResult + "fail setting-refused create-refuses"},
		"",
	}),
	Entry("pnb-true", oracle{func(p *plan) { p.place.Setting.Values = []string{"true"} }, passed, nil, ""}),
	Entry("ds-ro", oracle{func(p *plan) {
		for n := 1; n <= 3; n++ {
			p.mount("shared", n, readOnly)
		}
		p.license(2)
	}, refused, []string{
		"datastore-access/prod: fail no-common-host create-refuses", "license/esx02: fail license-feature create-refuses",
	}, ""}),
	Entry("ds-ro1", oracle{func(p *plan) { p.mount("shared", 1, readOnly); p.shut(1) }, passed, unseen("ruleset-disabled"), ""}),
	Entry("ds-inacc1", oracle{
		func(p *plan) {
			p.mount("shared", 1, func(m *inventory.Mount) { m.Accessible = inventory.No })
			p.shut(1)
		},
		passed, unseen("ruleset-disabled"), "",
	}),
	Entry("fw1only, the control: the same host, attached", oracle{
		func(p *plan) { p.shut(1) }, refused,
		[]string{"outbound-port/esx01: fail ruleset-disabled create-refuses", drifted},
		"",
	}),
	Entry("vol-one", oracle{func(p *plan) { p.vch.VolumeStores = []string{"vol-one:default"} }, warned, []string{
		"datastore-access/prod: warn one-common-host create-warns", "volume-store/vol-one: warn partly-mounted create-silent",
	}, ""}),
	Entry("vol-edge", oracle{
		func(p *plan) { p.vch.VolumeStores = []string{"shared-edge:default"} }, refused,
		[]string{"volume-store/shared-edge: fail datastore-outside create-refuses"},
		"",
	}),
	Entry("img-edge", oracle{
		func(p *plan) { p.vch.ImageStore = "shared-edge" }, refused,
		[]string{"image-store/shared-edge: fail datastore-outside create-refuses"},
		"",
	}),
	Entry("img-local", oracle{func(p *plan) { p.vch.ImageStore = "vol-one" }, warned, []string{
		"datastore-access/prod: warn one-common-host create-warns", "attached-hosts/esx02: warn host-unattached create-silent",
		"attached-hosts/esx03: warn host-unattached create-silent",
	}, ""}),
	Entry("br-std", oracle{func(p *plan) { p.vch.Bridge = "mgmt" }, refused, []string{"bridge-network/mgmt: fail network-kind create-refuses"}, ""}),
	Entry("pn-bridge", oracle{
		func(p *plan) { p.vch.Public.Network = "vic-bridge" }, refused,
		[]string{"bridge-network/vic-bridge: fail bridge-shared create-refuses"},
		"",
	}),
	Entry("conflict-path", oracle{
		func(p *plan) { p.vch.Public.Network = "/dc1/network/vic-bridge" }, passed,
		[]string{"bridge-network/vic-bridge: warn bridge-same-network create-silent"},
		"",
	}),
	Entry("uplink", oracle{
		func(p *plan) { p.network("vic-bridge").Uplink = inventory.Yes }, passed,
		[]string{"bridge-network/vic-bridge: warn uplink-port-group create-silent"},
		"",
	}),
	Entry("opaque, of no host", oracle{func(p *plan) { p.vch.Bridge = "nsx"; p.network("nsx").Hosts = []string{} }, refused, []string{
		"network-hosts/esx01: fail host-outside-switch create-refuses", "network-hosts/esx02: fail host-outside-switch create-refuses",
		"network-hosts/esx03: fail host-outside-switch create-refuses",
	}, ""}),
	Entry("esxcli-deny", oracle{func(p *plan) {
		p.host(2).Firewall.Switch = inventory.Switch{Unreadable: "the account lacks the privilege Host.Config.Settings"}
	}, refused, []string{"esxcli/esx02: fail esxcli-refused create-refuses"}, ""}),
	Entry("esxi-managed", oracle{
		func(p *plan) { p.bare(); p.placed(1, func(h *inventory.PlacedHost) { h.ManagedBy = "127.0.0.1" }) }, refused,
		[]string{"managed-by-vcenter/esx01: fail vcenter-managed create-refuses"},
		"",
	}),
	Entry("maint1", oracle{
		func(p *plan) { p.host(1).Maintenance = inventory.Yes; p.license(1, "dvs") }, refused,
		[]string{"host-state/esx01: warn maintenance create-silent", "license/esx01: fail license-feature create-refuses"},
		"",
	}),
	Entry("disconnect1", oracle{
		func(p *plan) { p.host(1).Connection = inventory.Disconnected; p.license(1, "dvs") }, passed,
		[]string{
			"outbound-port/esx01: unknown facts-unavailable", "firewall-state/esx01: unknown facts-unavailable",
			"host-state/esx01: warn disconnected create-silent", "rule-persistence/esx01: unknown facts-unavailable",
			"attached-hosts/esx01: warn host-unattached create-silent", "license/esx01: warn license-feature create-silent",
			"inbound-443/esx01: unknown place-unreadable",
		},
		"a host whose firewall nobody could read is not green: --allow-unknown tolerates it",
	}),
	Entry("off1", oracle{
		func(p *plan) {
			p.placed(1, func(h *inventory.PlacedHost) { h.PoweredOn = inventory.No })
			p.license(1, "dvs")
		}, passed,
		[]string{"attached-hosts/esx01: warn host-unattached create-silent", "license/esx01: warn license-feature create-silent"},
		"",
	}),
	Entry("ops-grant", oracle{
		func(p *plan) { p.vch.OpsGrantPerms, p.place.OpsUser.Refused = true, true }, refused,
		[]string{"ops-user/--ops-user: fail ops-user-refused create-refuses"},
		"",
	}),
	Entry("folder, vm-exists", oracle{
		func(p *plan) { p.place.Taken.InFolder = "/dc1/vm/vch1" }, refused,
		[]string{"vch-name/vch1: fail name-taken-in-folder create-refuses"},
		"",
	}),
	Entry("quota6", oracle{
		func(p *plan) { p.vch.StorageQuota = 6 }, refused,
		[]string{"storage-quota/shared: fail quota-exceeds-space create-refuses"},
		"",
	}),
	Entry("quota5", oracle{func(p *plan) { p.vch.StorageQuota = 5 }, passed, nil, ""}),
	Entry("img-missing", oracle{func(p *plan) { p.vch.ImageStore = "nowhere" }, refused, []string{
		"image-store/--image-store: fail datastore-missing create-refuses",
	}, ""}),
	Entry("cr-missing", oracle{
		func(p *plan) {
			p.place.Compute = inventory.ComputeResource{Problem: "compute resource 'prod' not found"}
		}, refused,
		[]string{"compute-resource/--compute-resource: fail compute-resource-missing create-refuses"},
		"",
	}),
)

const drifted = "cluster-drift/prod: warn drift create-silent"

// unseen are the findings on a host that create passes over, with its port shut.
func unseen(reason string) []string {
	return []string{
		"outbound-port/esx01: fail " + reason + " create-silent", "attached-hosts/esx01: warn host-unattached create-silent", drifted,
	}
}

// vic is the class and the status of outbound-port on the first host.
func vic(p *plan) (checks.Class, checks.Status) {
	i := slices.IndexFunc(p.run(), func(r checks.Result) bool { return r.Check == checks.OutboundPort })
	r := p.run()[i]
	return r.Class, r.Status
}

var _ = DescribeTable("outbound-port is classed by create's own reading of the rulesets",
	func(bend func(*plan), class checks.Class, status checks.Status) {
		p := deployable()
		bend(p)
		gotClass, gotStatus := vic(p)
		Expect(gotStatus).To(Equal(status))
		Expect(gotClass).To(Equal(class))
	},
	Entry("open", func(*plan) {}, checks.Class(""), checks.Pass),
	Entry("shut, and the firewall is off", func(p *plan) { p.shut(1); p.host(1).Firewall.Switch.Enabled = inventory.No }, checks.CreateWarns, checks.Warn),
	Entry("shut, and the module is not loaded: create does not look at that", func(p *plan) { p.shut(1); p.host(1).Firewall.Switch.Loaded = inventory.No },
		checks.CreateRefuses, checks.Fail),
	Entry("shut, and all passes by default", func(p *plan) { p.shut(1); p.host(1).Firewall.Switch.DefaultPass = inventory.Yes }, checks.CreateRefuses, checks.Fail),
	Entry("a list, and a leased address", func(p *plan) { p.host(1).Firewall.Rulesets[0] = vicEngine(true, addresses("10.0.0.5")) }, checks.CreateWarns, checks.Warn),
	Entry("an empty list", func(p *plan) { p.host(1).Firewall.Rulesets[0] = vicEngine(true, addresses()) }, checks.CreateRefuses, checks.Fail),
	Entry("a list that leaves the static address out", func(p *plan) {
		p.host(1).Firewall.Rulesets[0] = vicEngine(true, addresses("10.0.0.5"))
		p.vch.Management.IP = "10.0.0.6/24"
	}, checks.CreateRefuses, checks.Fail),
	Entry("a list that has the public address, on the port group of management", func(p *plan) {
		p.host(1).Firewall.Rulesets[0] = vicEngine(true, networks("10.0.0.0", 24))
		p.vch.Public.IP = "10.0.0.6/24"
	}, checks.CreateSilent, checks.Warn),
	Entry("by a borrowed ruleset", func(p *plan) { p.shut(1); p.host(1).Firewall.Rulesets[1] = nfs(true, all()) }, checks.CreateSilent, checks.Warn),
	Entry("a borrowed ruleset with its own list is a warning to create", func(p *plan) { p.shut(1); p.host(1).Firewall.Rulesets[1] = nfs(true, addresses("10.0.0.5")) },
		checks.CreateWarns, checks.Fail),
)

var _ = Describe("Classify", func() {
	It("leaves a run alone that is about no virtual container host", func() {
		h := host(vSPC(false, all()))
		f := facts(h)
		results := checks.Run(checks.Default(), f)
		Expect(checks.Classify(results, f)).To(Equal(results))
	})
	It("knows that create judges no other requirement", func() {
		p := deployable()
		p.shut(1)
		f := p.facts()
		f.Judged = checks.JudgeAll(f.Inventory, vicAt(9000))
		for _, r := range checks.Classify(checks.Run(checks.Default(), f), f) {
			Expect(r.Class).To(Or(BeEmpty(), Equal(checks.CreateSilent)), r.Check)
		}
	})
	It("does not write to the results, and keeps a class", func() {
		p := deployable()
		p.host(1).Firewall.Switch.Loaded = inventory.No
		p.shut(1)
		f := p.facts()
		results := checks.Run(slices.Concat(checks.Default(), checks.Create()), f)
		results[0].Class = checks.CreateWarns
		before := slices.Clone(results)
		status := results[0].Status
		Expect(checks.Classify(results, f)[0].Class).To(Equal(checks.CreateWarns))
		Expect(results).To(Equal(before))
		Expect(results[0].Status).To(Equal(status))
	})
})

var _ = Describe("the checks of create", func() {
	It("answer nothing where nothing is to be created", func() {
		Expect(checks.Run(checks.Create(), facts(host()))).To(BeEmpty())
	})
	It("pass nothing of which nothing is known", func() {
		for _, kind := range []inventory.Kind{"", inventory.VCenter, inventory.ESXi} {
			for _, place := range []*inventory.Placement{nil, {}, {Compute: inventory.ComputeResource{ID: "c-1", Path: "/dc1/host/prod", Cluster: true}}} {
				asked := &checks.VCH{Name: "vch1", StorageQuota: 1, AffinityVMGroup: true, VolumeStores: []string{"a:b"}, ContainerNetworks: []string{"c"}, OpsUser: "u"}
				for _, vch := range []*checks.VCH{{}, asked} {
					inv := &inventory.Inventory{Endpoint: inventory.Endpoint{Kind: kind}, Hosts: []inventory.Host{{ID: "host-1"}, {ID: "host-2"}}, Placement: place}
					for _, r := range checks.Run(ofSite(), checks.Facts{Inventory: inv, VCH: vch}) {
						// That a name is free is read with the compute resource, and a bare host needs
						// no bridge network.
						read := place != nil && place.Compute.ID != "" &&
							(r.Check == checks.VCHNameCheck || r.Check == checks.ComputeResourceCheck || kind == inventory.ESXi && r.Check == checks.BridgeNetworkCheck)
						Expect(r.Status == checks.Pass && !read).To(BeFalse(), "%s passes on %q", r.Check, kind)
					}
				}
			}
		}
	})
	It("give one result for each subject, with reasons that they own to, and a class for findings alone", func() {
		p := deployable()
		p.vch.VolumeStores, p.vch.ContainerNetworks = []string{"vol-one:a", "vol-one:b", "nowhere:c"}, []string{"ext-pg", "ext-pg:bridge", "nowhere"}
		p.vch.StorageQuota, p.vch.AffinityVMGroup, p.place.Compute.DRS = 9, true, inventory.No
		p.mount("shared", 1, readOnly)
		p.license(2)
		seen := map[string]bool{}
		reasons := map[string][]checks.Reason{}
		for _, c := range checks.Create() {
			reasons[c.ID] = c.Reasons
		}
		for _, r := range checks.Run(checks.Create(), p.facts()) {
			key := r.Check + " " + r.Subject
			Expect(seen[key]).To(BeFalse(), key)
			seen[key] = true
			Expect(r.Class != "").To(Equal(r.Status == checks.Warn || r.Status == checks.Fail), key)
			if !r.Status.Fine() {
				Expect(reasons[r.Check]).To(ContainElement(r.Reason), key)
			}
			Expect(r.Detail).NotTo(BeEmpty())
		}
	})
	It("have names of their own, which no reason has", func() {
		ids := checks.IDs()
		Expect(slices.Compact(slices.Sorted(slices.Values(ids)))).To(HaveLen(len(ids)))
		for _, e := range checks.Explanations() {
			Expect(ids).NotTo(ContainElement(string(e.Reason)))
		}
	})
	It("are named by --only in their own runs alone, and left out anywhere", func() {
		_, err := checks.Select(checks.Default(), []string{"license"}, nil)
		Expect(err).To(MatchError(HavePrefix(`the check "license" is made by vic-preflight create alone; here the checks are: outbound-port`)))
		some, err := checks.Select(checks.Default(), nil, []string{"license"})
		Expect(err).NotTo(HaveOccurred())
		Expect(some).To(HaveLen(len(checks.Default())))
		some, err = checks.Select(slices.Concat(checks.Default(), checks.Create()), []string{"license", "outbound-port"}, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(some).To(HaveLen(2))
		_, err = checks.Select(checks.Default(), []string{"licence", "license"}, nil)
		Expect(err).To(MatchError(ContainSubstring(`unknown check "licence"; `)))
	})
})

var _ = It("AttachedHosts tells which hosts create looks at, and why not at the others", func() {
	p := deployable()
	p.mount("shared", 1, readOnly)
	p.placed(2, func(h *inventory.PlacedHost) { h.PoweredOn, h.Unreadable = inventory.Unknown, "it takes System.View" })
	a := checks.AttachedHosts(p.facts())
	Expect(a.Hosts).To(Equal([]string{"host-2", "host-3"}))
	Expect(a.Assumed).To(BeFalse())
	Expect(a.Others).To(Equal(map[string]string{"host-1": "it has shared for reading only"}))
	Expect(a.Unsure).To(HaveKeyWithValue("host-2", ContainSubstring("System.View")))
	Expect(a.Looks("host-1")).To(BeFalse())
	Expect(checks.AttachedHosts(facts(host())).Hosts).To(BeEmpty())

	for n := 2; n <= 3; n++ {
		p.mount("shared", n, readOnly)
	}
	p.host(3).Connection = inventory.NotResponding
	a = checks.AttachedHosts(p.facts())
	Expect(a.Assumed).To(BeTrue())
	Expect(a.Hosts).To(Equal([]string{"host-1", "host-2"}))
	p.host(2).Connection = ""
	Expect(checks.AttachedHosts(p.facts()).Hosts).To(Equal([]string{"host-1", "host-2"}), "not known is not no")
})
