package checks_test

import (
	"math"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/checks"
	"github.com/vic-preflight/vic-preflight/inventory"
)

// readAt is when the facts of these tests were read.
var readAt = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

// plan is a site and what is to be created there. Tests bend one thing of it.
type plan struct {
	inventory.Inventory
	place inventory.Placement
	vch   checks.VCH
}

// deployable is a plan that vic-machine create passes: cluster prod with three hosts.
func deployable() *plan {
	p := &plan{Inventory: inventory.Inventory{Endpoint: inventory.Endpoint{Kind: inventory.VCenter}, Datacenter: "/dc1"}}
	ids := []string{"host-1", "host-2", "host-3"}
	p.place = inventory.Placement{
		Datacenter: "/dc1", ReadAt: readAt,
		Compute: inventory.ComputeResource{
			ID: "c-1", Name: "prod", Path: "/dc1/host/prod", Cluster: true, Hosts: ids, Datastores: []string{"ds-1", "ds-2", "ds-3"},
			DRS: inventory.Yes, Groups: []string{"other"},
		},
		Datastores: []inventory.Datastore{
			store("ds-1", "shared", ids...), store("ds-2", "volumes", ids...), store("ds-3", "vol-one", ids[0]), store("ds-4", "shared-edge", "host-9"),
		},
		Networks: []inventory.VirtualNetwork{
			network("n-1", "VM Network", inventory.StandardNetwork, ids...), network("n-2", "vic-bridge", inventory.DistributedNetwork, ids...),
			network("n-3", "ext-pg", inventory.DistributedNetwork, ids...), network("n-4", "mgmt", inventory.StandardNetwork, ids...),
			network("n-5", "dvs1", inventory.SwitchNetwork), network("n-6", "nsx", inventory.OpaqueNetwork, ids...),
		},
		Setting:  inventory.Setting{Asked: true, Values: []string{"true"}},
		Licenses: map[string]inventory.License{}, Hosts: map[string]inventory.PlacedHost{},
	}
	for i, id := range ids {
		h := host(vicEngine(true, all()), ruleset("vSphereClient", true, all(),
			inventory.Rule{Port: 443, Direction: "inbound", PortType: "dst", Protocol: "tcp"}))
		h.ID, h.Name = id, []string{"esx01", "esx02", "esx03"}[i]
		h.Cluster, h.ClusterPath, h.Path = "prod", "/dc1/host/prod", "/dc1/host/prod/"+h.Name
		h.Maintenance, h.Standby, h.Quarantine = inventory.No, "none", inventory.No
		p.Hosts = append(p.Hosts, h)
		p.place.Licenses[id] = inventory.License{Name: "Enterprise Plus", Features: []string{"serialuri", "dvs"}}
		p.place.Hosts[id] = inventory.PlacedHost{
			PoweredOn: inventory.Yes, ManagedBy: "10.0.0.1", ManagedByKnown: true, NTPServers: []string{"ntp.example"}, NTPRunning: inventory.Yes,
		}
	}
	public := checks.Role{Network: "VM Network"}
	p.vch = checks.VCH{
		Name: "vch1", ComputeResource: "prod", ImageStore: "shared", Bridge: "vic-bridge", Public: public, Client: public, Management: public,
		OpsUser: "vic-ops",
	}
	p.place.OpsUser = &inventory.Login{User: "vic-ops"}
	return p
}

func store(id, name string, hosts ...string) inventory.Datastore {
	free := int64(5 << 30)
	d := inventory.Datastore{
		ID: id, Name: name, Path: "/dc1/datastore/" + name, Free: &free, Accessible: inventory.Yes, Maintenance: "normal", Mounts: []inventory.Mount{},
	}
	for _, h := range hosts {
		d.Mounts = append(d.Mounts, inventory.Mount{Host: h, ReadWrite: inventory.Yes, Mounted: inventory.Yes, Accessible: inventory.Yes})
	}
	return d
}

func network(id, name string, kind inventory.NetworkKind, hosts ...string) inventory.VirtualNetwork {
	n := inventory.VirtualNetwork{ID: id, Name: name, Path: "/dc1/network/" + name, Kind: kind, Hosts: hosts, Uplink: inventory.No}
	if kind == inventory.DistributedNetwork {
		n.Switch = "/dc1/network/dvs1"
	}
	return n
}

// bare makes a bare ESXi host of the plan's first.
func (p *plan) bare() {
	p.Endpoint.Kind = inventory.ESXi
	p.Hosts = p.Hosts[:1]
	p.Hosts[0].Cluster, p.Hosts[0].ClusterPath = "", ""
	c := &p.place.Compute
	c.Cluster, c.DRS, c.Groups, c.Hosts = false, inventory.Unknown, nil, c.Hosts[:1]
	p.placed(1, func(h *inventory.PlacedHost) { h.ManagedBy = "" })
	p.place.Setting = inventory.Setting{}
	p.license(1, "serialuri")
}

// standalone makes a host under a vCenter that is in no cluster of the plan's first.
func (p *plan) standalone() {
	p.bare()
	p.Endpoint.Kind = inventory.VCenter
	p.place.Setting = inventory.Setting{Asked: true, Values: []string{"true"}}
	p.license(1, "serialuri", "dvs")
}

// Parts of a plan, by the numbers of hosts.

func hostID(n int) string { return p1to3[n-1] }

var p1to3 = []string{"host-1", "host-2", "host-3"}

func (p *plan) host(n int) *inventory.Host { return &p.Hosts[n-1] }

func (p *plan) placed(n int, change func(*inventory.PlacedHost)) {
	h := p.place.Hosts[hostID(n)]
	change(&h)
	p.place.Hosts[hostID(n)] = h
}

func (p *plan) license(n int, features ...string) {
	p.place.Licenses[hostID(n)] = inventory.License{Name: "Standard", Features: features}
}

func (p *plan) store(name string) *inventory.Datastore {
	return &p.place.Datastores[slices.IndexFunc(p.place.Datastores, func(d inventory.Datastore) bool { return d.Name == name })]
}

func (p *plan) mount(name string, n int, change func(*inventory.Mount)) {
	d := p.store(name)
	change(&d.Mounts[slices.IndexFunc(d.Mounts, func(m inventory.Mount) bool { return m.Host == hostID(n) })])
}

func readOnly(m *inventory.Mount) { m.ReadWrite = inventory.No }

func (p *plan) network(name string) *inventory.VirtualNetwork {
	return &p.place.Networks[slices.IndexFunc(p.place.Networks, func(n inventory.VirtualNetwork) bool { return n.Name == name })]
}

// facts are those of the plan, judged for the port.
func (p *plan) facts() checks.Facts {
	inv, place, vch := p.Inventory, p.place, p.vch
	inv.Placement = &place
	return checks.Facts{Inventory: &inv, Judged: checks.JudgeAll(&inv, checks.VIC()), VCH: &vch}
}

// ofSite are the checks of create but for those of the options alone.
func ofSite() []checks.Check {
	options := map[string]bool{}
	for _, c := range checks.InputChecks() {
		options[c.ID] = true
	}
	return slices.DeleteFunc(checks.Create(), func(c checks.Check) bool { return options[c.ID] })
}

// run makes the checks of a run about a virtual container host.
func (p *plan) run() []checks.Result {
	f := p.facts()
	return checks.Classify(checks.Run(slices.Concat(checks.Default(), ofSite()), f), f)
}

// findings are all that a run has to say but for passes and what is left out, as
// check/subject: status reason class.
func (p *plan) findings() []string {
	var list []string
	for _, r := range p.run() {
		if !r.Status.Fine() {
			words := []string{r.Check + "/" + r.Subject[strings.LastIndex(r.Subject, "/")+1:] + ":", r.Status.String(), string(r.Reason), string(r.Class)}
			list = append(list, strings.TrimSpace(strings.Join(words, " ")))
		}
	}
	return list
}

// bent is one way to bend a plan, with all that is found then.
type bent struct {
	bend func(*plan)
	want []string
	says string // a part of the first finding's detail
}

func verifyRule(r bent) {
	p := deployable()
	r.bend(p)
	Expect(p.findings()).To(ConsistOf(r.want))
	for _, res := range p.run() {
		if !res.Status.Fine() {
			Expect(res.Detail).To(ContainSubstring(r.says))
			break
		}
	}
}

var _ = Describe("a site where all is in order", func() {
	for _, kind := range []struct {
		name string
		bend func(*plan)
	}{{"in a cluster", func(*plan) {}}, {"a standalone host", (*plan).standalone}, {"a bare host", (*plan).bare}} {
		It("has no finding: "+kind.name, func() {
			p := deployable()
			kind.bend(p)
			Expect(p.findings()).To(BeEmpty())
			answered := map[string]bool{}
			for _, r := range p.run() {
				answered[r.Check] = true
				Expect(r.Class).To(BeEmpty())
			}
			for _, c := range ofSite() {
				Expect(answered[c.ID]).To(BeTrue(), "%s is silent", c.ID)
			}
		})
	}
})

var _ = It("the switch that a finding names is the port group's own, among several of one name", func() {
	p := deployable()
	p.vch.ContainerNetworks = []string{"ext-pg"}
	p.network("ext-pg").Hosts = p1to3[1:]
	p.place.Networks = append([]inventory.VirtualNetwork{{ID: "n-0", Name: "dvs1", Path: "/dc1/network/a/dvs1", Kind: inventory.SwitchNetwork}}, p.place.Networks...)
	i := slices.IndexFunc(p.run(), func(r checks.Result) bool { return r.Reason == checks.HostOutsideSwitch })
	Expect(p.run()[i].Switch).To(Equal("/dc1/network/dvs1"))
})

var _ = DescribeTable("the target, the name and the user", verifyRule,
	Entry("a host that a vCenter manages", bent{
		func(p *plan) { p.bare(); p.placed(1, func(h *inventory.PlacedHost) { h.ManagedBy = "10.0.0.1" }) },
		[]string{"managed-by-vcenter/esx01: fail vcenter-managed create-refuses"},
		"10.0.0.1",
	}),
	Entry("a host of which that is not known", bent{func(p *plan) {
		p.bare()
		p.placed(1, func(h *inventory.PlacedHost) {
			h.ManagedBy, h.ManagedByKnown, h.Unreadable = "", false, "it takes System.View"
		})
	}, []string{"managed-by-vcenter/esx01: unknown place-unreadable"}, "System.View"}),
	Entry("a compute resource that is not there", bent{func(p *plan) {
		p.place.Compute = inventory.ComputeResource{Problem: "there is no compute resource \"prod\""}
	}, []string{"compute-resource/--compute-resource: fail compute-resource-missing create-refuses"}, "\"prod\""}),
	Entry("a compute resource that nobody looked for", bent{func(p *plan) {
		p.place = inventory.Placement{}
	}, []string{
		"compute-resource/--compute-resource: unknown place-unreadable", "image-store/--image-store: unknown place-unreadable",
		"datastore-access/--compute-resource: unknown place-unreadable", "attached-hosts/--compute-resource: unknown place-unreadable",
		"networks/--public-network: unknown place-unreadable", "bridge-network/--bridge-network: unknown place-unreadable",
		"network-hosts/--compute-resource: unknown place-unreadable",
		"persist-network-backing/config.vpxd.SerialPort.PersistNetworkBacking: unknown place-unreadable",
		"license/--compute-resource: unknown place-unreadable", "license-expiry/--compute-resource: unknown place-unreadable",
		"drs/--compute-resource: unknown place-unreadable", "esxcli/--compute-resource: unknown place-unreadable",
		"vch-name/--name: unknown place-unreadable", "time-sync/--compute-resource: unknown place-unreadable",
		"inbound-443/--compute-resource: unknown place-unreadable",
	}, ""}),
	Entry("a name that a virtual machine in the pool has", bent{
		func(p *plan) { p.place.Taken.InPool = "/dc1/vm/vch1" },
		[]string{"vch-name/vch1: fail name-taken create-refuses"},
		"vch1",
	}),
	Entry("a name that is in the folder", bent{
		func(p *plan) { p.place.Taken.InFolder = "/dc1/vm/vch1" },
		[]string{"vch-name/vch1: fail name-taken-in-folder create-refuses"},
		"after it has made a resource pool",
	}),
	Entry("a name that was not looked for", bent{
		func(p *plan) { p.place.Taken.Unreadable = "it takes System.View" },
		[]string{"vch-name/--name: unknown place-unreadable"},
		"System.View",
	}),
	Entry("no user of its own", bent{
		func(p *plan) { p.vch.OpsUser = "" },
		[]string{"ops-user/--ops-user: warn administrative-user create-warns"},
		"--ops-user",
	}),
	Entry("permissions for nobody", bent{
		func(p *plan) { p.vch.OpsUser, p.vch.OpsGrantPerms = "", true },
		[]string{"ops-user/--ops-user: fail grant-without-user create-refuses"},
		"--ops-grant-perms",
	}),
	Entry("a user that was not tried", bent{func(p *plan) { p.place.OpsUser = nil }, nil, ""}),
	Entry("a user that could not be tried", bent{
		func(p *plan) { p.place.OpsUser.Err = "the time ran out" },
		[]string{"ops-user/--ops-user: unknown place-unreadable"},
		"the time ran out",
	}),
	Entry("a wrong password", bent{
		func(p *plan) { p.place.OpsUser.Refused = true },
		[]string{"ops-user/--ops-user: fail ops-user-refused create-refuses"},
		"cannot sign in",
	}),
)

const settingResult = "persist-network-backing/config.vpxd.SerialPort.PersistNetworkBacking: "

var _ = DescribeTable("persist-network-backing", verifyRule,
	Entry("not set, and create may set it", bent{
		func(p *plan) { p.place.Setting.Values, p.place.Setting.MayChange = nil, inventory.Yes },
		[]string{settingResult + "warn setting-unset create-silent"},
		"would set it itself",
	}),
	Entry("in capitals", bent{
		func(p *plan) { p.place.Setting.Values, p.place.Setting.MayChange = []string{"TRUE"}, inventory.Yes },
		[]string{settingResult + "warn setting-unset create-silent"},
		`"TRUE"`,
	}),
	Entry("twice", bent{
		func(p *plan) {
			p.place.Setting.Values, p.place.Setting.MayChange = []string{"true", "true"}, inventory.Yes
		},
		[]string{settingResult + "fail setting-refused create-refuses"},
		`"true" and "true"`,
	}),
	Entry("not set, and create may not set it", bent{
		func(p *plan) { p.place.Setting.Values, p.place.Setting.MayChange = nil, inventory.No },
		[]string{settingResult + "fail setting-refused create-refuses"},
		"Global.Settings",
	}),
	Entry("not set, and whether create may set it is not known", bent{
		func(p *plan) { p.place.Setting.Values = nil },
		[]string{settingResult + "warn setting-unset create-silent"},
		"not known",
	}),
	Entry("not to be read", bent{
		func(p *plan) { p.place.Setting = inventory.Setting{Asked: true, Unreadable: "it takes System.Read"} },
		[]string{settingResult + "unknown place-unreadable"},
		"System.Read",
	}),
	Entry("not asked for", bent{
		func(p *plan) { p.place.Setting = inventory.Setting{} },
		[]string{settingResult + "unknown place-unreadable"},
		"not read",
	}),
)

var _ = DescribeTable("datastores", verifyRule,
	Entry("an image store in a folder of the datastore", bent{func(p *plan) { p.vch.ImageStore = "ds://shared/images" }, nil, ""}),
	Entry("no image store, with several datastores", bent{func(p *plan) { p.vch.ImageStore = "" }, []string{
		"image-store/--image-store: fail datastore-missing create-refuses",
	}, "the datacenter has 4"}),
	Entry("no image store, with one datastore", bent{func(p *plan) { p.vch.ImageStore, p.place.Datastores = "", p.place.Datastores[:1] }, nil, ""}),
	Entry("two datastores of one name", bent{func(p *plan) {
		p.place.Datastores[1] = store("ds-2", "shared", p1to3...)
		p.place.Datastores[1].Path = "/dc1/datastore/folder/shared"
	}, []string{
		"image-store/--image-store: fail datastore-ambiguous create-refuses",
	}, "/dc1/datastore/folder/shared"}),
	Entry("datastores that may not be read", bent{func(p *plan) {
		p.place.Datastores, p.place.DatastoresUnreadable = nil, "it takes System.View"
	}, []string{
		"image-store/--image-store: unknown place-unreadable", "datastore-access/prod: unknown place-unreadable", "attached-hosts/esx01: unknown place-unreadable",
		"attached-hosts/esx02: unknown place-unreadable", "attached-hosts/esx03: unknown place-unreadable",
	}, "System.View"}),
	Entry("mounts that may not be read", bent{func(p *plan) { d := p.store("shared"); d.Mounts, d.Unreadable = nil, "it takes System.Read" }, []string{
		"datastore-access/prod: unknown place-unreadable", "attached-hosts/esx01: unknown place-unreadable",
		"attached-hosts/esx02: unknown place-unreadable", "attached-hosts/esx03: unknown place-unreadable",
	}, "not known"}),
	Entry("an image store that is not accessible as a whole", bent{
		func(p *plan) { p.store("shared").Accessible = inventory.No },
		[]string{"image-store/shared: warn datastore-inaccessible create-silent"},
		"not accessible",
	}),
	Entry("an image store in maintenance", bent{
		func(p *plan) { p.store("shared").Maintenance = "inMaintenance" },
		[]string{"image-store/shared: warn datastore-maintenance create-silent"},
		"inMaintenance",
	}),
	Entry("both: the other is told too", bent{func(p *plan) {
		p.store("shared").Accessible, p.store("shared").Maintenance = inventory.No, "inMaintenance"
	}, []string{"image-store/shared: warn datastore-inaccessible create-silent"}, "besides (datastore-maintenance)"}),
	Entry("volume stores that all hosts have, one of them twice, and one over NFS", bent{func(p *plan) {
		p.vch.VolumeStores = []string{"volumes:default", "ds://volumes/more:other", "nfs://filer/export:nfs"}
	}, nil, ""}),
	Entry("a volume store that is not there", bent{
		func(p *plan) { p.vch.VolumeStores = []string{"nowhere:default"} },
		[]string{"volume-store/--volume-store nowhere:default: fail datastore-missing create-refuses"},
		`"nowhere"`,
	}),
	Entry("a volume store without a label is looked for all the same", bent{func(p *plan) { p.vch.VolumeStores = []string{"volumes"} }, nil, ""}),
	Entry("a volume store that a host cannot use", bent{func(p *plan) {
		p.vch.VolumeStores = []string{"volumes:default"}
		p.mount("volumes", 1, readOnly)
	}, []string{"volume-store/volumes: warn partly-mounted create-silent"}, "esx01"}),
	Entry("a quota, and free space that is not known", bent{
		func(p *plan) { p.vch.StorageQuota = 1; p.store("shared").Free = nil },
		[]string{"storage-quota/shared: unknown place-unreadable"},
		"not known",
	}),
	Entry("a quota that no number of bytes holds", bent{
		func(p *plan) { p.vch.StorageQuota = math.MaxInt64 },
		[]string{"storage-quota/shared: fail quota-exceeds-space create-refuses"},
		"5 GiB",
	}),
	Entry("a compute resource that tells of no datastores", bent{func(p *plan) {
		p.place.Compute.Datastores, p.place.Compute.Unreadable = nil, "it takes System.Read"
	}, []string{"image-store/shared: unknown place-unreadable"}, "System.Read"}),
	Entry("a compute resource that tells of no hosts", bent{func(p *plan) {
		p.place.Compute.Hosts, p.place.Compute.Unreadable = nil, "it takes System.Read"
	}, []string{"datastore-access/prod: unknown place-unreadable"}, "System.Read"}),
	Entry("a host that was not read", bent{
		func(p *plan) { p.Hosts = p.Hosts[:2] },
		[]string{"attached-hosts/prod: unknown place-unreadable"},
		"host-3",
	}),
	Entry("a host without the image store", bent{
		func(p *plan) { p.store("shared").Mounts = p.store("shared").Mounts[:2] },
		[]string{"attached-hosts/esx03: warn host-unattached create-silent"},
		"it does not have shared",
	}),
	Entry("a host that has the image store unmounted", bent{
		func(p *plan) { p.mount("shared", 3, func(m *inventory.Mount) { m.Mounted = inventory.No }) },
		[]string{"attached-hosts/esx03: warn host-unattached create-silent"},
		"unmounted",
	}),
	Entry("a host whose power is not known", bent{
		func(p *plan) { p.placed(3, func(h *inventory.PlacedHost) { h.PoweredOn = inventory.Unknown }) },
		[]string{"attached-hosts/esx03: unknown place-unreadable"},
		"powered on",
	}),
)

var _ = DescribeTable("networks", verifyRule,
	Entry("one bad public network is one finding for three roles", bent{func(p *plan) {
		p.vch.Public.Network, p.vch.Client.Network, p.vch.Management.Network = "nowhere", "nowhere", "nowhere"
	}, []string{"networks/--public-network: fail network-missing create-refuses"}, "--public-network, --client-network and --management-network"}),
	Entry("a glob that fits two", bent{
		func(p *plan) { p.vch.Client.Network = "*-*" },
		[]string{"networks/--client-network: fail network-ambiguous create-refuses"},
		"vic-bridge",
	}),
	Entry("networks that may not be read", bent{func(p *plan) { p.place.Networks, p.place.NetworksUnreadable = nil, "it takes System.View" }, []string{
		"networks/--public-network: unknown place-unreadable", "bridge-network/--bridge-network: unknown place-unreadable",
		"network-hosts/esx01: unknown place-unreadable", "network-hosts/esx02: unknown place-unreadable", "network-hosts/esx03: unknown place-unreadable",
	}, "System.View"}),
	Entry("a switch is a network to the roles", bent{func(p *plan) { p.vch.Management.Network = "dvs1" }, nil, ""}),
	Entry("a bridge that is a switch", bent{
		func(p *plan) { p.vch.Bridge = "dvs1" },
		[]string{"bridge-network/dvs1: fail network-kind create-refuses"},
		"not one of its port groups",
	}),
	Entry("an opaque bridge", bent{func(p *plan) { p.vch.Bridge = "nsx" }, nil, ""}),
	Entry("a bridge of the name of the virtual container host", bent{
		func(p *plan) { p.vch.Bridge = "" },
		[]string{"bridge-network/--bridge-network: fail network-missing create-refuses"},
		`"vch1"`,
	}),
	Entry("on a bare host create makes it", bent{func(p *plan) { p.bare(); p.vch.Bridge = "" }, nil, ""}),
	Entry("on a bare host it must not be shared either", bent{
		func(p *plan) { p.bare(); p.vch.Bridge = "VM Network" },
		[]string{"bridge-network/VM Network: fail bridge-shared create-refuses"},
		"--public-network",
	}),
	Entry("a bridge by its path that is also a role's by its name", bent{
		func(p *plan) { p.vch.Bridge, p.vch.Client.Network = "/dc1/network/ext-pg", "ext-pg" },
		[]string{"bridge-network/ext-pg: warn bridge-same-network create-silent"},
		"--client-network ext-pg",
	}),
	Entry("a bridge that is a container network", bent{
		func(p *plan) { p.vch.ContainerNetworks = []string{"vic-bridge:outside"} },
		[]string{"bridge-network/vic-bridge: fail bridge-shared create-refuses"},
		"--container-network",
	}),
	Entry("a bridge that is a container network by its path", bent{
		func(p *plan) { p.vch.ContainerNetworks = []string{"/dc1/network/vic-bridge:outside"} },
		[]string{"bridge-network/vic-bridge: warn bridge-same-network create-silent"},
		"--container-network",
	}),
	Entry("a bridge for uplinks", bent{
		func(p *plan) { p.network("vic-bridge").Uplink = inventory.Yes },
		[]string{"bridge-network/vic-bridge: warn uplink-port-group create-silent"},
		"uplinks",
	}),
	Entry("a bridge of which that is not known", bent{
		func(p *plan) { p.network("vic-bridge").Uplink = inventory.Unknown },
		[]string{"bridge-network/vic-bridge: unknown place-unreadable"},
		"uplinks",
	}),
	Entry("container networks, one of them twice", bent{func(p *plan) { p.vch.ContainerNetworks = []string{"ext-pg:a", "ext-pg:b", "nsx"} }, nil, ""}),
	Entry("a container network that is not there", bent{
		func(p *plan) { p.vch.ContainerNetworks = []string{"nowhere:a"} },
		[]string{"container-networks/--container-network nowhere: fail network-missing create-refuses"},
		`"nowhere"`,
	}),
	Entry("a container network of standard switches", bent{
		func(p *plan) { p.vch.ContainerNetworks = []string{"mgmt"} },
		[]string{"container-networks/mgmt: fail network-kind create-refuses"},
		"standard switches",
	}),
	Entry("any container network on a bare host", bent{func(p *plan) { p.bare(); p.vch.ContainerNetworks = []string{"mgmt"} }, nil, ""}),
	Entry("a container network of the alias bridge", bent{
		func(p *plan) { p.vch.ContainerNetworks = []string{"ext-pg:bridge"} },
		[]string{"container-networks/ext-pg: fail reserved-alias create-refuses"},
		"another alias",
	}),
	Entry("a host without the container network", bent{func(p *plan) {
		p.vch.ContainerNetworks = []string{"ext-pg"}
		p.network("ext-pg").Hosts = p1to3[1:]
	}, []string{"network-hosts/esx01: fail host-outside-switch create-refuses"}, "ext-pg (of the switch dvs1)"}),
	Entry("a host without the public network", bent{
		func(p *plan) { p.network("VM Network").Hosts = p1to3[1:] },
		[]string{"network-hosts/esx01: warn host-outside-network create-silent"},
		"VM Network",
	}),
	Entry("a network of which the hosts are not known", bent{
		func(p *plan) { n := p.network("vic-bridge"); n.Hosts, n.Unreadable = nil, "it takes System.Read" },
		[]string{
			"network-hosts/esx01: unknown place-unreadable", "network-hosts/esx02: unknown place-unreadable", "network-hosts/esx03: unknown place-unreadable",
		},
		"System.Read",
	}),
)

var _ = DescribeTable("licenses", verifyRule,
	Entry("none assigned", bent{
		func(p *plan) { delete(p.place.Licenses, "host-2") },
		[]string{"license/esx02: fail license-feature create-refuses"},
		"serialuri and dvs",
	}),
	Entry("without a feature, on a host that create does not look at", bent{
		func(p *plan) { p.license(3, "dvs"); p.mount("shared", 3, readOnly) },
		[]string{"attached-hosts/esx03: warn host-unattached create-silent", "license/esx03: warn license-feature create-silent"},
		"for reading only",
	}),
	Entry("ended", bent{
		func(p *plan) { p.place.Licenses["host-2"] = licenseUntil(readAt) },
		[]string{"license-expiry/esx02: warn license-ended create-silent"},
		"2026-05-01",
	}),
	Entry("ends in 29 days", bent{
		func(p *plan) { p.place.Licenses["host-2"] = licenseUntil(readAt.AddDate(0, 0, 29)) },
		[]string{"license-expiry/esx02: warn license-ends-soon create-silent"},
		"2026-05-30",
	}),
	Entry("ends in 30 days", bent{func(p *plan) { p.place.Licenses["host-2"] = licenseUntil(readAt.AddDate(0, 0, 30)) }, nil, ""}),
	Entry("for evaluation, and nobody knows until when", bent{
		func(p *plan) { l := licenseUntil(time.Time{}); l.Evaluation = true; p.place.Licenses["host-2"] = l },
		[]string{"license-expiry/esx02: unknown place-unreadable"},
		"evaluation",
	}),
	Entry("never read", bent{
		func(p *plan) { p.place.Licenses = nil; p.Hosts, p.place.Compute.Hosts = p.Hosts[:1], p1to3[:1] },
		[]string{"license/esx01: unknown place-unreadable", "license-expiry/esx01: unknown place-unreadable"},
		"not read",
	}),
)

func licenseUntil(end time.Time) inventory.License {
	return inventory.License{Features: []string{"serialuri", "dvs"}, Expires: end}
}

var _ = DescribeTable("DRS and groups", verifyRule,
	Entry("off, with limits that are ignored", bent{
		func(p *plan) { p.place.Compute.DRS, p.vch.Limits = inventory.No, []string{"--cpu", "--memory"} },
		[]string{"drs/prod: warn drs-off create-warns"},
		"--cpu and --memory",
	}),
	Entry("not to be read", bent{
		func(p *plan) {
			p.place.Compute.DRS, p.place.Compute.Unreadable = inventory.Unknown, "it takes System.Read"
		},
		[]string{"drs/prod: unknown place-unreadable"},
		"System.Read",
	}),
	Entry("a group, with DRS", bent{func(p *plan) { p.vch.AffinityVMGroup = true }, nil, ""}),
	Entry("a group, with DRS not known", bent{
		func(p *plan) { p.vch.AffinityVMGroup, p.place.Compute.DRS = true, inventory.Unknown },
		[]string{"drs/prod: unknown place-unreadable", "vm-group/prod: unknown place-unreadable"},
		"crashes",
	}),
	Entry("a group on a standalone host", bent{
		func(p *plan) { p.standalone(); p.vch.AffinityVMGroup = true },
		[]string{"vm-group/prod: fail vm-group-without-drs create-refuses"},
		"standalone",
	}),
	Entry("a group on a bare host", bent{
		func(p *plan) { p.bare(); p.vch.AffinityVMGroup = true },
		[]string{"vm-group/prod: fail vm-group-without-drs create-refuses"},
		"vCenter",
	}),
)

var _ = DescribeTable("esxcli, time and inbound 443", verifyRule,
	Entry("a host that was not asked", bent{
		func(p *plan) { p.host(2).Firewall.Switch = inventory.Switch{NotAsked: true} },
		[]string{"esxcli/esx02: unknown place-unreadable"},
		"not asked",
	}),
	Entry("a host that was not asked, and create does not ask it", bent{func(p *plan) {
		p.host(3).Firewall.Switch = inventory.Switch{NotAsked: true}
		p.mount("shared", 3, readOnly)
	}, []string{"attached-hosts/esx03: warn host-unattached create-silent"}, ""}),
	Entry("a host that refuses, and create does not ask it", bent{func(p *plan) {
		p.host(3).Firewall.Switch = inventory.Switch{Unreadable: "the account has no permission"}
		p.mount("shared", 3, readOnly)
	}, []string{
		"attached-hosts/esx03: warn host-unattached create-silent",
		"esxcli/esx03: warn esxcli-refused create-silent",
	}, ""}),
	Entry("a host that there was no time for", bent{
		func(p *plan) { p.host(2).Firewall.Switch = inventory.Switch{Unreadable: "the time ran out"} },
		[]string{"firewall-state/esx02: warn switch-unreadable create-silent", "esxcli/esx02: unknown place-unreadable"},
		"",
	}),
	Entry("a host that knows no esxcli is one with a firewall to create", bent{func(p *plan) {
		p.host(2).Firewall.Switch = inventory.Switch{Unreadable: "the server has no method X"}
	}, []string{"firewall-state/esx02: warn switch-unreadable create-silent"}, ""}),
	Entry("no NTP", bent{
		func(p *plan) { p.placed(2, func(h *inventory.PlacedHost) { h.NTPServers = []string{} }) },
		[]string{"time-sync/esx02: warn ntp-unset create-silent"},
		"no NTP server",
	}),
	Entry("NTP stopped", bent{
		func(p *plan) { p.placed(2, func(h *inventory.PlacedHost) { h.NTPRunning = inventory.No }) },
		[]string{"time-sync/esx02: warn ntp-stopped create-silent"},
		"ntpd",
	}),
	Entry("other servers than the others", bent{
		func(p *plan) { p.placed(2, func(h *inventory.PlacedHost) { h.NTPServers = []string{"other.example"} }) },
		[]string{"time-sync/esx02: warn ntp-differs create-silent"},
		"other.example",
	}),
	Entry("the same in another order and case", bent{func(p *plan) {
		for n, servers := range map[int][]string{1: {"a", "b"}, 2: {"B", "a"}, 3: {"b", "A"}} {
			p.placed(n, func(h *inventory.PlacedHost) { h.NTPServers = servers })
		}
	}, nil, ""}),
	Entry("NTP not known", bent{
		func(p *plan) {
			p.placed(2, func(h *inventory.PlacedHost) { h.NTPServers, h.Unreadable = nil, "it takes System.Read" })
		},
		[]string{"time-sync/esx02: unknown place-unreadable"},
		"System.Read",
	}),
	Entry("NTP servers known, and the service not", bent{
		func(p *plan) { p.placed(2, func(h *inventory.PlacedHost) { h.NTPRunning = inventory.Unknown }) },
		[]string{"time-sync/esx02: unknown place-unreadable"},
		"ntpd",
	}),
	Entry("443 shut", bent{
		func(p *plan) { p.Hosts[1].Firewall.Rulesets = host(vicEngine(true, all())).Firewall.Rulesets },
		[]string{"inbound-443/esx02: warn inbound-shut create-silent"},
		"TCP 443",
	}),
)
